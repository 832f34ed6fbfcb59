"""The tagger: the one path from sentence to tag, used by evaluation, HTTP and bulk tagging alike."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from labels.scheme import STANCES
from serve.calibrate import probabilities
from serve.decode import decode_roles
from serve.encode import Encoder
from serve.forward import TorchForward, choose_device
from serve.model_folder import Decision, load
from serve.prediction import Prediction
from serve.records import ModelInfo, TagRecord
from serve.schedule import token_budget_batches

#: Tokens per batch, padding included; larger batches gain nothing on a CPU and cost memory.
TOKEN_BUDGET: Final = 4096


class Tagger:
    """Encode, forward, calibrate, decode: a `Predictor` built from live parts."""

    def __init__(self, encoder: Encoder, forward: TorchForward, decision: Decision, info: ModelInfo) -> None:
        self.info = info
        self._encoder = encoder
        self._forward = forward
        self._decision = decision

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> Self:
        """Load a saved model.

        Raises:
            ModelError: the folder is missing, damaged, or of another make.
            DeviceError: `device` is not one that this machine has.
        """
        saved = load(folder)
        forward = TorchForward(saved.network, choose_device(device))
        return cls(Encoder(saved.tokenizer, saved.manifest.max_length), forward, saved.manifest.decision, saved.info)

    def predict(self, sentences: Sequence[str]) -> list[Prediction]:
        """Predict each sentence, order kept; a prediction depends on no other sentence."""
        encodings = self._encoder.encode(sentences)
        predictions: dict[int, Prediction] = {}
        for batch in token_budget_batches([len(encoding) for encoding in encodings], TOKEN_BUDGET):
            ids, mask = self._encoder.pad([encodings[position].ids for position in batch])
            stance_logits, role_logits = self._forward(ids, mask)
            scores = probabilities(stance_logits, self._decision.temperature)
            for row, position in enumerate(batch):
                best = int(scores[row].argmax())
                label = STANCES[best]
                encoding = encodings[position]
                first, second, third, fourth = map(float, scores[row])
                predictions[position] = Prediction(
                    label=label,
                    scores=(first, second, third, fourth),
                    abstained=bool(scores[row, best] < self._decision.abstain_below),
                    roles={} if label == "neutral" else decode_roles(encoding, role_logits[row]),
                    truncated=encoding.truncated,
                )
        return [predictions[position] for position in range(len(sentences))]

    def tag(self, sentences: Sequence[str]) -> list[TagRecord]:
        """The stance record of each sentence, order kept."""
        return [
            TagRecord.of(sentence, prediction, self.info)
            for sentence, prediction in zip(sentences, self.predict(sentences), strict=True)
        ]

"""The tagger: the one path from sentence to tag, used by evaluation, HTTP and bulk tagging alike."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final, Self

from labels.scheme import STANCES
from serve.answers import Answer, AnswerMemory, key_of
from serve.calibrate import probabilities
from serve.decode import decode_roles, to_characters
from serve.encode import Encoder, Encoding
from serve.forward import Forward, TorchForward, choose_device
from serve.model_folder import Decision, load
from serve.prediction import Prediction
from serve.records import ModelInfo, TagRecord
from serve.schedule import PADDING, equal_length_batches

#: Tokens per batch, padding included; larger batches gain nothing on a CPU and cost memory.
TOKEN_BUDGET: Final = 1024
#: Sentences that `stream` sorts by length at a time.
WINDOW: Final = 2048


class Tagger:
    """Encode, forward, calibrate, decode: a `Predictor` built from live parts."""

    def __init__(self, encoder: Encoder, forward: Forward, decision: Decision, info: ModelInfo) -> None:
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
        return self._predict(self._encoder.encode(sentences), AnswerMemory())

    def stream(self, sentences: Iterable[str], window: int = WINDOW) -> Iterator[Prediction]:
        """Predict sentences as they come, order kept, in memory that does not grow with their number.

        The next `window` sentences are read and encoded while the present ones are computed, and a sentence that was
        answered not long ago is not computed again.
        """
        memory = AnswerMemory()
        unread = iter(sentences)

        def encode_next() -> list[Encoding]:
            return self._encoder.encode(list(islice(unread, window)))

        with ThreadPoolExecutor(1) as ahead:
            upcoming = ahead.submit(encode_next)
            while encodings := upcoming.result():
                upcoming = ahead.submit(encode_next)
                yield from self._predict(encodings, memory)

    def tag(self, sentences: Sequence[str]) -> list[TagRecord]:
        """The stance record of each sentence, order kept."""
        return [
            TagRecord.of(sentence, prediction, self.info)
            for sentence, prediction in zip(sentences, self.predict(sentences), strict=True)
        ]

    def _predict(self, encodings: Sequence[Encoding], memory: AnswerMemory) -> list[Prediction]:
        keys = [key_of(encoding) for encoding in encodings]
        known = {key: memory[key] for key in keys if key in memory}
        # The first of each kind, for those that are the same to the network are computed once.
        missing = {key: encoding for key, encoding in zip(keys, encodings, strict=True) if key not in known}
        for key, answer in zip(missing, self._compute(list(missing.values())), strict=True):
            known[key] = memory[key] = answer
        return [_prediction(known[key], encoding) for key, encoding in zip(keys, encodings, strict=True)]

    def _compute(self, encodings: Sequence[Encoding]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        for batch in equal_length_batches([len(encoding) for encoding in encodings], TOKEN_BUDGET):
            ids, mask = self._encoder.pad([encodings[position].ids for position in batch], PADDING)
            stance_logits, role_logits = self._forward(ids, mask)
            scores = probabilities(stance_logits, self._decision.temperature)
            for row, position in enumerate(batch):
                best = int(scores[row].argmax())
                label = STANCES[best]
                first, second, third, fourth = map(float, scores[row])
                answers[position] = Answer(
                    label=label,
                    scores=(first, second, third, fourth),
                    abstained=bool(scores[row, best] < self._decision.abstain_below),
                    spans={} if label == "neutral" else decode_roles(encodings[position].words, role_logits[row]),
                )
        return [answers[position] for position in range(len(encodings))]


def _prediction(answer: Answer, encoding: Encoding) -> Prediction:
    return Prediction(
        label=answer.label,
        scores=answer.scores,
        abstained=answer.abstained,
        roles=to_characters(answer.spans, encoding),
        truncated=encoding.truncated,
    )

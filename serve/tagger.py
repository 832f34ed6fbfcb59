"""The tagger: the one path from sentence to tag, used by evaluation, HTTP and bulk tagging alike."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from labels.scheme import STANCES, Role
from serve.answers import Answer, AnswerMemory, key_of
from serve.backend import choose_backend, open_backend, open_cascade
from serve.calibrate import probabilities
from serve.cascade import Cascade
from serve.decode import TokenSpan, decode_roles, to_characters
from serve.encode import Encoder, Encoding
from serve.forward import Floats, Forward
from serve.model_folder import Decision, read_manifest, read_tokenizer
from serve.packing import usual_batches
from serve.prediction import AnsweredBy, Prediction
from serve.records import ModelInfo, TagRecord
from serve.schedule import TOKEN_BUDGET, batches, padded_length

Tokens = NDArray[np.int64]
_NEUTRAL: Final = STANCES.index("neutral")
#: Sentences that `stream` sorts by length at a time.
WINDOW: Final = 2048


class Tagger:
    """Encode, forward, calibrate, decode: a `Predictor` built from live parts."""

    def __init__(
        self,
        encoder: Encoder,
        forward: Forward,
        decision: Decision,
        info: ModelInfo,
        cascade: Cascade | None = None,
        runs_as: str = "torch",
    ) -> None:
        self.info = info
        self.runs_as = runs_as
        """Backend and device, for people to read."""
        self._encoder = encoder
        self._forward = forward
        self.decision = decision
        self._cascade = cascade

    @property
    def parallel(self) -> int:
        """Calls of `compute` that are worth making at a time."""
        return self._forward.parallel

    @property
    def packs(self) -> bool:
        """Whether sentences of any lengths are worth giving to `compute` together; else those of one length are."""
        return self._forward.packs

    @classmethod
    def load(
        cls,
        folder: Path,
        device: str = "auto",
        backend: str = "auto",
        threads: int | None = None,
        cascade: bool = False,
    ) -> Self:
        """Load a saved model.

        Args:
            folder: where it is.
            device: auto, cpu or cuda; `auto` is the GPU if there is one.
            backend: auto, or one of `serve.backend.Backend`; `auto` is the fastest that the folder has for the device.
            threads: how many compute on the CPU; all cores that the process may use if None.
            cascade: whether the linear model may answer the sentences that it is sure are neutral.

        Raises:
            ModelError: the folder is missing, damaged, of another make, not exported for `backend`, or without a
                linear model.
            DeviceError: `device` is not one that this machine has, or `backend` does not run on it.
        """
        manifest = read_manifest(folder)
        chosen, place = choose_backend(manifest, device, backend)
        encoder = Encoder(read_tokenizer(folder, manifest), manifest.max_length)
        forward = open_backend(folder, manifest, chosen, place, threads)
        linear = open_cascade(folder, manifest) if cascade else None
        runs_as = f"{chosen} on {place}" + (" behind a linear model" if cascade else "")
        return cls(encoder, forward, manifest.decision, manifest.info, linear, runs_as)

    def predict(self, sentences: Sequence[str]) -> list[Prediction]:
        """Predict each sentence, order kept; a prediction depends on no other sentence."""
        return self._predict(self.encode(sentences), AnswerMemory())

    def stream(self, sentences: Iterable[str], window: int = WINDOW) -> Iterator[Prediction]:
        """Predict sentences as they come, order kept, in memory that does not grow with their number.

        The next `window` sentences are read and encoded while the present ones are computed, and a sentence that was
        answered not long ago is not computed again.
        """
        memory = AnswerMemory()
        unread = iter(sentences)

        def encode_next() -> list[Encoding]:
            return self.encode(list(islice(unread, window)))

        ahead = ThreadPoolExecutor(1)
        try:
            upcoming = ahead.submit(encode_next)
            while encodings := upcoming.result():
                upcoming = ahead.submit(encode_next)
                yield from self._predict(encodings, memory)
        finally:
            # Whoever is interrupted does not wait for a sentence that may never come.
            ahead.shutdown(wait=False, cancel_futures=True)

    def tag(self, sentences: Sequence[str]) -> list[TagRecord]:
        """The stance record of each sentence, order kept."""
        return [
            TagRecord.of(sentence, prediction, self.info)
            for sentence, prediction in zip(sentences, self.predict(sentences), strict=True)
        ]

    def encode(self, sentences: Sequence[str]) -> list[Encoding]:
        """The first half of the path, for callers that gather what to compute from several places."""
        return self._encoder.encode(sentences)

    def warm_up(self) -> None:
        """Compute batches of the sizes that will be met most, so that nobody waits later while one is set up."""
        if self.packs:
            lengths = usual_batches(TOKEN_BUDGET, self._encoder.max_length)
            padded = [self._encoder.pad([[0] * length for length in batch]) for batch in lengths]
            # Each of those who compute sets up its own, and which one takes a batch is not for us to say.
            for _ in self._forward_all(padded * self.parallel):
                pass

    def record(self, sentence: str, encoding: Encoding, answer: Answer) -> TagRecord:
        """The stance record of `sentence`, of what `encode` and `compute` made of it."""
        return TagRecord.of(sentence, _prediction(answer, encoding), self.info)

    def _predict(self, encodings: Sequence[Encoding], memory: AnswerMemory) -> list[Prediction]:
        keys = [key_of(encoding) for encoding in encodings]
        known = {key: answer for key in keys if (answer := memory.get(key)) is not None}
        # The first of each kind, for those that are the same to the network are computed once.
        missing = {key: encoding for key, encoding in zip(keys, encodings, strict=True) if key not in known}
        for key, answer in zip(missing, self.compute(list(missing.values())), strict=True):
            known[key] = memory[key] = answer
        return [_prediction(known[key], encoding) for key, encoding in zip(keys, encodings, strict=True)]

    def compute(self, encodings: Sequence[Encoding]) -> list[Answer]:
        """What the model says to each of `encodings`, in their order."""
        answers = {} if self._cascade is None else self._answer_the_plain(encodings, self._cascade)
        left = [position for position in range(len(encodings)) if position not in answers]
        lengths = [len(encodings[position]) for position in left]
        dealt = [[left[member] for member in members] for members in batches(lengths, TOKEN_BUDGET, self.packs)]
        padded = [self._pad([encodings[position].ids for position in batch]) for batch in dealt]
        for batch, (stance_logits, role_logits) in zip(dealt, self._forward_all(padded), strict=True):
            scores = probabilities(stance_logits, self.decision.temperature)
            spans = _decode(scores, [encodings[position].words for position in batch], role_logits)
            for row, position in enumerate(batch):
                answers[position] = self._answer(scores[row], spans[row], "network")
        return [answers[position] for position in range(len(encodings))]

    def _pad(self, ids: Sequence[list[int]]) -> tuple[Tokens, Tokens]:
        return self._encoder.pad(ids, padded_length(max(map(len, ids))))

    def _forward_all(self, padded: Sequence[tuple[Tokens, Tokens]]) -> Iterator[tuple[Floats, Floats]]:
        """Logits of each batch, in order, as many computed at a time as the runtime can."""
        if min(self.parallel, len(padded)) < 2:
            yield from (self._forward(ids, mask) for ids, mask in padded)
            return
        with ThreadPoolExecutor(self.parallel) as threads:
            yield from threads.map(self._forward, *zip(*padded, strict=True))

    def _answer_the_plain(self, encodings: Sequence[Encoding], cascade: Cascade) -> dict[int, Answer]:
        """Answers of the linear model, by position, to what it is sure of."""
        scores = cascade.probabilities(encodings)
        plain: list[int] = np.flatnonzero(cascade.sure(scores)).tolist()
        return {position: self._answer(scores[position], {}, "linear") for position in plain}

    def _answer(self, scores: NDArray[np.float64], spans: Mapping[Role, TokenSpan], answered_by: AnsweredBy) -> Answer:
        best = int(scores.argmax())
        first, second, third, fourth = map(float, scores)
        return Answer(
            label=STANCES[best],
            scores=(first, second, third, fourth),
            abstained=bool(scores[best] < self.decision.abstain_below),
            spans=spans,
            answered_by=answered_by,
        )


def _decode(
    scores: NDArray[np.float64], words: Sequence[Sequence[int]], role_logits: Floats
) -> list[Mapping[Role, TokenSpan]]:
    """The roles of each sentence of a batch; what is neutral has none."""
    found: list[Mapping[Role, TokenSpan]] = [{} for _ in words]
    acts: list[int] = np.flatnonzero(scores.argmax(axis=1) != _NEUTRAL).tolist()
    for row, spans in zip(acts, decode_roles([words[row] for row in acts], role_logits[acts]), strict=True):
        found[row] = spans
    return found


def _prediction(answer: Answer, encoding: Encoding) -> Prediction:
    return Prediction(
        label=answer.label,
        scores=answer.scores,
        abstained=answer.abstained,
        roles=to_characters(answer.spans, encoding),
        truncated=encoding.truncated,
        answered_by=answer.answered_by,
    )

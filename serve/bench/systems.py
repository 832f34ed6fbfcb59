"""What is compared: each a way to get labels from the same saved model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from labels.scheme import Stance
from serve.tagger import Tagger


class System(Protocol):
    """Anything that labels sentences."""

    def labels(self, sentences: Sequence[str]) -> list[Stance]:
        """The label of each sentence, in order."""
        ...


class TaggerSystem:
    """The tagger, which finds the roles too."""

    def __init__(self, folder: Path, backend: str, threads: int, cascade: bool = False) -> None:
        self._tagger = Tagger.load(folder, "cpu", backend, threads, cascade)

    def labels(self, sentences: Sequence[str]) -> list[Stance]:
        """The label of each sentence, in order."""
        return [prediction.label for prediction in self._tagger.stream(sentences)]


@dataclass(frozen=True)
class Spec:
    """A system, not yet loaded."""

    name: str
    build: Callable[[Path, int], System]
    """Takes the model folder and the number of threads."""
    wire_copy: bool = False
    """Whether it is also measured on articles that several outlets print."""


def _pipeline(folder: Path, threads: int, batch_size: int) -> System:
    # Only the worker that needs it pays for importing transformers.
    from serve.bench.pipeline import PipelineSystem

    return PipelineSystem(folder, batch_size, threads)


DEFAULT_PIPELINE: Final = "transformers.pipeline"
BATCHED_PIPELINE: Final = "transformers.pipeline, batches of 32"
TORCH: Final = "torch, equal lengths"

SPECS: Final[dict[str, Spec]] = {
    spec.name: spec
    for spec in (
        Spec(DEFAULT_PIPELINE, lambda folder, threads: _pipeline(folder, threads, 1), wire_copy=True),
        Spec(BATCHED_PIPELINE, lambda folder, threads: _pipeline(folder, threads, 32)),
        Spec(TORCH, lambda folder, threads: TaggerSystem(folder, "torch", threads)),
        Spec("onnx", lambda folder, threads: TaggerSystem(folder, "onnx", threads)),
        Spec("onnx-int8", lambda folder, threads: TaggerSystem(folder, "onnx-int8", threads)),
        Spec("openvino-int8", lambda folder, threads: TaggerSystem(folder, "openvino-int8", threads), wire_copy=True),
        Spec(
            "openvino-int8 behind the cascade",
            lambda folder, threads: TaggerSystem(folder, "openvino-int8", threads, cascade=True),
            wire_copy=True,
        ),
    )
}

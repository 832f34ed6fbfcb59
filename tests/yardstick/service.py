"""The same model as one would have it served by BentoML with `transformers.pipeline`.

It answers with labels alone, where ours has roles, offsets and all four probabilities.
"""

import os
from pathlib import Path

import bentoml

from serve.bench.pipeline import PipelineSystem
from serve.cores import available_cores

_MODEL = Path(os.environ["YARDSTICK_MODEL"])


@bentoml.service(workers=1, traffic={"timeout": 60})
class AsDocumented:
    """A batchable method that hands its list to the pipeline, as the first example of BentoML's README has it."""

    def __init__(self) -> None:
        self._system = PipelineSystem(_MODEL, 1, available_cores())

    @bentoml.api(batchable=True)  # type: ignore[untyped-decorator]
    def tag(self, sentences: list[str]) -> list[str]:
        return list(self._system.labels(sentences))


@bentoml.service(workers=1, traffic={"timeout": 60})
class InBatches:
    """The same by somebody who read on: the pipeline computes 32 at a time, and more sentences share a batch."""

    def __init__(self) -> None:
        self._system = PipelineSystem(_MODEL, 32, available_cores())

    @bentoml.api(batchable=True, max_batch_size=256, max_latency_ms=10_000)  # type: ignore[untyped-decorator]
    def tag(self, sentences: list[str]) -> list[str]:
        return list(self._system.labels(sentences))

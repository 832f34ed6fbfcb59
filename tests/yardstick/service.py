"""The same model as BentoML's documentation would have it served: a batchable method around a pipeline.

It answers with labels alone, where ours has roles, offsets and all four probabilities.
"""

import os
from pathlib import Path

import bentoml

from serve.bench.pipeline import PipelineSystem
from serve.cores import available_cores


@bentoml.service(name="yardstick", workers=1, traffic={"timeout": 60})
class Yardstick:
    def __init__(self) -> None:
        self._system = PipelineSystem(Path(os.environ["YARDSTICK_MODEL"]), 32, available_cores())

    @bentoml.api(batchable=True, max_batch_size=256, max_latency_ms=10_000)  # type: ignore[untyped-decorator]
    def tag(self, sentences: list[str]) -> list[str]:
        return list(self._system.labels(sentences))

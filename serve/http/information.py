"""What `/info` and the first line of the log say of a running service."""

import importlib.metadata
import platform
from typing import Final

from serve.http.served import Served
from serve.http.settings import Settings
from serve.messages import Info, Limits

_COMPUTING: Final = ("bentoml", "numpy", "onnxruntime", "pydantic", "tokenizers", "torch", "transformers", "uvicorn")


def information(served: Served, settings: Settings) -> Info:
    """The model, how it runs, and the limits."""
    decision = served.tagger.decision
    versions = {name: importlib.metadata.version(name) for name in _COMPUTING}
    return Info(
        model=served.tagger.info,
        card=served.card,
        temperature=decision.temperature,
        abstain_below=decision.abstain_below,
        runs_as=served.tagger.runs_as,
        threads=settings.threads,
        versions={"python": platform.python_version(), **versions},
        limits=Limits(
            body_bytes=settings.max_body_bytes,
            queue_tokens=settings.queue_tokens,
            queue_seconds=settings.queue_seconds,
            deadline_seconds=settings.deadline_seconds,
            sentences_per_minute=settings.sentences_per_minute,
        ),
    )


def first_line(served: Served | None, settings: Settings) -> str:
    """What the service is, in one line."""
    runs = served.tagger.runs_as if served is not None else "no model"
    keys = "keys wanted" if settings.api_keys or settings.api_keys_file else "no keys"
    return (
        f"1 worker, {settings.threads} threads, {runs}; {settings.batch_tokens} tokens a batch, "
        f"{settings.queue_tokens} tokens or {settings.queue_seconds:g} s of work in the queue; {keys}"
    )

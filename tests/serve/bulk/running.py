"""Bulk runs in this process, and what they leave."""

import json
from pathlib import Path
from typing import Any

from serve.bulk.engine import LocalEngine
from serve.bulk.formats import Counts, output_format
from serve.bulk.job import Job, tag_to_file
from serve.bulk.manifest import ModelIdentity
from serve.bulk.options import ReadOptions
from serve.bulk.progress import Meter
from serve.bulk.sources import Sources
from serve.bulk.work_folder import parts_of
from serve.model_folder import Decision
from serve.tagger import Tagger


def run(
    tagger: Tagger,
    paths: list[Path],
    out: Path,
    shard_documents: int = 2,
    restart: bool = False,
    overwrite: bool = False,
    **reading: Any,
) -> Counts:
    """Tag `paths` to `out`."""
    options = ReadOptions(**reading)
    sources = Sources(paths, options.input_format, (out, parts_of(out)))
    job = Job(sources, options, output_format(out, None), shard_documents)
    model = ModelIdentity(info=tagger.info, decision=Decision(), folder_sha256="")
    return tag_to_file(LocalEngine(tagger), job, model, out, Meter(quiet=True), restart, overwrite)


def read(out: Path) -> list[dict[str, Any]]:
    # Not splitlines, for a JSON string may hold the rarer line separators as they are.
    return [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n") if line]

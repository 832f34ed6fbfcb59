"""What an unfinished output was begun with, so that it is gone on with by the same and nothing else."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from serve.bulk.formats import OutputFormat
from serve.bulk.options import ReadOptions
from serve.bulk.sources import Fingerprint
from serve.model_folder import MANIFEST, Decision, read_manifest, sha256_of_file
from serve.records import ModelInfo


class ModelIdentity(BaseModel):
    """The model, and all that changes what it answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    info: ModelInfo
    decision: Decision
    folder_sha256: str
    """Of the model folder's manifest, which has the digest of every file in it."""

    @classmethod
    def of(cls, folder: Path) -> "ModelIdentity":
        """The identity of a saved model.

        Raises:
            ModelError: the folder holds none.
        """
        manifest = read_manifest(folder)
        return cls(info=manifest.info, decision=manifest.decision, folder_sha256=sha256_of_file(folder / MANIFEST))


class JobManifest(BaseModel):
    """`manifest.json` of the work folder; the shards that are done stand in `done.log` beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    model: ModelIdentity
    runs_as: str
    """Backend, device and cascade, for each backend rounds in its own way."""
    input: Fingerprint
    reading: ReadOptions
    format: OutputFormat
    shard_documents: int

    def changes(self, now: "JobManifest") -> list[str]:
        """What is another in `now`, in words."""
        told = {
            "version": "the program",
            "model": f"the model (was {self.model.info.digest[:12]}…, is {now.model.info.digest[:12]}…)",
            "runs_as": f"what computes it (was {self.runs_as}, is {now.runs_as})",
            "input": f"the input (was {_input(self.input)}, is {_input(now.input)})",
            "reading": "how the input is read (format, columns or delimiter)",
            "format": f"the format (was {self.format}, is {now.format})",
            "shard_documents": f"the shard size (was {self.shard_documents}, is {now.shard_documents})",
        }
        return [words for name, words in told.items() if getattr(self, name) != getattr(now, name)]


def _input(found: Fingerprint) -> str:
    return f"{found.files} files of {found.bytes} bytes and {found.streams} streams, {found.sha256[:8]}…"

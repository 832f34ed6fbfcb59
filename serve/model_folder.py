"""The saved model folder: weights with all that is needed to read them, checked on load.

stance.json          the manifest: label order, decision, digests, config, metrics
model.safetensors    weights of encoder and heads
config.json          the encoder's shape, as transformers writes it
tokenizer.json       the tokenizer, as tokenizers writes it
README.md            the model card
"""

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoConfig

from labels.scheme import BIO_TAGS, STANCES
from serve.errors import ModelError
from serve.network import StanceNetwork
from serve.records import ModelInfo

MANIFEST: Final = "stance.json"
WEIGHTS: Final = "model.safetensors"
ENCODER_CONFIG: Final = "config.json"
TOKENIZER: Final = "tokenizer.json"
CARD: Final = "README.md"
#: Files beside the manifest that loading reads and checks.
READ: Final = (WEIGHTS, ENCODER_CONFIG, TOKENIZER)


class Decision(BaseModel):
    """What turns logits into a decision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: Annotated[float, Field(gt=0)] = 1.0
    abstain_below: Annotated[float, Field(ge=0, le=1)] = 0.0
    """A label of a lower probability is marked as abstained."""


class BaseModelInfo(BaseModel):
    """The pretrained encoder that training started from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    weights_sha256: str


class Manifest(BaseModel):
    """`stance.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    name: str
    version: str
    labels: list[str]
    role_tags: list[str]
    decision: Decision
    max_length: Annotated[int, Field(gt=2)]
    base: BaseModelInfo
    files: dict[str, str]
    """sha256 of each file that loading reads, by name."""
    data_sha256: str
    config: dict[str, Any]
    metrics: dict[str, Any]


@dataclass(frozen=True)
class SavedModel:
    """A model as read from its folder."""

    manifest: Manifest
    network: StanceNetwork
    tokenizer: Tokenizer

    @property
    def info(self) -> ModelInfo:
        """What every record says of the model that made it."""
        return ModelInfo(name=self.manifest.name, version=self.manifest.version, digest=self.manifest.files[WEIGHTS])


def sha256_of_file(path: Path) -> str:
    """Hexadecimal sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_replaceable(folder: Path) -> None:
    """Check that saving to `folder` would replace nothing but a model.

    Raises:
        ModelError: something else is there.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise ModelError(f"{folder} is no folder of its own, so no model can be saved there; name another")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise ModelError(f"{folder} holds something else than a model, which saving would delete; name another folder")


def save(folder: Path, network: StanceNetwork, tokenizer: Tokenizer, manifest: Manifest, card: str) -> Manifest:
    """Write a model folder, replacing what is there only once the new one is whole.

    Returns:
        The manifest as written, with the digests of the files.

    Raises:
        ModelError: something else than a model is there.
    """
    check_replaceable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        # contiguous, for safetensors refuses views; on the CPU, for a reader may have no GPU.
        save_file({name: value.cpu().contiguous() for name, value in network.state_dict().items()}, new / WEIGHTS)
        network.encoder.config.to_json_file(new / ENCODER_CONFIG)
        tokenizer.save(str(new / TOKENIZER))
        manifest = manifest.model_copy(update={"files": {name: sha256_of_file(new / name) for name in READ}})
        (new / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (new / CARD).write_text(card, encoding="utf-8")
        new.chmod(0o755)
        if folder.exists():
            old = folder.with_name(f".{folder.name}-old")
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
            new.rename(folder)
            shutil.rmtree(old)
        else:
            new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return manifest


def load(folder: Path) -> SavedModel:
    """Read a model folder and check that it is whole and of this program's make.

    Raises:
        ModelError: it is not; the message says why and what to do.
    """
    manifest = read_manifest(folder)
    if missing := [name for name in READ if not (folder / name).is_file()]:
        raise ModelError(f"{folder} lacks {', '.join(missing)}; copy the whole folder again or train anew")
    for name in READ:
        actual, expected = sha256_of_file(folder / name), manifest.files.get(name, "nothing")
        if actual != expected:
            raise ModelError(
                f"{folder / name} has sha256 {actual[:12]}…, the manifest says {expected[:12]}…: "
                "the file is damaged or was exchanged; copy the whole folder again or train anew"
            )
    try:
        network = StanceNetwork.from_config(AutoConfig.from_pretrained(folder, local_files_only=True))
        network.load_state_dict(load_file(folder / WEIGHTS))
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{folder} cannot be read ({error}); copy the whole folder again or train anew") from error
    return SavedModel(manifest, network, tokenizer)


def read_manifest(folder: Path) -> Manifest:
    """Read and check `stance.json` alone.

    Raises:
        ModelError: it is missing, not valid, or of another label order.
    """
    file = folder / MANIFEST
    if not file.is_file():
        raise ModelError(
            f"no model in {folder} ({MANIFEST} is missing); train one with `python -m train` or name its folder"
        )
    try:
        manifest = Manifest.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as error:
        raise ModelError(f"{file} is not a manifest that this version reads: {error}; train anew") from error
    for what, found, expected in (
        ("labels", manifest.labels, STANCES),
        ("role tags", manifest.role_tags, BIO_TAGS),
    ):
        if tuple(found) != expected:
            raise ModelError(
                f"{file} has the {what} {', '.join(found)}, this version has {', '.join(expected)}, in that order; "
                "train anew"
            )
    return manifest

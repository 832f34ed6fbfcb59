"""The saved model folder: weights with all that is needed to read them, checked on load.

stance.json          the manifest: label order, decision, digests, config, metrics
model.safetensors    weights of encoder and heads
config.json          the encoder's shape, as transformers writes it
tokenizer.json       the tokenizer, as tokenizers writes it
model.onnx           the same network for ONNX Runtime, if it was exported
model.int8.onnx      the same in eight bits, if it was as right
model.weights8.onnx  the same with weights in eight bits, for OpenVINO, if it was as right
cascade.safetensors  a linear model that may answer before the network does, if one was fitted
README.md            the model card

Weights are read by `serve.weights`: this module needs no torch, and neither does tagging with ONNX Runtime.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tokenizers import Tokenizer

from labels.scheme import BIO_TAGS, STANCES
from serve.errors import ModelError
from serve.records import ModelInfo
from serve.reference import Reference

MANIFEST: Final = "stance.json"
WEIGHTS: Final = "model.safetensors"
ENCODER_CONFIG: Final = "config.json"
TOKENIZER: Final = "tokenizer.json"
CARD: Final = "README.md"
CASCADE: Final = "cascade.safetensors"

#: Runtimes that a model can be exported for, and the file of each.
Exported = Literal["onnx", "onnx-int8", "openvino-int8"]
EXPORTED: Final[dict[Exported, str]] = {
    "onnx": "model.onnx",
    "onnx-int8": "model.int8.onnx",
    "openvino-int8": "model.weights8.onnx",
}


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


class Parity(BaseModel):
    """How an exported model answers the development sentences, against torch in float32."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sentences: int
    label_agreement: float
    """Share of the sentences with the same label."""
    macro_f1_change: float
    role_f1_change: float
    """Change of the overlap F1 of the role that changed most."""


class CascadeInfo(BaseModel):
    """What the linear model before the network does to development sentences."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: Annotated[float, Field(ge=0)]
    """Least probability of neutral at which it answers."""
    acts_passed_on: float
    """Share of the sentences with an act that still reach the network."""
    answered: float
    """Share of all sentences that do not."""
    macro_f1_change: float


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
    exports: dict[Exported, Parity] = {}
    """Other runtimes that the folder has the model for."""
    cascade: CascadeInfo | None = None
    """The linear model before the network, if one was fitted."""
    reference: Reference | None = None
    """What the model says of the development split; folders of before 0.2 have none."""
    data_sha256: str
    config: dict[str, Any]
    metrics: dict[str, Any]

    @property
    def info(self) -> ModelInfo:
        """What every record says of the model that made it."""
        return ModelInfo(name=self.name, version=self.version, digest=self.files[WEIGHTS])


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


def check_files(folder: Path, manifest: Manifest, names: Sequence[str]) -> None:
    """Check that `names` are there and are what was saved.

    Raises:
        ModelError: they are not.
    """
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise ModelError(f"{folder} lacks {', '.join(missing)}; copy the whole folder again or train anew")
    for name in names:
        actual, expected = sha256_of_file(folder / name), manifest.files.get(name, "nothing")
        if actual != expected:
            raise ModelError(
                f"{folder / name} has sha256 {actual[:12]}…, the manifest says {expected[:12]}…: "
                "the file is damaged or was exchanged; copy the whole folder again or train anew"
            )


def read_card(folder: Path) -> str:
    """The model card, in Markdown; nothing if the folder has none, for nothing but people reads it."""
    file = folder / CARD
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def read_tokenizer(folder: Path, manifest: Manifest) -> Tokenizer:
    """Read the tokenizer.

    Raises:
        ModelError: it is missing or damaged.
    """
    check_files(folder, manifest, (TOKENIZER,))
    return Tokenizer.from_file(str(folder / TOKENIZER))


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

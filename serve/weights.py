"""Weights in and out of a model folder: everything of it that needs torch."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoConfig

from serve.errors import ModelError
from serve.model_folder import (
    CARD,
    ENCODER_CONFIG,
    MANIFEST,
    TOKENIZER,
    WEIGHTS,
    Manifest,
    check_files,
    check_replaceable,
    read_manifest,
    read_tokenizer,
    sha256_of_file,
)
from serve.network import StanceNetwork


@dataclass(frozen=True)
class SavedModel:
    """A model as read from its folder, with a network to compute or to go on training with."""

    manifest: Manifest
    network: StanceNetwork
    tokenizer: Tokenizer


def save(
    folder: Path,
    network: StanceNetwork,
    tokenizer: Tokenizer,
    manifest: Manifest,
    card: str,
    exported: Mapping[str, Path] | None = None,
) -> Manifest:
    """Write a model folder, replacing what is there only once the new one is whole.

    Args:
        folder: where to.
        network: encoder and heads.
        tokenizer: the encoder's.
        manifest: all that is to be known of it; `files` is filled in here.
        card: the README.
        exported: files of other runtimes to copy in, by the name that `manifest.exports` gives them.

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
        for name, file in (exported or {}).items():
            shutil.copyfile(file, new / name)
        names = (WEIGHTS, ENCODER_CONFIG, TOKENIZER, *(exported or {}))
        manifest = manifest.model_copy(update={"files": {name: sha256_of_file(new / name) for name in names}})
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
    """Read a model folder with its network.

    Raises:
        ModelError: it is not whole, or not of this program's make; the message says why and what to do.
    """
    manifest = read_manifest(folder)
    tokenizer = read_tokenizer(folder, manifest)
    return SavedModel(manifest, load_network(folder, manifest), tokenizer)


def load_network(folder: Path, manifest: Manifest) -> StanceNetwork:
    """Read the weights.

    Raises:
        ModelError: they are missing, damaged, or of another shape than the encoder's.
    """
    check_files(folder, manifest, (WEIGHTS, ENCODER_CONFIG))
    try:
        network = StanceNetwork.from_config(AutoConfig.from_pretrained(folder, local_files_only=True))
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{folder} cannot be read ({error}); copy the whole folder again or train anew") from error
    return network

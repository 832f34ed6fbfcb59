"""A model that answers at once: each token has its logits in a table, and nothing is computed.

With it in the place of a trained one, what a request costs is the service itself: HTTP, checks, tokens, queue, JSON.
"""

import string
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from labels.scheme import BIO_TAGS, STANCES
from serve.model_folder import EXPORTED, BaseModelInfo, Decision, Manifest, Parity
from serve.onnx_forward import INPUTS, OUTPUTS

_SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_MAX_LENGTH: Final = 128
#: Spread of the logits: wide enough that the answers differ and some tokens have a role.
_SPREAD: Final = 3.0


def save_instant(folder: Path, texts: Sequence[str]) -> None:
    """Save it to `folder`, for ONNX Runtime; each word of `texts` is one token, as most are to a trained model."""
    from transformers import BertConfig

    from serve.network import StanceNetwork
    from serve.weights import save

    tokenizer = _tokenizer(texts)
    size = tokenizer.get_vocab_size()
    # Only for the folder to be whole: the table is what answers.
    config = BertConfig(
        vocab_size=size,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        max_position_embeddings=_MAX_LENGTH,
    )
    manifest = Manifest(
        name="instant",
        version="1",
        labels=list(STANCES),
        role_tags=list(BIO_TAGS),
        decision=Decision(),
        max_length=_MAX_LENGTH,
        base=BaseModelInfo(name="none", weights_sha256="0" * 64),
        files={},
        exports={"onnx": Parity(sentences=0, label_agreement=0, macro_f1_change=0, role_f1_change=0)},
        data_sha256="0" * 64,
        config={},
        metrics={},
    )
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / EXPORTED["onnx"]
        _write_table(table, size)
        save(folder, StanceNetwork.from_config(config), tokenizer, manifest, "# Answers at once\n", {table.name: table})


def _tokenizer(texts: Sequence[str]) -> Tokenizer:
    splitter, normalizer = pre_tokenizers.BertPreTokenizer(), normalizers.BertNormalizer(lowercase=True)
    words = {word for text in texts for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text))}
    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    pieces = dict.fromkeys([*_SPECIAL, *letters, *(f"##{letter}" for letter in letters), *sorted(words)])
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106 - a token, no secret
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = splitter
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    )
    return tokenizer


def _write_table(file: Path, tokens: int) -> None:
    """A graph that looks the logits of each token up, and takes the mean of those of the stance."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    stances, roles = (
        random.normal(0, _SPREAD, (tokens, count)).astype(np.float32) for count in (len(STANCES), len(BIO_TAGS))
    )
    ids, mask = INPUTS
    stance_logits, role_logits = OUTPUTS
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["stances", ids], ["each"]),
            helper.make_node("ReduceMean", ["each", "axis"], [stance_logits], keepdims=0),
            helper.make_node("Gather", ["roles", ids], [role_logits]),
        ],
        "table",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in (ids, mask)],
        [
            helper.make_tensor_value_info(stance_logits, TensorProto.FLOAT, ["batch", len(STANCES)]),
            helper.make_tensor_value_info(role_logits, TensorProto.FLOAT, ["batch", "tokens", len(BIO_TAGS)]),
        ],
        [
            numpy_helper.from_array(stances, "stances"),
            numpy_helper.from_array(roles, "roles"),
            numpy_helper.from_array(np.array([1]), "axis"),
        ],
    )
    # Of an age that every runtime of today reads.
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), file)

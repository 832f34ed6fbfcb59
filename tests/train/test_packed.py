"""The network over packed tokens answers as over padded sentences, whatever the encoder."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from transformers import AutoConfig, PretrainedConfig

from serve.encode import Encoder
from serve.network import StanceNetwork
from serve.onnx_forward import INPUTS
from serve.openvino_forward import OpenvinoForward
from serve.packing import PACKED_INPUTS
from tests.conftest import SENTENCES, tiny_tokenizer
from train.compress import export_openvino
from train.config import ExportConfig
from train.packed import can_be_packed

_SMALL = {
    "vocab_size": 200,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 70,
}
_PACKED: dict[str, dict[str, object]] = {
    "bert": {},
    "electra": {"embedding_size": 32},
    "roberta": {},
    "xlm-roberta": {},
}
_PADDED: dict[str, dict[str, object]] = {
    "modernbert": {"pad_token_id": 0, "global_attn_every_n_layers": 2},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False},
}


def small(kind: str, settings: dict[str, object]) -> StanceNetwork:
    config: PretrainedConfig = AutoConfig.for_model(kind, **_SMALL, **settings)
    torch.manual_seed(3)
    return StanceNetwork.from_config(config).eval()


@pytest.mark.parametrize("kind", _PACKED)
def test_encoders_with_positions_of_their_own_can_be_packed(kind: str, tmp_path: Path) -> None:
    network = small(kind, _PACKED[kind])
    assert can_be_packed(network)
    file = tmp_path / "model.weights8.onnx"
    export_openvino(network, Encoder(tiny_tokenizer(), 64), SENTENCES, file, ExportConfig(), None)
    assert tuple(given.name for given in onnx.load(file).graph.input) == PACKED_INPUTS
    ids = np.random.default_rng(1).integers(5, 40, (3, 21))
    mask = np.ones_like(ids)
    mask[0, 9:] = 0
    ids[0, 9:] = 0 if network.encoder.config.pad_token_id is None else network.encoder.config.pad_token_id
    stance, roles = OpenvinoForward(file, 1)(ids, mask)
    with torch.inference_mode():
        expected, expected_roles = (found.numpy() for found in network(torch.from_numpy(ids), torch.from_numpy(mask)))
    assert np.abs(stance - expected).max() < 0.05
    assert np.abs(roles - expected_roles)[mask.astype(bool)].max() < 0.05


@pytest.mark.parametrize("kind", _PADDED)
def test_others_are_exported_for_padded_sentences(kind: str, tmp_path: Path) -> None:
    network = small(kind, _PADDED[kind])
    before = network.encoder.config._attn_implementation
    assert not can_be_packed(network)
    assert network.encoder.config._attn_implementation == before
    file = tmp_path / "model.weights8.onnx"
    export_openvino(network, Encoder(tiny_tokenizer(), 64), SENTENCES, file, ExportConfig(), None)
    assert tuple(given.name for given in onnx.load(file).graph.input) == INPUTS

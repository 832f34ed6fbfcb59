"""What a model is saved with: exports that answer as it does, and a cascade that costs little."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from serve.encode import Encoder
from serve.model_folder import Parity
from serve.prediction import PredictedSpan, Prediction
from tests.conftest import SENTENCES, sentence, tiny_network, tiny_tokenizer
from train.cascade import _threshold, fit_cascade
from train.compress import export_openvino
from train.config import ExportConfig
from train.export import export_onnx
from train.packed import export_packed
from train.parity import breaches, measure_parity
from train.quantise import _smoothed_products
from train.smoothing import Smoothed, Spared, _reading_the_same, _widest_activations, smoothed


def parity(**changes: float) -> Parity:
    return Parity.model_validate(
        {"sentences": 1000, "label_agreement": 1.0, "macro_f1_change": 0.0, "role_f1_change": 0.0, **changes}
    )


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, []),
        ({"label_agreement": 0.995, "macro_f1_change": -0.005, "role_f1_change": 0.01}, []),
        ({"label_agreement": 0.9949}, ["99.49% of the labels are the same, 99.5% wanted"]),
        ({"macro_f1_change": 0.006}, ["macro-F1 changes by +0.0060, 0.005 allowed"]),
        ({"macro_f1_change": -0.006, "role_f1_change": -0.02}, ["macro-F1 changes by", "F1 of a role changes by"]),
    ],
)
def test_an_export_is_held_against_the_rules(changes: dict[str, float], wrong: list[str]) -> None:
    found = breaches(parity(**changes))
    assert len(found) == len(wrong)
    assert all(expected in told for expected, told in zip(wrong, found, strict=True))


def test_parity_is_measured_on_labels_and_roles() -> None:
    text = "The union accused the firm."
    rows = [sentence(text, "accuses", roles=[{"role": "source", "start": 0, "end": 9}]), sentence("It rained.")]
    accuses = Prediction("accuses", (1.0, 0.0, 0.0, 0.0), roles={"source": PredictedSpan(0, 9, 1.0)})
    neutral = Prediction("neutral", (0.0, 0.0, 0.0, 1.0))
    same = measure_parity(rows, [accuses, neutral], [accuses, neutral])
    assert (same.label_agreement, same.macro_f1_change, same.role_f1_change) == (1.0, 0.0, 0.0)
    worse = measure_parity(rows, [accuses, neutral], [neutral, neutral])
    assert worse.label_agreement == 0.5
    assert worse.macro_f1_change == pytest.approx(1 / 3 - 1)
    assert worse.role_f1_change == -1.0


@pytest.fixture
def batches() -> list[Any]:
    encoder = Encoder(tiny_tokenizer(), 64)
    return [encoder.pad([encoding.ids]) for encoding in encoder.encode(SENTENCES)]


def test_evening_out_changes_no_answer_and_evens_out(batches: list[Any]) -> None:
    network = tiny_network().eval()
    with torch.no_grad():  # one channel a hundred times as wide, as trained encoders have
        network.encoder.get_parameter("encoder.layer.0.output.LayerNorm.weight")[3] *= 100
    even = smoothed(network, batches, 0.5, Spared())
    ids, mask = (torch.from_numpy(array) for array in batches[0])
    with torch.inference_mode():
        for before, after in zip(network(ids, mask), even(ids, mask), strict=True):
            torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
    name = "encoder.layer.1.intermediate.dense"
    spread = _widest_activations(network, batches)["encoder.layer.1.attention.self.query"]
    evened = _widest_activations(even, batches)["encoder.layer.1.attention.self.query.layer"]
    assert name in _widest_activations(network, batches)
    assert evened.max() / evened.median() < 0.2 * spread.max() / spread.median()


def test_query_key_and_value_share_a_scale(batches: list[Any]) -> None:
    groups = list(_reading_the_same(_widest_activations(tiny_network(), batches)))
    assert sorted(map(len, groups)) == [1, 1, 1, 1, 1, 1, 3, 3]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=300), st.sampled_from([0.9, 0.99, 0.995, 1.0]))
def test_enough_acts_are_passed_on(neutral: list[float], recall: float) -> None:
    threshold = _threshold(np.array(neutral), recall)
    kept = sum(value < threshold for value in neutral)
    assert kept >= recall * len(neutral) - 1e-9


def test_the_cascade_learns_what_is_plain() -> None:
    acts = [sentence(f"The union number {number} accused the firm of theft.", "accuses") for number in range(40)]
    plain = [sentence(f"It rained for {number} days in the valley.") for number in range(40)]
    denied = [sentence(f"The firm denied report {number}.", "denies") for number in range(20)]
    defended = [sentence(f"She defended deputy {number}.", "defends") for number in range(20)]
    rows = [*acts, *plain, *denied, *defended]
    encoder = Encoder(tiny_tokenizer(), 64)
    cascade = fit_cascade(rows, rows, encoder, 0.995, seed=1)
    sure = cascade.sure(cascade.probabilities(encoder.encode([row.text for row in rows])))
    assert not any(sure[position] for position, row in enumerate(rows) if row.label != "neutral")
    assert sure[40:80].mean() > 0.5


def quantised(tmp_path: Path, rounded_as_it_comes: Spared | None) -> onnx.GraphProto:
    encoder = Encoder(tiny_tokenizer(), 64)
    file = tmp_path / "weights8.onnx"
    export_openvino(tiny_network().eval(), encoder, SENTENCES * 4, file, ExportConfig(), rounded_as_it_comes)
    return onnx.load(file).graph


def test_weights_are_whole_numbers_within_half_a_step(tmp_path: Path) -> None:
    export_packed(tiny_network().eval(), tmp_path / "plain.onnx")
    plain = {constant.name: constant for constant in onnx.load(tmp_path / "plain.onnx").graph.initializer}
    compressed = quantised(tmp_path, None)
    parts = {constant.name: numpy_helper.to_array(constant) for constant in compressed.initializer}
    scalings = [node for node in compressed.node if node.op_type == "DequantizeLinear"]
    # Two layers of six products each, and the head of the roles.
    assert len(scalings) == 13
    for node in scalings:
        whole, scale = (parts[name].astype(np.float64) for name in node.input[:2])
        scale = np.expand_dims(scale, 1 - node.attribute[0].i)
        weights = numpy_helper.to_array(plain[node.output[0]])
        assert (np.abs(whole * scale - weights) <= scale * 0.5001).all()
        assert np.abs(whole).max(axis=1 - node.attribute[0].i).min() == 127


def test_what_has_no_range_fixed_beforehand_has_weights_in_eight_bits_too(tmp_path: Path) -> None:
    graph = quantised(tmp_path, Spared(0.5))
    made_by = {name: node for node in graph.node for name in node.output}
    products = [node for node in graph.node if node.op_type in ("MatMul", "Gemm")]
    with_weights = [node for node in products if made_by[node.input[1]].op_type == "DequantizeLinear"]
    constants = {constant.name: constant for constant in graph.initializer}
    assert all(constants[made_by[node.input[1]].input[0]].data_type == onnx.TensorProto.INT8 for node in with_weights)
    fixed = [made_by[node.input[0]].op_type == "DequantizeLinear" for node in with_weights]
    # The last product of the lower layer and the head of the roles are left to the runtime.
    assert fixed == [True] * 5 + [False] + [True] * 6 + [False]


def test_the_feed_forward_blocks_of_the_lower_layers_are_spared_first(batches: list[Any]) -> None:
    def left(spared: Spared) -> list[str]:
        even = smoothed(tiny_network(), batches, 0.7, spared)
        layers = [
            (name, module) for name, module in even.encoder.named_modules() if isinstance(module, torch.nn.Linear)
        ]
        return [name for name, module in layers if not isinstance(even.encoder.get_submodule(_parent(name)), Smoothed)]

    low, high = ("encoder.layer.0", "encoder.layer.1")
    assert left(Spared()) == []
    assert left(Spared(0.5)) == [f"{low}.output.dense"]
    assert left(Spared(1.0, 0.5)) == [f"{low}.intermediate.dense", f"{low}.output.dense", f"{high}.output.dense"]


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


@pytest.mark.parametrize("strength", [0.1, 0.7])
def test_what_was_evened_out_is_what_is_quantised(batches: list[Any], strength: float, tmp_path: Path) -> None:
    export_onnx(smoothed(tiny_network(), batches, strength, Spared(1.0)), tmp_path / "model.onnx")
    # Two layers of six products each, of which one is spared.
    assert len(_smoothed_products(onnx.load(tmp_path / "model.onnx").graph)) == 10


def test_ranges_are_taken_from_sentences_without_padding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def watched(network: Any, batches: list[Any], *rest: Any) -> Any:
        seen.extend(batches)
        return smoothed(network, batches, *rest)

    monkeypatch.setattr("train.quantise.smoothed", watched)
    quantised(tmp_path, Spared(0.5))
    assert sum(len(ids) for ids, _ in seen) == 4 * len(SENTENCES)
    assert len(seen) > 1
    assert all(mask.all() for _, mask in seen)

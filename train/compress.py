"""Weights in eight bits for OpenVINO, which rounds the activations itself as it computes.

Each output channel of a matrix has one scale, its largest absolute weight over 127. No ranges are taken from data: the
runtime gives every group of channels of every token a range of its own (Dettmers, Lewis, Belkada and Zettlemoyer,
"LLM.int8()", NeurIPS 2022, quantise by token for the same reason), and so a few wide tokens do no harm to the others.
"""

import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from serve.network import StanceNetwork
from train.export import export_onnx

_WIDEST: Final = 127


def export_weights8(network: StanceNetwork, file: Path) -> None:
    """Write `network` to `file` as an ONNX graph whose matrix products have weights in eight bits."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "float32.onnx"
        export_onnx(network, plain)
        model = onnx.load(plain)
    _compress(model.graph)
    onnx.save(model, file)


def _compress(graph: onnx.GraphProto) -> None:
    """Make the weights of the products whole numbers times a scale."""
    constants = {constant.name: constant for constant in graph.initializer}
    scalings = []
    for node in graph.node:
        if node.op_type not in ("MatMul", "Gemm") or (name := node.input[1]) not in constants:
            continue
        output_axis = 0 if any(given.name == "transB" and given.i for given in node.attribute) else 1
        whole, scale = _round(numpy_helper.to_array(constants[name]), output_axis)
        # A matrix of two products is met again, when it is no constant any more but the result of its scaling.
        graph.initializer.remove(constants.pop(name))
        parts: dict[str, NDArray[Any]] = {
            f"{name}.whole": whole,
            f"{name}.scale": scale,
            f"{name}.zero": np.zeros(len(scale), np.int8),
        }
        graph.initializer.extend(numpy_helper.from_array(array, part) for part, array in parts.items())
        scalings.append(helper.make_node("DequantizeLinear", [*parts], [name], f"{name}.scaling", axis=output_axis))
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*scalings, *rest])


def _round(weights: NDArray[Any], output_axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers, and the scale of each output channel that makes weights of them again."""
    widest = np.abs(weights).max(axis=1 - output_axis, keepdims=True)
    scale = np.where(widest > 0, widest, 1).astype(np.float32) / np.float32(_WIDEST)
    return np.rint(weights / scale).astype(np.int8), scale.ravel()

"""The network for OpenVINO: weights in eight bits, and activations in eight bits one way or the other.

Most products read activations that were evened out and have ranges fixed beforehand, as in `train.quantise`: the
fastest there is. Those that do not bear it, the second products of the lower feed-forward blocks above all, leave it
to the runtime to round as it computes: it gives every group of channels of every token a range of its own (Dettmers,
Lewis, Belkada and Zettlemoyer, "LLM.int8()", NeurIPS 2022, quantise by token for the same reason), and so a few wide
tokens do no harm to the others. Either way an answer depends on its own sentence alone.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from serve.encode import Encoder
from serve.network import StanceNetwork
from train.config import ExportConfig
from train.export import export_onnx
from train.packed import can_be_packed, export_packed
from train.quantise import quantise
from train.smoothing import Spared

#: What is rounded as it comes, from the fastest to the most faithful; None is every product. EXPERIMENTS.md has what
#: each costs.
OPENVINO_STEPS: Final[tuple[Spared | None, ...]] = (Spared(0.5, 0.5), Spared(1.0, 0.5), None)
_WIDEST: Final = 127


def export_openvino(
    network: StanceNetwork,
    encoder: Encoder,
    sentences: Sequence[str],
    file: Path,
    settings: ExportConfig,
    rounded_as_it_comes: Spared | None,
) -> None:
    """Write `network` to `file` as an ONNX graph whose matrix products have weights in eight bits.

    It takes packed tokens if the encoder can (see `serve.packing`), and padded sentences if not. The arguments are
    those of `train.quantise.quantise`; what that spares has no range fixed beforehand here, which None says of every
    product.
    """
    packed = can_be_packed(network)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "model.onnx"
        if rounded_as_it_comes is None:
            (export_packed if packed else export_onnx)(network, whole)
        else:
            # All eight bits: where sums of such products overflow, OpenVINO is told to compute them in float32.
            eight_bits = settings.model_copy(update={"seven_bit_weights": False})
            quantise(network, encoder, sentences, whole, eight_bits, rounded_as_it_comes, packed)
        model = onnx.load(whole)
    _compress(model.graph)
    onnx.save(model, file)


def _compress(graph: onnx.GraphProto) -> None:
    """Make the weights that are not yet so whole numbers times a scale: the largest of an output channel over 127."""
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

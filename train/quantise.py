"""The network in eight bits: matrix products of whole numbers, everything else in float32.

Weights are quantised per output channel, activations per matrix with ranges fixed beforehand on training sentences:
ranges that were taken from each batch as it comes would make an answer depend on its neighbours. The activations are
evened out before (see `train.smoothing`), and the products that do not bear it are left in float32.
"""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from serve.encode import Encoder
from serve.network import StanceNetwork
from serve.onnx_forward import INPUTS
from serve.packing import pack
from train.config import ExportConfig
from train.export import export_onnx
from train.packed import export_packed
from train.smoothing import Batch, Spared, smoothed

#: From the fastest to the most faithful; EXPERIMENTS.md has what each costs. That with no product spared passed on the
#: development split and answered 1.2 % of the test split otherwise, so it is not tried.
STEPS: Final = (Spared(0.5), Spared(1.0, 0.5), Spared(1.0, 1.0))


def quantise(
    network: StanceNetwork,
    encoder: Encoder,
    sentences: Sequence[str],
    file: Path,
    settings: ExportConfig,
    spared: Spared,
    packed: bool = False,
) -> None:
    """Write `network` to `file` in eight bits.

    Args:
        network: trained, on the CPU, left as it is.
        encoder: makes its tokens.
        sentences: what the ranges of the activations are taken from; training sentences.
        file: the ONNX file to write.
        settings: how.
        spared: what is left in float32, as are the heads.
        packed: whether the graph takes packed tokens.
    """
    # Of one length each, for ranges are taken from all that is computed, and padding is no part of any sentence.
    of_length: dict[int, list[list[int]]] = {}
    for encoding in encoder.encode(sentences):
        of_length.setdefault(len(encoding), []).append(encoding.ids)
    batches = [encoder.pad(ids) for ids in of_length.values()]
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "float32.onnx"
        write = export_packed if packed else export_onnx
        write(smoothed(network, batches, settings.smoothing, spared), plain)
        # The root logger is the one that advises a step which the exporter has done already.
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.ERROR)
        try:
            quantize_static(
                plain,
                file,
                _Batches(batches, packed),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["MatMul", "Gemm"],
                nodes_to_quantize=_smoothed_products(onnx.load(plain).graph),
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=settings.seven_bit_weights,
                extra_options={
                    "MatMulConstBOnly": True,
                    # A product is needed in float32 by what follows; rounding it too would only lose.
                    "OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"],
                },
            )
        finally:
            logging.getLogger().setLevel(level)


def _smoothed_products(graph: onnx.GraphProto) -> list[str]:
    """Names of the matrix products that were `train.smoothing.Smoothed` layers, from the lowest up."""
    evened = {
        node.output[0]
        for node in graph.node
        if node.op_type == "Mul" and any(n.endswith(".inverse") for n in node.input)
    }
    return [node.name for node in graph.node if node.op_type in ("MatMul", "Gemm") and node.input[0] in evened]


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    """Batches one by one, as ONNX Runtime's calibration reads them."""

    def __init__(self, batches: Sequence[Batch], packed: bool) -> None:
        self._batches = iter(batches)
        self._packed = packed

    def get_next(self) -> dict[str, NDArray[np.int64]] | None:
        batch = next(self._batches, None)
        if batch is None:
            return None
        return pack(*batch) if self._packed else dict(zip(INPUTS, batch, strict=True))

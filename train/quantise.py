"""The network in eight bits: matrix products of whole numbers, everything else in float32.

Weights are quantised per output channel, activations per matrix with ranges fixed beforehand on training sentences:
ranges that were taken from each batch as it comes would make an answer depend on its neighbours.

A few channels of the activations are ten times as wide as the others, so that one range for all would leave those
hardly any of the 256 steps. Before a matrix product the channels are therefore evened out, dividing the activation and
multiplying the weights (Xiao, Lin, Seznec, Wu, Demouth and Han, "SmoothQuant", ICML 2023). What is still too uneven,
above all the feed-forward blocks of the lower layers, can be left in float32.
"""

import copy
import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torch import Tensor, nn

from serve.encode import Encoder
from serve.network import StanceNetwork
from serve.onnx_forward import INPUTS
from serve.schedule import PADDING, TOKEN_BUDGET, equal_length_batches
from train.config import ExportConfig
from train.export import export_onnx

Batch = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Spared:
    """Which products stay in float32: shares of the layers, counted from the lowest, where activations spread most."""

    narrowing: float = 0.0
    """Of the second product of each feed-forward block, which reads what GELU gives."""
    widening: float = 0.0
    """Of the first product of each feed-forward block."""

    @property
    def told(self) -> str:
        """For people to read."""
        if self == Spared():
            return "all products in eight bits"
        return f"{self.narrowing:.0%} of the narrowing and {self.widening:.0%} of the widening products in float32"


#: From the fastest to the most faithful; EXPERIMENTS.md has what each costs.
STEPS: Final = (Spared(), Spared(0.5), Spared(1.0, 0.5), Spared(1.0, 1.0))


def quantise(
    network: StanceNetwork,
    encoder: Encoder,
    sentences: Sequence[str],
    file: Path,
    settings: ExportConfig,
    spared: Spared,
) -> None:
    """Write `network` to `file` in eight bits.

    Args:
        network: trained, on the CPU, left as it is.
        encoder: makes its tokens.
        sentences: what the ranges of the activations are taken from; training sentences.
        file: the ONNX file to write.
        settings: how.
        spared: what is left in float32.
    """
    encodings = encoder.encode(sentences)
    batches = [
        encoder.pad([encodings[position].ids for position in batch], PADDING)
        for batch in equal_length_batches([len(encoding) for encoding in encodings], TOKEN_BUDGET)
    ]
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "float32.onnx"
        export_onnx(_evened_out(network, batches, settings.smoothing), plain)
        # The root logger is the one that advises a step which the exporter has done already.
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.ERROR)
        try:
            quantize_static(
                plain,
                file,
                _Batches(batches),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["MatMul", "Gemm"],
                nodes_to_quantize=_products(onnx.load(plain).graph, spared),
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


def _products(graph: onnx.GraphProto, spared: Spared) -> list[str]:
    """Names of the matrix products with weights, from the lowest layer up, without those that are spared."""
    shapes = {constant.name: tuple(constant.dims) for constant in graph.initializer}
    products = [node for node in graph.node if node.op_type in ("MatMul", "Gemm") and node.input[1] in shapes]
    known = set(shapes.values())
    # The inside of a feed-forward block is the widest that there is; a head has no counterpart.
    inside = max(max(shapes[node.input[1]]) for node in products)
    left: set[str] = set()
    for axis, share in ((0, spared.narrowing), (1, spared.widening)):
        alike = [
            node.name
            for node in products
            if shapes[node.input[1]][axis] == inside and shapes[node.input[1]][::-1] in known
        ]
        left.update(alike[: round(share * len(alike))])
    return [node.name for node in products if node.name not in left]


class _EvenedOut(nn.Module):
    """A linear layer whose input channels are divided by `scale` and whose weights are multiplied by it."""

    inverse: Tensor

    def __init__(self, layer: nn.Linear, scale: Tensor) -> None:
        super().__init__()
        self.layer = layer
        self.layer.weight = nn.Parameter(layer.weight.detach() * scale)
        self.register_buffer("inverse", 1 / scale)

    def forward(self, activation: Tensor) -> Tensor:
        return self.layer(activation * self.inverse)  # type: ignore[no-any-return]


def _evened_out(network: StanceNetwork, batches: Sequence[Batch], strength: float) -> StanceNetwork:
    """A copy of `network` that computes the same with evener activations; layers that read the same share a scale."""
    network = copy.deepcopy(network).eval()
    if not strength:
        return network
    widest = _widest_activations(network, batches)
    layers = {name: module for name, module in network.encoder.named_modules() if isinstance(module, nn.Linear)}
    for names in _reading_the_same(widest):
        activation = widest[names[0]].clamp(min=1e-3)
        weights = torch.stack([layers[name].weight.detach().abs().amax(dim=0) for name in names]).amax(dim=0)
        scale = activation**strength / weights.clamp(min=1e-3) ** (1 - strength)
        for name in names:
            network.encoder.set_submodule(name, _EvenedOut(layers[name], scale / scale.median()))
    return network


def _widest_activations(network: StanceNetwork, batches: Sequence[Batch]) -> dict[str, Tensor]:
    """Largest absolute value of each input channel of each linear layer of the encoder, padding left out."""
    widest: dict[str, Tensor] = {}
    real: Tensor

    def watch(name: str) -> object:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            # What does not go by sentences and tokens, such as relative positions, has no padding.
            rows = inputs[0][real] if inputs[0].shape[:2] == real.shape else inputs[0].flatten(0, -2)
            seen = rows.abs().amax(dim=0)
            widest[name] = torch.maximum(widest[name], seen) if name in widest else seen

        return hook

    hooks = [
        module.register_forward_pre_hook(watch(name))  # type: ignore[arg-type]
        for name, module in network.encoder.named_modules()
        if isinstance(module, nn.Linear)
    ]
    with torch.inference_mode():
        for ids, mask in batches:
            real = torch.from_numpy(mask).bool()
            network(torch.from_numpy(ids), torch.from_numpy(mask))
    for hook in hooks:
        hook.remove()
    return {name: value.clone() for name, value in widest.items()}


def _reading_the_same(widest: dict[str, Tensor]) -> Iterator[list[str]]:
    """Names of layers by what they read: query, key and value of a layer have the same widest activations."""
    groups: dict[bytes, list[str]] = {}
    for name, value in widest.items():
        groups.setdefault(value.numpy().tobytes(), []).append(name)
    yield from groups.values()


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    """Batches one by one, as ONNX Runtime's calibration reads them."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, NDArray[np.int64]] | None:
        batch = next(self._batches, None)
        return None if batch is None else dict(zip(INPUTS, batch, strict=True))

"""Evening out activations before they are rounded to eight bits.

A few channels of the activations are ten times as wide as the others, so that one range for all would leave those
hardly any of the 256 steps. Before a matrix product the channels are therefore evened out, dividing the activation and
multiplying the weights (Xiao, Lin, Seznec, Wu, Demouth and Han, "SmoothQuant", ICML 2023). What is still too uneven,
above all the feed-forward blocks of the lower layers, is better spared.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from serve.network import StanceNetwork

#: Token ids and mask, shape (batch, tokens).
Batch = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Spared:
    """Which products are left alone: shares of the layers, counted from the lowest, where activations spread most."""

    narrowing: float = 0.0
    """Of the second product of each feed-forward block, which reads what GELU gives."""
    widening: float = 0.0
    """Of the first product of each feed-forward block."""

    @property
    def told(self) -> str:
        """For people to read."""
        if self == Spared():
            return "no product"
        return f"{self.narrowing:.0%} of the narrowing and {self.widening:.0%} of the widening products"


class Smoothed(nn.Module):
    """A linear layer whose input channels are divided by `scale` and whose weights are multiplied by it."""

    inverse: Tensor

    def __init__(self, layer: nn.Linear, scale: Tensor) -> None:
        super().__init__()
        self.layer = layer
        self.layer.weight = nn.Parameter(layer.weight.detach() * scale)
        self.register_buffer("inverse", 1 / scale)

    def forward(self, activation: Tensor) -> Tensor:
        """As the layer that it was made of."""
        return self.layer(activation * self.inverse)  # type: ignore[no-any-return]


def smoothed(network: StanceNetwork, batches: Sequence[Batch], strength: float, spared: Spared) -> StanceNetwork:
    """A copy of `network` that computes the same, with `Smoothed` in the place of the encoder's linear layers.

    Args:
        network: trained, on the CPU, left as it is.
        batches: what the activations are looked at with.
        strength: how much of their unevenness is moved into the weights, above 0 and up to 1; layers that read the
            same share a scale.
        spared: the layers that stay as they are.
    """
    network = copy.deepcopy(network).eval()
    widest = _widest_activations(network, batches)
    layers = {name: module for name, module in network.encoder.named_modules() if isinstance(module, nn.Linear)}
    left = _names_of_the_spared(layers, spared)
    for names in _reading_the_same(widest):
        activation = widest[names[0]].clamp(min=1e-3)
        weights = torch.stack([layers[name].weight.detach().abs().amax(dim=0) for name in names]).amax(dim=0)
        scale = activation**strength / weights.clamp(min=1e-3) ** (1 - strength)
        for name in names:
            if name not in left:
                network.encoder.set_submodule(name, Smoothed(layers[name], scale / scale.median()))
    return network


def _names_of_the_spared(layers: dict[str, nn.Linear], spared: Spared) -> set[str]:
    """Of `layers`, which go from the lowest up."""
    shapes = {(layer.out_features, layer.in_features) for layer in layers.values()}
    # The inside of a feed-forward block is the widest that there is; a layer of its own kind has no counterpart.
    inside = max(map(max, shapes))
    left: set[str] = set()
    for axis, share in ((1, spared.narrowing), (0, spared.widening)):
        alike = [
            name
            for name, layer in layers.items()
            if layer.weight.shape[axis] == inside and (layer.in_features, layer.out_features) in shapes
        ]
        left.update(alike[: round(share * len(alike))])
    return left


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

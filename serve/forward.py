"""From token ids to logits: the second step of the path."""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from serve.errors import DeviceError
from serve.network import StanceNetwork

Floats = NDArray[np.float32]


class Forward(Protocol):
    """What computes: torch, or a runtime that was given the same weights."""

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Stance logits (batch, 4) and role logits (batch, tokens, 7) of ids and mask of shape (batch, tokens)."""
        ...


class TorchForward:
    """Runs a network on one device, without gradients."""

    def __init__(self, network: StanceNetwork, device: torch.device) -> None:
        self.network = network.to(device)
        self.device = device

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Stance logits (batch, 4) and role logits (batch, tokens, 7) of ids and mask of shape (batch, tokens)."""
        # Set on every call, for the network may be one that is being trained between calls.
        self.network.eval()
        with torch.inference_mode():
            stance, roles = self.network(torch.from_numpy(ids).to(self.device), torch.from_numpy(mask).to(self.device))
        return stance.float().cpu().numpy(), roles.float().cpu().numpy()


def choose_device(name: str) -> torch.device:
    """The torch device that `name` asks for; `auto` is the GPU if there is one.

    Raises:
        DeviceError: the name is none of auto, cpu and cuda, or there is no GPU.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"the device is auto, cpu or cuda, not {name}")
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceError("torch finds no GPU that it can use; choose --device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)

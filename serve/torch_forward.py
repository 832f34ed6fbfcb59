"""From token ids to logits with torch: the second step of the path while training, and on a GPU."""

import numpy as np
import torch
from numpy.typing import NDArray

from serve.forward import Floats
from serve.network import StanceNetwork


class TorchForward:
    """Runs a network on one device, without gradients, one batch at a time."""

    parallel = 1
    packs = False

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

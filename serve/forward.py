"""From token ids to logits: what every runtime of the network has in common."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Forward(Protocol):
    """What computes: torch, or a runtime that was given the same weights."""

    @property
    def parallel(self) -> int:
        """Batches that it computes at a time, when called from as many threads."""
        ...

    @property
    def packs(self) -> bool:
        """Whether padding is not computed and changes no bit, so that a batch may have sentences of any lengths."""
        ...

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Stance logits (batch, 4) and role logits (batch, tokens, 7) of ids and mask of shape (batch, tokens)."""
        ...

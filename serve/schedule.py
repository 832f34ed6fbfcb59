"""Which sentences are computed together, and how far they are padded.

Padding changes the order in which vector units add up, and with it the last bit of a result. So that a sentence is
answered the same byte for byte, whatever it is computed with, batches are of one length, rounded up a little: how far a
sentence is padded depends on itself alone. Where tokens are packed (see `serve.packing`) nothing depends on the others
anyway, and sentences of any lengths share a batch.
"""

from collections.abc import Iterator, Sequence
from typing import Final

#: Lengths are rounded up to a multiple of this many tokens. Less makes the batches of an article too small, more pads
#: too much; EXPERIMENTS.md has the figures.
PADDING: Final = 4
#: Tokens per batch, padding included; larger batches gain nothing on a CPU and cost memory.
TOKEN_BUDGET: Final = 1024


def padded_length(length: int) -> int:
    """The tokens that a sentence of `length` tokens is padded to where tokens are not packed."""
    return length + -length % PADDING


def lot(length: int, packs: bool) -> int:
    """What sentences that may share a batch have in common; `length` is one's tokens."""
    return 0 if packs else padded_length(length)


def cost(length: int, packs: bool) -> int:
    """The tokens that are computed for a sentence of `length` tokens."""
    return length if packs else padded_length(length)


def batches(lengths: Sequence[int], budget: int, packs: bool) -> Iterator[list[int]]:
    """Deal positions into batches of one lot each, longest first, of at most `budget` tokens, padding included.

    A sentence that is longer than the budget makes a batch of its own.
    """
    members: list[int] = []
    tokens = of_lot = 0
    for position in sorted(range(len(lengths)), key=lambda position: -lengths[position]):
        needed, its_lot = cost(lengths[position], packs), lot(lengths[position], packs)
        if members and (tokens + needed > budget or its_lot != of_lot):
            yield members
            members, tokens = [], 0
        members.append(position)
        tokens, of_lot = tokens + needed, its_lot
    if members:
        yield members

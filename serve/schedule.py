"""Which sentences are computed together, and how far they are padded.

Padding changes the order in which vector units add up, and with it the last bit of a result. So that a sentence is
answered the same byte for byte, whatever it is computed with, how far it is padded must not matter, in one of two ways.
In general it depends on the sentence alone: batches are of one length, rounded up a little. A runtime that takes so
many tokens at a time (its `lanes`) and the rest in another way is indifferent to padding as long as that rest stays
one; there, lengths between two multiples of the lanes may share a batch.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

#: Lengths are rounded up to a multiple of this many tokens, or to one below. Less makes the batches of an article too
#: small, more pads too much; EXPERIMENTS.md has the figures.
PADDING: Final = 4
#: Tokens per batch, padding included; larger batches gain nothing on a CPU and cost memory.
TOKEN_BUDGET: Final = 1024


def lot(length: int, lanes: int = 1) -> int:
    """What sentences that may share a batch have in common; `length` is one's tokens."""
    return padded_length(length) if lanes == 1 else length // lanes


def padded_length(length: int, lanes: int = 1) -> int:
    """The tokens that a batch is padded to whose longest sentence has `length` tokens."""
    # With lanes, of which there are a multiple of four, one below a multiple of four: never up to the next lot.
    return length + -length % PADDING if lanes == 1 else length + -(length + 1) % PADDING


def batches(lengths: Sequence[int], budget: int, lanes: int = 1) -> Iterator[list[int]]:
    """Deal positions into batches of one lot each, longest first, of at most `budget` tokens, padding included.

    A sentence that is longer than the budget makes a batch of its own.
    """

    def lot_of(position: int) -> int:
        return lot(lengths[position], lanes)

    for _, positions in groupby(sorted(range(len(lengths)), key=lambda p: (-lot_of(p), -lengths[p])), key=lot_of):
        members = list(positions)
        start = 0
        while start < len(members):
            size = max(1, budget // padded_length(lengths[members[start]], lanes))
            yield members[start : start + size]
            start += size

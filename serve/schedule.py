"""Which sentences are computed together."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

#: Lengths are rounded up to a multiple of this many tokens. Less makes the batches of an article too small, more pads
#: too much; EXPERIMENTS.md has the figures.
PADDING: Final = 4
#: Tokens per batch, padding included; larger batches gain nothing on a CPU and cost memory.
TOKEN_BUDGET: Final = 1024


def padded_length(length: int) -> int:
    """The tokens that a sentence of `length` tokens is padded to."""
    return length + -length % PADDING


def equal_length_batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Deal positions into batches of one rounded length each, longest first, of at most `budget` tokens.

    A sentence that is longer than the budget makes a batch of its own.

    How far a sentence is padded thus depends on the sentence alone. Padding changes the order in which vector units
    add up, and with it the last bit of a result; padded alike, a sentence is answered the same byte for byte, whatever
    it is computed with.
    """

    def rounded(position: int) -> int:
        return padded_length(lengths[position])

    for length, positions in groupby(sorted(range(len(lengths)), key=rounded, reverse=True), key=rounded):
        members = list(positions)
        size = max(1, budget // max(length, 1))
        for start in range(0, len(members), size):
            yield members[start : start + size]

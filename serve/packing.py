"""Sentences written one after another, without padding between them.

The matrix products of an encoder take each token by itself, and most of the time. On packed tokens none of it goes into
padding, and batches of whatever lengths look alike to them (as in encoders for GPUs: Portes et al., "MosaicBERT",
NeurIPS 2023). Attention is between the tokens of one sentence; for it they are laid out in rows, several short
sentences in one, where nobody sees another's (Krell, Kosec, Perez and Fitzgibbon, "Efficient Sequence Packing without
Cross-contamination", 2021).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Names of a packed graph's inputs, in the order of its arguments.
PACKED_INPUTS: Final = ("input_ids", "positions", "slots", "segments", "places", "cells", "attention_mask")
#: Sentences start in a row at a multiple of this many slots, as many as a vector of AVX-512 holds. So wherever one is,
#: the same numbers are added up in the same order, and the last bit of an answer does not depend on it.
STEP: Final = 16
#: Slots whose products OpenVINO adds up before it goes on to the next. A sentence lies within so many, or begins with
#: them: one that was parted elsewhere would be added up otherwise than alone.
BLOCK: Final = 64
#: Slots of a row, at least: a product over two short sentences takes hardly longer than over one.
_ROW: Final = 32
#: Slots above which rows are of a multiple of that.
_LONG: Final = 64
#: What the number of packed tokens is rounded up to a multiple of.
_TOKENS: Final = 32
#: Tokens of sentences as news has them.
_USUAL: Final = (31, 22, 44, 15, 27, 62, 12, 36)
#: Of one that makes rows longer.
_UNUSUAL: Final = 72

Integers = NDArray[np.int64]


def pack(ids: Integers, mask: Integers) -> dict[str, Integers]:
    """The inputs of a packed graph for ids and mask of shape (batch, length), padded on the right.

    Sizes are rounded up to few: operations are set up anew for each that comes, which takes time, and what they need is
    kept. What there is for the size alone is a copy of the first token or of the first sentence.

    Args:
        ids: token ids.
        mask: 1 for a token and 0 for padding, at least one token in each row.

    Returns:
        Token ids and their positions within the sentence, shape (tokens,). For attention, of shape (rows, width), the
        packed token in each slot and its sentence, counted from 1, or 0 in a slot that is free; and the slot of each
        packed token, counted row by row, shape (tokens,). For the heads, of shape (sentences, length), the packed token
        in each cell, and 1 where it is one of the sentence.
    """
    number, longest = ids.shape
    sentence, position = np.nonzero(mask)
    tokens = len(sentence)
    length = longest + -longest % STEP
    # Rows that hold several sentences may be wider than the longest.
    width = length + -length % _ROW if length > _LONG else max(_ROW, length)
    starts, rows = _deal(mask.sum(axis=1).tolist(), width)
    slot = np.array(starts)[sentence] + position
    packed, positions, places = (np.zeros(tokens + -tokens % _TOKENS, np.int64) for _ in range(3))
    for array, values in ((packed, ids[sentence, position]), (positions, position), (places, slot)):
        array[:tokens] = values
        array[tokens:] = values[0]
    slots, segments = (np.zeros((_few(rows), width), np.int64) for _ in range(2))
    slots.ravel()[slot] = np.arange(tokens)
    segments.ravel()[slot] = sentence + 1
    cells, seen = (np.zeros((_few(number), length), np.int64) for _ in range(2))
    cells[sentence, position] = np.arange(tokens)
    seen[sentence, position] = 1
    cells[number:], seen[number:] = cells[0], seen[0]
    return dict(zip(PACKED_INPUTS, (packed, positions, slots, segments, places, cells, seen), strict=True))


def usual_batches(budget: int, longest: int) -> list[list[int]]:
    """Lengths of the sentences of batches that are packed to the sizes that are met first and most.

    Args:
        budget: tokens of a batch, at most.
        longest: tokens of a sentence, at most.
    """
    seen: set[tuple[str, tuple[int, ...]]] = set()
    found = []
    orders = [_USUAL[first:] + _USUAL[:first] for first in range(len(_USUAL))]
    for order in [*orders, (_UNUSUAL, *_USUAL)]:
        lengths = [min(longest, length) for length in order]
        for number in range(1, budget // min(lengths)):
            batch = [lengths[place % len(lengths)] for place in range(number)]
            if sum(batch) > budget:
                break
            mask = (np.arange(max(batch)) < np.array(batch)[:, None]).astype(np.int64)
            sizes = {(name, array.shape) for name, array in pack(mask, mask).items()}
            if not sizes <= seen:
                seen |= sizes
                found.append(batch)
    return found


def _deal(lengths: Sequence[int], width: int) -> tuple[list[int], int]:
    """The first slot of each sentence, counted row by row, and the number of rows; the longest are placed first."""
    starts = [0] * len(lengths)
    ends: list[int] = []
    for sentence in sorted(range(len(lengths)), key=lambda sentence: -lengths[sentence]):
        needed = lengths[sentence] + -lengths[sentence] % STEP
        begins = [_begin(end, needed) for end in ends]
        row = next((row for row, begin in enumerate(begins) if begin + needed <= width), len(ends))
        if row == len(ends):
            ends.append(0)
            begins.append(0)
        starts[sentence] = row * width + begins[row]
        ends[row] = begins[row] + needed
    return starts, len(ends)


def _begin(end: int, needed: int) -> int:
    """Where in a row that is filled up to `end` a sentence of `needed` slots may begin."""
    into = end % BLOCK
    return end if into + needed <= BLOCK else end + -end % BLOCK


def _few(number: int) -> int:
    """`number` rounded up to one of few, by less than a quarter and less than four."""
    step = min(4, 1 << max(0, number.bit_length() - 3))
    return number + -number % step

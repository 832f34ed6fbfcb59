"""Sentences one after another, and laid out in rows and cells again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from serve.packing import BLOCK, PACKED_INPUTS, STEP, pack, usual_batches
from serve.schedule import TOKEN_BUDGET


def padded(lengths: list[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
    return np.arange(1, mask.size + 1).reshape(mask.shape), mask


@given(st.lists(st.integers(1, 130), min_size=1, max_size=40))
def test_every_token_is_found_in_its_slot_and_its_cell(lengths: list[int]) -> None:
    ids, mask = padded(lengths)
    inputs = pack(ids, mask)
    assert tuple(inputs) == PACKED_INPUTS
    packed, positions, slots, segments, places, cells, seen = inputs.values()
    number = sum(lengths)
    assert (packed[:number] == ids[mask.astype(bool)]).all()
    assert (positions[:number] == np.concatenate([np.arange(length) for length in lengths])).all()
    assert (slots.ravel()[places[:number]] == np.arange(number)).all()
    in_cells = packed[cells][: len(lengths), : ids.shape[1]]
    assert (in_cells[mask.astype(bool)] == ids[mask.astype(bool)]).all()
    assert (seen[: len(lengths), : ids.shape[1]] == mask).all()
    assert seen[: len(lengths)].sum() == number
    # Each sentence has slots of its own in one row, and starts at a step.
    counts = np.unique(segments, return_counts=True)
    assert dict(zip(*map(np.ndarray.tolist, counts), strict=True)) == {
        **({0: int((segments == 0).sum())} if (segments == 0).any() else {}),
        **dict(enumerate(lengths, start=1)),
    }
    for sentence, length in enumerate(lengths, start=1):
        (rows, columns) = np.nonzero(segments == sentence)
        assert len(set(rows.tolist())) == 1
        assert columns[0] % STEP == 0
        assert (columns == columns[0] + np.arange(length)).all()
        # And lies within a block, or begins with one.
        assert columns[0] % BLOCK == 0 or columns[0] // BLOCK == columns[-1] // BLOCK


@given(st.lists(st.integers(1, 130), min_size=1, max_size=40))
def test_what_there_is_for_the_size_copies_what_is_there(lengths: list[int]) -> None:
    packed, positions, _, _, places, cells, seen = pack(*padded(lengths)).values()
    number = sum(lengths)
    for array in (packed, positions, places):
        assert (array[number:] == array[0]).all()
    for array in (cells, seen):
        assert (array[len(lengths) :] == array[0]).all()
    assert cells.max() < number


def test_sizes_are_few() -> None:
    random = np.random.default_rng(11)
    tokens, of_rows, of_cells = set(), set(), set()
    for _ in range(2_000):
        lengths = random.integers(1, 129, random.integers(1, 100))
        lengths = lengths[lengths.cumsum() <= TOKEN_BUDGET].tolist()
        packed, _, slots, _, _, cells, _ = pack(*padded(lengths)).values()
        assert sum(lengths) <= len(packed) < sum(lengths) + 32
        assert len(lengths) <= len(cells) < len(lengths) * 1.25 + 1
        tokens.add(len(packed))
        of_rows.add(slots.shape)
        of_cells.add(cells.shape)
    assert len(tokens) <= TOKEN_BUDGET / 32
    assert len(of_rows) < 60
    assert len(of_cells) < 90


def test_rows_are_well_filled() -> None:
    # As long as sentences of news are.
    lengths = np.random.default_rng(2).normal(30, 11, 34).clip(4, 70).astype(int).tolist()
    slots = pack(*padded(lengths))["slots"]
    assert slots.size < 1.6 * sum(lengths)


def test_usual_batches_have_most_sizes_of_those_that_come() -> None:
    def sizes(lengths: list[int]) -> set[tuple[str, tuple[int, ...]]]:
        return {(name, array.shape) for name, array in pack(*padded(lengths)).items()}

    usual = usual_batches(TOKEN_BUDGET, 128)
    assert all(sum(lengths) <= TOKEN_BUDGET for lengths in usual)
    assert all(max(lengths) <= 20 for lengths in usual_batches(TOKEN_BUDGET, 20))
    known = set[tuple[str, tuple[int, ...]]]().union(*map(sizes, usual))
    random = np.random.default_rng(13)
    met = [
        size
        for _ in range(500)
        for size in sizes(random.normal(30, 12, random.integers(1, 30)).clip(3, 64).astype(int).tolist())
    ]
    assert sum(size in known for size in met) > 0.75 * len(met)

"""Macro-F1, in numpy alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labels.scheme import STANCES, Stance


def label_codes(labels: Sequence[Stance]) -> NDArray[np.int64]:
    """Positions in `STANCES`, shape (sentences,)."""
    return np.array([STANCES.index(label) for label in labels], dtype=np.int64)


def confusion(truth: Sequence[Stance], predicted: Sequence[Stance]) -> NDArray[np.int64]:
    """Counts of shape (4, 4), a row per true and a column per predicted label, in the order of `STANCES`."""
    cells = label_codes(truth) * len(STANCES) + label_codes(predicted)
    return np.bincount(cells, minlength=len(STANCES) ** 2).reshape(len(STANCES), len(STANCES))


def macro_f1(matrix: NDArray[Any]) -> NDArray[np.float64]:
    """Macro-F1 of confusion matrices of shape (..., 4, 4), over the labels that occur in each."""
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    occurrences = matrix.sum(axis=-1) + matrix.sum(axis=-2)
    f1 = np.divide(2.0 * hits, occurrences, out=np.zeros(hits.shape), where=occurrences > 0)
    return np.asarray(f1.sum(axis=-1) / (occurrences > 0).sum(axis=-1))

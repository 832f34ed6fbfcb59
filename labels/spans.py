"""Scoring one set of spans against another: exact, and by overlap.

Annotators' agreement and the tagger's evaluation use the same figures, so that they can be compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class Span(Protocol):
    """Anything with a place `[start, end)` in characters."""

    @property
    def start(self) -> int:
        """First character."""
        ...

    @property
    def end(self) -> int:
        """Character after the last."""
        ...


@dataclass(frozen=True)
class PrecisionRecallF1:
    """Precision, recall and their harmonic mean, each 0 where it has no support."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class SpanScores:
    """Scores of one role over many sentences."""

    support: int
    """Sentences in which the reference has the role."""
    exact: PrecisionRecallF1
    """A span counts if both ends agree."""
    overlap: PrecisionRecallF1
    """A span counts if it shares at least one character with the reference span."""


def score_spans(pairs: Iterable[tuple[Span | None, Span | None]]) -> SpanScores:
    """Score predicted spans against reference spans, given as pairs (reference, predicted), one per sentence."""
    references = predictions = exact = overlap = 0
    for reference, predicted in pairs:
        references += reference is not None
        predictions += predicted is not None
        if reference is not None and predicted is not None:
            exact += (reference.start, reference.end) == (predicted.start, predicted.end)
            overlap += reference.start < predicted.end and predicted.start < reference.end
    return SpanScores(references, _scores(exact, predictions, references), _scores(overlap, predictions, references))


def _scores(correct: int, predictions: int, references: int) -> PrecisionRecallF1:
    precision = correct / predictions if predictions else 0.0
    recall = correct / references if references else 0.0
    return PrecisionRecallF1(precision, recall, 2 * correct / (predictions + references) if correct else 0.0)

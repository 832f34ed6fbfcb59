"""Agreement of two annotators: Cohen's kappa, Krippendorff's alpha, and F1 of role spans."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import krippendorff
import numpy as np

from labels.record import Annotation
from labels.scheme import ROLES, STANCES, Role
from labels.spans import SpanScores, score_spans


@dataclass(frozen=True)
class Agreement:
    """How far two annotators of the same sentences agree."""

    sentences: int
    accuracy: float
    """Share of sentences with the same label."""
    kappa: float
    """Cohen's kappa (1960), nominal."""
    alpha: float
    """Krippendorff's alpha (2011), nominal."""
    spans: dict[Role, SpanScores]
    """Over the sentences that both gave the same act, the second annotator scored against the first."""


def agreement(first: Sequence[Annotation], second: Sequence[Annotation]) -> Agreement:
    """Compare two annotations of the same sentences, in the same order.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"agreement needs two answers for each sentence; got {len(first)} and {len(second)}")
    same_act = [
        (left, right) for left, right in zip(first, second, strict=True) if left.label == right.label != "neutral"
    ]
    codes = np.array([[STANCES.index(answer.label) for answer in answers] for answers in (first, second)])
    # Where only one label occurs, chance agreement is total and both coefficients are undefined.
    one_label = len(np.unique(codes)) == 1
    return Agreement(
        sentences=len(first),
        accuracy=float(np.mean(codes[0] == codes[1])),
        kappa=float("nan") if one_label else _cohen_kappa(first, second),
        alpha=float("nan")
        if one_label
        else float(krippendorff.alpha(reliability_data=codes, level_of_measurement="nominal")),
        spans={role: score_spans([(left.span(role), right.span(role)) for left, right in same_act]) for role in ROLES},
    )


def _cohen_kappa(first: Sequence[Annotation], second: Sequence[Annotation]) -> float:
    total = len(first)
    observed = sum(left.label == right.label for left, right in zip(first, second, strict=True)) / total
    left_counts = Counter(answer.label for answer in first)
    right_counts = Counter(answer.label for answer in second)
    expected = sum(left_counts[label] * right_counts[label] for label in STANCES) / total**2
    return (observed - expected) / (1 - expected)

"""What is measured of predictions, the same for the tagger and every baseline."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from labels.record import AnnotatedSentence
from labels.scheme import ROLES, STANCES, Role, Stance
from labels.scores import confusion, label_codes, macro_f1
from labels.spans import Span, SpanScores, score_spans
from serve.prediction import Prediction

#: Shares of the sentences, surest first, over which precision is given.
COVERAGES: Final = (100, 90, 80, 60)
_RESAMPLES: Final = 2000
_ECE_BINS: Final = 15


class LabelScores(BaseModel):
    """Scores of one stance."""

    precision: float
    recall: float
    f1: float
    support: int


class Confusion(BaseModel):
    """Counts with a row per true and a column per predicted label."""

    labels: tuple[Stance, ...]
    matrix: list[list[int]]


class Evaluation(BaseModel):
    """Everything measured on one set of sentences; this is the JSON of `python -m train evaluate`."""

    model_config = ConfigDict(frozen=True)

    n: int
    accuracy: float
    macro_f1: float
    """Mean F1 of the stances that occur among the true or the predicted labels."""
    macro_f1_ci95: tuple[float, float]
    """Percentile bootstrap over sentences (Efron 1979), 2,000 resamples."""
    per_label: dict[Stance, LabelScores]
    confusion: Confusion
    ece: float
    """Expected calibration error over 15 bins of equal width (Guo et al., ICML 2017)."""
    roles: dict[Role, dict[str, Any]]
    """Per role `support`, and precision, recall and F1 both `exact` and by `overlap`."""
    coverage_precision: dict[str, float]
    """Share of right labels among the surest 100, 90, 80 and 60 % of the sentences."""


def evaluate(
    labels: Sequence[Stance], roles: Sequence[dict[Role, Span]], predictions: Sequence[Prediction], seed: int = 0
) -> Evaluation:
    """Score `predictions` against true `labels` and `roles`, all in the same order.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    if not len(labels) == len(roles) == len(predictions) or not labels:
        raise ValueError(f"cannot score {len(predictions)} predictions against {len(labels)} labels")
    truth = label_codes(labels)
    predicted = label_codes([prediction.label for prediction in predictions])
    confidence = np.array([max(prediction.scores) for prediction in predictions])
    correct = truth == predicted
    matrix = confusion(labels, [prediction.label for prediction in predictions])
    samples = bootstrap_macro_f1(truth, predicted, resample(len(truth), seed))
    low, high = np.quantile(samples, [0.025, 0.975])
    return Evaluation(
        n=len(labels),
        accuracy=float(correct.mean()),
        macro_f1=float(macro_f1(matrix)),
        macro_f1_ci95=(float(low), float(high)),
        per_label=_per_label(matrix),
        confusion=Confusion(labels=STANCES, matrix=matrix.tolist()),
        ece=_expected_calibration_error(confidence, correct),
        roles={role: _role_scores(role, roles, predictions) for role in ROLES},
        coverage_precision=_coverage_precision(confidence, correct),
    )


def true_roles(sentence: AnnotatedSentence) -> dict[Role, Span]:
    """The spans of `sentence` by role, as `evaluate` takes them."""
    return {span.role: span for span in sentence.roles}


def resample(size: int, seed: int) -> NDArray[np.int64]:
    """Bootstrap positions of shape (2000, size); the same seed gives the same, for paired comparisons."""
    return np.random.default_rng(seed).integers(0, size, (_RESAMPLES, size))


def bootstrap_macro_f1(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], positions: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Macro-F1 of each resample, shape (resamples,)."""
    cells = truth * len(STANCES) + predicted
    counts = np.stack([np.bincount(cells[row], minlength=len(STANCES) ** 2) for row in positions])
    return macro_f1(counts.reshape(-1, len(STANCES), len(STANCES)))


def _per_label(matrix: NDArray[np.int64]) -> dict[Stance, LabelScores]:
    scores: dict[Stance, LabelScores] = {}
    for position, stance in enumerate(STANCES):
        hits, support, predicted = matrix[position, position], matrix[position].sum(), matrix[:, position].sum()
        scores[stance] = LabelScores(
            precision=float(hits / predicted) if predicted else 0.0,
            recall=float(hits / support) if support else 0.0,
            f1=float(2 * hits / (support + predicted)) if support + predicted else 0.0,
            support=int(support),
        )
    return scores


def _expected_calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    bins = np.minimum((confidence * _ECE_BINS).astype(int), _ECE_BINS - 1)
    gaps = [
        abs(correct[bins == number].mean() - confidence[bins == number].mean()) * (bins == number).mean()
        for number in np.unique(bins)
    ]
    return float(sum(gaps))


def _coverage_precision(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> dict[str, float]:
    surest_first = correct[np.argsort(-confidence, kind="stable")]
    kept = {coverage: max(1, round(len(correct) * coverage / 100)) for coverage in COVERAGES}
    return {str(coverage): float(surest_first[:count].mean()) for coverage, count in kept.items()}


def _role_scores(role: Role, roles: Sequence[dict[Role, Span]], predictions: Sequence[Prediction]) -> dict[str, Any]:
    scores: SpanScores = score_spans(
        (true.get(role), prediction.roles.get(role)) for true, prediction in zip(roles, predictions, strict=True)
    )
    return {"support": scores.support, "exact": vars(scores.exact), "overlap": vars(scores.overlap)}

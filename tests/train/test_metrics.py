from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.metrics import f1_score

from labels.record import RoleSpan
from labels.scheme import STANCES, Role, Stance
from labels.scores import label_codes, macro_f1
from labels.spans import Span
from serve.prediction import PredictedSpan, Prediction
from train.metrics import bootstrap_macro_f1, evaluate, resample


def predictions(labels: Sequence[Stance], confidence: float = 0.7) -> list[Prediction]:
    rest = (1 - confidence) / 3
    made = []
    for label in labels:
        first, second, third, fourth = (confidence if stance == label else rest for stance in STANCES)
        made.append(Prediction(label=label, scores=(first, second, third, fourth)))
    return made


TRUE: list[Stance] = ["accuses", "accuses", "denies", "defends", "neutral", "neutral"]
FOUND: list[Stance] = ["accuses", "denies", "denies", "defends", "neutral", "accuses"]


def test_figures_agree_with_scikit_learn() -> None:
    measured = evaluate(TRUE, [{} for _ in TRUE], predictions(FOUND))
    assert measured.macro_f1 == pytest.approx(f1_score(TRUE, FOUND, average="macro"))
    assert measured.accuracy == pytest.approx(4 / 6)
    assert measured.per_label["denies"].precision == pytest.approx(0.5)
    assert measured.per_label["denies"].recall == 1.0
    assert measured.confusion.matrix[0] == [1, 1, 0, 0]
    assert measured.confusion.labels == STANCES


def test_macro_f1_is_over_the_labels_that_occur() -> None:
    measured = evaluate(["accuses", "neutral"], [{}, {}], predictions(["accuses", "neutral"]))
    assert measured.macro_f1 == 1.0


def test_the_interval_holds_the_figure_and_narrows_with_more_sentences() -> None:
    few = evaluate(TRUE * 5, [{} for _ in TRUE * 5], predictions(FOUND * 5))
    many = evaluate(TRUE * 80, [{} for _ in TRUE * 80], predictions(FOUND * 80))
    assert few.macro_f1_ci95[0] < few.macro_f1 < few.macro_f1_ci95[1]
    assert many.macro_f1_ci95[1] - many.macro_f1_ci95[0] < (few.macro_f1_ci95[1] - few.macro_f1_ci95[0]) / 2


def test_the_fast_bootstrap_is_the_plain_one() -> None:
    truth, found = label_codes(TRUE), label_codes(FOUND)
    positions = resample(len(TRUE), seed=3)[:50]
    plain = [
        f1_score(truth[row], found[row], average="macro", labels=np.union1d(truth[row], found[row]))
        for row in positions
    ]
    np.testing.assert_allclose(bootstrap_macro_f1(truth, found, positions), plain)


def test_macro_f1_of_nothing_right_is_zero() -> None:
    assert macro_f1(np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])) == 0.0


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    right: list[Stance] = ["accuses"] * 8
    wrong: list[Stance] = ["denies"] * 2
    sure = evaluate(["accuses"] * 10, [{}] * 10, predictions(right + wrong, confidence=0.95))
    assert sure.ece == pytest.approx(0.15)


def test_coverage_takes_the_surest_first() -> None:
    surest: list[Stance] = ["accuses"] * 6
    found = predictions(surest, confidence=0.9) + predictions(["denies"] * 4, confidence=0.4)
    measured = evaluate(["accuses"] * 10, [{}] * 10, found)
    assert measured.coverage_precision == pytest.approx({"100": 0.6, "90": 6 / 9, "80": 0.75, "60": 1.0})


def test_roles_are_scored_exactly_and_by_overlap() -> None:
    def found(start: int, end: int) -> Prediction:
        (prediction,) = predictions(["accuses"])
        prediction.roles["source"] = PredictedSpan(start, end, 1.0)
        return prediction

    span: Span = RoleSpan(role="source", start=0, end=5)
    true: list[dict[Role, Span]] = [{"source": span}, {"source": span}, {}]
    measured = evaluate(["accuses"] * 3, true, [found(0, 5), found(4, 9), found(0, 5)])
    source = measured.roles["source"]
    assert source["support"] == 2
    assert source["exact"]["precision"] == pytest.approx(1 / 3)
    assert source["exact"]["recall"] == pytest.approx(1 / 2)
    assert source["overlap"]["f1"] == pytest.approx(2 * 2 / (3 + 2))
    assert measured.roles["issue"]["overlap"]["f1"] == 0.0


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="cannot score"):
        evaluate(["accuses"], [{}], [])

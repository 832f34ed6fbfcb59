import math

import pytest

from labels.agreement import agreement
from labels.record import Annotation, RoleSpan


def answers(*labels: str) -> list[Annotation]:
    return [Annotation.model_validate({"label": label}) for label in labels]


def test_coefficients_match_a_hand_calculation() -> None:
    # Observed agreement 2/4; by marginals expected (1*1 + 1*1 + 2*2) / 16 = 6/16.
    first = answers("accuses", "denies", "neutral", "neutral")
    second = answers("accuses", "neutral", "neutral", "denies")
    result = agreement(first, second)
    assert result.accuracy == pytest.approx(0.5)
    assert result.kappa == pytest.approx((0.5 - 6 / 16) / (10 / 16))
    # Alpha by its definition: 1 - (n - 1) sum of disagreeing pairs / (n^2 - sum of squared counts), n = 8 answers.
    assert result.alpha == pytest.approx(1 - 7 * 4 / (64 - (4 + 4 + 16)))


def test_identical_answers_agree_wholly() -> None:
    same = answers("accuses", "neutral")
    result = agreement(same, same)
    assert (result.kappa, result.alpha) == (1.0, 1.0)


def test_with_one_label_the_coefficients_are_undefined() -> None:
    assert math.isnan(agreement(answers("neutral"), answers("neutral")).kappa)


def test_spans_are_compared_where_the_act_is_the_same() -> None:
    def act(label: str, start: int, end: int) -> Annotation:
        return Annotation.model_validate({"label": label, "roles": [RoleSpan(role="source", start=start, end=end)]})

    first = [act("accuses", 0, 5), act("accuses", 0, 5), act("denies", 0, 5)]
    second = [act("accuses", 0, 5), act("accuses", 3, 9), act("defends", 0, 5)]
    source = agreement(first, second).spans["source"]
    assert source.support == 2
    assert source.exact.f1 == pytest.approx(0.5)
    assert source.overlap.f1 == pytest.approx(1.0)
    assert agreement(first, second).spans["issue"].support == 0


def test_one_answer_per_sentence_is_needed() -> None:
    with pytest.raises(ValueError, match="two answers"):
        agreement(answers("neutral"), [])

import numpy as np
import pytest

from labels.record import AnnotatedSentence
from labels.scheme import STANCES, Stance
from serve.calibrate import probabilities
from serve.prediction import Prediction
from tests.conftest import sentence
from tests.train.test_metrics import predictions
from train.calibration import fit_decision
from train.gate import judge

TRUE: list[Stance] = ["accuses", "denies", "defends", "neutral"] * 50


def worse(share: float) -> list[Prediction]:
    """Right answers but for the first `share` of the sentences."""
    wrong = round(len(TRUE) * share)
    return predictions([STANCES[(STANCES.index(label) + 1) % 4] for label in TRUE[:wrong]] + TRUE[wrong:])


def test_a_clear_lead_passes_over_the_best_baseline() -> None:
    verdict = judge(TRUE, worse(0.1), {"poor": worse(0.6), "better": worse(0.4)}, 0.95)
    assert (verdict.baseline, verdict.passed, verdict.share_ahead) == ("better", True, 1.0)


def test_a_tie_and_a_slight_lead_do_not_pass() -> None:
    assert not judge(TRUE, worse(0.3), {"same": worse(0.3)}, 0.95).passed
    slight = judge(TRUE, worse(0.3), {"near": worse(0.305)}, 0.95)
    assert slight.share_ahead < 0.95
    assert not slight.passed


def development(seed: int = 0, size: int = 4000) -> tuple[list[AnnotatedSentence], np.ndarray]:
    """Sentences whose labels are drawn by the probabilities that logits of temperature 1 give."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (size, 4)).astype(np.float32)
    drawn = [int(random.choice(4, p=row)) for row in probabilities(logits, 1.0)]
    return [sentence("Text.", id=str(number), label=STANCES[code]) for number, code in enumerate(drawn)], logits


def answered(logits: np.ndarray) -> list[Prediction]:
    made = []
    for row in probabilities(logits, 1.0):
        first, second, third, fourth = map(float, row)
        made.append(Prediction(label=STANCES[int(row.argmax())], scores=(first, second, third, fourth)))
    return made


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_over_and_under_confidence(overconfidence: float) -> None:
    sentences, logits = development()
    decision = fit_decision(sentences, answered(logits * overconfidence), precision=0.9)
    assert decision.temperature == pytest.approx(overconfidence, rel=0.1)


def test_answers_above_the_threshold_are_right_often_enough_and_no_more_are_withheld() -> None:
    sentences, logits = development()
    decision = fit_decision(sentences, answered(logits), precision=0.9)
    scores = probabilities(logits, decision.temperature)
    confidence = scores.max(axis=1)
    correct = scores.argmax(axis=1) == [STANCES.index(found.label) for found in sentences]
    kept = confidence >= decision.abstain_below
    assert correct[kept].mean() >= 0.9
    lower = np.sort(confidence[~kept])[-40]
    assert correct[confidence >= lower].mean() < 0.9


def test_if_no_answer_is_sure_enough_all_but_the_surest_are_withheld() -> None:
    sentences = [sentence("Text.", id=str(number), label="accuses") for number in range(3)]
    decision = fit_decision(sentences, predictions(["denies", "denies", "denies"]), precision=0.9)
    assert decision.abstain_below >= 0.25

from typing import get_args

import pytest

from labels.corpus import read_corpus
from labels.record import AnnotatedSentence
from labels.scheme import STANCES
from train.baselines import fit_baseline
from train.config import BaselineName


@pytest.fixture(scope="module")
def sentences() -> list[AnnotatedSentence]:
    return read_corpus()[:600]


@pytest.mark.parametrize("name", get_args(BaselineName))
def test_a_baseline_learns_and_gives_probabilities(name: BaselineName, sentences: list[AnnotatedSentence]) -> None:
    train, test = sentences[:500], sentences[500:]
    answers = fit_baseline(name, train).predict([found.text for found in test])
    for answer in answers:
        assert sum(answer.scores) == pytest.approx(1.0)
        assert answer.roles == {}
    right = sum(answer.label == found.label for answer, found in zip(answers, test, strict=True)) / len(test)
    always = sum(found.label == "neutral" for found in test) / len(test)
    assert right == always if name == "majority" else right > always


def test_the_lexicon_answers_by_its_first_cue(sentences: list[AnnotatedSentence]) -> None:
    lexicon = fit_baseline("cue lexicon", sentences)
    asked = ["He denied the charge.", "She accused him.", "They praised her.", "It rained."]
    answers = lexicon.predict(asked)
    assert [answer.label for answer in answers] == ["denies", "accuses", "defends", "neutral"]


def test_a_stance_that_training_lacks_has_probability_zero(sentences: list[AnnotatedSentence]) -> None:
    some = [found for found in sentences if found.label != "defends"]
    (answer,) = fit_baseline("tf-idf + logistic regression", some).predict(["She stood by him."])
    assert answer.scores[STANCES.index("defends")] == 0.0

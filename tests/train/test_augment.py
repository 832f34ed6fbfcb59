import random

from hypothesis import given
from hypothesis import strategies as st

from labels import markup
from labels.corpus import read_corpus
from labels.record import AnnotatedSentence
from tests.conftest import sentence
from train.augment import Augmenter, Text
from train.config import AugmentationConfig

CORPUS = read_corpus()
NAMES = Augmenter(AugmentationConfig(names=1, quotes=0), CORPUS)
QUOTES = Augmenter(AugmentationConfig(names=0, quotes=1), CORPUS)


def vary(augmenter: Augmenter, found: AnnotatedSentence, seed: int) -> Text:
    return augmenter.vary(found.text, found.roles, random.Random(seed))  # noqa: S311 - a variant needs no secrecy


def spans(found: Text | AnnotatedSentence) -> list[str]:
    return [found.text[span.start : span.end] for span in found.roles]


def test_names_are_swapped_and_the_spans_move_along() -> None:
    text, roles = markup.parse("On Monday {source|Dana Okoro} accused {target|Norvex} of {issue|lying to Okoro}.")
    varied = vary(NAMES, sentence(text, label="accuses", roles=roles), seed=2)
    source, target, issue = spans(varied)
    assert varied.text == f"On Monday {source} accused {target} of {issue}."
    assert source.split()[0] not in {"Dana"}
    assert issue == f"lying to {source.split()[1]}", "the same name is swapped for the same"
    assert len(source.split()) == 2
    assert target != "Norvex"


def test_other_words_and_titles_stay() -> None:
    varied = vary(NAMES, sentence("The Minister of Health spoke to Senators on Tuesday."), seed=1)
    assert varied.text == "The Minister of Health spoke to Senators on Tuesday."


@given(st.integers(0, len(CORPUS) - 1), st.integers(0, 1000))
def test_a_varied_sentence_keeps_its_words_and_its_spans_keep_theirs(position: int, seed: int) -> None:
    found = CORPUS[position]
    for augmenter in (NAMES, QUOTES):
        varied = vary(augmenter, found, seed)
        assert len(varied.roles) == len(found.roles)
        for before, after in zip(spans(found), spans(varied), strict=True):
            assert len(before.split()) == len(after.split())
            assert after == after.strip() != ""


def test_quotation_marks_take_one_style() -> None:
    found = sentence("“No,” she said, “never.”")
    drawn = {vary(QUOTES, found, seed).text for seed in range(20)}
    assert drawn == {"“No,” she said, “never.”", '"No," she said, "never."'}


def test_without_augmentation_nothing_changes() -> None:
    plain = Augmenter(AugmentationConfig(names=0, quotes=0), CORPUS)
    for found in CORPUS[:50]:
        assert vary(plain, found, seed=1) == Text(found.text, found.roles)

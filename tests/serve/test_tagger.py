import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labels.scheme import STANCES
from serve.errors import DeviceError
from serve.schedule import token_budget_batches
from serve.tagger import Tagger
from tests.conftest import SENTENCES


def test_answers_come_in_the_order_of_the_question(tagger: Tagger) -> None:
    one_by_one = {text: tagger.predict([text])[0] for text in SENTENCES}
    shuffled = SENTENCES * 3
    random.Random(1).shuffle(shuffled)  # noqa: S311 - a draw of test data needs no secrecy
    together = tagger.predict(shuffled)
    assert [answer.label for answer in together] == [one_by_one[text].label for text in shuffled]
    assert len({answer.scores for answer in one_by_one.values()}) == len(SENTENCES), (
        "the answers must differ to show it"
    )


def test_a_probability_does_not_depend_on_the_neighbours(tagger: Tagger) -> None:
    alone = [tagger.predict([text])[0].scores for text in SENTENCES]
    together = [answer.scores for answer in tagger.predict([*SENTENCES, "word " * 60])]
    np.testing.assert_allclose(together[:-1], alone, atol=1e-5)


def test_the_label_is_the_most_probable_and_probabilities_sum_to_one(tagger: Tagger) -> None:
    for answer in tagger.predict(SENTENCES):
        assert answer.label == STANCES[int(np.argmax(answer.scores))]
        assert sum(answer.scores) == pytest.approx(1.0)
        assert answer.abstained == (max(answer.scores) < 0.4)


def test_a_long_sentence_is_cut_and_says_so(tagger: Tagger) -> None:
    short, long = tagger.predict(["It rained.", "It rained on " + "the town " * 40])
    assert (short.truncated, long.truncated) == (False, True)


@pytest.mark.parametrize(("device", "message"), [("gpu", "auto, cpu or cuda, not gpu"), ("cuda", "no GPU")])
def test_a_device_that_is_not_there_is_one_sentence(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, device: str, message: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(DeviceError, match=message):
        Tagger.load(model_folder, device)


def test_nothing_in_nothing_out(tagger: Tagger) -> None:
    assert tagger.predict([]) == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(), max_size=60), max_size=4))
def test_any_text_is_answered_with_spans_inside_it(tagger: Tagger, texts: list[str]) -> None:
    records = tagger.tag(texts)
    assert len(records) == len(texts)
    for text, record in zip(texts, records, strict=True):
        for role in (record.source, record.target, record.issue):
            if role is not None:
                assert role.text == text[role.start : role.end] != ""


def test_a_lone_surrogate_is_answered(tagger: Tagger) -> None:
    assert len(tagger.tag(["He said \ud83d and left."])) == 1


def test_a_record_carries_codes_and_the_model(tagger: Tagger) -> None:
    for record in tagger.tag(SENTENCES):
        assert (record.cameo is None) == (record.label == "neutral") == (record.plover is None)
        assert record.score == record.scores[record.label]
        assert record.model == tagger.info
        if record.label == "neutral":
            assert (record.source, record.target, record.issue) == (None, None, None)


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 500))
def test_batches_hold_every_position_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = list(token_budget_batches(lengths, budget))
    assert sorted(position for batch in batches for position in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[position] for position in batch) <= budget

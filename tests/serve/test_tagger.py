import itertools
import random
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from labels.scheme import ROLES, STANCES, Role, Stance
from serve.answers import Answer, AnswerMemory
from serve.decode import TokenSpan
from serve.encode import Encoder
from serve.errors import DeviceError
from serve.forward import Floats
from serve.model_folder import Decision
from serve.packing import usual_batches
from serve.prediction import AnsweredBy
from serve.records import ModelInfo
from serve.schedule import PADDING, TOKEN_BUDGET, batches, cost, lot, padded_length
from serve.tagger import Tagger
from serve.torch_forward import TorchForward
from serve.weights import load
from tests.conftest import SENTENCES, tiny_tokenizer


def test_answers_come_in_the_order_of_the_question(tagger: Tagger) -> None:
    one_by_one = {text: tagger.predict([text])[0] for text in SENTENCES}
    shuffled = SENTENCES * 3
    random.Random(1).shuffle(shuffled)  # noqa: S311 - a draw of test data needs no secrecy
    together = tagger.predict(shuffled)
    assert [answer.label for answer in together] == [one_by_one[text].label for text in shuffled]
    assert len({answer.scores for answer in one_by_one.values()}) == len(SENTENCES), (
        "the answers must differ to show it"
    )


def test_an_answer_does_not_depend_on_the_neighbours_in_a_single_bit(tagger: Tagger) -> None:
    texts = [f"{text} {'So it was. ' * number}" for number in range(5) for text in SENTENCES]
    alone = [tagger.predict([text])[0] for text in texts]
    for seed in range(5):
        shuffled = list(range(len(texts)))
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - a draw of test data needs no secrecy
        together = tagger.predict([texts[position] for position in shuffled[seed * 4 :]])
        assert together == [alone[position] for position in shuffled[seed * 4 :]]


def test_what_is_the_same_to_the_network_is_computed_once(model_folder: Path) -> None:
    computed = []
    saved = load(model_folder)

    class Counting(TorchForward):
        def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Floats, Floats]:
            computed.append(len(ids))
            return super().__call__(ids, mask)

    counting = Counting(saved.network, torch.device("cpu"))
    tagger = Tagger(Encoder(saved.tokenizer, 64), counting, saved.manifest.decision, saved.manifest.info)
    text = "The union accused Norvex of theft."
    variants = [text, text, text.upper(), text.replace(" ", "  "), text + " It did."]
    answers = tagger.predict(variants)
    assert sum(computed) == 2
    assert answers == [tagger.predict([variant])[0] for variant in variants]
    computed.clear()
    assert list(tagger.stream([text] * 50, window=8)) == [answers[0]] * 50
    assert sum(computed) == 1


def test_a_stream_answers_as_a_single_call_does(tagger: Tagger) -> None:
    texts = [f"{text} {number}" for number in range(40) for text in SENTENCES]
    assert list(tagger.stream(iter(texts), window=16)) == tagger.predict(texts)
    assert list(tagger.stream([])) == []


def test_the_memory_of_answers_lets_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.answers.CAPACITY", 2)
    memory = AnswerMemory()
    for key in (b"a", b"b", b"c"):
        memory[key] = Answer("neutral", (0.0, 0.0, 0.0, 1.0), False, {})
    assert len(memory) == 2
    assert [memory.get(key) is None for key in (b"a", b"b", b"c")] == [True, False, False]


@given(
    scores=st.tuples(*[st.floats(0, 1)] * 4),
    label=st.sampled_from(STANCES),
    abstained=st.booleans(),
    spans=st.dictionaries(
        st.sampled_from(ROLES),
        st.builds(TokenSpan, st.integers(0, 511), st.integers(0, 511), st.floats(0, 1)),
    ),
    answered_by=st.sampled_from(get_args(AnsweredBy)),
)
def test_what_the_memory_gives_back_is_what_it_was_given(
    scores: tuple[float, float, float, float],
    label: Stance,
    abstained: bool,
    spans: dict[Role, TokenSpan],
    answered_by: AnsweredBy,
) -> None:
    answer = Answer(label, scores, abstained, spans, answered_by)
    memory = AnswerMemory()
    memory[b"a"] = answer
    assert memory.get(b"a") == answer


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


@pytest.mark.parametrize("packs", [True, False])
def test_warming_up_computes_usual_batches_for_each_that_computes(packs: bool) -> None:
    class Counting:
        parallel = 2

        def __init__(self) -> None:
            self.packs = packs
            self.computed: list[int] = []

        def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> tuple[Floats, Floats]:
            self.computed.append(int(mask.sum()))
            return np.zeros((len(ids), 4), np.float32), np.zeros((*ids.shape, 7), np.float32)

    counting = Counting()
    Tagger(
        Encoder(tiny_tokenizer(), 64), counting, Decision(), ModelInfo(name="tiny", version="1", digest="")
    ).warm_up()
    sizes = sorted(map(sum, usual_batches(TOKEN_BUDGET, 64)))
    assert sorted(counting.computed) == (sorted(sizes * 2) if packs else [])


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 500), st.booleans())
def test_batches_hold_every_position_once_within_the_budget(lengths: list[int], budget: int, packs: bool) -> None:
    dealt = list(batches(lengths, budget, packs))
    assert sorted(position for batch in dealt for position in batch) == list(range(len(lengths)))
    for batch in dealt:
        assert len({lot(lengths[position], packs) for position in batch}) == 1
        assert len(batch) == 1 or sum(cost(lengths[position], packs) for position in batch) <= budget
    # No two next to each other would have gone into one.
    for one, other in itertools.pairwise(dealt):
        tokens = sum(cost(lengths[position], packs) for position in [*one, other[0]])
        assert tokens > budget or lot(lengths[one[0]], packs) != lot(lengths[other[0]], packs)


@given(st.integers(1, 600))
def test_lengths_are_rounded_up_a_little(length: int) -> None:
    assert length <= padded_length(length) < length + PADDING
    assert padded_length(length) % PADDING == 0

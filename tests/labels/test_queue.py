from collections import Counter
from collections.abc import Sequence

import pytest

from labels.errors import DataError
from labels.queue import TURNS, make_queue
from labels.scheme import STANCES, Stance
from labels.tagged import TaggedSentence
from tests.conftest import sentence


def tagged(text: str, label: Stance = "neutral", score: float = 0.9, **fields: object) -> TaggedSentence:
    """A tag whose second stance gets two thirds of what the first leaves."""
    second = next(stance for stance in STANCES if stance != label)
    rest = dict.fromkeys(STANCES, (1 - score) / 6)
    record = {
        "text": text,
        "label": label,
        "scores": {**rest, second: (1 - score) * 2 / 3, label: score},
        **dict.fromkeys(("source", "target", "issue")),
        "document_id": "a.txt",
        "sentence_index": 0,
        "model": {"name": "stance", "version": "1"},
        **fields,
    }
    return TaggedSentence.model_validate(record)


def texts(records: Sequence[TaggedSentence], count: int, **others: object) -> list[str]:
    return [task.sentence.text for task in make_queue(records, count, **others).tasks]  # type: ignore[arg-type]


@pytest.fixture
def many() -> list[TaggedSentence]:
    """A hundred tags of falling certainty, of which five deny and two defend."""
    labels: dict[int, Stance] = {3: "denies", 7: "denies", 8: "denies", 9: "denies", 10: "denies"}
    labels |= {4: "defends", 5: "defends"}
    return [
        tagged(f"This is sentence number {n}.", labels.get(n, "neutral"), 0.99 - n * 0.005, sentence_index=n)
        for n in range(100)
    ]


def test_without_a_baseline_the_least_sure_and_the_rare_acts_take_turns(many: list[TaggedSentence]) -> None:
    numbers = [task.sentence.text.split()[-1] for task in make_queue(many, 10).tasks]
    # Its turns of disagreement fall to the least sure; defends is rarer than denies.
    assert numbers == ["99.", "98.", "97.", "4.", "96.", "95.", "94.", "3.", "93.", "92."]


def test_with_a_baseline_every_ten_turns_have_the_mixture(many: list[TaggedSentence]) -> None:
    baseline = [
        tagged(record.text, "accuses" if 20 <= n < 40 else record.label, 0.5 + n * 0.005)
        for n, record in enumerate(many)
    ]
    tasks = make_queue(many, 20, baseline).tasks
    reasons = [task.guess.reason.split(":")[0] for task in tasks if task.guess is not None]
    assert reasons == [*TURNS, *TURNS]
    assert Counter(TURNS) == {"uncertain": 5, "disagreement": 3, "rare": 2}
    # The surer both are the better: the lesser of 0.99 - n / 200 and 0.5 + n / 200 grows with n up to 39.
    disagreed = [task.sentence.text for task, reason in zip(tasks, reasons, strict=True) if reason == "disagreement"]
    assert disagreed == [f"This is sentence number {n}." for n in (39, 38, 37, 36, 35, 34)]


def test_the_reason_says_why(many: list[TaggedSentence]) -> None:
    baseline = [tagged(record.text, "accuses" if n == 20 else record.label, 0.8) for n, record in enumerate(many)]
    guesses = [task.guess for task in make_queue(many, 4, baseline).tasks]
    assert [guess.reason for guess in guesses if guess is not None] == [
        "uncertain: neutral 0.49, accuses 0.34",
        "disagreement: neutral 0.89, the baseline says accuses 0.80",
        "uncertain: neutral 0.50, accuses 0.33",
        "rare: defends is 2.0% of the tags",
    ]
    assert guesses[1] is not None
    assert (guesses[1].model, guesses[1].score, guesses[1].origin) == ("stance 1", 0.89, "a.txt#20")


def test_an_act_that_is_common_is_not_rare() -> None:
    records = [tagged(f"This is sentence number {n}.", STANCES[n % 4], 0.9 - n / 100) for n in range(8)]
    reasons = {task.guess.reason[:9] for task in make_queue(records, 8).tasks if task.guess is not None}
    assert reasons == {"uncertain"}


def test_all_are_queued_once_and_equals_in_the_order_of_the_input(many: list[TaggedSentence]) -> None:
    assert sorted(texts(many, 1000)) == sorted(record.text for record in many)
    alike = [tagged(f"This is sentence number {n}.") for n in range(20)]
    assert texts(alike, 20) == [record.text for record in alike]
    assert texts(many, 30) == texts(many, 30) == texts(many, 100)[:30]


def test_what_needs_no_label_or_could_not_be_held_is_left_out() -> None:
    records = [
        tagged("The talks resume on Monday.", score=0.6),
        tagged("The  talks resume\non MONDAY."),
        tagged("The port reopened on Friday."),
        tagged("Quite short"),
        tagged("Scores: home | away, three to one."),
    ]
    made = make_queue(records, 10, known=[sentence("The port  reopened on friday.")])
    assert [task.sentence.text for task in made.tasks] == ["The talks resume on Monday."]
    assert made.left_out == {"repeated": 1, "in the corpus already": 1, "that the corpus could not hold": 2}
    with pytest.raises(DataError, match="nothing is left to label: 2 that the corpus could not hold"):
        make_queue(records[3:], 10)


def test_line_breaks_become_spaces_and_spans_stay_in_place() -> None:
    text = "The dockers'\r\nunion accused\tNorvex."
    source = {"text": "The dockers'\r\nunion", "start": 0, "end": 19}
    (task,) = make_queue([tagged(text, "accuses", source=source)], 1).tasks
    assert task.sentence.text == "The dockers'  union accused Norvex."
    (span,) = task.sentence.roles
    assert task.sentence.text[span.start : span.end] == "The dockers'  union"


def test_a_baseline_that_lacks_a_sentence_is_refused() -> None:
    records = [tagged("The talks resume on Monday."), tagged("The port reopened on Friday.", sentence_index=4)]
    with pytest.raises(DataError, match=r"says nothing of 1 of 2 sentences, first of a\.txt#4; let both tag the same"):
        make_queue(records, 2, records[:1])
    assert len(make_queue(records, 2, records).tasks) == 2


def test_the_name_of_a_task_depends_on_its_text_alone(many: list[TaggedSentence]) -> None:
    first, again = (make_queue(records, 100).tasks for records in (many, many[::-1]))
    assert {task.sentence.id: task.sentence.text for task in first} == {
        task.sentence.id: task.sentence.text for task in again
    }
    assert len({task.sentence.id for task in first}) == 100

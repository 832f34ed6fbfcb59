import pytest

from labels.answer import Answer, Carried, Mark, judge

TEXT = "The union 🧵 accused Norvex of hiding reports."


def answer(*marks: Mark, stances: tuple[str, ...] = ("accuses",), text: str = TEXT, **carried: object) -> Answer:
    fields = Carried.model_validate({"id": "a-1", "text": text, "tags": ["wire"], **carried})
    return Answer("tasks.json", 1, fields, stances, marks)


SOURCE = Mark("source", 0, 9, "The union")


def test_a_good_answer_becomes_a_sentence() -> None:
    made, problems = judge(answer(SOURCE, Mark("target", 20, 26)), "ports")
    assert problems == []
    assert made is not None
    assert (made.id, made.label, made.text, made.topic, made.tags) == ("a-1", "accuses", TEXT, "ports", ("wire",))
    assert {span.role: TEXT[span.start : span.end] for span in made.roles} == {
        "source": "The union",
        "target": "Norvex",
    }


@pytest.mark.parametrize(("start", "end"), [(19, 26), (20, 27), (19, 27)])
def test_white_space_at_the_ends_of_a_span_is_trimmed(start: int, end: int) -> None:
    made, problems = judge(answer(Mark("target", start, end, TEXT[start:end])), "ports")
    assert problems == []
    assert made is not None
    assert [(span.start, span.end) for span in made.roles] == [(20, 26)]


def test_a_line_break_in_a_span_may_be_written_out() -> None:
    text = "The dockers'\nunion accused the firm."
    for written in ("dockers'\nunion", r"dockers'\nunion", "dockers' union", "dockers' union "):
        assert Mark("source", 4, 18, written).agrees_with(text)
    assert not Mark("source", 4, 18, "dockers'").agrees_with(text)
    assert Mark("source", 0, 6, r"C:\new").agrees_with(r"C:\new is a folder.")


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        (answer(SOURCE, stances=()), ["no stance is chosen; choose one"]),
        (answer(SOURCE, stances=("accuses", "denies")), ["2 stances are chosen (accuses, denies); keep one"]),
        (
            answer(SOURCE, stances=("praises",)),
            ["the stance 'praises' is unknown; the stances are accuses, denies, defends, neutral"],
        ),
        (
            answer(SOURCE, stances=("neutral",)),
            ["a neutral sentence has no roles, so its marks must go or its label must change"],
        ),
        (answer(), ["a sentence that accuses needs at least one role marked"]),
        (
            answer(Mark("actor", 0, 9)),
            ["the span [0, 9) has the unknown label 'actor'; the roles are source, target, issue"],
        ),
        (answer(Mark("source", 4, 8)), ["the span [4, 8) of source cuts a word: 'unio'; widen or narrow it"]),
        (answer(Mark("source", 5, 9)), ["the span [5, 9) of source cuts a word: 'nion'; widen or narrow it"]),
        (answer(Mark("source", 3, 4)), ["the span [3, 4) of source holds nothing but white space"]),
        (
            answer(Mark("source", 40, 46)),
            ["the span [40, 46) of source is empty or lies outside the text's 45 characters"],
        ),
        (
            answer(Mark("source", -1, 9)),
            ["the span [-1, 9) of source is empty or lies outside the text's 45 characters"],
        ),
        (
            answer(Mark("source", 4, 4)),
            ["the span [4, 4) of source is empty or lies outside the text's 45 characters"],
        ),
        (
            answer(Mark("target", 21, 27, "Norvex")),
            ["the span [21, 27) of target is said to hold 'Norvex', but the text has 'orvex ' there"],
        ),
        (answer(SOURCE, Mark("target", 4, 26)), ["the spans of source and target overlap"]),
        (answer(SOURCE, Mark("source", 20, 26)), ["the role source is marked more than once"]),
        (answer(SOURCE, tags=["plain"]), ["the tags must name exactly one register"]),
        (answer(SOURCE, id="A 1"), ["id: String should match pattern '^[a-z0-9-]+$'"]),
        (
            answer(SOURCE, group="g", document="d"),
            ["a sentence stands in a contrast set or in a document, not in both"],
        ),
        (
            answer(stances=("neutral",), text="The union {left|right} Norvex."),
            ["the text has one of { } |, which the corpus keeps for its marks"],
        ),
        (answer(stances=("neutral",), text=""), ["0 words; a sentence has 3 to 60"]),
        (
            answer(stances=("neutral",), tags=None),
            ["the record carries no tags; give them with --tag, a register at least, for example --tag wire"],
        ),
    ],
)
def test_a_fault_is_told_in_one_sentence(given: Answer, problems: list[str]) -> None:
    assert judge(given, "ports") == (None, problems)


def test_all_faults_of_a_record_are_told_at_once() -> None:
    marks = (SOURCE, Mark("source", 4, 26), Mark("issue", 31, 40), Mark("actor", 20, 26))
    found, problems = judge(answer(*marks, stances=("accuses", "denies"), tags=["plain", "funny"]), "ports")
    assert found is None
    assert problems == [
        "2 stances are chosen (accuses, denies); keep one",
        "the span [20, 26) has the unknown label 'actor'; the roles are source, target, issue",
        "the span [31, 40) of issue cuts a word: 'iding rep'; widen or narrow it",
        "the role source is marked more than once",
        "the spans of source and source overlap",
        "unknown tags funny; the known ones are in labels/scheme.py",
        "the tags must name exactly one register",
    ]


def test_default_tags_are_for_records_without_any() -> None:
    for carried, tags in (([], ("court", "plain")), (["wire"], ("wire",))):
        made, problems = judge(answer(SOURCE, tags=carried), "ports", ["court", "plain"])
        assert problems == []
        assert made is not None
        assert made.tags == tags

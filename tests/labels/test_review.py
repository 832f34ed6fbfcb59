import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from labels.errors import FaultsError
from labels.exchange import import_answers
from labels.review import Correction, Review, digest
from tests.labels.test_commands import labels

TEXT = "🧵 The union accused Norvex of hiding reports."
SOURCE = {"role": "source", "start": 2, "end": 11}
TARGET = {"role": "target", "start": 20, "end": 26}


def correction(**changes: object) -> dict[str, Any]:
    """What the page sends of a sentence that the tagger took for neutral."""
    was = {"label": "neutral", "score": 0.61, "abstained": False, "source": None, "target": None, "issue": None}
    scores = {"accuses": 0.3, "denies": 0.05, "defends": 0.04, "neutral": 0.61}
    return {
        "label": "accuses",
        "roles": [SOURCE, TARGET],
        "text": TEXT,
        "model": {"name": "stance", "version": "1", "digest": "0" * 64},
        "was": {**was, "scores": scores, "cameo": None},
        "reviewer": "Ada",
        **changes,
    }


def line(time: str = "2026-01-01T12:00:00Z", **changes: object) -> dict[str, Any]:
    made = correction(**changes)
    return {**made, "time": time, "sha256": digest(made["text"])}


def put(folder: Path, *rows: object) -> Path:
    file = folder / "reviews.jsonl"
    file.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"roles": []}, "a sentence that accuses needs at least one role marked"),
        ({"label": "neutral"}, "a neutral sentence has no roles"),
        ({"label": "praises"}, "Input should be 'accuses', 'denies', 'defends' or 'neutral'"),
        ({"roles": [SOURCE, {**TARGET, "start": 10}]}, "the spans of source and target overlap"),
        ({"roles": [SOURCE, {**TARGET, "role": "source"}]}, "the role source is marked more than once"),
        ({"roles": [{**TARGET, "end": 99}]}, r"the target span \[20, 99\) ends past the text's 45 characters"),
        ({"roles": [{**TARGET, "end": 25}]}, r"the target span \[20, 25\) cuts a word: 'Norve'"),
        ({"roles": [{**TARGET, "end": 27}]}, r"the target span \[20, 27\) begins or ends with white space"),
        ({"roles": [{**TARGET, "end": 20}]}, r"the target span \[20, 20\) is empty"),
        ({"text": "a" * 2001, "roles": [], "label": "neutral"}, "at most 2000 characters"),
        ({"reviewer": " "}, "at least 1 character"),
        ({"note": "x"}, "Extra inputs are not permitted"),
        (
            {"was": {**correction()["was"], "target": {"text": "Norvex", "start": 19, "end": 25}}},
            "the text has not 'Norvex' at the place of the target that the tagger gave",
        ),
    ],
)
def test_a_correction_keeps_the_rules_of_the_codebook(changes: dict[str, object], message: str) -> None:
    assert Correction.model_validate(correction()).label == "accuses"
    with pytest.raises(ValidationError, match=message):
        Correction.model_validate(correction(**changes))


def test_a_line_is_of_its_text_and_of_a_time_with_a_zone() -> None:
    assert Review.model_validate(line()).sha256 == digest(TEXT)
    with pytest.raises(ValidationError, match="the sha256 is not that of the text"):
        Review.model_validate({**line(), "sha256": "0" * 64})
    with pytest.raises(ValidationError, match="timezone"):
        Review.model_validate(line("2026-01-01T12:00:00"))


def test_reviews_become_rows_and_the_last_word_on_a_sentence_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = put(
        tmp_path,
        line(label="denies", roles=[SOURCE]),
        line(text="The talks resume on Monday.", label="neutral", roles=[], reviewer=None),
        line(reviewer="Bo"),
        line(text="Talks resume.", label="neutral", roles=[]),
        line(text="The {talks} resume on Monday.", label="neutral", roles=[]),
    )
    out = tmp_path / "mine.jsonl"
    code, _, err = labels(capsys, "import", "--from", "review", file, "--out", out)
    assert (code, err) == (
        0,
        "left out: 1 corrected again later, 2 too short, too long or with one of { } | for the corpus\n"
        f"2 sentences written to {out}\n",
    )
    rows = [json.loads(row) for row in out.read_text(encoding="utf-8").splitlines()]
    assert rows == [
        {
            "id": f"review-{digest(TEXT)[:16]}",
            "label": "accuses",
            "text": "🧵 {source|The union} accused {target|Norvex} of hiding reports.",
            "tags": ["wire"],
        },
        {
            "id": f"review-{digest('The talks resume on Monday.')[:16]}",
            "label": "neutral",
            "text": "The talks resume on Monday.",
            "tags": ["wire"],
        },
    ]


def test_one_reviewer_and_other_tags_can_be_named(tmp_path: Path) -> None:
    file = put(tmp_path, line(label="denies", roles=[SOURCE]), line(reviewer="Bo"))
    imported = import_answers("review", file, tmp_path / "ada.jsonl", "Ada", ["quote"])
    assert [(found.label, found.tags) for found in imported.sentences] == [("denies", ("quote",))]
    assert imported.left_out == {"by other annotators": 1}


def test_every_faulty_line_is_told(tmp_path: Path) -> None:
    file = put(tmp_path, line(), {**line(), "roles": [], "time": "2026-01-01T12:00:00Z"}, {"text": TEXT})
    with pytest.raises(FaultsError) as raised:
        import_answers("review", file, tmp_path / "out.jsonl")
    assert str(raised.value.faults[0]) == (
        "reviews.jsonl:2: Value error, a sentence that accuses needs at least one role marked"
    )
    assert {fault.line for fault in raised.value.faults} == {2, 3}
    assert not (tmp_path / "out.jsonl").exists()

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from labels import label_studio, markup
from labels.errors import DataError, FaultsError
from labels.exchange import import_answers
from labels.offsets import to_utf16
from labels.record import AnnotatedSentence
from labels.scheme import ROLES, STANCES
from labels.task import Guess, Task
from tests.conftest import sentence


@pytest.fixture
def union() -> AnnotatedSentence:
    text, roles = markup.parse("🧵 {source|The 👩‍🚒 union} accused {target|Norvex} of {issue|hiding 🗂 reports}.")
    return sentence(text, "accuses", id="a-1", roles=roles, tags=["social"], group="g")


def exported(task: Task, *annotations: dict[str, object]) -> dict[str, Any]:
    """The task as Label Studio 1.23 gives it back, with what it adds."""
    given = json.loads(json.dumps(label_studio.to_task(task)))
    common: dict[str, object] = {
        "created_at": "2026-11-25T05:03:41.024992Z",
        "lead_time": None,
        "prediction": {},
        "unique_id": "541f",
    }
    made = given.get("annotations", [])
    result = [{**entry, "origin": "manual"} for entry in given.get("predictions", made)[0]["result"]]
    if annotations:
        made = [{"result": result, **annotation} for annotation in annotations]
    return {
        "id": 7,
        "annotations": [{"id": number, "completed_by": 1, **common, **found} for number, found in enumerate(made, 1)],
        "drafts": [],
        "predictions": [],
        "data": given["data"],
        "meta": {},
        "inner_id": 1,
    }


def put(folder: Path, *tasks: object) -> Path:
    file = folder / "export.json"
    file.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    return file


def test_a_task_has_its_data_and_an_annotation_in_characters(union: AnnotatedSentence) -> None:
    task = json.loads(json.dumps(label_studio.to_task(Task(union))))
    assert task["data"] == {
        "id": "a-1",
        "text": union.text,
        "topic": "courts",
        "tags": ["social"],
        "group": "g",
        "document": None,
    }
    (annotation,) = task["annotations"]
    assert (annotation["ground_truth"], annotation["was_cancelled"]) == (False, False)
    *spans, choice = annotation["result"]
    assert {span["value"]["labels"][0]: span["value"]["text"] for span in spans} == {
        "source": "The 👩‍🚒 union",
        "target": "Norvex",
        "issue": "hiding 🗂 reports",
    }
    assert all(union.text[span["value"]["start"] : span["value"]["end"]] == span["value"]["text"] for span in spans)
    assert (choice["type"], choice["value"]) == ("choices", {"choices": ["accuses"]})


def test_the_configuration_has_every_role_and_stance_and_the_names_that_results_use(
    union: AnnotatedSentence, tmp_path: Path
) -> None:
    paths = label_studio.write([Task(union)], tmp_path / "tasks.json")
    assert paths == [tmp_path / "tasks.json", tmp_path / "tasks.xml"]
    view = ElementTree.parse(tmp_path / "tasks.xml").getroot()  # noqa: S314 - written a line above
    assert [label.get("value") for label in view.findall("Labels/Label")] == list(ROLES)
    assert [choice.get("value") for choice in view.findall("Choices/Choice")] == list(STANCES)
    hotkeys = [element.get("hotkey") for element in view.iter() if element.get("hotkey")]
    assert len(set(hotkeys)) == len(hotkeys) == len(ROLES) + len(STANCES)
    controls = {(control.get("name"), control.get("toName")) for control in view if control.get("toName")}
    (text,) = view.findall("Text")
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    results = task["annotations"][0]["result"]
    assert {(result["from_name"], result["to_name"]) for result in results} == controls
    assert text.get("name") in {result["to_name"] for result in results}
    assert str(text.get("value")).removeprefix("$") in task["data"]


def test_the_configuration_may_not_take_the_place_of_the_tasks(union: AnnotatedSentence, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is where the labelling configuration goes"):
        label_studio.write([Task(union)], tmp_path / "tasks.xml")
    assert list(tmp_path.iterdir()) == []


def test_a_guess_is_a_prediction_and_no_answer(union: AnnotatedSentence, tmp_path: Path) -> None:
    task = Task(union, guess=Guess("stance 1", 0.41, "uncertain: accuses 0.41, denies 0.40", "a.txt#3"))
    written = json.loads(json.dumps(label_studio.to_task(task)))
    (prediction,) = written["predictions"]
    assert (prediction["score"], prediction["model_version"]) == (0.41, "stance 1")
    assert len(prediction["result"]) == 4
    assert written["data"]["reason"] == "uncertain: accuses 0.41, denies 0.40"
    assert "annotations" not in written
    reading = label_studio.read(put(tmp_path, written))
    assert (reading.answers, reading.faults, reading.left_out) == ([], [], {"not annotated": 1})


def test_an_export_is_read_and_skipped_annotations_are_not(union: AnnotatedSentence, tmp_path: Path) -> None:
    skipped = {"was_cancelled": True, "result": []}
    other = union.model_copy(update={"id": "a-2"})
    file = put(
        tmp_path,
        exported(Task(union)),
        exported(Task(other), skipped),
        exported(Task(other.model_copy(update={"id": "a-3"})), skipped, {"completed_by": 2}),
        {**exported(Task(other)), "annotations": []},
    )
    imported = import_answers("label-studio", file, tmp_path / "courts.jsonl")
    assert [found.id for found in imported.sentences] == ["a-1", "a-3"]
    assert imported.sentences[0] == union
    assert imported.left_out == {"skipped": 1, "not annotated": 1}


def test_utf16_offsets_of_old_versions_are_known_by_the_text(union: AnnotatedSentence, tmp_path: Path) -> None:
    task = exported(Task(union))
    for entry in task["annotations"][0]["result"][:-1]:
        value = entry["value"]
        value |= {edge: to_utf16(union.text, value[edge]) for edge in ("start", "end")}
    assert import_answers("label-studio", put(tmp_path, task), tmp_path / "courts.jsonl").sentences == [union]
    # One span that agrees under neither count, and the offsets are taken as they are.
    task["annotations"][0]["result"][0]["value"]["text"] = "the union"
    with pytest.raises(FaultsError) as raised:
        import_answers("label-studio", put(tmp_path, task), tmp_path / "courts.jsonl")
    assert len(raised.value.faults) == 3


def test_several_annotators_are_told_apart_by_number_or_address(union: AnnotatedSentence, tmp_path: Path) -> None:
    denies = json.loads(json.dumps(label_studio.to_task(Task(union))))["annotations"][0]["result"]
    denies[-1]["value"]["choices"] = ["denies"]
    ann, ben = {"id": 4, "email": "ann@example.org"}, {"id": 5, "email": "ben@example.org"}
    out = tmp_path / "courts.jsonl"
    file = put(tmp_path, exported(Task(union), {"completed_by": ann}, {"completed_by": ben, "result": denies}))
    with pytest.raises(FaultsError) as raised:
        import_answers("label-studio", file, out)
    assert [str(fault) for fault in raised.value.faults] == [
        "export.json:1: 2 different answers to a-1; keep one,"
        " or name the annotator whose counts (ann@example.org, ben@example.org)"
    ]
    for name, label in (("ann@example.org", "accuses"), ("4", "accuses"), ("5", "denies")):
        imported = import_answers("label-studio", file, out, name)
        assert [found.label for found in imported.sentences] == [label]
        assert imported.left_out == {"by other annotators": 1}
    with pytest.raises(DataError, match=r"no answer is by 6; the annotators are ann@example\.org, ben@example\.org"):
        import_answers("label-studio", file, out, "6")
    star = {"ground_truth": True}
    file = put(tmp_path, exported(Task(union), {"completed_by": 4}, {"completed_by": 5, "result": denies, **star}))
    assert [found.label for found in import_answers("label-studio", file, out).sentences] == ["denies"]


def test_every_fault_of_every_record_is_told_with_its_number(union: AnnotatedSentence, tmp_path: Path) -> None:
    two = exported(Task(union))
    two["annotations"][0]["result"][-1]["value"]["choices"] = ["accuses", "denies"]
    shifted = exported(Task(union.model_copy(update={"id": "a-2"})))
    shifted["annotations"][0]["result"][1]["value"]["start"] += 1
    broken = exported(Task(union.model_copy(update={"id": "a-3"})))
    del broken["annotations"][0]["result"][0]["value"]["start"]
    minimal = {"text": union.text, "stance": "accuses"}
    file = put(tmp_path, exported(Task(union.model_copy(update={"id": "a-0"}))), two, shifted, broken, minimal)
    out = tmp_path / "courts.jsonl"
    with pytest.raises(FaultsError) as raised:
        import_answers("label-studio", file, out)
    assert [str(fault) for fault in raised.value.faults] == [
        "export.json:2: 2 stances are chosen (accuses, denies); keep one",
        "export.json:3: the span [25, 30) of target is said to hold 'Norvex', but the text has 'orvex' there",
        "export.json:4: start: Field required",
        "export.json:5: data: Field required",
    ]
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{}", "is not a list of tasks"), (b"[", "is not JSON in UTF-8: "), (b'["\xe9"]', "is not JSON in UTF-8: ")],
)
def test_a_file_that_is_no_export_is_a_fault(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "export.json"
    file.write_bytes(content)
    (fault,) = label_studio.read(file).faults
    assert str(fault).startswith(f"export.json: {message}")

import itertools
import json
import tempfile
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels import corpus
from labels.errors import DataError, FaultsError
from labels.exchange import READERS, WRITERS, Format, corpus_tasks, import_answers
from labels.markup import has_mark_characters
from labels.record import AnnotatedSentence, RoleSpan
from labels.scheme import PHENOMENA, REGISTERS, ROLES, STANCES
from labels.task import Task
from tests.conftest import sentence

FORMATS: tuple[Format, ...] = get_args(Format)


def there_and_back(to: Format, sentences: list[AnnotatedSentence]) -> list[AnnotatedSentence]:
    """The sentences after export and import, all of the topic of the first."""
    with tempfile.TemporaryDirectory() as folder:
        exported, out = Path(folder) / "exported", Path(folder) / f"{sentences[0].topic}.jsonl"
        WRITERS[to]([Task(found) for found in sentences], exported)
        import_answers(to, exported, out)
        read, faults = [], []
        for line in out.read_text(encoding="utf-8").split("\n")[:-1]:
            problems, found = corpus.parse_line(line, sentences[0].topic)
            faults += problems
            read += [found] if found is not None else []
    assert faults == []
    return read


words = st.text(
    st.one_of(
        st.sampled_from("aé’“”\\n'-,🧵👩🏽‍🚒𠮷\u0301"),
        st.characters(exclude_categories=["Cs"], exclude_characters="{}|"),
    ),
    min_size=1,
    max_size=6,
).filter(lambda word: word.split() == [word] and not has_mark_characters(word))
spaces = st.sampled_from([" ", "  ", "\n", "\r\n", "\t", "\u2028", "\u00a0"])


@st.composite
def annotated(draw: st.DrawFn, name: str) -> AnnotatedSentence:
    parts = draw(st.lists(words, min_size=3, max_size=12))
    starts, ends, text = [], [], ""
    for part in parts:
        text += draw(spaces) if text else ""
        starts.append(len(text))
        text += part
        ends.append(len(text))
    label = draw(st.sampled_from(STANCES))
    roles = []
    if label != "neutral":
        bounds = sorted(draw(st.sets(st.integers(0, len(parts)), min_size=2, max_size=4)))
        fillers = draw(st.permutations(ROLES))
        for role, (first, after) in zip(fillers, itertools.pairwise(bounds), strict=False):
            roles.append(RoleSpan(role=role, start=starts[first], end=ends[after - 1]))
    unit = draw(st.sampled_from([{}, {"group": "g-🧵"}, {"document": "ports a/01"}]))
    tags = [draw(st.sampled_from(sorted(REGISTERS))), *draw(st.lists(st.sampled_from(sorted(PHENOMENA)), max_size=3))]
    return sentence(text, label, id=name, roles=roles, tags=tags, **unit)


@st.composite
def several(draw: st.DrawFn) -> list[AnnotatedSentence]:
    return [draw(annotated(f"s-{number}")) for number in range(draw(st.integers(1, 6)))]


@pytest.mark.parametrize("to", FORMATS)
@given(sentences=several())
@settings(max_examples=30, deadline=None)
def test_import_is_the_inverse_of_export(to: Format, sentences: list[AnnotatedSentence]) -> None:
    assert there_and_back(to, sentences) == sentences


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return corpus_tasks(corpus.CORPUS)


@pytest.mark.parametrize("to", FORMATS)
def test_the_whole_corpus_comes_back(to: Format, tasks: list[Task], tmp_path: Path) -> None:
    exported, out = tmp_path / "exported", tmp_path / "back.jsonl"
    WRITERS[to](tasks, exported)
    imported = import_answers(to, exported, out)
    assert (dict(imported.left_out), imported.incomplete) == ({}, [])
    came_back = {found.id: found.model_copy(update={"topic": ""}) for found in imported.sentences}
    assert came_back == {task.sentence.id: task.sentence.model_copy(update={"topic": ""}) for task in tasks}
    assert out.read_text(encoding="utf-8").count("\n") == len(tasks)


def test_a_part_of_the_corpus_is_picked_by_split_and_topic(small_corpus: Path) -> None:
    splits = json.loads((small_corpus / "splits.json").read_text())
    (topic,) = splits["development"]
    parts = {"development": corpus_tasks(small_corpus, "development"), "all": corpus_tasks(small_corpus)}
    assert {task.sentence.topic for task in parts["development"]} == {topic}
    assert [task for task in parts["all"] if task.split == "development"] == parts["development"]
    assert corpus_tasks(small_corpus, topics=[topic]) == parts["development"]
    with pytest.raises(DataError, match="no topic fotball in "):
        corpus_tasks(small_corpus, topics=["fotball"])
    with pytest.raises(DataError, match="leave one of --topic and --split out"):
        corpus_tasks(small_corpus, "test", [topic])


@pytest.fixture
def union() -> AnnotatedSentence:
    text = "The union 🧵 accused Norvex of hiding reports."
    roles = [RoleSpan(role="source", start=0, end=9), RoleSpan(role="target", start=20, end=26)]
    return sentence(text, "accuses", id="a-1", roles=roles, tags=["wire"])


@pytest.mark.parametrize("to", FORMATS)
def test_a_repeated_answer_is_one_and_a_different_one_a_fault(
    to: Format, union: AnnotatedSentence, tmp_path: Path
) -> None:
    exported, out = tmp_path / "exported", tmp_path / "ports.jsonl"
    WRITERS[to]([Task(union), Task(union)], exported)
    assert len(import_answers(to, exported, out).sentences) == 1
    before = out.read_bytes()
    exported = tmp_path / "again"
    WRITERS[to]([Task(union), Task(union.model_copy(update={"label": "denies"}))], exported)
    with pytest.raises(FaultsError) as raised:
        import_answers(to, exported, out)
    assert [fault.message for fault in raised.value.faults] == ["2 different answers to a-1; keep one"]
    assert out.read_bytes() == before


@pytest.mark.parametrize("to", FORMATS)
def test_what_is_wrong_with_the_paths_is_one_sentence(to: Format, union: AnnotatedSentence, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing does not exist; name what the tool exported"):
        import_answers(to, tmp_path / "missing", tmp_path / "out.jsonl")
    exported = tmp_path / "exported"
    WRITERS[to]([Task(union)], exported)
    with pytest.raises(DataError, match="exported is the file that is read"):
        import_answers(to, exported, exported)
    with pytest.raises(DataError, match=r"cannot write .*: No such file or directory"):
        import_answers(to, exported, tmp_path / "none" / "out.jsonl")
    with pytest.raises(DataError, match=r"cannot write .*: No such file or directory"):
        WRITERS[to]([Task(union)], tmp_path / "none" / "exported")
    assert sorted(path.name for path in tmp_path.iterdir()) in (["exported"], ["exported", "exported.xml"])


def test_everything_that_can_be_written_can_be_read() -> None:
    assert set(WRITERS) == set(FORMATS)
    assert set(READERS) == {*FORMATS, "review"}


def test_a_contrast_set_that_came_back_in_part_is_told_but_is_no_fault(tmp_path: Path) -> None:
    half = [sentence("The port reopened on Monday.", id=f"a-{n}", tags=["wire"], group="g") for n in range(2)]
    WRITERS["prodigy"]([Task(found) for found in half], tmp_path / "half")
    imported = import_answers("prodigy", tmp_path / "half", tmp_path / "half.jsonl")
    assert [fault.message for fault in imported.incomplete] == [
        "the contrast set g has 2 sentences, not 3 to 5",
        "the contrast set g has one label only",
    ]

"""Reading and checking the corpus: one JSONL file per topic, hand-editable, with inline role marks.

A row: `{"id": ..., "label": ..., "text": "{source|...} ...", "tags": [...], "group": ..., "document": ...}`,
where `group` and `document` are left out if the sentence stands alone.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labels import markup
from labels.duplicates import near_duplicates
from labels.errors import DataError, Fault, FaultsError
from labels.record import AnnotatedSentence
from labels.scheme import DOCUMENT_KINDS, PHENOMENA, REGISTERS, Stance

CORPUS: Final = Path(__file__).parent / "corpus"

#: Shortest and longest sentence in words; headlines may be shorter than anything a reporter would call a sentence.
WORDS: Final = (3, 60)


class CorpusRow(BaseModel):
    """One line of a corpus file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    label: Stance
    text: str
    tags: Annotated[list[str], Field(min_length=1)]
    group: str | None = None
    document: str | None = None


def topic_files(folder: Path = CORPUS) -> list[Path]:
    """The corpus files of `folder`, in the order of their names.

    Raises:
        DataError: the folder holds none.
    """
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise DataError(f"no corpus file (*.jsonl) in {folder}; name the folder that holds them")
    return files


def read_corpus(folder: Path = CORPUS) -> list[AnnotatedSentence]:
    """Read and validate every topic of `folder`, in the order of files and lines.

    Near-duplicates are not looked for here, for that takes seconds: `check` does it.

    Raises:
        DataError: there is no corpus file.
        FaultsError: a line is not valid; every fault is listed.
    """
    sentences, _, faults = _read(topic_files(folder))
    if faults:
        raise FaultsError(faults)
    return sentences


def check(files: Sequence[Path]) -> tuple[list[AnnotatedSentence], list[Fault]]:
    """Validate `files` against each other, near-duplicates included; return what is valid, and all faults."""
    sentences, places, faults = _read(files)
    for left, right, similarity in near_duplicates(sentences):
        file, line = places[right.id]
        other_file, other_line = places[left.id]
        faults.append(
            Fault(file, line, f"near-duplicate of {other_file}:{other_line} with names masked ({similarity:.0%} alike)")
        )
    return sentences, faults


def digest(sentences: Iterable[AnnotatedSentence]) -> str:
    """The sha256 of texts and annotations in order, so that a model can name the data it was trained on."""
    hasher = hashlib.sha256()
    for sentence in sentences:
        marked = markup.render(sentence.text, sentence.roles)
        hasher.update(json.dumps([sentence.id, sentence.label, marked]).encode())
    return hasher.hexdigest()


def _read(files: Sequence[Path]) -> tuple[list[AnnotatedSentence], dict[str, tuple[str, int]], list[Fault]]:
    sentences: list[AnnotatedSentence] = []
    places: dict[str, tuple[str, int]] = {}
    owners: dict[tuple[str, str], str] = {}
    faults: list[Fault] = []
    for file in files:
        for number, line in numbered_lines(file, faults):
            problems, sentence = parse_line(line, file.stem)
            if sentence is not None:
                if sentence.id in places:
                    first_file, first_line = places[sentence.id]
                    problems.append(f"the id {sentence.id} is taken by {first_file}:{first_line}")
                for kind, name in (("group", sentence.group), ("document", sentence.document)):
                    if name is not None and owners.setdefault((kind, name), file.name) != file.name:
                        problems.append(
                            f"the {kind} {name} also stands in {owners[kind, name]}; it may not straddle topics"
                        )
            faults += [Fault(file.name, number, problem) for problem in problems]
            if sentence is not None and not problems:
                places[sentence.id] = (file.name, number)
                sentences.append(sentence)
    faults += set_faults(sentences, places)
    return sentences, places, faults


def numbered_lines(file: Path, faults: list[Fault]) -> list[tuple[int, str]]:
    """The lines of `file` that are not blank, with their numbers from 1; a fault is added if it cannot be read."""
    try:
        # Not splitlines, for a JSON string may hold the rarer line separators as they are.
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(Fault(file.name, 0, f"cannot be read: {error}"))
        return []
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def parse_line(line: str, topic: str) -> tuple[list[str], AnnotatedSentence | None]:
    """Validate one row as a sentence of `topic`: the rules it breaks, and the sentence if it could be read at all."""
    try:
        row = CorpusRow.model_validate_json(line)
        text, roles = markup.parse(row.text)
        sentence = AnnotatedSentence.model_validate(
            {**row.model_dump(exclude={"text"}), "text": text, "roles": roles, "topic": topic}
        )
    except ValidationError as error:
        return [_plain(problem["loc"], problem["msg"]) for problem in error.errors()], None
    except ValueError as error:
        return [str(error)], None
    return _row_problems(sentence), sentence


def to_line(sentence: AnnotatedSentence) -> str:
    """The row of `sentence`, without a line end; the inverse of `parse_line`, but for the topic."""
    marked = markup.render(sentence.text, sentence.roles)
    row = {"id": sentence.id, "label": sentence.label, "text": marked, "tags": list(sentence.tags)}
    row |= {name: value for name in ("group", "document") if (value := getattr(sentence, name)) is not None}
    return json.dumps(row, ensure_ascii=False)


def _plain(location: tuple[int | str, ...], message: str) -> str:
    field = ".".join(map(str, location))
    message = message.removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def _row_problems(sentence: AnnotatedSentence) -> list[str]:
    problems: list[str] = []
    known = REGISTERS | PHENOMENA | DOCUMENT_KINDS
    if unknown := sorted(set(sentence.tags) - known):
        problems.append(f"unknown tags {', '.join(unknown)}; the known ones are in labels/scheme.py")
    if len(REGISTERS.intersection(sentence.tags)) != 1:
        problems.append("the tags must name exactly one register")
    problems += text_problems(sentence.text)
    if sentence.label != "neutral" and not sentence.roles:
        problems.append(f"a sentence that {sentence.label} needs at least one role marked")
    if sentence.group is not None and sentence.document is not None:
        problems.append("a sentence stands in a contrast set or in a document, not in both")
    return problems


def text_problems(text: str) -> list[str]:
    """Why the corpus could not hold the plain `text`, whatever its annotation: its length, or a character of marks."""
    problems = []
    words = len(text.split())
    if not WORDS[0] <= words <= WORDS[1]:
        problems.append(f"{words} words; a sentence has {WORDS[0]} to {WORDS[1]}")
    if markup.has_mark_characters(text):
        problems.append("the text has one of { } |, which the corpus keeps for its marks")
    return problems


def set_faults(sentences: Sequence[AnnotatedSentence], places: Mapping[str, tuple[str, int]]) -> list[Fault]:
    """What is wrong with contrast sets as a whole: their size, or that they have one label only."""
    faults = []
    groups: dict[str, list[AnnotatedSentence]] = {}
    for sentence in sentences:
        if sentence.group is not None:
            groups.setdefault(sentence.group, []).append(sentence)
    for name, members in groups.items():
        if not 3 <= len(members) <= 5:
            faults.append(
                Fault(*places[members[0].id], f"the contrast set {name} has {len(members)} sentences, not 3 to 5")
            )
        if len({member.label for member in members}) == 1:
            faults.append(Fault(*places[members[0].id], f"the contrast set {name} has one label only"))
    return faults

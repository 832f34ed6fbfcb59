"""Sentences to annotation tools and back: `export`, `import` and what they share.

The round trip keeps id, label, text, roles, tags, group and document of every sentence: `import` of an `export` gives
the rows that were exported. The topic is the name of the file that a row stands in, so it travels but is not read back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from labels import atomic, corpus, doccano, label_studio, prodigy, review
from labels.answer import Answer, Reading, judge
from labels.errors import DataError, Fault, FaultsError
from labels.record import AnnotatedSentence
from labels.splits import Split, read_held_out
from labels.task import Task

Format = Literal["label-studio", "doccano", "prodigy", "hf"]
#: What can be imported: what the tools export, and the review file of the page.
Source = Literal[Format, "review"]


def _write_hub(tasks: Sequence[Task], folder: Path) -> list[Path]:
    # The datasets library takes seconds to import, which every other command would wait for.
    from labels import hub

    return hub.write(tasks, folder)


def _read_hub(folder: Path) -> Reading:
    from labels import hub

    return hub.read(folder)


#: How each format is written: the tasks and the path they go to; returns the paths that came to be.
WRITERS: Final[Mapping[Format, Callable[[Sequence[Task], Path], list[Path]]]] = {
    "label-studio": label_studio.write,
    "doccano": doccano.write,
    "prodigy": prodigy.write,
    "hf": _write_hub,
}
#: How each format is read. Anything that gives a `Reading` may stand here; it need not be an annotation tool.
READERS: Final[Mapping[Source, Callable[[Path], Reading]]] = {
    "label-studio": label_studio.read,
    "doccano": doccano.read,
    "prodigy": prodigy.read,
    "hf": _read_hub,
    "review": review.read,
}
#: Tags of records that carry none, where none are named: what is pasted into the page is taken for wire copy.
DEFAULT_TAGS: Final[Mapping[Source, tuple[str, ...]]] = {"review": ("wire",)}


@dataclass(frozen=True)
class Imported:
    """What an import wrote."""

    sentences: list[AnnotatedSentence]
    left_out: Mapping[str, int]
    """Why records gave no row, and how many."""
    incomplete: list[Fault]
    """Contrast sets of which not every sentence came back. It is no fault, for the rest may be in the next file."""


def corpus_tasks(folder: Path, split: Split | None = None, topics: Sequence[str] = ()) -> list[Task]:
    """The sentences of the corpus in `folder` as tasks with their answers, in its order.

    Args:
        folder: the corpus.
        split: only this one, or all.
        topics: only these, or all.

    Raises:
        DataError: the corpus or its splits cannot be read, there is no such topic, or no sentence is left.
    """
    held_out = read_held_out(folder)
    if unknown := sorted(set(topics) - {file.stem for file in corpus.topic_files(folder)}):
        raise DataError(f"no topic {', '.join(unknown)} in {folder}; a topic is the name of a file without .jsonl")
    tasks = [
        Task(sentence, held_out.split_of(sentence.topic))
        for sentence in corpus.read_corpus(folder)
        if not topics or sentence.topic in topics
    ]
    tasks = [task for task in tasks if split is None or task.split == split]
    if not tasks:
        raise DataError(
            f"no sentence of the topics named is in the split {split}; leave one of --topic and --split out"
        )
    return tasks


def import_answers(
    source: Source, path: Path, out: Path, annotator: str | None = None, default_tags: Sequence[str] = ()
) -> Imported:
    """Turn a tool's file into rows of the corpus, validated as the corpus is, and write them to `out`.

    Args:
        source: the format of `path`.
        path: a file, or for `hf` a folder.
        out: the file to write.
        annotator: the one whose answers count, by the tool's name or number for them; None if all do.
        default_tags: tags of the records that carry none; if there are none, those of `DEFAULT_TAGS`.

    Raises:
        DataError: nothing would be written, the annotator is unknown, or `out` cannot be written.
        FaultsError: a record breaks a rule, or answers to a sentence differ; all are listed and nothing is written.
    """
    if out.resolve() == path.resolve():
        raise DataError(f"{out} is the file that is read; name another for the rows")
    if not path.exists():
        raise DataError(f"{path} does not exist; name what the tool exported")
    reading = READERS[source](path)
    answers = reading.answers
    # Where nothing could be read, the faults or the lack of answers are what to tell.
    if annotator is not None and answers:
        answers = _of_annotator(reading, annotator)
    tags = default_tags or DEFAULT_TAGS.get(source, ())
    sentences, places = _settle(answers, out.stem, tags, reading)
    if reading.faults:
        raise FaultsError(reading.faults)
    if not sentences:
        raise DataError(f"{path} has no answer to import")
    atomic.write_text(out, "".join(f"{corpus.to_line(sentence)}\n" for sentence in sentences))
    return Imported(sentences, reading.left_out, corpus.set_faults(sentences, places))


def _of_annotator(reading: Reading, annotator: str) -> list[Answer]:
    known = sorted({answer.annotators[0] for answer in reading.answers if answer.annotators})
    if not known:
        raise DataError("the file does not say who annotated; leave --annotator out")
    chosen = [answer for answer in reading.answers if annotator in answer.annotators]
    if not chosen:
        raise DataError(f"no answer is by {annotator}; the annotators are {', '.join(known)}")
    if others := len(reading.answers) - len(chosen):
        reading.left_out["by other annotators"] = others
    return chosen


def _settle(
    answers: Sequence[Answer], topic: str, default_tags: Sequence[str], reading: Reading
) -> tuple[list[AnnotatedSentence], dict[str, tuple[str, int]]]:
    """One sentence for each id, in the order of their first records; what cannot be settled is added to the faults."""
    by_id: dict[str, list[Answer]] = {}
    for answer in answers:
        by_id.setdefault(answer.carried.id, []).append(answer)
    sentences: list[AnnotatedSentence] = []
    places: dict[str, tuple[str, int]] = {}
    for name, given in by_id.items():
        counted = [answer for answer in given if answer.final] or given
        if counted[-1].replaces_earlier:
            if earlier := len(counted) - 1:
                reading.left_out["corrected again later"] += earlier
            counted = counted[-1:]
        different: dict[str, AnnotatedSentence] = {}
        for answer in counted:
            sentence, problems = judge(answer, topic, default_tags)
            reading.faults += [Fault(answer.file, answer.record, problem) for problem in problems]
            if sentence is not None:
                different[corpus.to_line(sentence)] = sentence
        last = counted[-1]
        if len(different) > 1:
            reading.faults.append(Fault(last.file, last.record, _differ(name, counted, len(different))))
        sentences += different.values()
        places[name] = (last.file, last.record)
    return sentences, places


def _differ(name: str, answers: Sequence[Answer], number: int) -> str:
    people = sorted({answer.annotators[0] for answer in answers if answer.annotators})
    named = f", or name the annotator whose counts ({', '.join(people)})" if len(people) > 1 else ""
    return f"{number} different answers to {name}; keep one{named}"

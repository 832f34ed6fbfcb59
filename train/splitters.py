"""How well sentence splitters find the boundaries of news text.

Measured on the annotated articles, whose sentence boundaries were set by hand, and on the written articles of the
corpus, laid out as paragraphs. Rivals are the extra `splitters`; one that is not installed is left out.
"""

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from labels import articles as standoff
from labels.corpus import CORPUS, read_corpus
from labels.spans import score_spans
from serve.sentences import split_sentences

#: Gives the places `[start, end)` of the sentences in one line of text.
Splitter = Callable[[str], Iterable[tuple[int, int]]]


@dataclass(frozen=True)
class Place:
    """Where a sentence stands."""

    start: int
    end: int


@dataclass(frozen=True)
class Line:
    """A line of text and the places of its sentences."""

    text: str
    sentences: frozenset[tuple[int, int]]


def article_lines(folder: Path) -> list[Line]:
    """The lines of the annotated articles in `folder` that hold annotated sentences."""
    wanted = {annotation.sha256: annotation for annotation in standoff.read_annotations()}
    lines: list[Line] = []
    for file in sorted(folder.glob("*.txt")):
        text = standoff.normalise(file.read_bytes())
        annotation = wanted.get(standoff.sha256(text))
        if annotation is None:
            continue
        start = 0
        for line in text.split("\n"):
            places = frozenset(
                (sentence.start - start, sentence.end - start)
                for sentence in annotation.sentences
                if start <= sentence.start < start + len(line)
            )
            if places:
                lines.append(Line(line, places))
            start += len(line) + 1
    return lines


def corpus_lines(per_paragraph: int = 3) -> list[Line]:
    """The written articles, headline by itself and then `per_paragraph` sentences a line."""
    documents: dict[str, list[str]] = {}
    for sentence in read_corpus(CORPUS):
        if sentence.document is not None:
            documents.setdefault(sentence.document, []).append(sentence.text)
    lines = []
    for headline, *body in documents.values():
        lines.append(_line([headline]))
        lines += [_line(body[first : first + per_paragraph]) for first in range(0, len(body), per_paragraph)]
    return lines


def _line(sentences: list[str]) -> Line:
    places, start = set(), 0
    for sentence in sentences:
        places.add((start, start + len(sentence)))
        start += len(sentence) + 1
    return Line(" ".join(sentences), frozenset(places))


def splitters() -> Iterator[tuple[str, Splitter]]:
    """Ours and every rival that is installed."""
    yield "syntok (ours)", lambda line: [(span.start, span.end) for span in split_sentences(line)]
    if importlib.util.find_spec("spacy"):
        import spacy

        rules = spacy.blank("en")
        rules.add_pipe("sentencizer")
        yield "spaCy sentencizer", lambda line: [(found.start_char, found.end_char) for found in rules(line).sents]
    if importlib.util.find_spec("pysbd"):
        import pysbd

        segmenter = pysbd.Segmenter(language="en", clean=False)
        yield "PySBD", lambda line: _found(line, segmenter.segment(line))
    if importlib.util.find_spec("sentencex"):
        import sentencex

        yield "sentencex", lambda line: _found(line, sentencex.segment("en", line))
    if importlib.util.find_spec("blingfire"):
        import blingfire

        yield "BlingFire", lambda line: _found(line, blingfire.text_to_sentences(line).split("\n"))


def _found(line: str, sentences: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Places of `sentences`, which some splitters give as text alone."""
    position = 0
    for sentence in sentences:
        content = sentence.strip()
        start = line.find(content, position)
        if content and start >= 0:
            position = start + len(content)
            yield start, position


def compare(articles: Path) -> None:
    """Print boundary F1 and share of sentences found whole, for each splitter and kind of text."""
    table = Table(title="sentence splitters")
    table.add_column("splitter")
    texts = {"annotated articles": article_lines(articles), "corpus articles": corpus_lines()}
    for name, lines in texts.items():
        sentences = sum(len(line.sentences) for line in lines)
        for column in (f"{name}: boundary F1", f"sentences whole (of {sentences})"):
            table.add_column(column, justify="right")
    for splitter_name, splitter in splitters():
        cells: list[str] = []
        for lines in texts.values():
            boundaries, whole = [], 0
            for line in lines:
                true = {end for _, end in line.sentences}
                found = set(splitter(line.text))
                ends = {end for _, end in found}
                # A line's end is a boundary for every splitter, and given away by the layout.
                inner = (true | ends) - {max(true)}
                boundaries += [
                    (Place(end, end + 1) if end in true else None, Place(end, end + 1) if end in ends else None)
                    for end in inner
                ]
                whole += len(found & line.sentences)
            cells += [f"{score_spans(boundaries).exact.f1:.3f}", str(whole)]
        table.add_row(splitter_name, *cells)
    Console(width=140).print(table)

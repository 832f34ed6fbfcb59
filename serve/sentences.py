"""Splitting a text into sentences, with offsets.

A line end always ends a sentence, for in news text a line is a paragraph, a headline or a caption. Within a line the
rules are syntok's, which found the boundaries of real news best; EXPERIMENTS.md has the comparison.

syntok takes a line whole, in some hundred times its memory, so a line of more than `MAX_LINE` characters is given to it
in pieces that end where a sentence seems to end, or else between words, or else anywhere.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from syntok import segmenter

#: Characters of a line, or of a piece of it, that are split at a time.
MAX_LINE: Final = 10_000

_SENTENCE_END: Final = re.compile(r"[.!?…][\"'”’»)\]]*\s+(?=\S)")
_GAP: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class TextSpan:
    """The characters `[start, end)` of a text, without outer space."""

    text: str
    start: int
    end: int


def split_sentences(text: str) -> list[TextSpan]:
    """Split `text` into its sentences, in order; blank lines yield none."""
    return list(iterate_sentences(text))


def iterate_sentences(text: str) -> Iterator[TextSpan]:
    """The sentences of `text` as `split_sentences` has them, one at a time, for texts of any length."""
    for line in re.finditer(r"[^\r\n]+", text):
        for start, end in _pieces(text, *line.span()):
            yield from _split_line(text[start:end], start)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > MAX_LINE:
        limit = start + MAX_LINE
        cut = _last_end(_SENTENCE_END, text, start, limit) or _last_end(_GAP, text, start, limit) or limit
        yield start, cut
        start = cut
    yield start, end


def _last_end(boundary: re.Pattern[str], text: str, start: int, limit: int) -> int | None:
    last = deque(boundary.finditer(text, start, limit), maxlen=1)
    return last[0].end() if last else None


def _split_line(line: str, offset: int) -> Iterator[TextSpan]:
    for paragraph in segmenter.analyze(line):
        for tokens in paragraph:
            # Slicing the line keeps the text as it was, where joining the tokens would normalise it.
            start = tokens[0].offset
            content = line[start : tokens[-1].offset + len(tokens[-1].value)]
            yield TextSpan(content, offset + start, offset + start + len(content))

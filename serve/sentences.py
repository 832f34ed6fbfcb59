"""Splitting a text into sentences, with offsets.

A line end always ends a sentence, for in news text a line is a paragraph, a headline or a caption. Within a line the
rules are syntok's, which found the boundaries of real news best; EXPERIMENTS.md has the comparison.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from syntok import segmenter


@dataclass(frozen=True, slots=True)
class TextSpan:
    """The characters `[start, end)` of a text, without outer space."""

    text: str
    start: int
    end: int


def split_sentences(text: str) -> list[TextSpan]:
    """Split `text` into its sentences, in order; blank lines yield none."""
    return [sentence for line in re.finditer(r"[^\r\n]+", text) for sentence in _split_line(line.group(), line.start())]


def _split_line(line: str, offset: int) -> Iterator[TextSpan]:
    for paragraph in segmenter.analyze(line):
        for tokens in paragraph:
            # Slicing the line keeps the text as it was, where joining the tokens would normalise it.
            start = tokens[0].offset
            content = line[start : tokens[-1].offset + len(tokens[-1].value)]
            yield TextSpan(content, offset + start, offset + start + len(content))

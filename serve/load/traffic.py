"""What clients send: sentences of the corpus, alone or as articles, each unlike all before it."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final, Literal

from labels.corpus import read_corpus

Mix = Literal["sentence", "article", "both"]

#: Sentences of an article.
ARTICLE: Final = 25


@dataclass(frozen=True, slots=True)
class Shot:
    """One request, ready to be sent."""

    path: str
    body: bytes
    sentences: int


def sentences(seed: int = 0) -> list[str]:
    """Every sentence of the corpus, in an order that has nothing to do with topics."""
    found = [sentence.text for sentence in read_corpus()]
    random.Random(seed).shuffle(found)  # noqa: S311 - a draw of sentences needs no secrecy
    return found


def fresh(texts: Sequence[str]) -> Iterator[str]:
    """`texts` over and over, each time with another number before them, so that no memory of answers helps."""
    for number, text in enumerate(cycle(texts)):
        yield f"{number}: {text}"


def shots(texts: Iterator[str], mix: Mix) -> Iterator[Shot]:
    """Requests made of `texts`: of one sentence, of an article's, or both by turns."""
    for number, text in enumerate(texts):
        article = mix == "article" or (mix == "both" and number % 2 == 1)
        members = [text, *(next(texts) for _ in range(ARTICLE - 1))] if article else [text]
        yield Shot("/tag", json.dumps({"sentences": members}).encode(), len(members))

"""What clients send: sentences of the corpus, alone or as articles, each unlike all before it."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final, Literal

from labels.corpus import read_corpus
from serve.sentences import split_sentences

Mix = Literal["sentence", "article", "text", "both"]

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
    """Requests made of `texts`: of one sentence, of an article's sentences or its text, or a bit of everything.

    Of `both`, every other request has one sentence, and half of the rest the text of an article.
    """
    turns: dict[Mix, tuple[Mix, ...]] = {"both": ("sentence", "article", "sentence", "text")}
    for kind in cycle(turns.get(mix, (mix,))):
        members = list(islice(texts, 1 if kind == "sentence" else ARTICLE))
        if not members:
            return
        if kind == "text":
            text = "\n".join(members)
            # Some sentences of the corpus are two to the splitter.
            yield Shot("/tag_article", json.dumps({"text": text}).encode(), len(split_sentences(text)))
        else:
            yield Shot("/tag", json.dumps({"sentences": members}).encode(), len(members))

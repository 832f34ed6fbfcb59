"""What the systems are given: the test split, and its articles as several outlets print them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from labels.record import AnnotatedSentence
from labels.scheme import Stance

#: Outlets that print each article.
OUTLETS = 5


@dataclass(frozen=True)
class Workload:
    """Sentences with their true labels."""

    sentences: list[str]
    labels: list[Stance]


def single(test: Sequence[AnnotatedSentence]) -> Workload:
    """The test split in an order that has nothing to do with length or topic."""
    shuffled = list(test)
    random.Random(0).shuffle(shuffled)  # noqa: S311 - a draw of sentences needs no secrecy
    return Workload([sentence.text for sentence in shuffled], [sentence.label for sentence in shuffled])


def wire_copy(test: Sequence[AnnotatedSentence]) -> Workload:
    """The articles of the test split, printed whole by one outlet after the other."""
    articles = [sentence for sentence in test if sentence.document is not None] * OUTLETS
    return Workload([sentence.text for sentence in articles], [sentence.label for sentence in articles])

"""Counts that say what the corpus is made of."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from labels.record import AnnotatedSentence
from labels.scheme import STANCES, Stance


@dataclass(frozen=True)
class Composition:
    """What a set of sentences is made of."""

    sentences: int
    documents: int
    contrast_sets: int
    topics: int
    labels: dict[Stance, int]
    median_words: float


def composition(sentences: Sequence[AnnotatedSentence]) -> Composition:
    """Count `sentences` by kind.

    Raises:
        ValueError: there are none.
    """
    if not sentences:
        raise ValueError("there are no sentences to count")
    labels = Counter(sentence.label for sentence in sentences)
    return Composition(
        sentences=len(sentences),
        documents=len({sentence.document for sentence in sentences} - {None}),
        contrast_sets=len({sentence.group for sentence in sentences} - {None}),
        topics=len({sentence.topic for sentence in sentences}),
        labels={stance: labels[stance] for stance in STANCES},
        median_words=statistics.median(len(sentence.text.split()) for sentence in sentences),
    )

"""Near-duplicate sentences: the same wording once names and numbers are masked.

Two sentences are near-duplicates if the Jaccard similarity of their masked word trigrams is at least `THRESHOLD`.
Pairs are found exactly, by prefix filtering (Bayardo, Ma and Srikant, "Scaling up all pairs similarity search",
WWW 2007), so that a corpus of tens of thousands of sentences takes seconds.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from labels.record import AnnotatedSentence

THRESHOLD: Final = 0.6

_WORD: Final = re.compile(r"[\w-]+")
Trigram = tuple[str, ...]


def masked_words(text: str) -> list[str]:
    """The words of `text` in lower case, with runs of names as `@` and numbers as `#`."""
    words: list[str] = []
    for position, match in enumerate(_WORD.finditer(text)):
        word = match.group()
        if any(character.isdigit() for character in word):
            word = "#"
        elif word[0].isupper() and position > 0:
            # A sentence's first word is capitalised whatever it is, so it is not taken for a name.
            word = "@"
        if word == "@" and words and words[-1] == "@":
            continue
        words.append(word.lower())
    return words


def near_duplicates(
    sentences: Sequence[AnnotatedSentence], threshold: float = THRESHOLD
) -> Iterator[tuple[AnnotatedSentence, AnnotatedSentence, float]]:
    """Yield pairs (earlier, later, similarity) at or above `threshold`.

    Members of one contrast set are alike on purpose: of those, only word-for-word repeats are yielded.
    """
    trigrams = [_trigrams(masked_words(sentence.text)) for sentence in sentences]
    frequency = Counter(trigram for grams in trigrams for trigram in grams)
    index: dict[Trigram, list[int]] = defaultdict(list)
    for later, grams in enumerate(trigrams):
        # Rarest first: two sets this alike must share one of their first |set| - ceil(threshold |set|) + 1 members.
        ordered = sorted(grams, key=lambda gram: (frequency[gram], gram))
        prefix = ordered[: len(ordered) - math.ceil(threshold * len(ordered)) + 1]
        candidates = sorted({earlier for gram in prefix for earlier in index[gram]})
        for gram in prefix:
            index[gram].append(later)
        for earlier in candidates:
            other = trigrams[earlier]
            similarity = len(grams & other) / len(grams | other)
            if similarity < threshold:
                continue
            left, right = sentences[earlier], sentences[later]
            if left.group is not None and left.group == right.group and left.text != right.text:
                continue
            yield left, right, similarity


def _trigrams(words: Sequence[str]) -> frozenset[Trigram]:
    return frozenset(tuple(words[start : start + 3]) for start in range(max(1, len(words) - 2)))

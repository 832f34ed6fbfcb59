"""From role logits to spans: the last step of the path.

It has two halves, for the first depends on the tokens alone: sentences that are the same to the network are decoded
once, and each is then given the spans at its own characters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from labels.scheme import BIO_TAGS, ROLES, Role
from serve.encode import NO_WORD, Encoding
from serve.prediction import PredictedSpan

_OUTSIDE: Final = BIO_TAGS.index("O")
_BEGIN: Final = {role: BIO_TAGS.index(f"B-{role}") for role in ROLES}
_INSIDE: Final = {role: BIO_TAGS.index(f"I-{role}") for role in ROLES}


def _allowed_transitions() -> NDArray[np.float64]:
    """Log weights (from, to): an inside tag may only follow the same role's begin or inside."""
    allowed = np.zeros((len(BIO_TAGS), len(BIO_TAGS)))
    for role in ROLES:
        column = np.full(len(BIO_TAGS), -np.inf)
        column[[_BEGIN[role], _INSIDE[role]]] = 0.0
        allowed[:, _INSIDE[role]] = column
    return allowed


_TRANSITIONS: Final = _allowed_transitions()
#: A sentence may not open with an inside tag.
_START: Final = _TRANSITIONS[_OUTSIDE]


@dataclass(frozen=True, slots=True)
class TokenSpan:
    """A role filled by the tokens `[first, last]`, both included."""

    first: int
    last: int
    score: float
    """Mean probability of the span's words for this role."""


def decode_roles(words: Sequence[Sequence[int]], role_logits: NDArray[np.float32]) -> list[dict[Role, TokenSpan]]:
    """The most probable valid sequence of tags of each sentence, read as at most one span per role.

    Args:
        words: of each sentence the word of each token, as in `Encoding.words`.
        role_logits: shape (batch, tokens, 7), padding allowed beyond a sentence's tokens.

    Returns:
        Of each sentence non-overlapping spans of whole words; where a role was found twice, its surer span. They do
        not depend on the other sentences.
    """
    tokens = softmax(role_logits.astype(np.float64), axis=-1)
    read = [_by_word(of_tokens, probabilities) for of_tokens, probabilities in zip(words, tokens, strict=True)]
    paths = _viterbi([by_word.probabilities for by_word in read])
    return [_spans(by_word, path) for by_word, path in zip(read, paths, strict=True)]


def to_characters(spans: Mapping[Role, TokenSpan], encoding: Encoding) -> dict[Role, PredictedSpan]:
    """The same spans in characters of the sentence that `encoding` is of."""
    return {
        role: PredictedSpan(encoding.offsets[span.first][0], encoding.offsets[span.last][1], span.score)
        for role, span in spans.items()
    }


@dataclass(frozen=True, slots=True)
class _ByWord:
    """A sentence's words."""

    firsts: NDArray[np.int64]
    """First token of each word."""
    lasts: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    """Of each tag, shape (words, 7): the mean of the word's tokens."""


def _by_word(words: Sequence[int], token_probabilities: NDArray[np.float64]) -> _ByWord:
    of_tokens = np.array(words)
    tokens = np.flatnonzero(of_tokens != NO_WORD)
    if not len(tokens):
        return _ByWord(tokens, tokens, np.empty((0, len(BIO_TAGS))))
    changes = np.flatnonzero(np.diff(of_tokens[tokens])) + 1
    starts = np.concatenate([[0], changes])
    ends = np.concatenate([changes, [len(tokens)]])
    sums = np.add.reduceat(token_probabilities[tokens], starts, axis=0)
    return _ByWord(tokens[starts], tokens[ends - 1], sums / (ends - starts)[:, None])


def _spans(read: _ByWord, path: Sequence[int]) -> dict[Role, TokenSpan]:
    spans: dict[Role, TokenSpan] = {}
    for role in ROLES:
        for first, last in _runs(path, _BEGIN[role], _INSIDE[role]):
            role_probabilities = read.probabilities[first : last + 1, [_BEGIN[role], _INSIDE[role]]].sum(axis=1)
            span = TokenSpan(int(read.firsts[first]), int(read.lasts[last]), float(role_probabilities.mean()))
            if role not in spans or span.score > spans[role].score:
                spans[role] = span
    return spans


def _viterbi(probabilities: Sequence[NDArray[np.float64]]) -> list[list[int]]:
    """The best path (words,) through each of `probabilities` (words, 7) under the allowed transitions."""
    lengths = np.array([len(of_words) for of_words in probabilities])
    if not lengths.any():
        return [[] for _ in probabilities]
    # All sentences go word by word together; one that has ended stays where it is.
    logs = np.zeros((len(lengths), lengths.max(), len(BIO_TAGS)))
    for row, of_words in enumerate(probabilities):
        logs[row, : len(of_words)] = np.log(of_words)
    best = _START + logs[:, 0]
    origins = np.empty(logs.shape, dtype=np.int64)
    stays = np.arange(len(BIO_TAGS))
    for position in range(1, logs.shape[1]):
        going = (position < lengths)[:, None]
        scores = best[:, :, None] + _TRANSITIONS
        origins[:, position] = np.where(going, scores.argmax(axis=1), stays)
        best = np.where(going, scores.max(axis=1) + logs[:, position], best)
    path = np.empty(logs.shape[:2], dtype=np.int64)
    path[:, -1] = best.argmax(axis=1)
    rows = np.arange(len(lengths))
    for position in range(logs.shape[1] - 1, 0, -1):
        path[:, position - 1] = origins[rows, position, path[:, position]]
    return [tags[:length].tolist() for tags, length in zip(path, lengths, strict=True)]


def _runs(path: Sequence[int], begin: int, inside: int) -> list[tuple[int, int]]:
    """First and last word of every span of one role in `path`."""
    runs: list[tuple[int, int]] = []
    for position, tag in enumerate(path):
        if tag == begin:
            runs.append((position, position))
        elif tag == inside:
            runs[-1] = (runs[-1][0], position)
    return runs

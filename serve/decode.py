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


def decode_roles(words: Sequence[int], role_logits: NDArray[np.float32]) -> dict[Role, TokenSpan]:
    """The most probable valid sequence of tags, read as at most one span per role.

    Args:
        words: the word of each token, as in `Encoding.words`.
        role_logits: shape (tokens, 7), padding allowed beyond the sentence's tokens.

    Returns:
        Non-overlapping spans of whole words; where a role was found twice, its surer span.
    """
    firsts, lasts, word_probabilities = _by_word(words, role_logits)
    if not firsts:
        return {}
    path = _viterbi(np.log(word_probabilities))
    spans: dict[Role, TokenSpan] = {}
    for role in ROLES:
        for first, last in _runs(path, _BEGIN[role], _INSIDE[role]):
            role_probabilities = word_probabilities[first : last + 1, [_BEGIN[role], _INSIDE[role]]].sum(axis=1)
            span = TokenSpan(firsts[first], lasts[last], float(role_probabilities.mean()))
            if role not in spans or span.score > spans[role].score:
                spans[role] = span
    return spans


def to_characters(spans: Mapping[Role, TokenSpan], encoding: Encoding) -> dict[Role, PredictedSpan]:
    """The same spans in characters of the sentence that `encoding` is of."""
    return {
        role: PredictedSpan(encoding.offsets[span.first][0], encoding.offsets[span.last][1], span.score)
        for role, span in spans.items()
    }


def _by_word(
    words: Sequence[int], role_logits: NDArray[np.float32]
) -> tuple[list[int], list[int], NDArray[np.float64]]:
    """First and last token of each word, and its tag probabilities (words, 7), the mean of its tokens'."""
    token_probabilities = softmax(role_logits[: len(words)].astype(np.float64), axis=-1)
    firsts: list[int] = []
    lasts: list[int] = []
    sums: list[NDArray[np.float64]] = []
    previous = NO_WORD
    for token, (word, probability) in enumerate(zip(words, token_probabilities, strict=True)):
        if word == NO_WORD:
            continue
        if word != previous:
            firsts.append(token)
            lasts.append(token)
            sums.append(probability.copy())
        else:
            lasts[-1] = token
            sums[-1] += probability
        previous = word
    if not firsts:
        return [], [], np.empty((0, len(BIO_TAGS)))
    return firsts, lasts, np.stack(sums) / (np.subtract(lasts, firsts) + 1)[:, None]


def _viterbi(log_probabilities: NDArray[np.float64]) -> list[int]:
    """The best path (words,) through `log_probabilities` (words, 7) under the allowed transitions."""
    best = _START + log_probabilities[0]
    origins = np.zeros(log_probabilities.shape, dtype=np.int64)
    for position in range(1, len(log_probabilities)):
        scores = best[:, None] + _TRANSITIONS
        origins[position] = scores.argmax(axis=0)
        best = scores.max(axis=0) + log_probabilities[position]
    path = [int(best.argmax())]
    for position in range(len(log_probabilities) - 1, 0, -1):
        path.append(int(origins[position, path[-1]]))
    return path[::-1]


def _runs(path: Sequence[int], begin: int, inside: int) -> list[tuple[int, int]]:
    """First and last word of every span of one role in `path`."""
    runs: list[tuple[int, int]] = []
    for position, tag in enumerate(path):
        if tag == begin:
            runs.append((position, position))
        elif tag == inside:
            runs[-1] = (runs[-1][0], position)
    return runs

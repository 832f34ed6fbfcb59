"""From role logits to spans: the last step of the path."""

from collections.abc import Sequence
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


def decode_roles(encoding: Encoding, role_logits: NDArray[np.float32]) -> dict[Role, PredictedSpan]:
    """The most probable valid sequence of tags, read as at most one span per role.

    Args:
        encoding: the sentence of which these are the logits.
        role_logits: shape (tokens, 7), padding allowed beyond the sentence's tokens.

    Returns:
        Non-overlapping spans of whole words; where a role was found twice, its surer span.
    """
    starts, ends, word_probabilities = _by_word(encoding, role_logits)
    if not len(starts):
        return {}
    path = _viterbi(np.log(word_probabilities))
    spans: dict[Role, PredictedSpan] = {}
    for role in ROLES:
        for first, last in _runs(path, _BEGIN[role], _INSIDE[role]):
            role_probabilities = word_probabilities[first : last + 1, [_BEGIN[role], _INSIDE[role]]].sum(axis=1)
            span = PredictedSpan(starts[first], ends[last], float(role_probabilities.mean()))
            if role not in spans or span.score > spans[role].score:
                spans[role] = span
    return spans


def _by_word(encoding: Encoding, role_logits: NDArray[np.float32]) -> tuple[list[int], list[int], NDArray[np.float64]]:
    """Characters where each word starts and ends, and its tag probabilities (words, 7), the mean of its tokens'."""
    token_probabilities = softmax(role_logits[: len(encoding)].astype(np.float64), axis=-1)
    starts: list[int] = []
    ends: list[int] = []
    sums: list[NDArray[np.float64]] = []
    counts: list[int] = []
    previous = NO_WORD
    for word, (start, end), probability in zip(encoding.words, encoding.offsets, token_probabilities, strict=True):
        if word == NO_WORD:
            continue
        if word != previous:
            starts.append(start)
            ends.append(end)
            sums.append(probability.copy())
            counts.append(1)
        else:
            ends[-1] = end
            sums[-1] += probability
            counts[-1] += 1
        previous = word
    if not starts:
        return [], [], np.empty((0, len(BIO_TAGS)))
    return starts, ends, np.stack(sums) / np.array(counts)[:, None]


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

"""Answers by what the network sees of a sentence, so that wire copy is computed once however often it is printed.

Two sentences with the same tokens in the same words have the same answer, whatever their capitals, accents and spaces
are; each finds the spans at its own characters.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from typing import Final, get_args

import numpy as np

from labels.scheme import ROLES, STANCES, Role, Stance
from serve.decode import TokenSpan
from serve.encode import Encoding
from serve.prediction import AnsweredBy

#: Answers kept; some 6 MB.
CAPACITY: Final = 25_000
_ANSWERED_BY: Final[tuple[AnsweredBy, ...]] = get_args(AnsweredBy)
#: Scores, label, whether it abstained, and who answered.
_ANSWER: Final = Struct("<4dB?B")
#: Role, first and last token, and score.
_SPAN: Final = Struct("<BHHd")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the network says of a sequence of tokens."""

    label: Stance
    scores: tuple[float, float, float, float]
    abstained: bool
    spans: Mapping[Role, TokenSpan]
    answered_by: AnsweredBy = "network"


def key_of(encoding: Encoding) -> bytes:
    """A digest of the tokens and of the words they belong to."""
    return blake2b(np.array([encoding.ids, encoding.words], dtype=np.int32).tobytes(), digest_size=16).digest()


class AnswerMemory:
    """The last answers by `key_of`; the oldest make room.

    They are kept as bytes, which take less than half of the room that the objects would.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes) -> Answer | None:
        """The answer of `key`, if it is kept."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        first, second, third, fourth, label, abstained, answered_by = _ANSWER.unpack_from(kept)
        spans = {
            ROLES[role]: TokenSpan(begin, end, score)
            for role, begin, end, score in _SPAN.iter_unpack(kept[_ANSWER.size :])
        }
        scores = (first, second, third, fourth)
        return Answer(STANCES[label], scores, abstained, spans, _ANSWERED_BY[answered_by])

    def __setitem__(self, key: bytes, answer: Answer) -> None:
        answered_by = _ANSWERED_BY.index(answer.answered_by)
        parts = [_ANSWER.pack(*answer.scores, STANCES.index(answer.label), answer.abstained, answered_by)]
        for role, span in answer.spans.items():
            parts.append(_SPAN.pack(ROLES.index(role), span.first, span.last, span.score))
        self._kept[key] = b"".join(parts)
        if len(self._kept) > CAPACITY:
            # A plain dict would look for its first key among all the places that were deleted before.
            self._kept.popitem(last=False)

"""Answers by what the network sees of a sentence, so that wire copy is computed once however often it is printed.

Two sentences with the same tokens in the same words have the same answer, whatever their capitals, accents and spaces
are; each finds the spans at its own characters.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np

from labels.scheme import Role, Stance
from serve.decode import TokenSpan
from serve.encode import Encoding
from serve.prediction import AnsweredBy

#: Answers kept; some 13 MB.
CAPACITY: Final = 25_000


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


class AnswerMemory(OrderedDict[bytes, Answer]):
    """The last answers by `key_of`; the oldest make room."""

    def __setitem__(self, key: bytes, answer: Answer) -> None:
        super().__setitem__(key, answer)
        if len(self) > CAPACITY:
            # A plain dict would look for its first key among all the places that were deleted before.
            self.popitem(last=False)

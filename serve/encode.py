"""From sentences to token ids: the first step of the path."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import Tokenizer

#: Marks a token that belongs to no word: the special ones and padding.
NO_WORD = -1


@dataclass(frozen=True, slots=True)
class Encoding:
    """One sentence as tokens, all sequences of length tokens."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    """Characters `[start, end)` of each token in the sentence."""
    words: list[int]
    """Position of each token's word, or `NO_WORD`; a word is what the tokenizer takes apart, punctuation included."""
    truncated: bool

    def __len__(self) -> int:
        return len(self.ids)


class Encoder:
    """Turns sentences into token ids, at most `max_length` of them."""

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length)
        pad_ids = [tokenizer.token_to_id(token) for token in ("[PAD]", "<pad>")]
        # Padding is masked out, so any token will do where the tokenizer has none for it.
        self._pad_id = next((pad_id for pad_id in pad_ids if pad_id is not None), 0)

    def encode(self, sentences: Sequence[str]) -> list[Encoding]:
        """Encode `sentences`, order kept; a lone surrogate is read as U+FFFD, so offsets stay true."""
        return [
            Encoding(
                ids=encoded.ids,
                offsets=encoded.offsets,
                words=[NO_WORD if word is None else word for word in encoded.word_ids],
                truncated=bool(encoded.overflowing),
            )
            for encoded in self._encoded([_without_surrogates(sentence) for sentence in sentences])
        ]

    def _encoded(self, sentences: list[str]) -> list[tokenizers.Encoding]:
        # A batch of one pays for threads that it has no use for, more than for its tokens.
        return [self.tokenizer.encode(sentences[0])] if len(sentences) == 1 else self.tokenizer.encode_batch(sentences)

    def pad(
        self, ids: Sequence[Sequence[int]], tokens: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Token ids and attention mask of shape (batch, tokens), padded on the right.

        `tokens` is the length of the longest of `ids` if None, and never more than `max_length`.
        """
        length = max(map(len, ids)) if tokens is None else min(tokens, self.max_length)
        padded = np.full((len(ids), length), self._pad_id, dtype=np.int64)
        mask = np.zeros_like(padded)
        for row, sequence in enumerate(ids):
            padded[row, : len(sequence)] = sequence
            mask[row, : len(sequence)] = 1
        return padded, mask


def _without_surrogates(sentence: str) -> str:
    try:
        sentence.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in sentence)
    return sentence

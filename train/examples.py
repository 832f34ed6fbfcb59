"""Training examples: rows of a `datasets.Dataset`, and batches of tensors made of them."""

import random
from collections.abc import Sequence
from typing import Any, Final

import torch
from datasets import Dataset
from torch import Tensor

from labels.record import AnnotatedSentence, RoleSpan
from labels.scheme import BIO_TAGS, STANCES, Stance
from serve.encode import NO_WORD, Encoder, Encoding
from train.augment import Augmenter

#: Role tag of tokens that the role loss passes over, as torch's cross entropy has it.
IGNORED: Final = -100


def to_examples(sentences: Sequence[AnnotatedSentence], encoder: Encoder) -> Dataset:
    """One row per sentence: `text`, `label`, `roles`, and `length` in tokens, by which batches are grouped."""
    encodings = encoder.encode([sentence.text for sentence in sentences])
    return Dataset.from_dict(
        {
            "text": [sentence.text for sentence in sentences],
            "label": [sentence.label for sentence in sentences],
            "roles": [[span.model_dump() for span in sentence.roles] for sentence in sentences],
            "length": [len(encoding) for encoding in encodings],
        }
    )


class Collator:
    """Makes a batch: varies each sentence, encodes it, and pads to the longest."""

    def __init__(self, encoder: Encoder, augmenter: Augmenter) -> None:
        self._encoder = encoder
        self._augmenter = augmenter

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Tensors `input_ids`, `attention_mask` and `role_tags` of shape (batch, tokens), `stance` of (batch,)."""
        # Drawn from torch's generator, whose state a checkpoint keeps: a resumed run varies as the first would.
        draw = random.Random(int(torch.randint(2**31, ()).item()))  # noqa: S311 - a variant needs no secrecy
        varied = [
            self._augmenter.vary(row["text"], tuple(RoleSpan(**span) for span in row["roles"]), draw) for row in rows
        ]
        encodings = self._encoder.encode([variant.text for variant in varied])
        ids, mask = self._encoder.pad([encoding.ids for encoding in encodings])
        tags = torch.full(ids.shape, IGNORED, dtype=torch.long)
        for number, (row, variant, encoding) in enumerate(zip(rows, varied, encodings, strict=True)):
            tags[number, : len(encoding)] = torch.tensor(role_tags(row["label"], variant.roles, encoding))
        return {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask),
            "stance": torch.tensor([STANCES.index(row["label"]) for row in rows]),
            "role_tags": tags,
        }


def role_tags(label: Stance, roles: Sequence[RoleSpan], encoding: Encoding) -> list[int]:
    """One tag per token, positions in `BIO_TAGS` or `IGNORED`.

    Only acts teach the role head: whether there is an act at all is the stance head's to say.
    """
    if label == "neutral":
        return [IGNORED] * len(encoding)
    tags = [IGNORED if word == NO_WORD else BIO_TAGS.index("O") for word in encoding.words]
    for span in roles:
        first_word = None
        for token, (word, (start, end)) in enumerate(zip(encoding.words, encoding.offsets, strict=True)):
            if word == NO_WORD or end <= span.start or start >= span.end:
                continue
            # Every token of the first word begins the role, for decoding averages over a word's tokens.
            first_word = word if first_word is None else first_word
            tags[token] = BIO_TAGS.index(f"{'B' if word == first_word else 'I'}-{span.role}")
    return tags

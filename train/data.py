"""The sentences of a training run, dealt out to the splits."""

import random
from pathlib import Path
from typing import Final

import numpy as np
from datasets import Dataset

from labels import articles as standoff
from labels.corpus import read_corpus
from labels.errors import DataError
from labels.record import AnnotatedSentence
from labels.scheme import BIO_TAGS, STANCES
from labels.splits import Split, by_split, read_held_out
from serve.encode import NO_WORD, Encoder, Encoding
from train.config import DataConfig

#: Fewest training sentences of a stance: calibrating a baseline deals them out to three folds.
FEWEST: Final = 3

#: Role tag of tokens that the role loss passes over, as torch's cross entropy has it.
IGNORED = -100


def read_splits(config: DataConfig, seed: int) -> tuple[dict[Split, list[AnnotatedSentence]], str]:
    """Read the corpus, and the articles if their text is at hand.

    Returns:
        The sentences of each split, and one line that says what became of the articles.

    Raises:
        DataError: the corpus cannot be read, has faults, or has too little of a stance.
    """
    splits = by_split(read_corpus(config.corpus), read_held_out(config.corpus))
    if config.kind != "all":
        splits["train"] = [
            sentence for sentence in splits["train"] if (sentence.document is not None) == (config.kind == "articles")
        ]
    found, note = _article_sentences(config.articles)
    splits["train"] += found
    if config.limit is not None:
        for members in splits.values():
            # Shuffled as a whole first, so that a smaller limit is a subset of a larger one.
            random.Random(seed).shuffle(members)  # noqa: S311 - a draw of sentences needs no secrecy
            del members[config.limit :]
    for stance in STANCES:
        count = sum(sentence.label == stance for sentence in splits["train"])
        if count < FEWEST:
            raise DataError(
                f"training needs at least {FEWEST} sentences of each stance and has {count} of {stance}; "
                "raise data.limit or add sentences"
            )
    return splits, note


def _article_sentences(folder: Path | None) -> tuple[list[AnnotatedSentence], str]:
    if folder is None or not folder.is_dir():
        where = "not asked for" if folder is None else f"no folder {folder}"
        return [], f"annotated articles: {where}; training on the corpus alone"
    resolved = standoff.resolve(folder, standoff.read_annotations())
    note = f"annotated articles: {len(resolved.sentences)} sentences of {folder} join the training set"
    return resolved.sentences, "\n".join([note, *resolved.problems])


def to_examples(sentences: list[AnnotatedSentence], encoder: Encoder) -> Dataset:
    """Encode `sentences` for training: `input_ids`, `stance`, `role_tags` (one per token), `length`.

    Only acts teach the role head: whether there is an act at all is the stance head's to say.
    """
    encodings = encoder.encode([sentence.text for sentence in sentences])
    rows = [
        {
            "input_ids": encoding.ids,
            "stance": STANCES.index(sentence.label),
            "role_tags": _role_tags(sentence, encoding),
            "length": len(encoding),
        }
        for sentence, encoding in zip(sentences, encodings, strict=True)
    ]
    return Dataset.from_list(rows)


def _role_tags(sentence: AnnotatedSentence, encoding: Encoding) -> list[int]:
    if sentence.label == "neutral":
        return [IGNORED] * len(encoding)
    tags = [IGNORED if word == NO_WORD else BIO_TAGS.index("O") for word in encoding.words]
    for span in sentence.roles:
        first_word = None
        for token, (word, (start, end)) in enumerate(zip(encoding.words, encoding.offsets, strict=True)):
            if word == NO_WORD or end <= span.start or start >= span.end:
                continue
            # Every token of the first word begins the role, for decoding averages over a word's tokens.
            first_word = word if first_word is None else first_word
            tags[token] = BIO_TAGS.index(f"{'B' if word == first_word else 'I'}-{span.role}")
    return tags


def class_weights(sentences: list[AnnotatedSentence], power: float) -> list[float]:
    """One weight per stance: its share to the minus `power`, scaled so that the mean weight of a sentence is 1.

    A stance that does not occur gets the weight 0.
    """
    counts = np.array([sum(sentence.label == stance for sentence in sentences) for stance in STANCES], dtype=float)
    shares = counts / counts.sum()
    weights = np.zeros_like(shares)
    weights[shares > 0] = shares[shares > 0] ** -power
    return [float(weight) for weight in weights / (weights * shares).sum()]

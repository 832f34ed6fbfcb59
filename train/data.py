"""The sentences of a training run, dealt out to the splits, and how much each stance weighs."""

import random
from pathlib import Path
from typing import Final

import numpy as np

from labels import articles as standoff
from labels.corpus import read_corpus
from labels.errors import DataError
from labels.record import AnnotatedSentence
from labels.scheme import STANCES
from labels.splits import SPLITS_FILE, Split, by_split, read_held_out
from train.config import DataConfig

#: Fewest training sentences of a stance: calibrating a baseline deals them out to three folds.
FEWEST: Final = 3


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
    topics = {sentence.topic for sentence in splits["train"]}
    if unknown := sorted(set(config.leave_out) - topics):
        raise DataError(
            f"data.leave_out: {', '.join(unknown)} is no training topic; those are the files in {config.corpus}"
        )
    splits["train"] = [sentence for sentence in splits["train"] if sentence.topic not in config.leave_out]
    found, note = _article_sentences(config.articles)
    splits["train"] += found
    if config.limit is not None:
        for members in splits.values():
            # Shuffled as a whole first, so that a smaller limit is a subset of a larger one.
            random.Random(seed).shuffle(members)  # noqa: S311 - a draw of sentences needs no secrecy
            del members[config.limit :]
    for split, members in splits.items():
        if not members:
            raise DataError(f"the {split} split has no sentence; see {config.corpus / SPLITS_FILE} for its topics")
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


def class_weights(sentences: list[AnnotatedSentence], power: float) -> list[float]:
    """One weight per stance: its share to the minus `power`, scaled so that the mean weight of a sentence is 1.

    A stance that does not occur gets the weight 0.
    """
    counts = np.array([sum(sentence.label == stance for sentence in sentences) for stance in STANCES], dtype=float)
    shares = counts / counts.sum()
    weights = np.zeros_like(shares)
    weights[shares > 0] = shares[shares > 0] ** -power
    return [float(weight) for weight in weights / (weights * shares).sum()]

"""Training sentences whose label is disputed: by cross-validation, or by a trained model.

Cross-validated probabilities come from the logistic regression, each topic being answered by a model that has not seen
it. cleanlab finds the labels that they contradict, by confident learning (Northcutt, Jiang and Chuang, "Confident
learning: estimating uncertainty in dataset labels", JAIR 2021). What it finds is to be labelled again by someone who
does not see the label.
"""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from sklearn.model_selection import GroupKFold

from labels import atomic
from labels.errors import UserError
from labels.record import AnnotatedSentence
from labels.scheme import STANCES, Stance
from labels.scores import label_codes
from serve.prediction import Predictor
from train.baselines import fit_baseline

_FOLDS = 5


class ExtraError(UserError):
    """A package that is needed is not installed."""


class Dispute(BaseModel):
    """A sentence whose label is doubtful."""

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    label: Stance
    """Its label in the corpus."""
    suggested: Stance
    confidence: float
    """Probability of `suggested`."""
    by: str
    """Who disputes: `cross-validation`, or the name and version of a model."""


def cross_validated_disputes(sentences: Sequence[AnnotatedSentence]) -> list[Dispute]:
    """What cleanlab finds, the least probable label first.

    Raises:
        ExtraError: cleanlab is not installed.
    """
    try:
        from cleanlab.filter import find_label_issues
    except ImportError as error:
        raise ExtraError("disputes are found with cleanlab; run `pip install '.[disputes]'`") from error
    probabilities = _cross_validated(sentences)
    # Both rules of confident learning must agree, for every dispute costs a person's reading.
    positions = find_label_issues(
        label_codes([sentence.label for sentence in sentences]),
        probabilities,
        filter_by="both",
        return_indices_ranked_by="self_confidence",
        n_jobs=1,
    )
    return [_dispute(sentences[position], probabilities[position], "cross-validation") for position in positions]


def model_disputes(sentences: Sequence[AnnotatedSentence], model: Predictor, name: str) -> list[Dispute]:
    """What a trained model answers otherwise, the surest first; it has seen these labels, and still does not agree."""
    found = [
        _dispute(sentence, np.array(prediction.scores), name)
        for sentence, prediction in zip(sentences, model.predict([row.text for row in sentences]), strict=True)
        if prediction.label != sentence.label
    ]
    return sorted(found, key=lambda dispute: -dispute.confidence)


def write_disputes(disputes: Sequence[Dispute], out: Path, blind: Path | None, seed: int = 0) -> int:
    """Write `disputes` as JSONL, each sentence once, and to `blind` ids and texts alone, shuffled; return how many.

    Raises:
        DataError: a file cannot be written.
    """
    once = {dispute.id: dispute for dispute in reversed(disputes)}
    kept = [dispute for dispute in disputes if once[dispute.id] is dispute]
    atomic.write_text(out, "".join(f"{dispute.model_dump_json()}\n" for dispute in kept))
    if blind is not None:
        shuffled = list(kept)
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - an order needs no secrecy
        atomic.write_text(blind, "".join(f"{dispute.id}\t{dispute.text}\n" for dispute in shuffled))
    return len(kept)


def _cross_validated(sentences: Sequence[AnnotatedSentence]) -> NDArray[np.float64]:
    """Probabilities of shape (sentences, 4), by models that have not seen the sentence's topic."""
    probabilities = np.zeros((len(sentences), len(STANCES)))
    topics = [sentence.topic for sentence in sentences]
    for seen, unseen in GroupKFold(_FOLDS).split(sentences, groups=topics):
        model = fit_baseline("tf-idf + logistic regression", [sentences[position] for position in seen])
        answers = model.predict([sentences[position].text for position in unseen])
        probabilities[unseen] = [answer.scores for answer in answers]
    return probabilities


def _dispute(sentence: AnnotatedSentence, scores: NDArray[np.float64], by: str) -> Dispute:
    # The likeliest of the other labels, for confident learning may dispute a label that is the likeliest still.
    others = np.where(np.arange(len(STANCES)) == STANCES.index(sentence.label), -1.0, scores)
    best = int(others.argmax())
    return Dispute(
        id=sentence.id,
        text=sentence.text,
        label=sentence.label,
        suggested=STANCES[best],
        confidence=float(scores[best]),
        by=by,
    )

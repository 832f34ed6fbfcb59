"""Fitting the linear model that answers plainly neutral sentences, and deciding whether it may."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from labels.record import AnnotatedSentence
from labels.scheme import STANCES
from labels.scores import label_codes
from serve.cascade import BUCKETS, Cascade, count_features, weighted
from serve.encode import Encoder

_NEUTRAL = STANCES.index("neutral")


def fit_cascade(
    train: Sequence[AnnotatedSentence],
    development: Sequence[AnnotatedSentence],
    encoder: Encoder,
    recall: float,
    seed: int,
) -> Cascade:
    """Fit on `train`, and choose the threshold on `development`: a share of `recall` of its acts goes on."""
    counts = count_features(encoder.encode([sentence.text for sentence in train]))
    documents = np.bincount(counts.indices, minlength=BUCKETS)
    rarity = (np.log((1 + len(train)) / (1 + documents)) + 1).astype(np.float32)
    model = LogisticRegression(C=8.0, max_iter=400, random_state=seed)
    model.fit(weighted(counts, rarity), label_codes([sentence.label for sentence in train]))
    weights = model.coef_.T.astype(np.float32)
    cascade = Cascade(rarity, np.ascontiguousarray(weights), model.intercept_.astype(np.float32), threshold=1.0)
    neutral = cascade.probabilities(encoder.encode([sentence.text for sentence in development]))[:, _NEUTRAL]
    acts = np.array([sentence.label != "neutral" for sentence in development])
    cascade.threshold = _threshold(neutral[acts], recall)
    return cascade


def _threshold(neutral: NDArray[np.float64], recall: float) -> float:
    """The lowest probability such that at most a share of 1 - `recall` of the acts, whose these are, reaches it."""
    lost = int(np.floor(len(neutral) * (1 - recall)))
    # Just above the surest act that is not to be lost.
    return float(np.nextafter(np.sort(neutral)[::-1][lost], 2.0))

"""Fitting temperature and threshold of abstention on development data."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from labels.errors import UserError
from labels.record import AnnotatedSentence
from labels.scores import label_codes
from serve.calibrate import probabilities
from serve.model_folder import Decision
from serve.prediction import Prediction


class DivergedError(UserError):
    """The network's answers are not numbers."""


def fit_decision(
    sentences: Sequence[AnnotatedSentence], uncalibrated: Sequence[Prediction], precision: float
) -> Decision:
    """The temperature that minimises the negative log likelihood, and the threshold of `precision`.

    Args:
        sentences: development sentences.
        uncalibrated: predictions of them at temperature 1.
        precision: share of right answers wanted among those at or above the threshold.

    Raises:
        DivergedError: a probability is not a number.
    """
    truth = label_codes([sentence.label for sentence in sentences])
    if not np.isfinite([prediction.scores for prediction in uncalibrated]).all():
        raise DivergedError("training diverged: its probabilities are not numbers; lower training.learning_rate")
    # At temperature 1 a logarithm of the probability is the logit up to a constant, which softmax cancels.
    logits = np.log(np.clip([prediction.scores for prediction in uncalibrated], 1e-12, None)).astype(np.float32)

    def loss(log_temperature: float) -> float:
        chosen = probabilities(logits, float(np.exp(log_temperature)))[np.arange(len(truth)), truth]
        return float(-np.log(np.clip(chosen, 1e-12, None)).mean())

    # Over the logarithm, so that halving and doubling are alike; outside of 1/20 to 20 a model is beyond repair.
    temperature = float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))
    scores = probabilities(logits, temperature)
    correct = scores.argmax(axis=1) == truth
    return Decision(temperature=temperature, abstain_below=_threshold(scores.max(axis=1), correct, precision))


def _threshold(confidence: NDArray[np.float64], correct: NDArray[np.bool_], precision: float) -> float:
    """The lowest confidence such that of all answers at least as sure, a share of `precision` is right."""
    order = np.argsort(-confidence, kind="stable")
    running = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(running >= precision)
    # If even the surest answers are not right often enough, all but those are abstained from.
    return float(confidence[order][enough[-1] if len(enough) else 0])

"""From logits to probabilities: the third step of the path."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax


def probabilities(stance_logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Probabilities of shape (batch, 4), rows summing to 1, of logits of that shape.

    `temperature` divides the logits; it is fitted on development data (Guo, Pleiss, Sun and Weinberger, "On
    calibration of modern neural networks", ICML 2017).
    """
    return np.asarray(softmax(stance_logits.astype(np.float64) / temperature, axis=-1))

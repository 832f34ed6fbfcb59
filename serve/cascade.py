"""A linear model that answers the sentences it is sure are neutral, so that the network need not see them.

Most sentences of news are plainly neutral, and words alone show it. The model reads the same tokens as the network, as
hashed unigrams and bigrams with TF-IDF weights. What it is not sure of goes on to the network.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix
from scipy.special import softmax

from labels.scheme import STANCES
from serve.encode import Encoding
from serve.errors import ModelError

#: Features; hashing a few together costs less than a table of their names.
BUCKETS: Final = 2**17
_NEUTRAL: Final = STANCES.index("neutral")


class Cascade:
    """Fitted weights, and the threshold from which on a neutral sentence is not passed on."""

    def __init__(
        self, rarity: NDArray[np.float32], weights: NDArray[np.float32], bias: NDArray[np.float32], threshold: float
    ) -> None:
        """Take `rarity` of shape (buckets,), the inverse document frequencies, `weights` (buckets, 4), `bias` (4,)."""
        self._rarity = rarity
        self._weights = weights
        self._bias = bias
        self.threshold = threshold
        """Least probability of neutral at which it answers."""

    @classmethod
    def load(cls, file: Path, threshold: float) -> Self:
        """Read the weights.

        Raises:
            ModelError: they cannot be read.
        """
        try:
            arrays = load_file(file)
            return cls(arrays["rarity"], arrays["weights"], arrays["bias"], threshold)
        except (SafetensorError, OSError, KeyError) as error:
            raise ModelError(f"{file} cannot be read ({error}); copy the whole folder again or train anew") from error

    def save(self, file: Path) -> None:
        """Write the weights; the threshold is kept in the manifest."""
        save_file({"rarity": self._rarity, "weights": self._weights, "bias": self._bias}, file)

    def probabilities(self, encodings: Sequence[Encoding]) -> NDArray[np.float64]:
        """Probabilities of the stances, shape (sentences, 4)."""
        logits = weighted(count_features(encodings), self._rarity) @ self._weights + self._bias
        return np.asarray(softmax(logits.astype(np.float64), axis=1))

    def sure(self, probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which rows of `probabilities` need not go to the network."""
        return np.asarray(probabilities[:, _NEUTRAL] >= self.threshold)


def count_features(encodings: Sequence[Encoding]) -> csr_matrix:
    """How often each hashed unigram and bigram of tokens occurs, shape (sentences, buckets)."""
    columns: list[NDArray[np.int64]] = []
    for encoding in encodings:
        ids = np.array(encoding.ids, dtype=np.int64)
        # Multiplied by an odd number, so that neighbouring ids do not share a bucket; a bigram by two of them.
        columns.append(np.concatenate([ids * 40_503, ids[:-1] * 1_000_003 + ids[1:] * 69_069]) % BUCKETS)
    lengths = [len(column) for column in columns]
    flat = np.concatenate(columns) if columns else np.empty(0, dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    counts = csr_matrix((np.ones(len(flat), dtype=np.float32), flat, starts), shape=(len(columns), BUCKETS))
    counts.sum_duplicates()
    return counts


def weighted(counts: csr_matrix, rarity: NDArray[np.float32]) -> csr_matrix:
    """Counts on a logarithmic scale times `rarity`, each row of length 1."""
    features = counts.copy()
    features.data = (1 + np.log(features.data)) * rarity[features.indices]
    rows = np.repeat(np.arange(features.shape[0]), np.diff(features.indptr))
    norms = np.sqrt(np.bincount(rows, weights=features.data**2, minlength=features.shape[0]))
    features.data = (features.data / norms[rows]).astype(np.float32)
    return features

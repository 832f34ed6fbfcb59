"""What a model says of development sentences, kept with it, so that a service can see when the news has changed."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Annotated, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from labels.scheme import STANCES, Stance
from serve.prediction import Prediction

_BINS: Final = 10
#: Least share of a bin, for the logarithm of an empty one is infinite.
_LEAST: Final = 1e-4


class Reference(BaseModel):
    """Shares of the labels, and deciles of the label's probability."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sentences: int
    label_shares: dict[Stance, float]
    score_edges: Annotated[list[float], Field(min_length=_BINS - 1, max_length=_BINS - 1)]
    """What parts the bins of the score, ascending."""
    score_shares: Annotated[list[float], Field(min_length=_BINS, max_length=_BINS)]

    @classmethod
    def of(cls, predictions: Sequence[Prediction]) -> Self:
        """Of at least one prediction."""
        scores = [max(prediction.scores) for prediction in predictions]
        edges: list[float] = np.quantile(scores, np.linspace(0, 1, _BINS + 1)[1:-1]).tolist()
        bins = [bisect_right(edges, score) for score in scores]
        labels = [prediction.label for prediction in predictions]
        return cls(
            sentences=len(predictions),
            label_shares={stance: labels.count(stance) / len(labels) for stance in STANCES},
            score_edges=edges,
            score_shares=[bins.count(number) / len(bins) for number in range(_BINS)],
        )


def stability(expected: Sequence[float], found: Sequence[float]) -> float:
    """The population stability index of the shares `found` against `expected`.

    By custom, below 0.1 nothing has changed, above 0.25 much has.
    """
    before, now = (np.maximum(np.asarray(shares, dtype=np.float64), _LEAST) for shares in (expected, found))
    return float(np.sum((now - before) * np.log(now / before)))

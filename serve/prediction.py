"""What every predictor says of a sentence: the tagger and each baseline alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from labels.scheme import Role, Stance

#: Which model gave the answer: the network, or the linear model that stands before it (see `serve.cascade`).
AnsweredBy = Literal["network", "linear"]


@dataclass(frozen=True, slots=True)
class PredictedSpan:
    """A role filled by the characters `[start, end)` of the sentence."""

    start: int
    end: int
    score: float
    """Mean probability of the span's words for this role, 0 to 1; not calibrated."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One sentence's stance, how sure it is, and its roles."""

    label: Stance
    """The most probable stance, given also where `abstained`."""
    scores: tuple[float, float, float, float]
    """Probabilities in the order of `labels.scheme.STANCES`; they sum to 1."""
    abstained: bool = False
    """Whether the probability of the label is below the model's threshold."""
    roles: dict[Role, PredictedSpan] = field(default_factory=dict)
    """Non-overlapping spans; none for `neutral`."""
    truncated: bool = False
    """Whether the sentence was too long and only its beginning was read."""
    answered_by: AnsweredBy = "network"


class Predictor(Protocol):
    """Anything that one evaluator can score."""

    def predict(self, sentences: Sequence[str]) -> list[Prediction]:
        """Predict each sentence; the answers are in the order of `sentences`."""
        ...

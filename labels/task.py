"""A sentence on its way to an annotation tool, with an answer of the corpus or with a tagger's guess."""

from dataclasses import dataclass

from labels.record import AnnotatedSentence
from labels.splits import Split


@dataclass(frozen=True)
class Guess:
    """Where the annotation of a task comes from, if no person gave it."""

    model: str
    """Name and version of the tagger."""
    score: float
    """Probability that it gives to the label."""
    reason: str
    """Why a person should look at the sentence."""
    origin: str
    """Document and number of the sentence in it."""


@dataclass(frozen=True)
class Task:
    """One sentence for an annotation tool."""

    sentence: AnnotatedSentence
    """With the answer, or with the guess that a person is to correct."""
    split: Split = "train"
    guess: Guess | None = None
    """None if the annotation is an answer."""

    def data(self) -> dict[str, object]:
        """What the tool shall carry through unchanged: id, text, topic, tags, group, document; of a guess its why."""
        data = self.sentence.model_dump(mode="json", include={"id", "text", "topic", "tags", "group", "document"})
        if self.guess is not None:
            data |= {"reason": self.guess.reason, "origin": self.guess.origin}
        return data

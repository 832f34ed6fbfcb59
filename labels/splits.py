"""Which topic belongs to training, development or test.

The assignment is by topic, so a contrast set or an article, which lies within one topic, never straddles two splits.
`splits.json` beside the corpus files names the topics of development and test; every other topic is training.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labels.corpus import CORPUS
from labels.errors import DataError
from labels.record import AnnotatedSentence

Split = Literal["train", "development", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)
SPLITS_FILE: Final = "splits.json"


class HeldOutTopics(BaseModel):
    """The topics that training does not see."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    development: Annotated[frozenset[str], Field(min_length=1)]
    test: Annotated[frozenset[str], Field(min_length=1)]

    def split_of(self, topic: str) -> Split:
        """The split that `topic` belongs to."""
        if topic in self.test:
            return "test"
        return "development" if topic in self.development else "train"


def read_held_out(folder: Path = CORPUS) -> HeldOutTopics:
    """Read the assignment that goes with the corpus in `folder`.

    Raises:
        DataError: the file is missing or not valid, or names a topic twice or one that the corpus lacks.
    """
    file = folder / SPLITS_FILE
    try:
        held_out = HeldOutTopics.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise DataError(f"{file}: the assignment of topics to splits cannot be read: {error}") from error
    if both := sorted(held_out.development & held_out.test):
        raise DataError(f"{file}: {', '.join(both)} stand in both development and test; a topic belongs to one split")
    topics = {path.stem for path in folder.glob("*.jsonl")}
    if unknown := sorted((held_out.development | held_out.test) - topics):
        raise DataError(f"{file}: no corpus file for {', '.join(unknown)}; correct the name or drop the topic")
    return held_out


def by_split(sentences: Iterable[AnnotatedSentence], held_out: HeldOutTopics) -> dict[Split, list[AnnotatedSentence]]:
    """Deal `sentences` out to the splits, order kept."""
    dealt: dict[Split, list[AnnotatedSentence]] = {split: [] for split in SPLITS}
    for sentence in sentences:
        dealt[held_out.split_of(sentence.topic)].append(sentence)
    return dealt

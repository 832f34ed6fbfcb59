"""The model that answers, with all that belongs to it and goes with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from serve.answers import Answer, AnswerMemory, key_of
from serve.encode import Encoding
from serve.http.drift import Drift
from serve.http.settings import Settings
from serve.model_folder import read_card, read_manifest
from serve.records import TagRecord
from serve.tagger import Tagger

#: What a model must answer before it is let to anyone.
_TRIAL: Final = "The mayor denied the allegation."


@dataclass(frozen=True)
class Served:
    """A loaded model that has answered a sentence."""

    tagger: Tagger
    memory: AnswerMemory
    drift: Drift | None
    """None if the model was saved without a reference."""
    card: str
    """The model card, in Markdown."""

    @classmethod
    def load(cls, folder: Path, settings: Settings) -> Self:
        """Load the model of `folder` and try it.

        Raises:
            ModelError: it cannot be loaded.
            DeviceError: it cannot run as `settings` say.
        """
        tagger = Tagger.load(folder, settings.device, settings.backend, settings.threads, settings.cascade)
        reference = read_manifest(folder).reference
        tagger.tag([_TRIAL])
        tagger.warm_up()
        drift = Drift(reference, settings.drift_sentences) if reference is not None else None
        return cls(tagger, AnswerMemory(), drift, read_card(folder))

    def encode(self, sentences: Sequence[str]) -> tuple[list[Encoding], list[bytes]]:
        """The encodings of `sentences` and the keys of their answers."""
        encodings = self.tagger.encode(sentences)
        return encodings, [key_of(encoding) for encoding in encodings]

    def records(
        self, sentences: Sequence[str], encodings: Sequence[Encoding], answers: Sequence[Answer]
    ) -> list[TagRecord]:
        """The record of each sentence."""
        return [
            self.tagger.record(sentence, encoding, answer)
            for sentence, encoding, answer in zip(sentences, encodings, answers, strict=True)
        ]

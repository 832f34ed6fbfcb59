"""Standoff annotation of news articles: offsets and hashes in the repository, the text itself elsewhere.

One JSON file per article holds its sha256, and for each sentence its place, its sha256, both annotators' answers and
the final one. `resolve` joins them with the article files of a folder, which it knows by content and not by name.
Hashes and offsets are of the normalised text: UTF-8 without byte order mark, line ends as `\\n`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from labels.errors import DataError
from labels.record import AnnotatedSentence, Annotation

ANNOTATIONS: Final = Path(__file__).parent / "articles"
TOPIC: Final = "articles"

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SentenceAnnotation(Annotation):
    """The final annotation of the characters `[start, end)` of an article, and what each annotator had said."""

    start: Annotated[int, Field(ge=0)]
    end: int
    sha256: _Sha256
    annotators: dict[str, Annotation]

    @model_validator(mode="after")
    def _spans_inside(self) -> Self:
        answers: list[Annotation] = [self, *self.annotators.values()]
        for answer in answers:
            for span in answer.roles:
                if span.end > self.end - self.start:
                    raise ValueError(f"the {span.role} span ends at {span.end}, past the sentence at {self.start}")
        return self


class ArticleAnnotation(BaseModel):
    """Every annotated sentence of one article, in reading order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    article: str
    sha256: _Sha256
    sentences: Annotated[tuple[SentenceAnnotation, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Resolved:
    """The sentences that could be joined with their text, and one line for each thing that could not."""

    sentences: list[AnnotatedSentence]
    problems: list[str]


def read_annotations(folder: Path = ANNOTATIONS) -> list[ArticleAnnotation]:
    """Read the standoff files of `folder`, by name.

    Raises:
        DataError: there is none, or one is not valid.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise DataError(f"no standoff annotation (*.json) in {folder}; name the folder that holds it")
    annotations = []
    for file in files:
        try:
            annotations.append(ArticleAnnotation.model_validate_json(file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise DataError(f"{file}: not a valid standoff annotation: {error}") from error
    return annotations


def normalise(content: bytes) -> str:
    """Decode an article file so that neither line ends nor a byte order mark matter.

    Raises:
        UnicodeDecodeError: the file is not UTF-8.
    """
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def sha256(text: str) -> str:
    """Hexadecimal sha256 of the UTF-8 bytes of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()


def resolve(articles: Path, annotations: Sequence[ArticleAnnotation]) -> Resolved:
    """Join `annotations` with the `.txt` files of the folder `articles`.

    Raises:
        DataError: `articles` is not a folder.
    """
    if not articles.is_dir():
        raise DataError(f"{articles} is not a folder; name the one that holds the article files (*.txt)")
    wanted = {annotation.sha256: annotation for annotation in annotations}
    texts: dict[str, str] = {}
    problems: list[str] = []
    for file in sorted(articles.glob("*.txt")):
        try:
            text = normalise(file.read_bytes())
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{file.name}: cannot be read, skipped: {error}")
            continue
        key = sha256(text)
        if key in wanted:
            texts[key] = text
        else:
            problems.append(f"{file.name}: matches no annotation (unknown article, or its text changed), skipped")
    sentences: list[AnnotatedSentence] = []
    for key, annotation in wanted.items():
        if key not in texts:
            problems.append(f"annotation {annotation.article}: no file in {articles} has its text, skipped")
            continue
        joined, changed = _join(annotation, texts[key])
        sentences += joined
        problems += changed
    return Resolved(sentences, problems)


def _join(annotation: ArticleAnnotation, text: str) -> tuple[list[AnnotatedSentence], list[str]]:
    sentences, problems = [], []
    for number, sentence in enumerate(annotation.sentences):
        content = text[sentence.start : sentence.end]
        name = f"{annotation.article}-{number:03}"
        if sha256(content) != sentence.sha256:
            problems.append(f"annotation {name}: the text at its place changed, skipped")
            continue
        sentences.append(
            AnnotatedSentence(
                id=name,
                text=content,
                label=sentence.label,
                roles=sentence.roles,
                topic=TOPIC,
                document=annotation.article,
            )
        )
    return sentences, problems

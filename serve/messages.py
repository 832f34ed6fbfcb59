"""What goes over HTTP: requests, responses, and the one shape of every error."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from labels.scheme import Stance
from serve.records import ArticleSentence, ModelInfo, Pair, TagRecord

MAX_SENTENCES: Final = 256
MAX_SENTENCE_CHARACTERS: Final = 2_000
MAX_ARTICLE_CHARACTERS: Final = 100_000
#: Far more than prose of that length has; lines of one character are answered with two hundred times their size.
MAX_ARTICLE_SENTENCES: Final = 4_000

Sentence = Annotated[str, Field(min_length=1, max_length=MAX_SENTENCE_CHARACTERS)]

_EXAMPLE: Final = "The dockers' union accused Norvex Shipping of hiding inspection reports."


class TagRequest(BaseModel):
    """Sentences to tag, each by itself."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"sentences": [_EXAMPLE, "Talks resume on Monday."]}}
    )

    sentences: Annotated[list[Sentence], Field(min_length=1, max_length=MAX_SENTENCES)]


class TagResponse(BaseModel):
    """One record per sentence, in the order of the request."""

    tags: list[TagRecord]


class ArticleRequest(BaseModel):
    """The text of one article; a line end ends a sentence."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"text": f"{_EXAMPLE} “That never happened,” a Norvex spokesman said."}},
    )

    text: Annotated[str, Field(min_length=1, max_length=MAX_ARTICLE_CHARACTERS)]


class ArticleResponse(BaseModel):
    """The article's sentences with their tags, sentences per stance, and who stands how to whom."""

    sentences: list[ArticleSentence]
    counts: Annotated[dict[Stance, int], Field(description="sentences per stance, abstentions left out")]
    pairs: Annotated[list[Pair], Field(description="who takes which stance toward whom, most frequent first")]


class FieldError(BaseModel):
    """One thing that is wrong with a request."""

    path: Annotated[str, Field(description="the field, such as sentences.3; empty for the request as a whole")]
    message: str


class ErrorDetail(BaseModel):
    """Why a request failed."""

    code: Annotated[str, Field(description="not_json, invalid, too_large, unsupported_media_type, not_found, …")]
    message: str
    fields: list[FieldError] = []


class ErrorResponse(BaseModel):
    """The body of every answer with a status of 400 or above."""

    error: ErrorDetail


class Limits(BaseModel):
    """What the service takes."""

    sentences: int = MAX_SENTENCES
    sentence_characters: int = MAX_SENTENCE_CHARACTERS
    article_characters: int = MAX_ARTICLE_CHARACTERS
    article_sentences: int = MAX_ARTICLE_SENTENCES
    body_bytes: int
    queue_tokens: int
    queue_seconds: float
    deadline_seconds: float
    sentences_per_minute: int | None


class Info(BaseModel):
    """The model that answers, how it runs, and the limits."""

    model: ModelInfo
    card: Annotated[str, Field(description="the model card, in Markdown: what it was trained on and how right it is")]
    temperature: float
    abstain_below: Annotated[float, Field(description="a label of a lower probability is marked as abstained")]
    runs_as: Annotated[str, Field(description="backend and device")]
    threads: int
    versions: Annotated[dict[str, str], Field(description="of Python and of the packages that compute")]
    limits: Limits


class Reloaded(BaseModel):
    """The model that answers from now on."""

    model: ModelInfo

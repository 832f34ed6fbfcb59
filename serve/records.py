"""The stance record: one per sentence, the same in HTTP and in files."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from labels.scheme import CAMEO, PLOVER, STANCES, Stance
from serve.prediction import AnsweredBy, PredictedSpan, Prediction


class ModelInfo(BaseModel):
    """Which model answered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    digest: Annotated[str, Field(description="sha256 of the weights")]


class RoleRecord(BaseModel):
    """A role and its place in the sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    start: Annotated[int, Field(description="first character, counted from 0 at the sentence's start")]
    end: Annotated[int, Field(description="character after the last")]
    score: Annotated[float, Field(ge=0, le=1, description="mean probability of the span's words for this role")]


class TagRecord(BaseModel):
    """The stance act that a sentence reports or voices, with its roles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Stance
    score: Annotated[float, Field(ge=0, le=1, description="calibrated probability of the label")]
    scores: Annotated[dict[Stance, float], Field(description="calibrated probability of every stance")]
    abstained: Annotated[bool, Field(description="whether the score is below the model's threshold")]
    source: Annotated[RoleRecord | None, Field(description="who takes the stance")]
    target: Annotated[RoleRecord | None, Field(description="against whom or for whom")]
    issue: Annotated[RoleRecord | None, Field(description="about what")]
    cameo: Annotated[str | None, Field(description="CAMEO code of the act")]
    plover: Annotated[str | None, Field(description="PLOVER event type of the act")]
    truncated: Annotated[bool, Field(description="whether only the sentence's beginning was read")]
    answered_by: Annotated[AnsweredBy, Field(description="which part of the model gave the answer")]
    model: ModelInfo

    @classmethod
    def of(cls, sentence: str, prediction: Prediction, model: ModelInfo) -> Self:
        """The record of `prediction`, which `model` made of `sentence`."""

        def role(span: PredictedSpan | None) -> RoleRecord | None:
            if span is None:
                return None
            # Unlike a score of the label, no threshold hangs on a span's score, so it is rounded to be read.
            return RoleRecord(
                text=sentence[span.start : span.end], start=span.start, end=span.end, score=round(span.score, 4)
            )

        scores = dict(zip(STANCES, prediction.scores, strict=True))
        return cls(
            label=prediction.label,
            score=scores[prediction.label],
            scores=scores,
            abstained=prediction.abstained,
            source=role(prediction.roles.get("source")),
            target=role(prediction.roles.get("target")),
            issue=role(prediction.roles.get("issue")),
            cameo=CAMEO[prediction.label],
            plover=PLOVER[prediction.label],
            truncated=prediction.truncated,
            answered_by=prediction.answered_by,
            model=model,
        )


class ArticleSentence(TagRecord):
    """A sentence of an article: its tag, and its place `[start, end)` in the article's characters."""

    text: str
    start: int
    end: int


class Pair(BaseModel):
    """Who takes which stance toward whom, and in how many sentences of the article."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None
    label: Stance
    target: str | None
    sentences: Annotated[list[int], Field(description="positions of the sentences in the article, from 0")]

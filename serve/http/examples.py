"""Answers as the description of the paths shows them; the figures are made up."""

from typing import Final

from labels.scheme import STANCES, Role, Stance
from serve.article import count_labels, pairs, place
from serve.messages import (
    ArticleRequest,
    ArticleResponse,
    ErrorDetail,
    ErrorResponse,
    FieldError,
    TagRequest,
    TagResponse,
)
from serve.prediction import PredictedSpan, Prediction
from serve.records import ModelInfo, TagRecord
from serve.sentences import split_sentences

MODEL: Final = ModelInfo(name="stance", version="20260102.030405", digest="0123456789abcdef" * 4)

#: What is shown for each status of an error: code, message, and what fields are wrong.
ERRORS: Final[dict[int, tuple[str, str, list[FieldError]]]] = {
    400: ("not_json", "the body is not JSON: Invalid JSON: expected value at line 1 column 1", []),
    401: ("unauthorized", "send one of the service's keys as `Authorization: Bearer KEY`", []),
    403: ("forbidden", "set STANCE_API_KEYS to be able to do this over HTTP", []),
    405: ("method_not_allowed", "this path takes POST", []),
    408: ("body_timeout", "the body was not whole after 10 seconds; send it faster", []),
    409: (
        "model_refused",
        "the present model goes on: models/stance lacks config.json; copy the whole folder again or train anew",
        [],
    ),
    413: ("too_large", "the body is larger than 8388608 bytes; send less at a time", []),
    415: ("unsupported_media_type", "the body must be application/json", []),
    422: (
        "invalid",
        "1 field is not valid",
        [FieldError(path="sentences.1", message="String should have at least 1 character")],
    ),
    429: ("overloaded", "too much is waiting already; send the request again in 1 s", []),
    500: ("internal", "the request could not be answered", []),
    503: ("not_ready", "the service is not ready: no usable model is loaded; its log says why", []),
    504: ("timeout", "the request took longer than the service allows; send less at a time", []),
}

_ACTS: Final[dict[str, tuple[Stance, dict[Role, str]]]] = {
    "accused": (
        "accuses",
        {"source": "The dockers' union", "target": "Norvex Shipping", "issue": "hiding inspection reports"},
    ),
    "never happened": ("denies", {"source": "a Norvex spokesman", "issue": "That"}),
}


def error(status: int) -> ErrorResponse:
    """The answer of an error with `status`."""
    code, message, fields = ERRORS[status]
    return ErrorResponse(error=ErrorDetail(code=code, message=message, fields=fields))


def tagged() -> TagResponse:
    """The answer to the example of `TagRequest`."""
    request = TagRequest.model_validate(TagRequest.model_json_schema()["example"])
    return TagResponse(tags=[_record(sentence) for sentence in request.sentences])


def tagged_article() -> ArticleResponse:
    """The answer to the example of `ArticleRequest`."""
    request = ArticleRequest.model_validate(ArticleRequest.model_json_schema()["example"])
    spans = split_sentences(request.text)
    sentences = place(spans, [_record(span.text) for span in spans])
    return ArticleResponse(sentences=sentences, counts=count_labels(sentences), pairs=pairs(sentences))


def _record(sentence: str) -> TagRecord:
    label, roles = next((act for cue, act in _ACTS.items() if cue in sentence), ("neutral", {}))
    first, second, third, fourth = (0.97 if stance == label else 0.01 for stance in STANCES)
    spans = {
        role: PredictedSpan(begin := sentence.index(text), begin + len(text), 0.98) for role, text in roles.items()
    }
    return TagRecord.of(sentence, Prediction(label, (first, second, third, fourth), roles=spans), MODEL)

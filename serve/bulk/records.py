"""What a bulk run writes: one record per sentence, or one that says why a document has none; nested, and flat."""

from typing import Annotated, Final

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from labels.scheme import ROLES, STANCES
from serve.bulk.document import FaultKind
from serve.records import ArticleSentence

_FROM_INPUT: Final = "as the input has it, or as an HTML page says of itself"


class BulkRecord(ArticleSentence):
    """A sentence of a document, as files carry it."""

    document_id: Annotated[str, Field(description="path of the file as found, or the row's own; else file#row")]
    sentence_index: int
    text_sha256: str
    title: Annotated[str | None, Field(description=_FROM_INPUT)] = None
    date: Annotated[str | None, Field(description=_FROM_INPUT)] = None
    outlet: Annotated[str | None, Field(description=_FROM_INPUT)] = None
    url: Annotated[str | None, Field(description=_FROM_INPUT)] = None
    error: None = None


class FaultRecord(BaseModel):
    """A document without tags; what it has not is null, so that all records have the same fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document_id: str
    title: str | None = None
    date: str | None = None
    outlet: str | None = None
    url: str | None = None
    error: Annotated[str, Field(description="one sentence")]
    kind: Annotated[FaultKind, Field(exclude=True)]


Record = BulkRecord | FaultRecord

Cell = str | int | float | bool | None

#: The columns of CSV and Parquet, in their order. Positions are those of the nested record.
SCHEMA: Final = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        ("sentence_index", pa.int64()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("text", pa.string()),
        ("text_sha256", pa.string()),
        ("label", pa.string()),
        ("score", pa.float64()),
        *((f"score_{stance}", pa.float64()) for stance in STANCES),
        ("abstained", pa.bool_()),
        *(
            (f"{role}_{part}", kind)
            for role in ROLES
            for part, kind in (
                ("text", pa.string()),
                ("start", pa.int64()),
                ("end", pa.int64()),
                ("score", pa.float64()),
            )
        ),
        ("cameo", pa.string()),
        ("plover", pa.string()),
        ("truncated", pa.bool_()),
        ("answered_by", pa.string()),
        ("title", pa.string()),
        ("date", pa.string()),
        ("outlet", pa.string()),
        ("url", pa.string()),
        ("error", pa.string()),
        ("model_name", pa.string()),
        ("model_version", pa.string()),
        ("model_digest", pa.string()),
    ]
)

_NOTHING: Final[dict[str, None]] = dict.fromkeys(BulkRecord.model_fields)


def nested(record: Record) -> dict[str, object]:
    """The record as JSON has it, every field there."""
    return {**_NOTHING, **record.model_dump(mode="json")}


def flat(record: Record) -> dict[str, Cell]:
    """The record as the columns of `SCHEMA`."""
    row: dict[str, Cell] = dict.fromkeys(SCHEMA.names)
    row |= record.model_dump(include=set(SCHEMA.names))
    if isinstance(record, FaultRecord):
        return row
    row |= {f"score_{stance}": record.scores[stance] for stance in STANCES}
    for role in ROLES:
        if (found := getattr(record, role)) is not None:
            row |= {f"{role}_{part}": value for part, value in found.model_dump().items()}
    return row | {f"model_{part}": value for part, value in record.model.model_dump().items()}

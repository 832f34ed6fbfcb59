"""How the input is to be read."""

from pydantic import BaseModel, ConfigDict, Field


class Columns(BaseModel):
    """Names of the columns, or of the keys of a JSON object, of formats that have rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = "text"
    """Must be there."""
    id: str = "id"
    """A row that lacks it is named by its file and number."""
    title: str = "title"
    date: str = "date"
    outlet: str = "outlet"
    url: str = "url"


class ReadOptions(BaseModel):
    """All that changes which documents are read and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_format: str | None = None
    columns: Columns = Columns()
    delimiter: str = Field(",", min_length=1, max_length=1)
    """Between the fields of a CSV."""

"""Documents from rows: CSV, JSONL and Parquet, each row for itself."""

import csv
import datetime
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from serve.bulk.document import MAX_DOCUMENT, About, Document, Fault, FaultError
from serve.bulk.opening import Opened, as_text, is_clean, lines
from serve.bulk.options import Columns, ReadOptions
from serve.bulk.sources import Source

#: Rows of a Parquet file that are in memory at a time.
_BATCH: Final = 256


def read_jsonl(source: Source, opened: Opened, options: ReadOptions) -> Iterator[Document]:
    """One document per line; a line that is no JSON object with a text is a fault of its own."""
    with as_text(opened.stream, newline="\n") as text:
        for number, line in enumerate(lines(text), 1):
            if line is not None and not line.strip():
                continue
            name = f"{source.name}#{number}"
            try:
                yield _document(name, _json_object(line), options.columns)
            except FaultError as error:
                yield Document(name, error.fault)


def read_csv(source: Source, opened: Opened, options: ReadOptions) -> Iterator[Document]:
    """One document per row below the row of names.

    Raises:
        FaultError: the table cannot be read from some place on.
    """
    csv.field_size_limit(MAX_DOCUMENT)
    names: list[str] | None = None
    number = 0
    with as_text(opened.stream, newline="") as text:
        for row in _csv_rows(text, options.delimiter):
            if names is None:
                names = row
                _check_columns(names, options.columns)
            elif row:
                number += 1
                name = f"{source.name}#{number}"
                try:
                    yield _document(name, _named(names, row), options.columns)
                except FaultError as error:
                    yield Document(name, error.fault)
    if not number:
        raise FaultError("empty", "there is no row in it")


def read_parquet(source: Source, opened: Opened, options: ReadOptions) -> Iterator[Document]:
    """One document per row.

    Raises:
        FaultError: it is no Parquet, or damaged from some place on.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # Parquet is read from its end, so what is no plain file is laid down as one first.
        with tempfile.TemporaryFile() as copy:
            file: Any = opened.stream
            if source.compressed or source.is_stream:
                shutil.copyfileobj(opened.stream, copy)
                file = copy
            table = parquet.ParquetFile(file)
            _check_columns(table.schema_arrow.names, options.columns)
            wanted = [name for name in options.columns.model_dump().values() if name in table.schema_arrow.names]
            number = 0
            for batch in table.iter_batches(_BATCH, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    name = f"{source.name}#{number}"
                    try:
                        yield _document(name, row, options.columns)
                    except FaultError as error:
                        yield Document(name, error.fault)
            if not number:
                raise FaultError("empty", "there is no row in it")
    except (pa.ArrowException, ArithmeticError, LookupError, ValueError) as error:
        # Times that Python has no date for, or a time zone for, are the latter three.
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FaultError("corrupt", f"no Parquet, or damaged: {first}") from error


def _csv_rows(text: IO[str], delimiter: str) -> Iterator[list[str]]:
    # Strict, for otherwise a quote that is never closed makes one document of all that follows it.
    rows = csv.reader(_csv_lines(text), delimiter=delimiter, strict=True)
    first = 1
    try:
        for row in rows:
            first = rows.line_num + 1
            yield row
    except csv.Error as error:
        raise FaultError("corrupt", f"no CSV from line {first} on: {error}") from error


def _csv_lines(text: IO[str]) -> Iterator[str]:
    for number, line in enumerate(lines(text), 1):
        if line is None:
            raise FaultError("too large", f"line {number} has more than {MAX_DOCUMENT:,} characters; split it first")
        yield line


def _check_columns(names: list[str], columns: Columns) -> None:
    if columns.text not in names:
        had = ", ".join(repr(name) for name in names[:20])
        raise FaultError("column", f"no column {columns.text!r} among {had}; name the text with --text-column")


def _named(names: list[str], row: list[str]) -> dict[str, str]:
    if len(row) != len(names):
        raise FaultError("row", f"the row has {len(row)} fields, the first row names {len(names)}")
    return dict(zip(names, row, strict=True))


def _json_object(line: str | None) -> dict[str, Any]:
    if line is None:
        raise FaultError("too large", f"the line has more than {MAX_DOCUMENT:,} characters; split it first")
    if not is_clean(line):
        raise FaultError("encoding", "the line is not UTF-8; convert it first")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits is none of JSONDecodeError's
        raise FaultError("row", f"the line is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise FaultError("row", f"the line is no JSON object but {type(row).__name__}")
    return row


def _document(name: str, row: Mapping[str, Any], columns: Columns) -> Document:
    """The document of a row that has no other; `name` is its identifier if it brings none.

    Raises:
        FaultError: a field is not what it must be.
    """
    about = About(
        title=_field(row, columns.title),
        date=_field(row, columns.date),
        outlet=_field(row, columns.outlet),
        url=_field(row, columns.url),
    )
    name = _field(row, columns.id) or name
    if columns.text not in row:
        return Document(name, Fault("column", f"no {columns.text!r}; name the text with --text-column"), about)
    text = row[columns.text]
    if text is not None and not isinstance(text, str):
        fault = Fault("column", f"{columns.text!r} is no text but {type(text).__name__}")
        return Document(name, fault, about)
    if text and not is_clean(text):
        return Document(name, Fault("encoding", f"{columns.text!r} is not UTF-8; convert it first"), about)
    if text and len(text) > MAX_DOCUMENT:
        return Document(name, Fault("too large", f"more than {MAX_DOCUMENT:,} characters; split it first"), about)
    return Document(name, text or "", about)


def _field(row: Mapping[str, Any], column: str) -> str | None:
    value = row.get(column)
    if isinstance(value, datetime.date):
        value = value.isoformat()
    if value is None or value == "":
        return None
    if not isinstance(value, str | int | float):
        raise FaultError("column", f"{column!r} is no text but {type(value).__name__}")
    if not is_clean(written := str(value)):
        raise FaultError("encoding", f"{column!r} is not UTF-8; convert it first")
    return written

"""Records as bytes, in shards that can be joined: JSON lines, CSV and Parquet."""

import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, Protocol, get_args

import pyarrow as pa
from pyarrow import parquet

from serve.bulk.errors import BulkError
from serve.bulk.records import SCHEMA, BulkRecord, Cell, FaultRecord, Record, flat, nested

if TYPE_CHECKING:
    from _csv import Writer as CsvWriter

OutputFormat = Literal["jsonl", "csv", "parquet"]

_SUFFIXES: Final[dict[str, OutputFormat]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".parquet": "parquet",
}
#: Rows that a group of a Parquet shard has, and one of the whole file.
_SHARD_GROUP: Final = 4096
_GROUP: Final = 32_768
_COMPRESSION: Final = "zstd"
#: What the csv module is told that rows end with, though they end with a line feed: it puts quotes round the characters
#: of this alone, and readers take a bare carriage return for the end of a row.
_ROW_END: Final = "\r\n"


@dataclass
class Counts:
    """What a shard holds."""

    documents: int = 0
    sentences: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    """Documents without tags, by what is wrong with them."""


def output_format(out: Path, asked: str | None) -> OutputFormat:
    """The format that `asked` or the suffix of `out` names.

    Raises:
        BulkError: neither names one.
    """
    for known in get_args(OutputFormat):
        if asked == known:
            return known  # type: ignore[no-any-return]
    if asked is not None:
        raise BulkError(f"the format is one of {', '.join(get_args(OutputFormat))}, not {asked}")
    if out == Path("-"):
        return "jsonl"
    if (found := _SUFFIXES.get(out.suffix.lower())) is None:
        raise BulkError(f"the suffix of {out} names no format; say --format {'|'.join(get_args(OutputFormat))}")
    return found


def write_records(
    file: BinaryIO, form: OutputFormat, records: Iterable[Record], on_record: Callable[[], None] = lambda: None
) -> Counts:
    """Write a shard to `file` and count what it holds; `on_record` is called after each record."""
    writer = _WRITERS[form](file)
    counts = Counts()
    for record in records:
        writer.write(record)
        match record:
            case BulkRecord():
                counts.sentences += 1
                counts.documents += record.sentence_index == 0
            case FaultRecord():
                counts.errors[record.kind] += 1
        on_record()
    writer.close()
    return counts


class _Writer(Protocol):
    def write(self, record: Record) -> None: ...

    def close(self) -> None: ...


class _JsonlWriter:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, record: Record) -> None:
        line = json.dumps(nested(record), ensure_ascii=False, separators=(",", ":"))
        self._file.write(f"{line}\n".encode())

    def close(self) -> None:
        pass


class _CsvWriter:
    def __init__(self, file: BinaryIO) -> None:
        self._rows = _csv_writer(file)

    def write(self, record: Record) -> None:
        self._rows.writerow([str(cell).lower() if isinstance(cell, bool) else cell for cell in flat(record).values()])

    def close(self) -> None:
        pass


class _Encoded:
    """What the csv module writes rows to."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, row: str) -> int:
        return self._file.write(row.removesuffix(_ROW_END).encode() + b"\n")


def _csv_writer(file: BinaryIO) -> "CsvWriter":
    return csv.writer(_Encoded(file), lineterminator=_ROW_END)


class _ParquetWriter:
    def __init__(self, file: BinaryIO) -> None:
        self._writer = parquet.ParquetWriter(file, SCHEMA, compression=_COMPRESSION)
        self._rows: list[dict[str, Cell]] = []

    def write(self, record: Record) -> None:
        self._rows.append(flat(record))
        if len(self._rows) == _SHARD_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._rows, SCHEMA))
        self._rows.clear()


_WRITERS: Final[dict[OutputFormat, Callable[[BinaryIO], _Writer]]] = {
    "jsonl": _JsonlWriter,
    "csv": _CsvWriter,
    "parquet": _ParquetWriter,
}


class Joiner:
    """Shards, given in their order, as one file."""

    def __init__(self, file: BinaryIO, form: OutputFormat) -> None:
        self._file = file
        self._parquet = parquet.ParquetWriter(file, SCHEMA, compression=_COMPRESSION) if form == "parquet" else None
        self._tables: list[pa.Table] = []
        if form == "csv":
            _csv_writer(file).writerow(SCHEMA.names)

    def add(self, shard: BinaryIO) -> None:
        """Append a shard, read from its start to its end."""
        if self._parquet is None:
            shutil.copyfileobj(shard, self._file)
            return
        groups = parquet.ParquetFile(shard)
        for number in range(groups.num_row_groups):
            self._tables.append(groups.read_row_group(number))
            if sum(map(len, self._tables)) >= _GROUP:
                self._flush(self._parquet)

    def close(self) -> None:
        """Write what is left; the file stays open."""
        if self._parquet is not None:
            self._flush(self._parquet)
            self._parquet.close()

    def _flush(self, writer: parquet.ParquetWriter) -> None:
        if self._tables:
            writer.write_table(pa.concat_tables(self._tables), row_group_size=2 * _GROUP)
            self._tables.clear()

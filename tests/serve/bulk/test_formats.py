"""What is read: every format, whole and damaged; and what is written: JSONL, CSV and Parquet with the same content."""

import csv
import datetime
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from serve.bulk.errors import BulkError
from serve.bulk.formats import output_format
from serve.bulk.records import SCHEMA
from serve.tagger import Tagger
from tests.serve.bulk.running import read, run

TEXT = "The dockers' union accused Norvex of hiding reports. Norvex denied it on Monday, and said no more of it."
ROWS: list[dict[str, Any]] = [
    {"id": "a1", "text": TEXT, "title": "Norvex, again", "date": "2023-05-04", "outlet": "The Harbour", "url": "u:1"},
    {"id": "a2", "text": "It rained\u2028all day.\nNothing else happened.", "title": None},
]
PAGE = (
    "<html><head><title>Norvex, again</title><meta property='og:site_name' content='The Harbour'></head>"
    f"<body><nav>Home | Sport</nav><article><h1>Norvex, again</h1><p>{TEXT}</p><p>{'It rained. ' * 20}</p></article>"
    "<footer>All rights reserved.</footer></body></html>"
)


def csv_bytes(rows: list[dict[str, Any]]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def jsonl_bytes(rows: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def parquet_bytes(rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


def time_bytes(unit: str, zone: str | None = None) -> bytes:
    """A Parquet table whose date is a number of `unit` too large for a date of Python's, or in a time zone."""
    times = pa.array([1 if zone else 10**15], pa.timestamp(unit, zone))
    file = io.BytesIO()
    parquet.write_table(pa.table({"text": ["It rained."], "date": times}), file)
    return file.getvalue()


def warc_bytes(*pages: tuple[str, str, bytes]) -> bytes:
    """An archive of answers, each a status, a type and a body, and each a gzip of its own as the format has it."""
    records = []
    for status, kind, body in pages:
        answer = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n\r\n".encode() + body
        head = (
            "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://harbour.example/1\r\n"
            f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(answer)}\r\n\r\n"
        )
        records.append(gzip.compress(head.encode() + answer + b"\r\n\r\n"))
    return b"".join(records)


def tagged(tagger: Tagger, folder: Path, name: str, content: bytes, **reading: Any) -> list[dict[str, Any]]:
    (folder / name).write_bytes(content)
    run(tagger, [folder / name], folder / "tags.jsonl", 500, overwrite=True, **reading)
    return read(folder / "tags.jsonl")


def errors(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Document and error of each record that has one."""
    return [(Path(record["document_id"]).name, record["error"]) for record in records if record["error"] is not None]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", jsonl_bytes(ROWS)),
        ("rows.ndjson", b"\xef\xbb\xbf" + jsonl_bytes(ROWS)),
        ("rows.csv", csv_bytes(ROWS)),
        ("rows.CSV", csv_bytes(ROWS).decode().encode("utf-16")),
        ("rows.csv.gz", gzip.compress(csv_bytes(ROWS))),
        ("rows.parquet", parquet_bytes(ROWS)),
        ("rows.parquet.gz", gzip.compress(parquet_bytes(ROWS))),
    ],
)
def test_rows_are_documents(tagger: Tagger, tmp_path: Path, name: str, content: bytes) -> None:
    records = tagged(tagger, tmp_path, name, content)
    assert errors(records) == []
    assert [(record["document_id"], record["text"]) for record in records][1:] == [
        ("a1", "Norvex denied it on Monday, and said no more of it."),
        ("a2", "It rained\u2028all day."),
        ("a2", "Nothing else happened."),
    ]
    about = {key: records[0][key] for key in ("title", "date", "outlet", "url")}
    assert about == {key: ROWS[0][key] for key in about}
    assert records[2]["title"] is None


@pytest.mark.parametrize("name", ["page.html", "page.htm.gz", "pages.warc.gz"])
def test_the_main_text_of_a_page_is_tagged(tagger: Tagger, tmp_path: Path, name: str) -> None:
    content = {
        "page.html": PAGE.encode(),
        "page.htm.gz": gzip.compress(PAGE.encode("utf-16")),
        "pages.warc.gz": warc_bytes(
            ("404 Not Found", "text/html", b"<p>Nothing here.</p>"),
            ("200 OK", "image/png", b"\x89PNG"),
            ("200 OK", "text/html; charset=cp1252", PAGE.replace("dockers' ", "dockers’ ").encode("cp1252")),
        ),
    }[name]
    records = tagged(tagger, tmp_path, name, content)
    texts = [record["text"] for record in records]
    assert errors(records) == []
    assert "Norvex denied it on Monday, and said no more of it." in texts
    assert not any("Sport" in text or "rights" in text for text in texts)
    assert (records[0]["title"], records[0]["outlet"]) == ("Norvex, again", "The Harbour")
    if name == "pages.warc.gz":
        assert records[0]["url"] == "https://harbour.example/1"
        assert any("dockers’ union" in text for text in texts)


CUT_WARC = warc_bytes(("200 OK", "text/html", PAGE.encode()))[:200]
LATIN = "Café".encode("latin-1")
FAULTY: list[tuple[str, bytes, list[tuple[str, str]]]] = [
    ("a.txt", LATIN, [("a.txt", "not UTF-8 (byte 3); convert it first")]),
    ("a.txt", b" \n", [("a.txt", "there is no text in it")]),
    ("a.txt.gz", gzip.compress(b"It rained.")[:-9], [("a.txt.gz", "no gzip, or damaged: ")]),
    ("a.txt.gz", b"It rained.", [("a.txt.gz", "no gzip, or damaged: Not a gzipped file (b'It')")]),
    (
        "a.jsonl",
        b'{"text": "It rained."}\nnope\n[1]\n{"body": "x"}\n{"text": 7}\n{"text": "' + LATIN + b'"}\n'
        b'{"text": "\\ud800"}\n{"text": "x", "title": ["t"]}\n{"text": "It did."}',
        [
            ("a.jsonl#2", "the line is no JSON: Expecting value: line 1 column 1 (char 0)"),
            ("a.jsonl#3", "the line is no JSON object but list"),
            ("a.jsonl#4", "no 'text'; name the text with --text-column"),
            ("a.jsonl#5", "'text' is no text but int"),
            ("a.jsonl#6", "the line is not UTF-8; convert it first"),
            ("a.jsonl#7", "'text' is not UTF-8; convert it first"),
            ("a.jsonl#8", "'title' is no text but list"),
        ],
    ),
    (
        "a.csv",
        b"id,text\n1,It rained.\n2\n,\n4," + LATIN + b"\n5,It did.\n",
        [
            ("a.csv#2", "the row has 1 fields, the first row names 2"),
            ("a.csv#3", "there is no text in it"),
            ("4", "'text' is not UTF-8; convert it first"),
        ],
    ),
    (
        "a.csv",
        b'id,text\n1,It rained.\n2,"It\n3,rained.\n',
        [("a.csv", "no CSV from line 3 on: unexpected end of data")],
    ),
    ("a.csv", b'id,text\n1,"It" rained.\n', [("a.csv", "no CSV from line 2 on: ',' expected after '\"'")]),
    (
        "a.csv",
        b"id,body\n1,It rained.\n",
        [("a.csv", "no column 'text' among 'id', 'body'; name the text with --text-column")],
    ),
    ("a.parquet", parquet_bytes(ROWS)[:-20], [("a.parquet", "no Parquet, or damaged: ")]),
    (
        "a.parquet",
        parquet_bytes([{"body": "x"}]),
        [("a.parquet", "no column 'text' among 'body'; name the text with --text-column")],
    ),
    ("a.parquet", parquet_bytes([{"text": 1}]), [("a.parquet#1", "'text' is no text but int")]),
    ("a.html", b"<p>Caf\xe9 " + b"and more of it " * 40, [("a.html", "not UTF-8, and the page names no other")]),
    (
        "a.html",
        b"<meta charset=undefined><p>Caf\xe9",
        [("a.html", "neither UTF-8 nor undefined, as the page says; convert it first")],
    ),
    (
        "a.jsonl",
        b'{"text": "It rained.", "id": ' + b"7" * 5000 + b'}\n{"text": "It did."}',
        [("a.jsonl#1", "the line is no JSON: Exceeds the limit (4300 digits)")],
    ),
    ("a.parquet", time_bytes("ms"), [("a.parquet", "no Parquet, or damaged: date value out of range")]),
    ("a.parquet", time_bytes("ms", "Mars/Base"), [("a.parquet", "no Parquet, or damaged: 'Mars/Base'")]),
    ("a.html", b"<<<>>>&&", [("a.html", "no main text was found in the page")]),
    ("a.warc", b"WARC/1.0\r\nnothing", [("a.warc", "")]),
    ("a.warc.gz", CUT_WARC, [("a.warc.gz", "")]),
    ("a.warc.gz", gzip.compress(b"garbage\r\n" * 9), [("a.warc.gz", "no WARC, or damaged: ")]),
    *((f"a.{suffix}", b"", [(f"a.{suffix}", "")]) for suffix in ("txt", "html", "jsonl", "csv", "parquet", "warc")),
]


@pytest.mark.parametrize(
    ("name", "content", "expected"), FAULTY, ids=[f"{number}-{case[0]}" for number, case in enumerate(FAULTY)]
)
def test_what_is_wrong_has_a_record_and_the_rest_is_tagged(
    tagger: Tagger, tmp_path: Path, name: str, content: bytes, expected: list[tuple[str, str]]
) -> None:
    (tmp_path / "z.txt").write_text("The last is read.")
    (tmp_path / name).write_bytes(content)
    counts = run(tagger, [tmp_path], tmp_path / "tags.jsonl")
    records = read(tmp_path / "tags.jsonl")
    found = errors(records)
    assert [document for document, _ in found] == [document for document, _ in expected]
    for (_, said), (_, start) in zip(found, expected, strict=True):
        assert said.startswith(start)
        assert "\n" not in said
    assert records[-1]["text"] == "The last is read."
    assert counts.errors.total() == len(expected)
    if name in {"a.jsonl", "a.csv"} and b"It did." in content:
        assert records[-2]["text"] == "It did."


def test_other_columns_and_types_are_read(tagger: Tagger, tmp_path: Path) -> None:
    rows = [{"key": 7, "body": "It rained.", "day": datetime.date(2023, 5, 4)}]
    columns = {"text": "body", "id": "key", "date": "day"}
    (record,) = tagged(tagger, tmp_path, "a.parquet", parquet_bytes(rows), columns=columns)
    assert (record["document_id"], record["date"]) == ("7", "2023-05-04")


def test_a_table_that_stops_in_the_middle_keeps_what_was_read(tagger: Tagger, tmp_path: Path) -> None:
    whole = gzip.compress(jsonl_bytes([{"text": f"It rained on day {number}."} for number in range(900)]))
    records = tagged(tagger, tmp_path, "a.jsonl.gz", whole[: len(whole) // 2])
    assert errors(records)[-1][1].startswith("no gzip, or damaged: ")
    assert len(records) > 100
    assert records[-2]["error"] is None


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_bytes(jsonl_bytes(ROWS * 3) + b"nope\n")
    (tmp_path / "in" / "b.txt").write_text("“She said: 'no', “never”; \"not at all\",” he wrote.\n=1+1 was the sum.")
    return tmp_path / "in"


def flattened(record: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key, value in record.items():
        prefix = "score" if key == "scores" else key
        if key in {"scores", "source", "target", "issue", "model"}:
            row |= {f"{prefix}_{part}": found for part, found in (value or {}).items()}
        else:
            row[key] = value
    return {name: row.get(name) for name in SCHEMA.names}


def from_csv(path: Path) -> list[dict[str, Any]]:
    convert: dict[str, Callable[[str], Any]] = {
        "int64": int,
        "double": float,
        "bool": lambda cell: {"true": True, "false": False}[cell],
        "string": str,
    }
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {name: convert[str(SCHEMA.field(name).type)](cell) if cell else None for name, cell in row.items()}
            for row in csv.DictReader(file)
        ]


@pytest.mark.parametrize("shard_documents", [1, 100])
def test_csv_and_parquet_hold_what_jsonl_holds(
    tagger: Tagger, mixed: Path, tmp_path: Path, shard_documents: int
) -> None:
    for suffix in ("jsonl", "csv", "parquet"):
        run(tagger, [mixed], tmp_path / f"tags.{suffix}", shard_documents)
    expected = [flattened(record) for record in read(tmp_path / "tags.jsonl")]
    assert len(expected) == 16
    assert from_csv(tmp_path / "tags.csv") == expected
    table = parquet.read_table(tmp_path / "tags.parquet")
    assert table.schema.equals(SCHEMA)
    assert table.to_pylist() == expected


def test_a_bare_carriage_return_comes_back_from_csv(tagger: Tagger, tmp_path: Path) -> None:
    content = jsonl_bytes([{"id": "a\rb", "text": "It rained\rall day.", "title": "One\rtwo", "outlet": "\r"}])
    expected = [flattened(record) for record in tagged(tagger, tmp_path, "a.jsonl", content)]
    run(tagger, [tmp_path / "a.jsonl"], tmp_path / "tags.csv")
    assert from_csv(tmp_path / "tags.csv") == expected
    assert (expected[0]["document_id"], expected[0]["title"], expected[0]["outlet"]) == ("a\rb", "One\rtwo", "\r")
    assert b"\r\n" not in (tmp_path / "tags.csv").read_bytes()


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_the_size_of_shards_does_not_show(tagger: Tagger, mixed: Path, tmp_path: Path, suffix: str) -> None:
    contents = set()
    for size in (1, 3, 100):
        run(tagger, [mixed], tmp_path / f"tags.{suffix}", size, overwrite=True)
        contents.add((tmp_path / f"tags.{suffix}").read_bytes())
    assert len(contents) == 1


def test_a_format_that_is_not_there_is_one_sentence(tagger: Tagger, tmp_path: Path) -> None:
    with pytest.raises(BulkError, match=r"tags\.xml names no format; say --format"):
        output_format(tmp_path / "tags.xml", None)
    with pytest.raises(BulkError, match="not xml"):
        output_format(tmp_path / "tags.jsonl", "xml")
    (tmp_path / "a.log").write_text("It rained.")
    with pytest.raises(BulkError, match=r"a\.log is not to be seen .* --input-format"):
        run(tagger, [tmp_path / "a.log"], tmp_path / "tags.jsonl")
    assert tagged(tagger, tmp_path, "a.log", b"It rained.", input_format="txt")[0]["text"] == "It rained."

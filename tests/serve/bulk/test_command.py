"""`python -m serve tag`: what it says, on which stream, and how it ends."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serve.__main__ import app
from serve.bulk.errors import BulkError
from serve.bulk.formats import Counts
from serve.bulk.progress import Meter
from serve.tagger import Tagger
from tests.serve.bulk.running import read, run

PAGE = b"<html><body><article><p>It rained all day, and the harbour was closed.</p></article></body></html>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("It rained. The union accused Norvex.")
    (folder / "b.txt").write_bytes("Café".encode("latin-1"))
    (folder / "c.txt").write_text("")
    return folder


def test_errors_are_counted_by_kind_and_make_the_exit_code_1(model_folder: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "tags.data"
    options = ["--out", str(out), "--format", "jsonl", "--model", str(model_folder), "--device", "cpu"]
    result = CliRunner().invoke(app, ["tag", str(folder), *options])
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "stance 1, torch on cpu",
        f"2 sentences of 1 documents -> {out}",
        "2 documents with an error instead: empty 1, encoding 1",
    ]
    assert result.stdout == ""
    assert [record["error"] for record in read(out)] == [
        None,
        None,
        "not UTF-8 (byte 3); convert it first",
        "there is no text in it",
    ]


def test_nothing_is_said_if_all_is_well_and_quiet(model_folder: Path, folder: Path, tmp_path: Path) -> None:
    options = ["--out", str(tmp_path / "tags.csv"), "--model", str(model_folder), "--device", "cpu", "--quiet"]
    result = CliRunner().invoke(app, ["tag", str(folder / "a.txt"), *options])
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "tags.xml"], "say --format jsonl|csv|parquet"),
        (["--out", "tags.jsonl", "--input-format", "xml"], "one of txt, html, jsonl, csv, parquet, warc, not xml"),
        (["--out", "tags.jsonl", "--delimiter", "ab"], "the delimiter is one character, not 'ab'"),
        (["--out", "tags.jsonl", "--engine", "dask"], "the engine is local or ray, not dask"),
        (["--out", "tags.jsonl", "--actors", "2"], "for the engine ray, not local; add --engine ray"),
        (["--out", "tags.jsonl", "--ray-address", "h:1"], "for the engine ray, not local; add --engine ray"),
        (["--out", "none/tags.jsonl"], "none is no folder"),
    ],
)
def test_an_option_that_cannot_be_is_one_sentence(
    model_folder: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["tag", str(folder), *arguments, "--model", str(model_folder)])
    assert isinstance(result.exception, BulkError)
    assert said in str(result.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


@pytest.mark.parametrize(
    ("package", "name", "content"),
    [("trafilatura", "a.html", PAGE), ("warcio.archiveiterator", "a.warc", b"WARC/1.0\r\n")],
)
def test_a_package_that_is_missing_is_one_sentence(
    tagger: Tagger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BulkError, match=r"needs (trafilatura|warcio); pip install 'stance-tagger\[formats\]'"):
        run(tagger, [tmp_path / name], tmp_path / "tags.jsonl")


def test_ray_that_is_missing_is_one_sentence(
    model_folder: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    options = ["--out", str(tmp_path / "tags.jsonl"), "--model", str(model_folder), "--engine", "ray"]
    result = CliRunner().invoke(app, ["tag", str(folder), *options])
    assert str(result.exception) == "the engine ray needs Ray; pip install 'stance-tagger[distributed]'"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that tests set by hand."""
    now = [1000.0]
    monkeypatch.setattr("serve.bulk.progress.time.monotonic", lambda: now[0])
    return now


def test_without_a_terminal_there_is_a_line_a_minute(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Meter(terminal=False) as meter:
        meter.start(Counts(documents=5), 1000, 9000)
        for _ in range(4):
            clock[0] += 30
            meter.sentences(300)
            meter.shard(Counts(documents=2), int(1000 + (clock[0] - 1000) * 10))
    assert capsys.readouterr().err.splitlines() == [
        "tagging: 7 documents, 10 sentences/s, 26 minutes left",
        "tagging: 11 documents, 10 sentences/s, 16 minutes left",
    ]


def test_of_a_stream_the_end_is_not_foretold(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Meter(terminal=False) as meter:
        meter.start(Counts(), 0, None)
        clock[0] += 60
        meter.sentences(120)
    assert capsys.readouterr().err == "tagging: 0 documents, 2 sentences/s\n"


def test_on_a_terminal_there_is_a_bar(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Meter(terminal=True) as meter:
        meter.start(Counts(), 0, 100)
        meter.shard(Counts(documents=3), 50)
        clock[0] += 2
        meter.sentences(100)
    assert "3 documents, 50 sentences/s" in capsys.readouterr().err


def test_quiet_is_quiet(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Meter(quiet=True, terminal=True) as meter:
        meter.start(Counts(), 0, 100)
        clock[0] += 600
        meter.sentences(100)
    assert capsys.readouterr().err == ""

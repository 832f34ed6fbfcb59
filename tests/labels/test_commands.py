import json
from pathlib import Path

import pytest

from labels.__main__ import app
from labels.command_line import run


def labels(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        run(app, [*map(str, arguments)])
    printed = capsys.readouterr()
    return int(stopped.value.code or 0), printed.out, printed.err


def test_check_prints_all_faults_and_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = {"id": "a-1", "label": "neutral", "text": "The talks resume on Monday.", "tags": ["wire"]}
    rows = [good, {**good, "label": "praises"}, {**good, "id": "a-2", "text": "{source|The talks resume on Monday."}]
    (tmp_path / "ports.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    code, out, err = labels(capsys, "check", "--corpus", tmp_path)
    assert (code, out) == (2, "")
    assert [line.split(": ")[0] for line in err.splitlines()] == [
        "ports.jsonl:2",
        "ports.jsonl:3",
        str(tmp_path / "splits.json"),
    ]


def test_check_finds_no_fault_in_what_is_committed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = labels(capsys, "check")
    assert (code, err) == (0, "")
    assert out.endswith("sentences: no faults\n")


def test_check_of_an_empty_folder_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = labels(capsys, "check", "--corpus", tmp_path)
    assert code == 2
    assert err == f"no corpus file (*.jsonl) in {tmp_path}; name the folder that holds them\n"


def test_stats_count_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = labels(capsys, "stats")
    assert code == 0
    assert "development" in out
    assert "us-statehouse" in out


def test_agree_prints_every_article_and_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = labels(capsys, "agree")
    assert code == 0
    assert out.count("turkey-2023-") == 5
    assert "112" in out


def test_resolve_writes_what_evaluation_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = labels(capsys, "resolve", "--articles", tmp_path, "--out", tmp_path / "none" / "out.jsonl")
    assert code == 2
    assert "cannot write" in err
    code, _, err = labels(capsys, "resolve", "--articles", tmp_path, "--out", tmp_path / "out.jsonl")
    assert code == 1
    assert err.count("skipped") == 5

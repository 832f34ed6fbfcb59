import json
from pathlib import Path
from typing import get_args

import pytest

from labels import corpus
from labels.exchange import READERS, Format
from tests.labels.test_commands import labels
from tests.labels.test_queue import tagged

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("to", get_args(Format))
def test_a_part_goes_out_and_comes_back(to: Format, small_corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "exported"
    arguments = ("--split", "development", "--folder", small_corpus)
    code, _, exported = labels(capsys, "export", "--to", to, "--out", out, *arguments)
    assert code == 0
    back = tmp_path / "back.jsonl"
    code, _, err = labels(capsys, "import", "--from", to, out, "--out", back)
    assert code == 0
    (topic,) = json.loads((small_corpus / "splits.json").read_text())["development"]
    rows = [json.loads(line) for line in (small_corpus / f"{topic}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [json.loads(line) for line in back.read_text(encoding="utf-8").splitlines()] == rows
    assert err == f"{len(rows)} sentences written to {back}\n"
    beside = f", {out}.xml" if to == "label-studio" else ""
    assert exported == f"{len(rows)} sentences written to {out}{beside}\n"


def test_faults_are_all_printed_and_nothing_is_written(tmp_path: Path, capsys: Capture) -> None:
    row = {"text": "The union accused Norvex.", "accept": ["praises"], "answer": "accept", "meta": {"id": "a-1"}}
    (tmp_path / "out.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps({**row, 'accept': []})}\n")
    code, out, err = labels(
        capsys, "import", "--from", "prodigy", tmp_path / "out.jsonl", "--out", tmp_path / "c.jsonl", "--tag", "wire"
    )
    assert (code, out) == (2, "")
    assert err == (
        "out.jsonl:1: the stance 'praises' is unknown; the stances are accuses, denies, defends, neutral\n"
        "out.jsonl:2: no stance is chosen; choose one\n"
    )
    assert not (tmp_path / "c.jsonl").exists()


def test_an_unknown_format_or_topic_is_said(small_corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    code, _, err = labels(capsys, "export", "--to", "brat", "--out", tmp_path / "x")
    assert code == 2
    assert "'label-studio', 'doccano', 'prodigy', 'hf'" in " ".join(err.replace("│", " ").split())
    code, _, err = labels(
        capsys, "export", "--to", "doccano", "--out", tmp_path / "x", "--folder", small_corpus, "--topic", "fotball"
    )
    assert (code, err.splitlines()[0][:17]) == (2, "no topic fotball ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", get_args(Format))
def test_a_queue_is_no_answer_and_what_a_person_makes_of_it_is(
    to: Format, small_corpus: Path, tmp_path: Path, capsys: Capture
) -> None:
    known = corpus.read_corpus(small_corpus)[0]
    records = [tagged(f"This is sentence number {n}.", score=0.9 - n / 20) for n in range(5)] + [tagged(known.text)]
    tags, out = tmp_path / "tags.jsonl", tmp_path / "queue"
    tags.write_text("".join(f"{record.model_dump_json()}\n" for record in records), encoding="utf-8")
    arguments = ("--from", tags, "--to", to, "--out", out, "--folder", small_corpus, "--count", 3)
    code, _, err = labels(capsys, "queue", *arguments, "--baseline", tags)
    assert code == 0
    assert err.startswith("left out: 1 in the corpus already\n3 sentences written to ")
    if to == "label-studio":
        tasks = json.loads(out.read_text())
        for task in tasks:
            task["annotations"] = [{"result": task["predictions"][0]["result"], "completed_by": 1}]
        out.write_text(json.dumps(tasks))
    elif to == "prodigy":
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        out.write_text("".join(f"{json.dumps({**row, 'answer': 'accept'})}\n" for row in rows))
    else:
        # doccano does not tell guesses from answers, and hf is no tool to answer in.
        assert len(READERS[to](out).answers) == (3 if to == "doccano" else 0)
        return
    back = tmp_path / "back.jsonl"
    code, _, err = labels(capsys, "import", "--from", to, out, "--out", back)
    assert (code, err.count("the record carries no tags; give them with --tag")) == (2, 3)
    code, _, err = labels(capsys, "import", "--from", to, out, "--out", back, "--tag", "wire", "--tag", "plain")
    assert (code, err) == (0, f"3 sentences written to {back}\n")
    problems, made = corpus.parse_line(back.read_text().splitlines()[0], "queue")
    assert problems == []
    assert made is not None
    assert (made.text, made.label, made.tags) == ("This is sentence number 4.", "neutral", ("wire", "plain"))

"""Much of everything: duplicates, one endless line, and bulk tagging measured as it grows."""

import json
import random
import subprocess
import time
from pathlib import Path

import pytest

from serve.answers import Answer
from serve.bench.scale import measure_scale, varied
from serve.bulk.engine import Load
from serve.encode import Encoding
from serve.sentences import MAX_LINE, iterate_sentences, split_sentences
from serve.tagger import Tagger
from tests.conftest import ROOT, SENTENCES
from tests.serve.bulk.running import read, run
from tests.serve.bulk.test_kill import command

MIB = 2**20


def test_ten_thousand_duplicates_are_computed_once(
    tagger: Tagger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = 0
    compute = tagger.compute

    def counting(encodings: list[Encoding]) -> list[Answer]:
        nonlocal computed
        computed += len(encodings)
        return compute(encodings)

    monkeypatch.setattr(tagger, "compute", counting)
    (tmp_path / "rows.jsonl").write_text(f"{json.dumps({'text': SENTENCES[0]})}\n" * 10_000)
    counts = run(tagger, [tmp_path / "rows.jsonl"], tmp_path / "tags.jsonl", 1000)
    assert (counts.documents, counts.sentences, computed) == (10_000, 10_000, 1)
    records = read(tmp_path / "tags.jsonl")
    assert {json.dumps({**record, "document_id": ""}) for record in records[1:]} == {
        json.dumps({**records[0], "document_id": ""})
    }
    assert len({record["document_id"] for record in records}) == 10_000


@pytest.mark.parametrize("unit", [SENTENCES[0] + " ", "word ", "x", ". ", "’s", " "])
def test_a_long_line_is_split_in_pieces_that_lose_nothing(unit: str) -> None:
    line = unit * (MAX_LINE * 3 // len(unit))
    spans = list(iterate_sentences(f"Before.\n{line}\nAfter."))
    text = f"Before.\n{line}\nAfter."
    assert all(text[span.start : span.end] == span.text for span in spans)
    assert "".join("".join(span.text.split()) for span in spans) == "".join(text.split())
    assert all(len(span.text) <= MAX_LINE for span in spans)


def test_sentences_of_a_long_line_are_those_of_a_short_one() -> None:
    draw = random.Random(5)  # noqa: S311
    parts = [draw.choice(SENTENCES) for _ in range(2000)]
    text = " ".join(parts)
    assert len(text) > 5 * MAX_LINE
    assert [span.text for span in split_sentences(text)] == [
        span.text for part in parts for span in split_sentences(part)
    ]


@pytest.mark.slow
def test_fifty_megabytes_in_one_line_need_little_memory(exported_folder: Path, tmp_path: Path) -> None:
    draw = random.Random(7)  # noqa: S311
    # Few and long words, for the test is of the megabytes, and the tokenizer takes those for unknown ones at once.
    words = [draw.choice(("harbour", "steward", "letters")) * 15 for _ in range(50)]
    unit = "".join(f"Item {' '.join(draw.choice(words) for _ in range(12))}. " for _ in range(2_000))
    text = (unit * (50 * MIB // len(unit) + 1))[: 50 * MIB]
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    arguments = command(exported_folder, tmp_path / "a.txt", "--out", tmp_path / "tags.csv")
    process = subprocess.Popen(arguments, cwd=ROOT)  # noqa: S603
    peak = 0
    # Read while it runs: what the system tells afterwards counts the test's own memory, of which the process is forked.
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        peak = max([peak, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))])
        time.sleep(0.1)
    assert process.returncode == 0
    # In kilobytes; the text alone is 50 MiB, and twice that where it is not ASCII.
    assert 100 < peak / 1024 < 800
    with (tmp_path / "tags.csv").open("rb") as lines:
        assert sum(1 for _ in lines) > 35_000


def test_varied_sentences_are_as_many_and_as_alike_as_asked() -> None:
    assert len(set(varied(SENTENCES, 1000, 0.0))) == 1000
    assert len(set(varied(SENTENCES, 1000, 1.0))) == 1
    assert len(set(varied(SENTENCES, 10_000, 0.3))) == pytest.approx(7000, rel=0.05)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_input(exported_folder: Path, small_corpus: Path) -> None:
    sizes = [2_000, 20_000]
    said: list[str] = []
    load = Load(exported_folder, "cpu", "onnx", 1)
    found = measure_scale(load, sizes, 0.9, said.append, corpus=small_corpus)
    small, large = found.sizes
    assert [size <= grown.sentences <= 1.2 * size for size, grown in zip(sizes, found.sizes, strict=True)] == [True] * 2
    assert large.peak_mib < 1.3 * small.peak_mib
    assert large.microseconds_per_sentence < 2 * small.microseconds_per_sentence
    assert found.runs_as == "onnx on cpu"
    assert len(said) == 6

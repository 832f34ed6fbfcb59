"""The command in a process of its own: killed at any moment, stopped, piped, and out of disk."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from serve.bulk.work_folder import parts_of
from tests.conftest import ROOT, SENTENCES

SHARDS = 40


def command(model: Path, *arguments: object) -> list[str]:
    return [
        *(sys.executable, "-m", "serve", "tag", *map(str, arguments)),
        *("--model", str(model), "--device", "cpu", "--backend", "onnx", "--threads", "1", "--quiet"),
    ]


def finish(arguments: list[str], code: int = 0) -> "subprocess.CompletedProcess[str]":
    finished = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert finished.returncode == code, finished.stderr
    assert "Traceback" not in finished.stderr
    return finished


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """A shell has what it starts in the background ignore SIGINT, and so would the programs that the tests start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of which every tenth is none, and no two of the others are alike."""
    file = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    lines = [
        "no JSON"
        if number % 10 == 9
        else json.dumps({"id": f"row {number}", "text": " ".join(f"Item {number}: {text}" for text in SENTENCES)})
        for number in range(SHARDS * 10)
    ]
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


@pytest.fixture(scope="module")
def undisturbed(rows: Path, exported_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The output of a run that nothing disturbs, and the seconds it took."""
    out = tmp_path_factory.mktemp("whole") / "tags.jsonl"
    start = time.monotonic()
    finish(command(exported_folder, rows, "--out", out, "--shard-documents", 10), code=1)
    return out, time.monotonic() - start


def killed_until_done(rows: Path, model: Path, out: Path, kills: int, seconds: float) -> list[int]:
    """Run and kill `kills` times, then run to the end; the lines of the ledger when each killed run was dead."""
    draw = random.Random(kills)  # noqa: S311
    arguments = command(model, rows, "--out", out, "--shard-documents", 10)
    ledger = parts_of(out) / "done.log"
    done: list[int] = []
    for _ in range(kills):
        process = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.DEVNULL)  # noqa: S603
        if done:
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds * draw.uniform(0.3, 1.02))
        else:  # so that one at least is hit in the middle, however long it takes to start
            while process.poll() is None and noted(ledger) < 3:
                time.sleep(0.005)
        process.kill()
        process.wait()
        if out.exists() and not parts_of(out).exists():
            break
        done.append(noted(ledger))
    else:
        finish(arguments, code=1)
    assert any(0 < lines < SHARDS for lines in done), "no kill hit a run in the middle"
    return done


def noted(ledger: Path) -> int:
    return ledger.read_text().count("\n") if ledger.exists() else 0


def check_same(out: Path, undisturbed: Path) -> None:
    assert out.read_bytes() == undisturbed.read_bytes()
    assert not [path.name for path in out.parent.iterdir() if path.name != out.name]


def test_three_kills_change_nothing(
    rows: Path, exported_folder: Path, undisturbed: tuple[Path, float], tmp_path: Path
) -> None:
    done = killed_until_done(rows, exported_folder, tmp_path / "tags.jsonl", 3, undisturbed[1])
    assert done == sorted(done)
    check_same(tmp_path / "tags.jsonl", undisturbed[0])


@pytest.mark.slow
def test_twenty_kills_change_nothing(
    rows: Path, exported_folder: Path, undisturbed: tuple[Path, float], tmp_path: Path
) -> None:
    """With Parquet, whose shards are not simply put one after the other."""
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole, out = tmp_path / "whole" / "tags.parquet", tmp_path / "killed" / "tags.parquet"
    finish(command(exported_folder, rows, "--out", whole, "--shard-documents", 10), code=1)
    done = killed_until_done(rows, exported_folder, out, 20, undisturbed[1])
    assert done == sorted(done)
    check_same(out, whole)


def test_an_interrupted_run_says_that_it_can_go_on(rows: Path, exported_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "tags.jsonl"
    arguments = command(exported_folder, rows, "--out", out, "--shard-documents", 10)
    process = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True)  # noqa: S603
    while not (parts_of(out) / "done.log").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - start < 10
    assert process.returncode == 130
    assert said == "interrupted; the same command goes on where it was\n"
    assert not out.exists()


def test_a_reader_that_has_enough_ends_the_run_quietly(rows: Path, exported_folder: Path) -> None:
    arguments = command(exported_folder, rows, "--out", "-", "--shard-documents", 10)
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["document_id"] == "row 0"
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 0


def test_a_pipe_gives_what_a_file_gives(rows: Path, exported_folder: Path, undisturbed: tuple[Path, float]) -> None:
    arguments = command(exported_folder, "-", "--input-format", "jsonl", "--out", "-")
    with rows.open("rb") as stream:
        finished = subprocess.run(arguments, cwd=ROOT, stdin=stream, capture_output=True, check=False)  # noqa: S603
    assert finished.returncode == 1
    assert finished.stdout.replace(b'"stdin#', b'"' + rows.as_posix().encode() + b"#") == undisturbed[0].read_bytes()


def test_an_idle_input_can_be_interrupted(exported_folder: Path) -> None:
    arguments = command(exported_folder, "-", "--input-format", "jsonl", "--out", "-")
    with subprocess.Popen(  # noqa: S603
        [argument for argument in arguments if argument != "--quiet"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b'{"text": "It rained."}\n')
        process.stdin.flush()
        assert process.stderr.readline() == b"stance 1, onnx on cpu\n"
        time.sleep(0.5)  # by now it waits for the second line
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == b"interrupted\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("piped", [False, True])
def test_a_full_standard_output_is_one_sentence(rows: Path, exported_folder: Path, piped: bool) -> None:
    source = ("-", "--input-format", "jsonl") if piped else (rows,)
    with Path("/dev/full").open("wb") as full, rows.open("rb") as stream:
        finished = subprocess.run(  # noqa: S603
            command(exported_folder, *source, "--out", "-", "--shard-documents", 10),
            cwd=ROOT,
            stdin=stream,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert finished.returncode == 2
    assert finished.stderr == b"cannot write standard output: No space left on device; write to a file instead\n"


def test_a_closed_standard_error_is_no_success(rows: Path, exported_folder: Path) -> None:
    arguments = command(exported_folder, rows, "--out", "-")
    process = subprocess.Popen(  # noqa: S603
        [argument for argument in arguments if argument != "--quiet"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    process.stderr.close()
    assert process.stdout is not None
    assert process.stdout.read() == b""
    process.stdout.close()
    assert process.wait(30) == 2

"""The same shards on a Ray cluster of two nodes, while the command and a node are killed.

By default 3 times, which is part of every run of the tests. At length:
STANCE_RAY_KILLS=20 python -m pytest -s tests/serve/bulk/test_ray.py
"""

import importlib.util
import json
import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from serve.bulk.work_folder import parts_of
from tests.conftest import ROOT, SENTENCES
from tests.serve.bulk.test_kill import command, finish, noted

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the extra `distributed` is not installed"),
    # Ray leaves its processes' pipes and log files to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

KILLS = int(os.environ.get("STANCE_RAY_KILLS", "3"))
SHARDS = 200
OPTIONS = ("--shard-documents", 10)


class Nodes:
    """A cluster on the loopback: a head, to which the command connects, and a node that can be killed."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        # Not 127.0.0.1, in the place of which Ray's drivers put an address that other machines can reach.
        self._node: Any = {"num_cpus": 1, "node_ip_address": "127.0.0.2", "include_dashboard": False}
        self._cluster: Any = Cluster(initialize_head=True, head_node_args=self._node)
        self._second = self._cluster.add_node(**self._node)
        self.address: str = self._cluster.address

    def kill_second(self) -> None:
        """Kill all processes of the second node at once, as when a machine loses power, and put a new one there."""
        (raylet,) = (info.process.pid for info in self._second.all_processes["raylet"])
        process = psutil.Process(raylet)
        for each in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self._cluster.remove_node(self._second, allow_graceful=False)
        self._second = self._cluster.add_node(**self._node)

    def stop(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    # A path of its own for Ray's files, and a short one, for there are sockets among them.
    with tempfile.TemporaryDirectory(prefix="ray-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        nodes = Nodes()
        yield nodes
        nodes.stop()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of which one is none, and so many in a shard that Ray sends its tags through its store of objects."""
    file = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    lines = (
        {"id": f"row {number}", "text": " ".join(f"Item {number}: {text}" for text in SENTENCES * 4)}
        for number in range(SHARDS * 10 - 1)
    )
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "no JSON\n")
    return file


@pytest.fixture(scope="module")
def local(rows: Path, exported_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, float]:
    """What the engine of one machine writes, and the seconds it took."""
    out = tmp_path_factory.mktemp("local") / "tags.jsonl"
    start = time.monotonic()
    finish(command(exported_folder, rows, "--out", out, *OPTIONS), code=1)
    return out.read_bytes(), time.monotonic() - start


class Run:
    """The command that tags `rows` to `out` on the cluster, begun again after each time that it is killed."""

    def __init__(self, nodes: Nodes, model: Path, rows: Path, out: Path) -> None:
        self.out = out
        self._arguments = command(
            model, rows, "--out", out, *OPTIONS, "--engine", "ray", "--ray-address", nodes.address
        )
        self._ledger = parts_of(out) / "done.log"
        # It is appended to and at last unlinked, so another name of the same file keeps every line there ever was.
        self._kept = out.with_suffix(".ledger")
        self._said, self._printed = out.with_suffix(".said"), out.with_suffix(".printed")
        self._noted: list[int] = []
        self.begin()

    def begin(self) -> None:
        with self._said.open("w") as said, self._printed.open("a") as printed:
            self._process = subprocess.Popen(self._arguments, cwd=ROOT, stdout=printed, stderr=said)  # noqa: S603

    def await_shards(self, number: int) -> None:
        """Wait until so many shards are noted."""
        deadline = time.monotonic() + 300
        while noted(self._ledger) < number:
            assert self._process.poll() is None, self._said.read_text()
            assert time.monotonic() < deadline, f"{noted(self._ledger)} shards are done, not {number}"
            time.sleep(0.02)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def is_whole(self) -> bool:
        """Whether the output is in its place; the command would refuse to write it again."""
        return self.out.exists() and not parts_of(self.out).exists()

    def ended_within(self, seconds: float) -> bool:
        """Whether the command came to its end, which must be a good one, within so many seconds."""
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(seconds)
            said = self._said.read_text()
            assert code == 1, said
            assert said.endswith("1 documents with an error instead: row 1\n")
            assert "Traceback" not in said
            assert self._printed.read_text() == ""
            return True
        return False

    def check_ledger(self) -> int:
        """Check that what was noted is noted still, and once; gives how much that is."""
        with suppress(FileNotFoundError, FileExistsError):
            self._kept.hardlink_to(self._ledger)
        if not self._kept.exists():
            return 0
        lines = self._kept.read_bytes().split(b"\n")[:-1]
        shards = [json.loads(line)["number"] for line in lines if not line.startswith(b'{"joined"')]
        assert shards[: len(self._noted)] == self._noted
        assert max(Counter(shards).values(), default=1) == 1, "a shard that was done was done again"
        self._noted = shards
        return len(shards)

    def check_whole(self, expected: bytes) -> None:
        """Check what it came to."""
        assert self.is_whole
        assert self.out.read_bytes() == expected
        assert self.check_ledger() in (0, SHARDS)


def test_a_cluster_that_is_not_there_is_said_after_one_try(
    rows: Path, exported_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of a try; Ray's own are longer.
    monkeypatch.setenv("RAY_gcs_rpc_server_connect_timeout_s", "1")
    monkeypatch.setenv("RAY_py_gcs_connect_timeout_s", "1")
    arguments = command(exported_folder, rows, "--out", tmp_path / "tags.jsonl", "--engine", "ray")
    said = finish([*arguments, "--ray-address", "127.0.0.2:1"], code=2).stderr
    assert said.splitlines()[-1] == (
        "no Ray cluster at 127.0.0.2:1: Failed to connect to Ray cluster at 127.0.0.2:1; start one and name it by "
        "--ray-address, or leave --engine ray out"
    )
    assert said.count("Failed to get cluster ID") == 1


def test_a_node_that_dies_changes_nothing(
    nodes: Nodes, rows: Path, exported_folder: Path, local: tuple[bytes, float], tmp_path: Path
) -> None:
    run = Run(nodes, exported_folder, rows, tmp_path / "tags.jsonl")
    run.await_shards(20)
    nodes.kill_second()
    assert run.check_ledger() < SHARDS, "the node died too late to show anything"
    assert run.ended_within(180)
    run.check_whole(local[0])


def test_kills_at_random_moments_change_nothing(
    nodes: Nodes, rows: Path, exported_folder: Path, local: tuple[bytes, float], tmp_path: Path
) -> None:
    """Of the command and of a node by turns. An output that is done in spite of it is followed by another."""
    draw = random.Random(KILLS)  # noqa: S311
    start = time.monotonic()
    outs = 1
    run = Run(nodes, exported_folder, rows, tmp_path / "1.jsonl")
    run.await_shards(3)
    # Beyond its start, about half of what two machines need for all, so that most outputs are broken off several times.
    longest = time.monotonic() - start + local[1] / 4
    seconds = draw.uniform(0, local[1] / 4)
    killed: list[str] = []
    while len(killed) < KILLS:
        ended = run.ended_within(seconds)
        if not ended and len(killed) % 2 == 0:
            run.kill()
            killed.append(f"command at {run.check_ledger()}")
            ended = run.is_whole
            if not ended:
                run.begin()
        elif not ended:
            nodes.kill_second()
            killed.append(f"node at {run.check_ledger()}")
        if ended:
            run.check_whole(local[0])
            outs += 1
            run = Run(nodes, exported_folder, rows, tmp_path / f"{outs}.jsonl")
        seconds = draw.uniform(0, longest)
    assert run.ended_within(300)
    run.check_whole(local[0])
    print(
        f"\n{KILLS} kills ({', '.join(killed)} of {SHARDS} shards), {outs} outputs, all as the local engine's: "
        f"{time.monotonic() - start:.0f} s"
    )

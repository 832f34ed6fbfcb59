"""The same shards on a Ray cluster of two nodes, of which one dies."""

import importlib.util
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serve.bulk.work_folder import parts_of
from tests.conftest import ROOT, SENTENCES
from tests.serve.bulk.test_kill import command, finish

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the extra `distributed` is not installed"),
    # Ray leaves its processes' pipes and log files to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ROWS = 1200


@pytest.fixture
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


def test_a_node_that_dies_changes_nothing(cluster: Any, exported_folder: Path, tmp_path: Path) -> None:
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    rows = tmp_path / "rows.jsonl"
    lines = (
        {"id": f"row {number}", "text": " ".join(f"Item {number}: {text}" for text in SENTENCES * 4)}
        for number in range(ROWS)
    )
    rows.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "no JSON\n")
    outs = {engine: tmp_path / engine / "tags.jsonl" for engine in ("local", "ray")}
    for out in outs.values():
        out.parent.mkdir()
    options = ("--shard-documents", 10)
    finish(command(exported_folder, rows, "--out", outs["local"], *options), code=1)
    arguments = command(
        exported_folder, rows, "--out", outs["ray"], *options, "--engine", "ray", "--ray-address", cluster.address
    )
    process = subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, text=True)  # noqa: S603
    ledger = parts_of(outs["ray"]) / "done.log"
    while not (ledger.exists() and ledger.read_text().count("\n") >= 20):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    cluster.remove_node(second, allow_graceful=False)
    done = ledger.read_text().count("\n")
    assert done < ROWS // 10, "the node died too late to show anything"
    _, said = process.communicate(timeout=180)
    assert process.returncode == 1, said
    assert "Traceback" not in said
    assert outs["ray"].read_bytes() == outs["local"].read_bytes()

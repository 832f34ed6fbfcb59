"""The commands of the README, for real: a run of the smallest configuration, and what can be done with its model."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from serve.model_folder import read_manifest
from tests.conftest import ROOT, SHARED

pytestmark = pytest.mark.slow


def command(*arguments: object, code: int = 0, environment: dict[str, str] | None = None) -> str:
    finished = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == code, finished.stdout + finished.stderr
    assert "Traceback" not in finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("smallest")
    overrides = (f"output.folder={output / 'model'}", f"output.run={output / 'run'}", "output.register_model=true")
    printed = command("train", "configs/smallest.yaml", *overrides)
    assert re.search(r"epoch 1 of 2: loss \d\.\d+, development macro-F1 0\.\d+, \d+ sentences/s", printed)
    assert "registered in BentoML's model store as stance-smallest:" in printed
    return output / "model"


def test_the_saved_model_is_evaluated_on_any_labelled_file(trained: Path, tmp_path: Path) -> None:
    data, scores = tmp_path / "data.jsonl", tmp_path / "scores.json"
    rows = [
        {"text": "The union accused the firm of theft.", "label": "accuses"},
        {"text": "It rained.", "label": "neutral"},
    ]
    data.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    command("train", "evaluate", "--data", data, "--model", trained, "--json", scores)
    assert json.loads(scores.read_text())["n"] == 2


def test_the_saved_model_knows_what_it_said_of_development(trained: Path) -> None:
    reference = read_manifest(trained).reference
    assert reference is not None
    assert reference.sentences == 160
    assert sum(reference.label_shares.values()) == pytest.approx(1)
    assert sum(reference.score_shares) == pytest.approx(1)


def test_files_are_tagged_in_bulk(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The union accused the firm of theft. The firm denied it.")
    command("serve", "tag", tmp_path, "--out", tmp_path / "tags.jsonl", "--model", trained)
    records = [json.loads(line) for line in (tmp_path / "tags.jsonl").read_text().splitlines()]
    assert [record["sentence_index"] for record in records] == [0, 1]
    assert records[0]["model"]["name"] == "stance-smallest"


@pytest.mark.skipif(not (SHARED / "articles").is_dir(), reason="the text of the annotated articles is not here")
def test_the_articles_are_tagged(trained: Path, tmp_path: Path) -> None:
    command("serve", "tag", SHARED / "articles", "--out", tmp_path / "tags.jsonl", "--model", trained)
    documents = {json.loads(line)["document_id"] for line in (tmp_path / "tags.jsonl").read_text().splitlines()}
    assert len(documents) == 5


def test_mistakes_are_one_sentence_and_exit_code_2(trained: Path, tmp_path: Path) -> None:
    command("train", "configs/smallest.yaml", "training.epoch=1", code=2)
    command("train", "evaluate", "--data", tmp_path / "none", "--model", trained, code=2)
    command("serve", "tag", tmp_path, "--out", tmp_path / "tags.jsonl", "--model", tmp_path, code=2)
    command("labels", "check", "--corpus", tmp_path, code=2)


def test_two_processes_train_one_model(tmp_path: Path) -> None:
    """What several GPUs do, on the CPU: the same command through torchrun."""
    overrides = (f"output.folder={tmp_path / 'model'}", f"output.run={tmp_path / 'run'}", "data.limit=120")
    launcher = ("torch.distributed.run", "--nproc-per-node=2", "--master-port=29512", "-m", "train")
    environment = {"OMP_NUM_THREADS": "1"}
    printed = command(*launcher, "configs/smallest.yaml", "training.epochs=1", *overrides, environment=environment)
    assert printed.count("saved to") == 1
    assert (tmp_path / "model" / "stance.json").is_file()

"""The service as a Bento."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from serve.load.servers import running
from serve.tagger import Tagger
from serve.weights import save
from tests.conftest import ROOT, SENTENCES, manifest, tiny_network, tiny_tokenizer


@pytest.mark.slow
def test_a_bento_is_built_and_answers_from_its_own_folder(tmp_path: Path, bentoml_home: Path) -> None:
    """In this environment: installing that of the Bento anew would take minutes."""
    from serve.service import register

    # Of a version of its own, for the store is shared with other tests.
    save(tmp_path / "model", tiny_network(), tiny_tokenizer(), manifest(version="packed"), "# card\n")
    register(tmp_path / "model")
    tagger = Tagger.load(tmp_path / "model")
    build = [sys.executable, "-m", "bentoml", "build", ".", "--output", "tag"]
    ended = subprocess.run(build, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120, check=True)  # noqa: S603
    name, version = ended.stdout.strip().removeprefix("__tag__:").split(":")
    bento = bentoml_home / "bentos" / name / version
    assert not any((bento / "src" / folder).exists() for folder in ("train", "tests", "models", ".git"))
    environment = {"BENTOML_HOME": str(bentoml_home), "PYTHONPATH": ""}
    with running(["bentoml", "serve", str(bento)], environment, bento / "src") as server:
        tags = httpx.post(f"{server.url}/tag", json={"sentences": SENTENCES}).json()["tags"]
        info = httpx.get(f"{server.url}/info").json()
    assert [tag["label"] for tag in tags] == [answer.label for answer in tagger.predict(SENTENCES)]
    assert info["model"] == tagger.info.model_dump()

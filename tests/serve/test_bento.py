"""The service as a Bento, on a machine that has nothing else of it."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import httpx
import pytest

from serve.load.servers import running
from serve.tagger import Tagger
from serve.weights import save
from tests.conftest import ROOT, SENTENCES, manifest, tiny_network, tiny_tokenizer

pytestmark = pytest.mark.slow


def told(command: list[str], home: Path, folder: Path) -> str:
    """What `python -m bentoml` prints."""
    environment = os.environ | {"BENTOML_HOME": str(home)}
    run = [sys.executable, "-m", "bentoml", *command]
    return subprocess.run(  # noqa: S603 - our own command
        run, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=True
    ).stdout


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory, bentoml_home: Path) -> Path:
    """The model that is packed."""
    from serve.service import register

    folder = tmp_path_factory.mktemp("packed") / "model"
    # Of a version of its own, for the store is shared with other tests.
    save(folder, tiny_network(), tiny_tokenizer(), manifest(version="packed"), "# card\n")
    register(folder)
    return folder


@pytest.fixture(scope="module")
def bento(packed: Path, bentoml_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Bento where it was carried to: a store that holds nothing but what came with it."""
    scratch = tmp_path_factory.mktemp("carried")
    tag = told(["build", ".", "--output", "tag"], bentoml_home, ROOT).strip().removeprefix("__tag__:")
    told(["export", tag, str(scratch / "stance.bento")], bentoml_home, scratch)
    home = scratch / "home"
    home.mkdir()
    told(["import", str(scratch / "stance.bento")], home, scratch)
    (found,) = (home / "bentos" / "stance").glob("*/")
    return found


def test_a_bento_holds_what_serves_and_nothing_that_trains(bento: Path) -> None:
    assert {entry.name for entry in (bento / "src").iterdir()} >= {"labels", "serve", "requirements.txt"}
    assert not any((bento / "src" / folder).exists() for folder in ("train", "tests", "configs", "models", ".git"))


def test_a_bento_answers_from_an_environment_of_its_own(bento: Path, packed: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "environment", with_pip=True)
    python = str(tmp_path / "environment" / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    # A package of the Bento's that needs no other.
    if subprocess.run([*pip, "idna"], capture_output=True, timeout=300, check=False).returncode:  # noqa: S603 - our own command
        pytest.skip("no package index can be reached, so the environment cannot be made")
    requirements = bento / "env" / "python" / "requirements.txt"
    subprocess.run([*pip, "-r", str(requirements)], capture_output=True, timeout=1200, check=True)  # noqa: S603 - our own command
    environment = {"BENTOML_HOME": str(bento.parents[2]), "PYTHONPATH": ""}
    with running(["bentoml", "serve", str(bento)], environment, tmp_path, python=python) as server:
        tags = httpx.post(f"{server.url}/tag", json={"sentences": SENTENCES}).json()["tags"]
        info = httpx.get(f"{server.url}/info").json()
        page = httpx.get(f"{server.url}/ui")
    tagger = Tagger.load(packed)
    assert [tag["label"] for tag in tags] == [answer.label for answer in tagger.predict(SENTENCES)]
    assert info["model"] == tagger.info.model_dump()
    assert page.status_code == 200

"""The model changed while the service runs, in process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from starlette.testclient import TestClient

from serve.weights import save
from tests.conftest import manifest, tiny_network, tiny_tokenizer
from tests.serve.http.conftest import GOOD, KEY, Start, started_service


def version_of_tags(client: TestClient) -> str:
    """Of the model that answers."""
    tags = client.post("/tag", json={"sentences": ["It rained."]}, headers=GOOD).json()["tags"]
    return str(tags[0]["model"]["version"])


def test_nobody_may_change_the_model_where_there_are_no_keys(start: Start) -> None:
    answer = start().post("/admin/reload")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_the_model_is_changed_for_a_good_one_only(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save(folder, tiny_network(), tiny_tokenizer(), manifest(), "# card\n")
    client = start(api_keys=KEY, model=folder)
    assert client.post("/admin/reload").status_code == 401

    save(folder, tiny_network(seed=1), tiny_tokenizer(), manifest(version="2"), "# card\n")
    assert version_of_tags(client) == "1"
    answer = client.post("/admin/reload", headers=GOOD)
    assert (answer.status_code, answer.json()["model"]["version"]) == (200, "2")
    assert version_of_tags(client) == "2"
    (folder / "model.safetensors").write_bytes(b"broken")
    answer = client.post("/admin/reload", headers=GOOD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "model_refused")
    assert "damaged" in answer.json()["error"]["message"]
    assert version_of_tags(client) == "2"
    assert client.get("/readyz").status_code == 200


def save_one_that_cannot_answer(folder: Path) -> None:
    """A whole model, from which no probability comes."""
    network = tiny_network()
    torch.nn.init.constant_(network.stance_head.weight, torch.nan)
    save(folder, network, tiny_tokenizer(), manifest(version="2"), "# card\n")


def test_a_whole_model_that_cannot_answer_is_refused(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save(folder, tiny_network(), tiny_tokenizer(), manifest(), "# card\n")
    client = start(api_keys=KEY, model=folder)
    save_one_that_cannot_answer(folder)
    answer = client.post("/admin/reload", headers=GOOD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "model_refused")
    assert "failed on a trial sentence" in answer.json()["error"]["message"]
    assert version_of_tags(client) == "1"
    assert client.get("/readyz").status_code == 200


def test_a_service_that_begins_with_a_model_that_cannot_answer_is_not_ready(
    start: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_one_that_cannot_answer(tmp_path / "model")
    client = start(model=tmp_path / "model")
    assert (client.get("/livez").status_code, client.get("/readyz").status_code) == (200, 503)
    assert "not ready: the model failed on a trial sentence" in caplog.text


@pytest.fixture
def registered() -> Iterator[list[str]]:
    """Versions that a test registers in BentoML's store, which all tests share; they are removed again."""
    import bentoml

    versions: list[str] = []
    yield versions
    for version in versions:
        bentoml.models.delete(f"stance:{version}")


def test_the_newest_model_of_bentomls_store_is_picked_up(tmp_path: Path, registered: list[str]) -> None:
    from serve.service import register

    def add(version: str, seed: int) -> str:
        """Register a model and return its digest."""
        folder = tmp_path / version
        written = save(folder, tiny_network(seed), tiny_tokenizer(), manifest(version=version), "# card\n")
        assert register(folder) == f"stance:{version}"
        registered.append(version)
        return written.info.digest

    add("first", seed=0)
    with started_service(api_keys=KEY) as client:
        assert version_of_tags(client) == "first"
        digest = add("second", seed=1)
        assert version_of_tags(client) == "first"
        answer = client.post("/admin/reload", headers=GOOD)
        expected = {"name": "stance", "version": "second", "digest": digest}
        assert (answer.status_code, answer.json()["model"]) == (200, expected)
        assert client.get("/info", headers=GOOD).json()["model"] == expected
        assert version_of_tags(client) == "second"

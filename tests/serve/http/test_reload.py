"""The model changed while the service runs, in process."""

from pathlib import Path

from serve.weights import save
from tests.conftest import manifest, tiny_network, tiny_tokenizer
from tests.serve.http.conftest import GOOD, KEY, Start


def test_nobody_may_change_the_model_where_there_are_no_keys(start: Start) -> None:
    answer = start().post("/admin/reload")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_the_model_is_changed_for_a_good_one_only(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save(folder, tiny_network(), tiny_tokenizer(), manifest(), "# card\n")
    client = start(api_keys=KEY, model=folder)
    assert client.post("/admin/reload").status_code == 401

    def version() -> str:
        tags = client.post("/tag", json={"sentences": ["It rained."]}, headers=GOOD).json()["tags"]
        return str(tags[0]["model"]["version"])

    save(folder, tiny_network(seed=1), tiny_tokenizer(), manifest(version="2"), "# card\n")
    assert version() == "1"
    answer = client.post("/admin/reload", headers=GOOD)
    assert (answer.status_code, answer.json()["model"]["version"]) == (200, "2")
    assert version() == "2"
    (folder / "model.safetensors").write_bytes(b"broken")
    answer = client.post("/admin/reload", headers=GOOD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "model_refused")
    assert "damaged" in answer.json()["error"]["message"]
    assert version() == "2"
    assert client.get("/readyz").status_code == 200

"""The service over HTTP, in process, and once as a real server."""

import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import jsonschema
import pytest
from starlette.testclient import TestClient

from serve.article import tag_article
from serve.encode import Encoding
from serve.records import ModelInfo
from serve.tagger import Tagger
from tests.conftest import ROOT, SENTENCES
from tests.serve.bulk.running import run as tag_files

ARTICLE = "Norvex denies claim\n\nThe dockers' union accused Norvex of hiding reports. “Untrue,” it said."


@pytest.fixture(scope="module")
def client(model_folder: Path) -> Iterator[TestClient]:
    from serve.service import service

    os.environ["STANCE_MODEL"] = str(model_folder)
    with TestClient(service.to_asgi()) as client:
        yield client
    del os.environ["STANCE_MODEL"]


def test_the_three_ways_in_give_the_same_tags(tagger: Tagger, client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ARTICLE)
    tag_files(tagger, [tmp_path / "a.txt"], tmp_path / "tags.jsonl")
    bulk = [json.loads(line) for line in (tmp_path / "tags.jsonl").read_text().splitlines()]
    article = client.post("/tag_article", json={"text": ARTICLE}).json()["sentences"]
    texts = [sentence["text"] for sentence in bulk]
    plain = client.post("/tag", json={"sentences": texts}).json()["tags"]
    offline = [json.loads(record.model_dump_json()) for record in tagger.tag(texts)]
    assert len(offline) == 3
    for expected, *others in zip(offline, bulk, article, plain, strict=True):
        for found in others:
            assert found["scores"] == pytest.approx(expected["scores"], abs=1e-5)
            for key in ("label", "abstained", "source", "target", "issue", "cameo", "plover", "truncated", "model"):
                if key in {"source", "target", "issue"} and expected[key] is not None:
                    assert {**found[key], "score": 0} == {**expected[key], "score": 0}
                    assert found[key]["score"] == pytest.approx(expected[key]["score"], abs=1e-3)
                else:
                    assert found[key] == expected[key]


def test_an_article_is_answered_with_offsets_counts_and_pairs(tagger: Tagger, client: TestClient) -> None:
    answer = client.post("/tag_article", json={"text": ARTICLE}).json()
    assert [ARTICLE[s["start"] : s["end"]] for s in answer["sentences"]] == [s["text"] for s in answer["sentences"]]
    kept = [s for s in answer["sentences"] if not s["abstained"]]
    assert {label: count for label, count in answer["counts"].items() if count} == {
        label: sum(s["label"] == label for s in kept) for label in {s["label"] for s in kept}
    }
    acts = [position for position, s in enumerate(answer["sentences"]) if s in kept and s["label"] != "neutral"]
    assert sorted(position for pair in answer["pairs"] for position in pair["sentences"]) == acts


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "field"),
    [
        ("/tag", b'{"sentences": []}', 422, "invalid", "sentences"),
        ("/tag", b'{"sentences": ["fine", ""]}', 422, "invalid", "sentences.1"),
        ("/tag", b'{"sentences": ["fine", 7]}', 422, "invalid", "sentences.1"),
        ("/tag", b'{"sentences": "one"}', 422, "invalid", "sentences"),
        ("/tag", json.dumps({"sentences": ["a" * 2001]}).encode(), 422, "invalid", "sentences.0"),
        ("/tag", json.dumps({"sentences": ["a"] * 257}).encode(), 422, "invalid", "sentences"),
        ("/tag", b'{"sentences": ["fine"], "model": "x"}', 422, "invalid", "model"),
        ("/tag", b"{}", 422, "invalid", "sentences"),
        ("/tag", b"", 400, "not_json", None),
        ("/tag", b'{"sentences": ["half a \\ud83d character"]}', 422, "invalid", None),
        ("/tag", b"[1]", 422, "invalid", ""),
        ("/tag", b"not json", 400, "not_json", None),
        ("/tag", b'{"sentences": ["a"]', 400, "not_json", None),
        ("/tag", b" " * (8 * 1024 * 1024 + 1), 413, "too_large", None),
        ("/tag_article", b'{"text": ""}', 422, "invalid", "text"),
        ("/tag_article", json.dumps({"text": "a" * 100_001}).encode(), 422, "invalid", "text"),
    ],
)
def test_a_bad_request_gets_the_one_error_shape(
    client: TestClient, path: str, body: bytes, status: int, code: str, field: str | None
) -> None:
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "fields"}
    assert error["code"] == code
    assert [found["path"] for found in error["fields"]] == ([] if field is None else [field])


def test_only_json_is_read(client: TestClient) -> None:
    for media_type in ("text/plain", "multipart/form-data; boundary=x", "application/vnd.bentoml+pickle"):
        answer = client.post("/tag", content=b"x", headers={"content-type": media_type})
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


def test_the_longest_valid_request_is_answered(client: TestClient) -> None:
    # Escaped as JSON, each of these characters takes twelve bytes, the most there is.
    body = json.dumps({"sentences": ["😀" * 2000] * 256}).encode()
    assert client.post("/tag", content=body, headers={"content-type": "application/json"}).status_code == 200


def test_no_text_of_a_request_is_logged(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        client.post("/tag", json={"sentences": ["fine", {"secret-name": 1}], "secret-name": "secret-name"})
        client.post("/tag", json={"sentences": ["The secret-name left."]})
    assert "secret-name" not in caplog.text


def test_other_paths_and_methods_have_the_same_error_shape(client: TestClient) -> None:
    for answer, status, code in (
        (client.get("/nope"), 404, "not_found"),
        (client.get("/tag"), 405, "method_not_allowed"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("kind", ["validation", "value"])
def test_our_own_fault_is_ours_and_is_logged_without_text(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    def fail(tagger: Tagger, encodings: list[Encoding]) -> None:
        if kind == "validation":
            ModelInfo.model_validate({"name": 1, "version": "secret-name", "digest": ""})
        raise ValueError("secret-name")

    monkeypatch.setattr(Tagger, "compute", fail)
    answer = client.post("/tag", json={"sentences": ["secret-name one"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    assert f"Exception on /tag: {'ValidationError' if kind == 'validation' else 'ValueError'} at" in caplog.text
    assert "secret-name" not in caplog.text + answer.text


def test_the_openapi_document_has_examples_that_are_answered(client: TestClient) -> None:
    document = client.get("/docs.json").json()
    for path in ("/tag", "/tag_article"):
        example = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]["example"]
        assert client.post(path, json=example).status_code == 200


def test_every_answer_in_the_openapi_document_has_an_example_of_its_schema(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    shown = 0
    for path, item in document["paths"].items():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                content = answer["content"].get("application/json")
                if content is None or (path, status) == ("/info", "200"):
                    continue
                shown += 1
                jsonschema.validate(content["example"], {**content["schema"], "components": document["components"]})
                if status >= "400":
                    assert content["example"]["error"]["message"]
    assert shown > 40
    for path in ("/tag", "/tag_article"):
        operation = document["paths"][path]["post"]
        asked = operation["requestBody"]["content"]["application/json"]["schema"]["example"]
        answered = client.post(path, json=asked).json()
        example = operation["responses"]["200"]["content"]["application/json"]["example"]
        key = "tags" if path == "/tag" else "sentences"
        assert len(example[key]) == len(answered[key]) == 2
        assert example[key][0]["source"]["text"] == "The dockers' union"


def test_without_a_model_the_service_is_alive_but_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from serve.service import service

    monkeypatch.setenv("STANCE_MODEL", str(tmp_path / "none"))
    with TestClient(service.to_asgi()) as client:
        assert client.get("/livez").status_code == 200
        for answer in (client.get("/readyz"), client.post("/tag", json={"sentences": SENTENCES})):
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
            assert answer.headers["retry-after"] == "5"


@contextmanager
def real_server(home: Path, log: Path, **variables: str) -> Iterator[httpx.Client]:
    """`bentoml serve` as the README has it, with its model store in `home`, once it is alive."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    environment = {name: value for name, value in os.environ.items() if name != "STANCE_MODEL"}
    environment |= {"BENTOML_HOME": str(home), **variables}
    command = [sys.executable, "-m", "bentoml", "serve", "serve.service:StanceService", "--port", str(port)]
    with log.open("wb") as output:
        server = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--host", "127.0.0.1"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            deadline = time.monotonic() + 90
            while not alive(client):
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            yield client
    finally:
        server.terminate()
        server.wait(timeout=30)


def alive(client: httpx.Client) -> bool:
    try:
        return client.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.slow
def test_a_real_server_serves_a_registered_model(
    model_folder: Path, tagger: Tagger, bentoml_home: Path, tmp_path: Path
) -> None:
    from serve.service import register

    assert register(model_folder) == "stance:1"
    log = tmp_path / "server.log"
    with real_server(bentoml_home, log) as client:
        assert client.get("/readyz").status_code == 200
        tags = client.post("/tag", json={"sentences": SENTENCES}).json()["tags"]
        bad = client.post("/tag", json={"sentences": ["secret-name", ""]})
    assert [tag["label"] for tag in tags] == [answer.label for answer in tagger.predict(SENTENCES)]
    assert bad.status_code == 422
    assert "secret-name" not in log.read_text()


@pytest.mark.slow
def test_a_real_server_without_a_model_is_alive_and_says_what_to_do(tmp_path: Path) -> None:
    with real_server(tmp_path / "empty", tmp_path / "server.log") as client:
        answer = client.post("/tag", json={"sentences": SENTENCES})
        assert client.get("/readyz").status_code == 503
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_ready")
    assert "train one with `python -m train`" in (tmp_path / "server.log").read_text()


def test_tagging_an_article_is_tagging_its_sentences(tagger: Tagger) -> None:
    sentences = tag_article(tagger, ARTICLE)
    assert [s.label for s in sentences] == [p.label for p in tagger.predict([s.text for s in sentences])]

"""No request whatever is answered with a fault of ours, and every answer is as the description says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from serve.load.servers import Running, running
from serve.messages import ErrorResponse, TagResponse
from serve.sentences import split_sentences
from serve.tagger import Tagger
from tests.conftest import ROOT
from tests.serve.http.conftest import GOOD, KEY, started_service

#: How many examples there are is said by the profile, of which tests/conftest.py has two.
PATIENT = settings(deadline=None, suppress_health_check=list(HealthCheck))

ODD = st.sampled_from(
    [
        "\x00\x1b[31m",
        "‮שלום עליכם‬",
        "👩‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "x" * 2_000,
        "\ufeff",
        "  ",
        "é" * 7,
        "\u2028\x85",
        "“’",
        "ﬁ½",
        "\U0010ffff",
    ]
)
TEXTS = st.lists(st.one_of(ODD, st.text(min_size=1, max_size=60)), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def client(model_folder: Path) -> Iterator[TestClient]:
    with started_service(model=model_folder) as client:
        yield client


@PATIENT
@given(texts=TEXTS)
def test_any_text_is_tagged_as_the_tagger_does(client: TestClient, tagger: Tagger, texts: list[str]) -> None:
    answer = client.post("/tag", json={"sentences": texts})
    assert answer.status_code == 200, answer.text
    assert TagResponse.model_validate_json(answer.content).tags == tagger.tag(texts)


@PATIENT
@given(texts=TEXTS)
def test_any_article_keeps_its_text(client: TestClient, texts: list[str]) -> None:
    text = "\n".join(texts)
    answer = client.post("/tag_article", json={"text": text})
    assert answer.status_code == 200, answer.text
    assert [s["text"] for s in answer.json()["sentences"]] == [span.text for span in split_sentences(text)]


@PATIENT
@given(escape=st.sampled_from([r"\ud800", r"\udfff", r"a\ud83d b", r"\udc00\ud800"]), where=st.integers(0, 2))
def test_half_a_character_is_refused(client: TestClient, escape: str, where: int) -> None:
    sentences = ["One.", "Two.", "Three."]
    body = json.dumps({"sentences": sentences}).replace(sentences[where], escape)
    answer = client.post("/tag", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, ErrorResponse.model_validate_json(answer.content).error.code) == (422, "invalid")


@PATIENT
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.recursive(st.none(), lambda inner: st.lists(inner), max_leaves=9).map(
            lambda found: json.dumps(found).encode()
        ),
    )
)
def test_any_bytes_are_refused_in_the_one_shape(client: TestClient, body: bytes) -> None:
    answer = client.post("/tag", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    ErrorResponse.model_validate_json(answer.content)


def test_a_body_nested_beyond_measure_is_refused(client: TestClient) -> None:
    body = b'{"sentences":' + b"[" * 100_000
    answer = client.post("/tag", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "not_json")


OPERATIONS = [
    *((method, path, True) for method, path in (("GET", "/livez"), ("GET", "/readyz"), ("GET", "/info"))),
    *(("POST", path, valid) for path in ("/tag", "/tag_article") for valid in (True, False)),
    ("GET", "/metrics", True),
    ("POST", "/admin/reload", True),
]


CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def server(model_folder: Path) -> Iterator[Running]:
    with running(["serve", "http"], {"STANCE_MODEL": str(model_folder), "STANCE_API_KEYS": KEY}, ROOT) as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("headers", [GOOD, {}], ids=["key", "no key"])
@pytest.mark.parametrize(("method", "path", "valid"), OPERATIONS)
def test_every_answer_is_as_the_description_says(
    server: Running, method: str, path: str, valid: bool, headers: dict[str, str]
) -> None:
    operation = schemathesis.openapi.from_url(f"{server.url}/openapi.json")[path][method]
    mode = schemathesis.GenerationMode.POSITIVE if valid else schemathesis.GenerationMode.NEGATIVE
    seen = set()
    with requests.Session() as session:

        @PATIENT
        @given(case=operation.as_strategy(generation_mode=mode))
        def hold(case: Any) -> None:
            answer = case.call_and_validate(session=session, headers=dict(headers), checks=CHECKS)
            seen.add(answer.status_code)

        hold()
    guarded = method == "POST" or path in ("/metrics", "/info")
    assert seen <= ({401} if guarded and not headers else {200} if valid else {400, 405, 415, 422})

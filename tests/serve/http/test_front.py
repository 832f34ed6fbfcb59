"""What the front answers, in process."""

import json
from pathlib import Path

from serve.http.examples import error
from serve.messages import MAX_ARTICLE_SENTENCES, Info
from serve.tagger import Tagger
from tests.conftest import SENTENCES
from tests.labels.test_review import correction
from tests.serve.http.conftest import Start


def test_answers_are_those_of_the_tagger_repeated_or_not(start: Start, tagger: Tagger) -> None:
    client = start()
    expected = [json.loads(record.model_dump_json()) for record in tagger.tag(SENTENCES * 2)]
    for _ in range(2):
        assert client.post("/tag", json={"sentences": SENTENCES * 2}).json()["tags"] == expected
    text = client.get("/metrics").text
    assert "stance_sentences_total 20.0" in text
    assert "stance_sentences_known_total 15.0" in text


def test_information_tells_the_model_and_the_limits(start: Start, tagger: Tagger) -> None:
    info = Info.model_validate(start(threads=1).get("/info").json())
    assert (info.model, info.temperature, info.abstain_below) == (tagger.info, 1.3, 0.4)
    assert (info.runs_as, info.threads, info.limits.sentences) == ("torch on cpu", 1, 256)
    assert info.card == "# card\n"


def test_every_answer_carries_headers_for_safety_and_an_id(start: Start) -> None:
    client = start()
    for path in ("/livez", "/nope", "/schema.json"):
        headers = client.get(path, headers={"x-request-id": "desk-7"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"] == "desk-7"
        assert "access-control-allow-origin" not in headers
    assert client.get("/livez", headers={"x-request-id": "a\tb"}).headers["x-request-id"] != "a\tb"


def test_pages_of_other_origins_may_call_only_if_they_are_named(start: Start) -> None:
    client = start(cors_origins="https://desk.example")
    assert client.get("/livez", headers={"Origin": "https://desk.example"}).headers["access-control-allow-origin"]
    assert (
        "access-control-allow-origin" not in client.get("/livez", headers={"Origin": "https://other.example"}).headers
    )


def test_a_browser_that_asks_before_it_sends_is_answered_as_everyone_is(start: Start) -> None:
    client = start(cors_origins="https://desk.example", api_keys="correct-horse-battery")
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    good = client.options("/tag", headers={"Origin": "https://desk.example", **asked})
    assert (good.status_code, good.content) == (200, b"")
    assert good.headers["access-control-allow-origin"] == "https://desk.example"
    assert "authorization" in good.headers["access-control-allow-headers"].lower()
    bad = client.options("/tag", headers={"Origin": "https://other.example", **asked})
    assert (bad.status_code, bad.json()["error"]["code"]) == (403, "origin_refused")
    assert "access-control-allow-origin" not in bad.headers
    for answer in (good, bad):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-request-id"]
    # A page is let read of an error what it needs to come back.
    refused = client.post("/tag", json={"sentences": ["a"]}, headers={"Origin": "https://desk.example"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://desk.example"
    assert "Retry-After" in refused.headers["access-control-expose-headers"]


def test_errors_are_as_the_description_shows_them(start: Start) -> None:
    open_to_all, guarded = start(), start(api_keys="correct-horse-battery")
    json_body = {"Content-Type": "application/json"}
    for answer in (
        open_to_all.post("/tag", content=b"x", headers=json_body),
        guarded.post("/tag", json={"sentences": ["a"]}),
        open_to_all.post("/admin/reload"),
        open_to_all.get("/tag"),
        open_to_all.post("/tag", headers={**json_body, "Content-Length": str(2**30)}),
        open_to_all.post("/tag", content=b"a", headers={"Content-Type": "text/plain"}),
        open_to_all.post("/tag", json={"sentences": ["a", ""]}),
    ):
        assert answer.json() == error(answer.status_code).model_dump(mode="json")


def test_faults_are_told_one_by_one_unless_there_is_no_end_of_them(start: Start) -> None:
    client = start()
    answer = client.post("/tag", json={"sentences": [""] * 256})
    assert (answer.status_code, len(answer.json()["error"]["fields"])) == (422, 256)
    answer = client.post("/tag", json={"sentences": ["a"], **{str(number): 1 for number in range(20_000)}})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["fields"]) == (422, "invalid", [])
    assert error["message"].startswith("20000 fields are not valid, too many to name")


def test_an_article_of_more_sentences_than_prose_has_is_refused(start: Start) -> None:
    client = start()
    answer = client.post("/tag_article", json={"text": "a\n" * MAX_ARTICLE_SENTENCES})
    assert (answer.status_code, len(answer.json()["sentences"])) == (200, MAX_ARTICLE_SENTENCES)
    answer = client.post("/tag_article", json={"text": "a\n" * (MAX_ARTICLE_SENTENCES + 1)})
    (fault,) = answer.json()["error"]["fields"]
    assert (answer.status_code, fault["path"]) == (422, "text")
    assert "at most 4000 sentences, not 4001" in fault["message"]


def test_a_wrong_method_is_told_the_right_one(start: Start) -> None:
    client = start()
    answer = client.delete("/tag")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert client.head("/livez").content == b""


def test_the_page_keeps_corrections_where_the_settings_say(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "reviews.jsonl"
    assert start(reviews=file).post("/ui/reviews", json=correction()).status_code == 201
    assert len(file.read_text().splitlines()) == 1

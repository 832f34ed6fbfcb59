"""Load on a service: what is sent, what is counted, and what is called passed."""

import asyncio
import json
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
import uvicorn
from starlette.testclient import TestClient
from typer.testing import CliRunner

from serve.__main__ import app
from serve.article import count_labels, pairs, tag_article
from serve.http_errors import Receive, Scope, Send
from serve.load.bare import ANSWER, application
from serve.load.compare import Comparison, _case
from serve.load.drive import Outcome, Tally, open_loop
from serve.load.floor import Floor, Turn
from serve.load.instant import save_instant
from serve.load.overload import Overload, _recovery, _wrong
from serve.load.report import print_floor
from serve.load.servers import ServerError, free_port, running
from serve.load.soak import Soak
from serve.load.traffic import ARTICLE, Mix, Shot, fresh, shots
from serve.messages import ArticleResponse, TagResponse
from serve.sentences import split_sentences
from serve.tagger import Tagger
from tests.conftest import ROOT, SENTENCES


@pytest.mark.parametrize(
    ("mix", "sizes"),
    [("sentence", [1, 1, 1, 1]), ("article", [25] * 4), ("text", [25] * 4), ("both", [1, 25, 1, 25])],
)
def test_every_sentence_that_is_sent_is_another(mix: Mix, sizes: list[int]) -> None:
    sent = list(islice(shots(fresh(["It rained.", "It snowed."]), mix), 4))
    assert [shot.sentences for shot in sent] == sizes
    assert [shot.path for shot in sent].count("/tag_article") == {"text": 4, "both": 1}.get(mix, 0)
    bodies = [json.loads(shot.body) for shot in sent]
    texts = [
        text for body in bodies for text in body.get("sentences") or [s.text for s in split_sentences(body["text"])]
    ]
    assert len(texts) == len(set(texts)) == sum(sizes)
    assert ARTICLE == 25


def test_of_an_article_the_sentences_are_counted_as_the_service_splits_them() -> None:
    (shot,) = islice(shots(iter(["It rained. It snowed.", "No."]), "text"), 2)
    assert (shot.path, shot.sentences) == ("/tag_article", 3)


def test_rates_and_latencies_are_of_what_was_answered() -> None:
    tally = Tally(Counter({"200": 4, "429": 6}), [0.1, 0.2, 0.3, 0.4], 100)
    outcome = tally.outcome(seconds=2)
    assert (outcome.requests, outcome.requests_per_second, outcome.sentences_per_second) == (10, 2, 50)
    assert outcome.p50_ms == pytest.approx(250)
    assert outcome.p99_ms == pytest.approx(397)
    assert Tally(Counter({"429": 1})).outcome(1).p99_ms is None


def outcome(p99_ms: float | None = 100, **statuses: int) -> Outcome:
    counted = {name.lstrip("_"): count for name, count in statuses.items()}
    return Outcome(
        seconds=1,
        requests=sum(counted.values()),
        requests_per_second=1,
        sentences_per_second=1,
        p50_ms=p99_ms,
        p95_ms=p99_ms,
        p99_ms=p99_ms,
        statuses=counted,
    )


@pytest.mark.parametrize(
    ("under_load", "recovered", "wrong", "passed"),
    [
        (outcome(2_999, _200=1, _429=3), 5.0, None, True),
        (outcome(2_999, _200=1, _429=3), 5.0, 0, True),
        (outcome(2_999, _200=1, _429=3), 5.0, 1, False),
        (outcome(3_000, _200=1, _429=3), 5.0, 0, False),
        (outcome(100, _200=1, _503=1), 1.0, 0, False),
        (outcome(100, _200=1, _429=3), 5.1, 0, False),
        (outcome(100, _200=1), 1.0, 0, False),
        (outcome(None, _429=1), 1.0, 0, False),
    ],
)
def test_an_overload_is_borne_or_not(under_load: Outcome, recovered: float, wrong: int | None, passed: bool) -> None:
    found = Overload(
        capacity=outcome(_200=1),
        times=4,
        under_load=under_load,
        recovered_after_seconds=recovered,
        checked=None if wrong is None else 9,
        wrong=wrong or 0,
    )
    assert found.passed is passed
    assert not found.model_copy(update={"checked": 0}).passed


def test_wrong_answers_are_counted(tagger: Tagger) -> None:
    one, article = Shot("/tag", json.dumps({"sentences": SENTENCES}).encode(), 5), next(shots(fresh(SENTENCES), "text"))
    right = TagResponse(tags=tagger.tag(SENTENCES)).model_dump_json().encode()
    other = TagResponse(tags=tagger.tag(SENTENCES[::-1])).model_dump_json().encode()
    placed = tag_article(tagger, json.loads(article.body)["text"])
    whole, part = (
        ArticleResponse(sentences=some, counts=count_labels(some), pairs=pairs(some)).model_dump_json().encode()
        for some in (placed, placed[1:])
    )
    assert _wrong([(one, right), (one, other), (article, whole), (article, part)], tagger) == 2


def test_recovery_is_counted_from_the_last_request_sent() -> None:
    """A service that answers all of them two seconds after the first has recovered then, and not at once."""

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        came.append(time.monotonic())
        await asyncio.sleep(max(0, came[0] + 2 - came[-1]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def whole() -> tuple[Outcome, float]:
        port = free_port()
        server = uvicorn.Server(uvicorn.Config(late, port=port, lifespan="off", log_level="critical"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        url, over = f"http://127.0.0.1:{port}", asyncio.Event()
        stream = shots(fresh(SENTENCES), "sentence")
        load = open_loop(url, stream, 20, 0.5, None, Tally(), over)
        found = await asyncio.gather(load, _recovery(url, None, stream, over))
        server.should_exit = True
        await serving
        return found

    came: list[float] = []
    sent, recovered = asyncio.run(whole())
    assert sent.statuses["200"] >= 5
    assert 1 < recovered < 3


def test_memory_may_grow_by_a_tenth() -> None:
    assert Soak(requests=9, statuses={"200": 9}, early_mib=100, warm_mib=105, after_mib=109.9).passed
    assert not Soak(requests=9, statuses={"200": 9}, early_mib=100, warm_mib=110, after_mib=111).passed
    assert not Soak(requests=9, statuses={"429": 9}, early_mib=100, warm_mib=100, after_mib=100).passed
    assert not Soak(requests=9, statuses={"200": 8, "500": 1}, early_mib=100, warm_mib=100, after_mib=100).passed


@pytest.mark.parametrize("kind", [[], ["--overload"]])
def test_a_service_that_is_not_there_is_one_sentence(kind: list[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ended = CliRunner().invoke(app, ["load", "--url", url, "--seconds", "0.1", *kind])
    assert ended.exit_code == 2
    assert "nothing answers at" in ended.output


def test_a_comparison_is_with_what_answered_and_of_what_did() -> None:
    slow = outcome(_200=1).model_copy(update={"sentences_per_second": 0.25})
    case = _case([outcome(_200=1)], {"slow": [slow], "quick": [outcome(_200=1)]}, [2.0])
    assert ({name: other.ratio for name, other in case.yardsticks.items()}) == {"slow": 4.0, "quick": 1.0}
    assert case.of_tagger == 0.5
    assert Comparison(tagger_sentences_per_second=[2.0], cases={"a": case}).passed
    failed = _case([outcome(_200=1, _500=1)], {"one": [outcome(_200=1)]}, [2.0])
    assert not Comparison(tagger_sentences_per_second=[2.0], cases={"a": case, "b": failed}).passed
    with pytest.raises(ServerError, match="one answered nothing"):
        _case([outcome(_200=1)], {"one": [outcome(None, _500=1)]}, [2.0])


def test_a_measurement_is_one_at_a_time_and_of_a_known_mix() -> None:
    for arguments, message in (
        (["--compare", "--soak"], "choose one"),
        (["--mix", "all"], "sentence, article, text, both"),
    ):
        ended = CliRunner().invoke(app, ["load", *arguments])
        assert ended.exit_code == 2
        assert message in ended.output


def test_a_floor_is_the_median_of_rounds_in_which_all_was_answered(capsys: pytest.CaptureFixture[str]) -> None:
    def turn(rate: float, **statuses: int) -> Turn:
        found = outcome(**(statuses or {"_200": 1})).model_copy(update={"requests_per_second": rate})
        return Turn(outcome=found, server_ms=rate / 1_000, clients_ms=0.25)

    bare = [turn(1_000), turn(2_000), turn(3_000)]
    found = Floor(bare=bare, ours=[turn(900), turn(200), turn(600)])
    assert (found.ratio, found.passed) == (0.2, True)
    assert not Floor(bare=bare, ours=[turn(1, _200=1, _429=1)]).passed
    print_floor(found)
    *_, of_bare, of_ours, last = capsys.readouterr().out.splitlines()
    assert of_bare == "bare: 2000 requests/s; 2.000 ms of processor time each, the clients 0.250 ms"
    assert of_ours == "ours: 600 requests/s; 0.600 ms of processor time each, the clients 0.250 ms"
    assert last == "ours without a network does 20% of the requests of a bare server"


def test_the_bare_application_reads_the_body_and_sends_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ANSWER, "“so”")
    answer = TestClient(application()).post("/tag", content=iter([b"in ", b"pieces"]))
    assert (answer.status_code, answer.text, answer.headers["content-length"]) == (200, "“so”", "8")


def test_a_model_that_answers_at_once_is_served_as_any_other(tmp_path: Path) -> None:
    save_instant(tmp_path / "instant", SENTENCES)
    tagger = Tagger.load(tmp_path / "instant", "cpu")
    assert tagger.runs_as == "onnx on cpu"
    # A word is a token, and so is a mark; each sentence has two more.
    assert [len(encoding) for encoding in tagger.encode(["Talks resume on Monday."])] == [7]
    tags = tagger.tag(SENTENCES)
    assert len({tag.score for tag in tags}) == len(SENTENCES)
    assert any(tag.source or tag.target or tag.issue for tag in tags)


@pytest.mark.slow
def test_a_server_that_does_not_start_shows_the_end_of_its_log() -> None:
    with pytest.raises(ServerError, match="STANCE_THREADS: Input should be a valid integer"):  # noqa: SIM117
        with running(["serve", "http"], {"STANCE_THREADS": "many"}, ROOT):
            pass


@pytest.mark.slow
def test_the_commands_measure_a_running_service(model_folder: Path, tmp_path: Path) -> None:
    with running(["serve", "http"], {"STANCE_MODEL": str(model_folder)}, ROOT) as server:
        common = ["load", "--url", server.url, "--json", str(tmp_path / "figures.json")]
        assert CliRunner().invoke(app, [*common, "--seconds", "1"]).exit_code == 0
        figures = Outcome.model_validate_json((tmp_path / "figures.json").read_text())
        assert figures.statuses["200"] > 0
    arguments = ["--overload", "--seconds", "6", "--model", str(model_folder), "--json", str(tmp_path / "figures.json")]
    ended = CliRunner().invoke(app, ["load", *arguments])
    borne = Overload.model_validate_json((tmp_path / "figures.json").read_text())
    assert set(borne.under_load.statuses) == {"200", "429"}, ended.output
    # Of 24 times; what sends shares the cores.
    assert borne.under_load.requests >= 12 * borne.capacity.requests_per_second
    assert borne.under_load.p99_ms is not None
    # 3 s is for a machine that does nothing else.
    assert borne.under_load.p99_ms < 10_000
    assert borne.recovered_after_seconds < 10
    assert borne.checked
    assert borne.wrong == 0
    ended = CliRunner().invoke(app, ["load", "--soak", "--requests", "300", "--model", str(model_folder)])
    # Of so few the growth is that of a service that has just begun, and so the exit code may be 1.
    assert "{'200': 300}" in ended.output


@pytest.mark.slow
def test_all_services_answer_the_same_load(model_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    arguments = [
        "load",
        "--compare",
        "--rounds",
        "1",
        "--seconds",
        "1",
        "--model",
        str(model_folder),
        "--json",
        str(out),
    ]
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 0, ended.output
    for case in Comparison.model_validate_json(out.read_text()).cases.values():
        assert case.ours[0].statuses["200"] > 0
        for yardstick in case.yardsticks.values():
            assert yardstick.outcomes[0].statuses["200"] > 0
            assert yardstick.ratio > 0


@pytest.mark.slow
def test_the_floor_is_measured(tmp_path: Path) -> None:
    arguments = ["load", "--floor", "--rounds", "1", "--seconds", "1", "--json", str(tmp_path / "floor.json")]
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 0, ended.output
    found = Floor.model_validate_json((tmp_path / "floor.json").read_text())
    # Rates depend on what else the machine does in each turn; what the processor is used for does not.
    assert found.ratio > 0
    assert found.ours[0].server_ms > found.bare[0].server_ms > 0

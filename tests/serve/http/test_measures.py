"""What is measured, and how far it is from what the model said in development."""

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from labels.scheme import STANCES
from serve.model_folder import Decision
from serve.prediction import Prediction
from serve.reference import Reference, stability
from serve.tagger import Tagger
from serve.weights import save
from tests.conftest import SENTENCES, manifest, tiny_network, tiny_tokenizer
from tests.serve.http.conftest import Start


def test_the_metrics_tell_what_was_answered_and_how_far_it_is_from_development(
    start: Start, tmp_path: Path, tagger: Tagger
) -> None:
    folder = tmp_path / "model"
    reference = Reference.of(tagger.predict(SENTENCES))
    save(folder, tiny_network(), tiny_tokenizer(), manifest(reference=reference), "# card\n")
    client = start(model=folder, drift_sentences=len(SENTENCES))
    client.post("/tag", json={"sentences": ["A sentence to be forgotten."]})
    client.post("/tag", json={"sentences": SENTENCES})
    client.post("/tag", json={"sentences": []})
    client.get("/a-secret-path")
    text = client.get("/metrics").text
    for line in (
        'stance_requests_total{path="/tag",status="200"} 2.0',
        'stance_requests_total{path="/tag",status="422"} 1.0',
        'stance_requests_total{path="other",status="404"} 1.0',
        "stance_sentences_total 6.0",
        "stance_queue_tokens 0.0",
        f"stance_drift_sentences {len(SENTENCES):.1f}",
        'stance_drift_stability{of="label"} 0.0',
        'stance_drift_stability{of="score"} 0.0',
        'stance_model_info{digest="',
        "stance_request_seconds_count",
        "stance_batch_fill_count",
        "stance_queue_seconds_count 6.0",
    ):
        assert line in text
    labels = [prediction.label for prediction in tagger.predict([*SENTENCES, "A sentence to be forgotten."])]
    for label in set(labels):
        assert f'stance_tags_total{{label="{label}"}} {labels.count(label):.1f}' in text
    assert "secret" not in text


def test_the_stability_index_grows_with_the_distance() -> None:
    assert stability([0.5, 0.5], [0.5, 0.5]) == 0
    assert stability([0.5, 0.5], [0.6, 0.4]) == pytest.approx(0.0405, abs=1e-3)
    assert 1 < stability([0.5, 0.5], [1.0, 0.0]) < 10


def test_the_reference_parts_scores_into_tenths() -> None:
    scores = [0.4 + n / 250 for n in range(100)]
    predictions = [Prediction(STANCES[n % 2], (score, 1 - score, 0.0, 0.0)) for n, score in enumerate(scores)]
    reference = Reference.of([p for p in predictions if p.scores[0] > 0.5])
    assert reference.score_shares == pytest.approx([0.1] * 10, abs=0.03)
    assert sum(reference.label_shares.values()) == pytest.approx(1)


def measured(client: TestClient, name: str) -> float:
    """The value of one line of `/metrics`."""
    (line,) = (line for line in client.get("/metrics").text.splitlines() if line.startswith(f"{name} "))
    return float(line.removeprefix(name))


def index(before: Iterable[float], now: Iterable[float]) -> float:
    """The population stability index of counts, written out again."""
    old, new = ([max(n / sum(counts), 1e-4) for n in counts] for counts in (list(before), list(now)))
    return sum((b - a) * math.log(b / a) for a, b in zip(old, new, strict=True))


def test_drift_is_seen_when_the_sentences_are_unlike_those_of_development(
    start: Start, tmp_path: Path, tagger: Tagger
) -> None:
    # Of many labels and scores; among the fixture's own sentences there is but one label.
    usual = [letter * times for letter in "abcdefghijklmnopqrst" for times in (1, 2, 3)]
    predictions = tagger.predict(usual)
    reference = Reference.of(predictions)
    save(tmp_path / "model", tiny_network(), tiny_tokenizer(), manifest(reference=reference), "# card\n")
    client = start(model=tmp_path / "model", drift_sentences=2 * len(usual))

    def sent(sentences: list[str]) -> tuple[float, float, list[Any]]:
        tags = client.post("/tag", json={"sentences": sentences}).json()["tags"]
        label, score = (measured(client, f'stance_drift_stability{{of="{of}"}}') for of in ("label", "score"))
        return label, score, tags

    label, score, _ = sent(usual)
    assert label < 0.1
    assert score < 0.1
    label, score, tags = sent((SENTENCES * len(usual))[: 2 * len(usual)])
    assert label > 0.25
    assert score > 0.25
    before, now = Counter(p.label for p in predictions), Counter(tag["label"] for tag in tags)
    assert label == pytest.approx(index((before[s] for s in STANCES), (now[s] for s in STANCES)))
    edges = [-math.inf, *np.quantile([max(p.scores) for p in predictions], np.arange(1, 10) / 10), math.inf]
    scores = ([max(p.scores) for p in predictions], [tag["score"] for tag in tags])
    assert score == pytest.approx(index(*(np.histogram(of, edges)[0].tolist() for of in scores)))


@pytest.mark.parametrize(("abstain_below", "abstained"), [(0.0, 0), (1.0, len(SENTENCES))])
def test_abstentions_are_counted_known_or_not(
    start: Start, tmp_path: Path, abstain_below: float, abstained: int
) -> None:
    decision = Decision(temperature=1.3, abstain_below=abstain_below)
    save(tmp_path / "model", tiny_network(), tiny_tokenizer(), manifest(decision=decision), "# card\n")
    client = start(model=tmp_path / "model")
    for times in (1, 2):
        client.post("/tag", json={"sentences": SENTENCES})
        assert measured(client, "stance_abstentions_total") == abstained * times
        assert measured(client, "stance_sentences_total") == len(SENTENCES) * times

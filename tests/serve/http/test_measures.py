"""What is measured, and how far it is from what the model said in development."""

from pathlib import Path

import pytest

from labels.scheme import STANCES
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

import json
from pathlib import Path

import pytest

from serve.prediction import Prediction
from tests.conftest import sentence
from train.disputes import Dispute, cross_validated_disputes, model_disputes, write_disputes


def test_a_wrong_label_is_found_by_models_that_have_not_seen_its_topic() -> None:
    pytest.importorskip("cleanlab", reason="cleanlab is not installed; it is the extra `disputes`")
    rows = [
        sentence(text, label, id=f"{topic}-{label}-{number}", topic=topic)
        for topic in "abcdefghij"
        for number in range(12)
        for text, label in (
            (f"The union accused firm {topic}{number} of theft and blamed its chief.", "accuses"),
            (f"The firm {topic}{number} denied the report and called it untrue.", "denies"),
            (f"The mayor defended deputy {topic}{number} and praised her honesty.", "defends"),
            (f"Talks at {topic}{number} resume on Monday after a week of rain.", "neutral"),
        )
    ]
    wrong = sentence("The union accused the harbour of theft and blamed its chief.", "neutral", id="wrong", topic="a")
    found = cross_validated_disputes([*rows, wrong])
    assert [(dispute.id, dispute.suggested) for dispute in found] == [("wrong", "accuses")]


class Answers:
    def predict(self, sentences: object) -> list[Prediction]:
        return [
            Prediction("accuses", (0.9, 0.0, 0.0, 0.1)),
            Prediction("neutral", (0.1, 0.0, 0.3, 0.6)),
            Prediction("neutral", (0.0, 0.0, 0.0, 1.0)),
        ]


def test_a_models_disputes_are_its_other_answers_surest_first() -> None:
    rows = [sentence("One.", "accuses"), sentence("Two.", "defends"), sentence("Three.", "denies")]
    found = model_disputes(rows, Answers(), "stance 1")
    assert [(dispute.text, dispute.suggested, dispute.confidence) for dispute in found] == [
        ("Three.", "neutral", 1.0),
        ("Two.", "neutral", 0.6),
    ]


def test_a_sentence_is_written_once_and_blind_without_its_label(tmp_path: Path) -> None:
    def dispute(name: str, by: str) -> Dispute:
        return Dispute(id=name, text=f"Text {name}.", label="denies", suggested="neutral", confidence=0.9, by=by)

    disputes = [dispute("1", "cross-validation"), dispute("2", "cross-validation"), dispute("1", "stance 1")]
    assert write_disputes(disputes, tmp_path / "d.jsonl", tmp_path / "blind.tsv") == 2
    written = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text().splitlines()]
    assert [(row["id"], row["by"]) for row in written] == [("1", "cross-validation"), ("2", "cross-validation")]
    blind = (tmp_path / "blind.tsv").read_text()
    assert sorted(blind.splitlines()) == ["1\tText 1.", "2\tText 2."]
    assert "denies" not in blind

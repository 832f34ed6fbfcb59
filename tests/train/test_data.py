from pathlib import Path

import pytest

from labels.corpus import CORPUS
from labels.errors import DataError
from tests.conftest import sentence
from tests.labels.test_articles import TEXT, annotation
from train.config import DataConfig
from train.data import class_weights, read_splits


@pytest.mark.parametrize(("power", "ratio"), [(0.0, 1.0), (0.5, 3.0), (1.0, 9.0)])
def test_class_weights_follow_the_power_and_average_to_one(power: float, ratio: float) -> None:
    sentences = [sentence(f"s{number}", label="accuses" if number < 1 else "neutral") for number in range(10)]
    weights = class_weights(sentences, power)
    assert weights[0] / weights[3] == pytest.approx(ratio)
    assert weights[0] * 0.1 + weights[3] * 0.9 == pytest.approx(1.0)
    assert weights[1] == weights[2] == 0.0


def test_a_smaller_limit_is_a_subset_of_a_larger_one(small_corpus: Path) -> None:
    def ids(limit: int) -> set[str]:
        splits, _ = read_splits(DataConfig(corpus=small_corpus, limit=limit), seed=1)
        return {found.id for members in splits.values() for found in members}

    assert ids(60) < ids(90)


def test_a_kind_restricts_training_alone(small_corpus: Path) -> None:
    config = DataConfig(corpus=small_corpus)
    whole, _ = read_splits(config, seed=1)
    articles, _ = read_splits(config.model_copy(update={"kind": "articles"}), seed=1)
    targeted, _ = read_splits(config.model_copy(update={"kind": "targeted"}), seed=1)
    assert all(found.document for found in articles["train"])
    assert not any(found.document for found in targeted["train"])
    assert len(articles["train"]) + len(targeted["train"]) == len(whole["train"])
    assert articles["test"] == targeted["test"] == whole["test"]


def test_topics_can_be_left_out_of_training_if_they_are_training_topics(small_corpus: Path, tmp_path: Path) -> None:
    for file in (*small_corpus.iterdir(), CORPUS / "pharma.jsonl"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = DataConfig(corpus=tmp_path)
    whole, _ = read_splits(config, seed=1)
    without, _ = read_splits(config.model_copy(update={"leave_out": ("pharma",)}), seed=1)
    left_out = [found for found in whole["train"] if found.topic == "pharma"]
    assert len(left_out) > 300
    assert without["train"] == [found for found in whole["train"] if found not in left_out]
    assert without["test"] == whole["test"]
    for topic in ("footbal", min(found.topic for found in whole["test"])):
        with pytest.raises(DataError, match=f"data.leave_out: {topic} is no training topic"):
            read_splits(config.model_copy(update={"leave_out": ("football", topic)}), seed=1)


def test_articles_join_the_training_set_where_their_text_is(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labels.articles.read_annotations", lambda: [annotation()])
    without, note = read_splits(DataConfig(corpus=small_corpus, articles=tmp_path / "none"), seed=1)
    assert "training on the corpus alone" in note
    (tmp_path / "a.txt").write_text(TEXT)
    with_articles, note = read_splits(DataConfig(corpus=small_corpus, articles=tmp_path), seed=1)
    assert "1 sentences of" in note
    assert len(with_articles["train"]) == len(without["train"]) + 1
    assert with_articles["test"] == without["test"]


def test_too_little_of_a_stance_is_one_sentence(small_corpus: Path) -> None:
    with pytest.raises(DataError, match=r"at least 3 sentences of each stance and has \d of \w+; raise data.limit"):
        read_splits(DataConfig(corpus=small_corpus, limit=4), seed=1)

from pathlib import Path

import pytest

from labels import markup
from labels.errors import DataError
from labels.record import AnnotatedSentence
from labels.scheme import BIO_TAGS, Stance
from serve.encode import Encoder
from tests.conftest import ROOT, sentence, tiny_tokenizer
from tests.labels.test_articles import TEXT, annotation
from train.config import DataConfig
from train.data import IGNORED, class_weights, read_splits, to_examples


def marked(text: str, label: Stance) -> AnnotatedSentence:
    plain, roles = markup.parse(text)
    return sentence(plain, label=label, roles=roles)


def test_role_tags_cover_the_tokens_of_their_words() -> None:
    (row,) = to_examples([marked("{source|Al Bo} hit {target|Cy}.", "accuses")], Encoder(tiny_tokenizer(), 32))
    tags = ["-" if tag == IGNORED else BIO_TAGS[tag] for tag in row["role_tags"]]
    # [CLS] A ##l B ##o h ##i ##t C ##y . [SEP]: a role's first word begins it with all its tokens.
    assert tags == ["-", *["B-source"] * 2, *["I-source"] * 2, *["O"] * 3, *["B-target"] * 2, "O", "-"]
    assert row["length"] == len(row["input_ids"]) == 12


def test_neutral_sentences_do_not_teach_the_role_head() -> None:
    (row,) = to_examples([sentence("No role.")], Encoder(tiny_tokenizer(), 32))
    assert set(row["role_tags"]) == {IGNORED}


@pytest.mark.parametrize(("power", "ratio"), [(0.0, 1.0), (0.5, 3.0), (1.0, 9.0)])
def test_class_weights_follow_the_power_and_average_to_one(power: float, ratio: float) -> None:
    sentences = [sentence(f"s{number}", label="accuses" if number < 1 else "neutral") for number in range(10)]
    weights = class_weights(sentences, power)
    assert weights[0] / weights[3] == pytest.approx(ratio)
    assert weights[0] * 0.1 + weights[3] * 0.9 == pytest.approx(1.0)
    assert weights[1] == weights[2] == 0.0


def test_a_smaller_limit_is_a_subset_of_a_larger_one() -> None:
    def ids(limit: int) -> set[str]:
        splits, _ = read_splits(DataConfig(corpus=ROOT / "labels/corpus", limit=limit), seed=1)
        return {found.id for members in splits.values() for found in members}

    assert ids(60) < ids(90)


def test_a_kind_restricts_training_alone() -> None:
    config = DataConfig(corpus=ROOT / "labels/corpus")
    whole, _ = read_splits(config, seed=1)
    articles, _ = read_splits(config.model_copy(update={"kind": "articles"}), seed=1)
    targeted, _ = read_splits(config.model_copy(update={"kind": "targeted"}), seed=1)
    assert all(found.document for found in articles["train"])
    assert not any(found.document for found in targeted["train"])
    assert len(articles["train"]) + len(targeted["train"]) == len(whole["train"])
    assert articles["test"] == targeted["test"] == whole["test"]


def test_articles_join_the_training_set_where_their_text_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labels.articles.read_annotations", lambda: [annotation()])
    corpus = ROOT / "labels/corpus"
    without, note = read_splits(DataConfig(corpus=corpus, articles=tmp_path / "none"), seed=1)
    assert "training on the corpus alone" in note
    (tmp_path / "a.txt").write_text(TEXT)
    with_articles, note = read_splits(DataConfig(corpus=corpus, articles=tmp_path), seed=1)
    assert "1 sentences of" in note
    assert len(with_articles["train"]) == len(without["train"]) + 1
    assert with_articles["test"] == without["test"]


def test_too_little_of_a_stance_is_one_sentence() -> None:
    with pytest.raises(DataError, match=r"at least 3 sentences of each stance and has \d of \w+; raise data.limit"):
        read_splits(DataConfig(corpus=ROOT / "labels/corpus", limit=4), seed=1)

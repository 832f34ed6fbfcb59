"""The linear model that answers plainly neutral sentences before the network does."""

import math
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from serve.cascade import BUCKETS, Cascade, count_features, weighted
from serve.encode import Encoding
from serve.errors import ModelError
from serve.tagger import Tagger
from tests.conftest import SENTENCES, tiny_cascade

TEXTS = [f"{text} {number}" for number in range(20) for text in SENTENCES]


def encoding(*ids: int) -> Encoding:
    return Encoding(list(ids), [(0, 0)] * len(ids), [0] * len(ids), False)


def test_features_are_counts_of_tokens_and_pairs_of_tokens() -> None:
    ids = [7, 9, 7, 9, 300]
    counts = count_features([encoding(*ids), encoding(5)])
    expected = Counter(number * 40_503 % BUCKETS for number in ids)
    expected += Counter((one * 1_000_003 + other * 69_069) % BUCKETS for one, other in pairwise(ids))
    assert {
        int(column): int(count) for column, count in zip(counts[0].indices, counts[0].data, strict=True)
    } == expected
    assert counts[1].nnz == 1
    rarity = np.linspace(1, 2, BUCKETS, dtype=np.float32)
    features = weighted(counts, rarity)
    raw = {column: (1 + math.log(count)) * rarity[column] for column, count in expected.items()}
    norm = math.sqrt(sum(value**2 for value in raw.values()))
    found = dict(zip(features[0].indices.tolist(), features[0].data.tolist(), strict=True))
    assert found == pytest.approx({column: value / norm for column, value in raw.items()}, rel=1e-5)


def test_order_tells_sentences_of_the_same_tokens_apart() -> None:
    forward, backward = count_features([encoding(1, 2, 3), encoding(3, 2, 1)])
    assert (forward != backward).nnz > 0


def test_only_what_the_linear_model_is_sure_of_is_its_to_answer(exported_folder: Path) -> None:
    network = Tagger.load(exported_folder, "cpu", "onnx")
    both = Tagger.load(exported_folder, "cpu", "onnx", cascade=True)
    expected, found = network.tag(TEXTS), both.tag(TEXTS)
    encodings = network._encoder.encode(TEXTS)
    scores = tiny_cascade().probabilities(encodings)
    assert {record.answered_by for record in expected} == {"network"}
    assert {record.answered_by for record in found} == {"network", "linear"}
    for record, before, row in zip(found, expected, scores, strict=True):
        if row[3] >= 0.5:
            assert (record.answered_by, record.label, record.source) == ("linear", "neutral", None)
            assert list(record.scores.values()) == pytest.approx(row.tolist())
        else:
            assert record == before


def test_it_is_saved_as_it_was(tmp_path: Path) -> None:
    cascade = tiny_cascade()
    cascade.save(tmp_path / "c.safetensors")
    read = Cascade.load(tmp_path / "c.safetensors", cascade.threshold)
    rows = [encoding(1, 2, 3), encoding(9)]
    np.testing.assert_array_equal(read.probabilities(rows), cascade.probabilities(rows))
    (tmp_path / "c.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelError, match="cannot be read"):
        Cascade.load(tmp_path / "c.safetensors", 0.5)


def test_a_model_without_one_says_so(model_folder: Path) -> None:
    with pytest.raises(ModelError, match="has no linear model to answer first; leave the cascade off"):
        Tagger.load(model_folder, "cpu", cascade=True)

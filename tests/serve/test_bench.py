"""The comparison that `python -m serve bench` prints, of the tiny model."""

from pathlib import Path

import pytest

from serve.bench.compare import compare
from serve.bench.roofline import measure, operations_per_sentence
from serve.bench.systems import SPECS
from serve.errors import ModelError

ENCODER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}


@pytest.mark.slow
def test_every_system_is_measured_in_one_run(exported_folder: Path, small_corpus: Path) -> None:
    said: list[str] = []
    found = compare(exported_folder, 2, 1, 32, said.append, small_corpus)
    assert list(found.systems) == list(SPECS)
    assert all(measured.sentences_per_second > 0 for measured in found.systems.values())
    assert found.systems["transformers.pipeline"].against_pipeline == 1
    # The same weights in float32 answer alike, whichever way they are computed.
    for name in ("transformers.pipeline", "transformers.pipeline, batches of 32", "torch, equal lengths", "onnx"):
        assert found.systems[name].label_agreement == 1
    copied = {name for name, measured in found.systems.items() if measured.wire_copy_against_pipeline is not None}
    assert copied == {"transformers.pipeline", "openvino-int8", "openvino-int8 behind the cascade"}
    assert any("round 1 of 1" in line for line in said)


def test_ratios_need_what_they_are_ratios_to(exported_folder: Path, small_corpus: Path) -> None:
    with pytest.raises(ModelError, match=r"needs transformers\.pipeline and torch"):
        compare(exported_folder, 2, 1, 32, print, small_corpus, ("onnx",))


def test_the_roofline_counts_products_and_attention() -> None:
    # Of 10 tokens in each of 2 layers: 4 projections of 32 x 32, 2 products of 32 x 64, and 2 of 10 x 10 x 32.
    assert operations_per_sentence(ENCODER, 10) == 2 * (2 * 10 * (4 * 1024 + 2 * 2048) + 4 * 100 * 32)
    limit = measure(ENCODER, 10, 1)
    assert limit.share(limit.float32 / limit.operations_per_sentence, int8=False) == pytest.approx(1)
    assert limit.share(limit.int8 / limit.operations_per_sentence, int8=True) == pytest.approx(1)

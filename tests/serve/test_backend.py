"""Other runtimes of the same weights, and how one is chosen."""

import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig

from serve.backend import choose_backend
from serve.cores import instructions, multiplies_bytes
from serve.errors import DeviceError, ModelError
from serve.model_folder import Exported, Parity
from serve.network import StanceNetwork
from serve.openvino_forward import OpenvinoForward
from serve.tagger import Tagger
from tests.conftest import ROOT, SENTENCES, manifest
from train.packed import export_packed

PARITY = Parity(sentences=1, label_agreement=1.0, macro_f1_change=0.0, role_f1_change=0.0)
TEXTS = [f"{text} {'So it was. ' * number}" for number in range(4) for text in SENTENCES]


EVERY: tuple[Exported, ...] = ("onnx", "onnx-int8", "openvino-int8")


@pytest.mark.parametrize(
    ("exports", "installed", "multiplies_bytes", "chosen"),
    [
        (EVERY, True, True, "openvino-int8"),
        (EVERY, True, False, "onnx-int8"),
        (EVERY, False, True, "onnx-int8"),
        (("onnx", "onnx-int8"), True, True, "onnx-int8"),
        (("onnx",), True, True, "onnx"),
        ((), True, True, "torch"),
    ],
)
def test_without_a_gpu_the_fastest_export_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
    exports: tuple[Exported, ...],
    installed: bool,
    multiplies_bytes: bool,
    chosen: str,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("serve.backend.find_spec", lambda _: installed or None)
    monkeypatch.setattr("serve.backend.multiplies_bytes", lambda: multiplies_bytes)
    assert choose_backend(manifest(exports=dict.fromkeys(exports, PARITY))) == (chosen, "cpu")


def test_a_gpu_is_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.backend._may_have_gpu", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    exported = manifest(exports={"onnx-int8": PARITY})
    assert choose_backend(exported) == ("torch", "cuda")
    assert choose_backend(exported, "cpu") == ("onnx-int8", "cpu")
    assert choose_backend(exported, "auto", "onnx-int8") == ("onnx-int8", "cpu")


@pytest.mark.parametrize(
    ("device", "backend", "error", "message"),
    [
        ("gpu", "auto", DeviceError, "auto, cpu or cuda, not gpu"),
        ("auto", "tensorrt", DeviceError, "auto, torch, onnx, onnx-int8, openvino-int8, not tensorrt"),
        ("cuda", "onnx", DeviceError, "runs on the CPU; choose --backend torch"),
        ("cuda", "torch", DeviceError, "no GPU"),
        ("cpu", "onnx-int8", ModelError, "no export for onnx-int8, only torch, onnx;"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, device: str, backend: str, error: type[Exception], message: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(error, match=message):
        choose_backend(manifest(exports={"onnx": PARITY}), device, backend)


def test_a_runtime_that_is_not_installed_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.backend.find_spec", lambda _: None)
    exported = manifest(exports={"openvino-int8": PARITY})
    with pytest.raises(DeviceError, match=r"needs openvino, which is not installed; install stance-tagger\[openvino\]"):
        choose_backend(exported, "cpu", "openvino-int8")


def test_onnx_answers_as_torch_does(exported_folder: Path) -> None:
    expected = Tagger.load(exported_folder, "cpu", "torch").predict(TEXTS)
    found = Tagger.load(exported_folder, "cpu", "onnx").predict(TEXTS)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
        assert {role: (span.start, span.end) for role, span in one.roles.items()} == {
            role: (span.start, span.end) for role, span in other.roles.items()
        }


@pytest.mark.parametrize("backend", ["onnx-int8", "openvino-int8"])
def test_eight_bits_are_near(exported_folder: Path, backend: str) -> None:
    expected = Tagger.load(exported_folder, "cpu", "torch").predict(TEXTS)
    found = Tagger.load(exported_folder, "cpu", backend).predict(TEXTS)
    differences = [
        np.abs(np.subtract(one.scores, other.scores)).max() for one, other in zip(found, expected, strict=True)
    ]
    # Not the same, or nothing was quantised; near, though the tiny network's random weights are no trained ones.
    assert max(differences) > 0
    assert np.mean(differences) < 0.05


def test_what_a_cpu_without_products_of_bytes_answers_is_near(
    exported_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serve.openvino_forward.multiplies_bytes", lambda: False)
    without = Tagger.load(exported_folder, "cpu", "openvino-int8").predict(TEXTS)
    expected = Tagger.load(exported_folder, "cpu", "torch").predict(TEXTS)
    differences = [
        np.abs(np.subtract(one.scores, other.scores)).max() for one, other in zip(without, expected, strict=True)
    ]
    assert 0 < np.mean(differences) < 0.05


@pytest.mark.parametrize(
    ("processor", "has_them"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx512f avx512_vnni\n", True),
        ("flags\t\t: fpu avx2 avx_vnni", True),
        ("flags\t\t: fpu avx2 avx512f", False),
        ("Features\t: fp asimd", False),
        (None, False),
    ],
)
def test_whether_a_cpu_multiplies_bytes_is_read_from_its_flags(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, processor: str | None, has_them: bool
) -> None:
    monkeypatch.setattr("serve.cores._PROCESSOR", tmp_path / "cpuinfo")
    if processor is not None:
        (tmp_path / "cpuinfo").write_text(processor)
    monkeypatch.setattr("serve.cores.instructions", instructions.__wrapped__)
    assert multiplies_bytes() is has_them


@pytest.mark.parametrize("backend", EVERY)
def test_exported_answers_do_not_depend_on_the_neighbours_in_a_single_bit(exported_folder: Path, backend: str) -> None:
    tagger = Tagger.load(exported_folder, "cpu", backend)
    alone = [tagger.predict([text])[0] for text in TEXTS]
    for seed in range(3):
        order = list(range(len(TEXTS)))
        random.Random(seed).shuffle(order)  # noqa: S311 - a draw of test data needs no secrecy
        assert tagger.predict([TEXTS[position] for position in order]) == [alone[position] for position in order]


def test_packed_sentences_do_not_depend_on_the_lengths_of_their_neighbours_in_a_single_bit(
    exported_folder: Path,
) -> None:
    forward = OpenvinoForward(exported_folder / "model.weights8.onnx", 1)
    assert forward.packs
    random = np.random.default_rng(5)
    for length in (1, 2, 7, 15, 16, 17, 31, 33, 41, 47, 50, 63):
        ids = random.integers(0, 40, (1, length))
        stance, roles = forward(ids, np.ones_like(ids))
        for rows, longest in ((1, 64), (2, length), (3, 40), (5, 64), (9, 64), (40, 33)):
            others = random.integers(1, longest + 1, rows)
            place = random.integers(rows)
            others[place] = length
            batch = random.integers(0, 40, (rows, max(others)))
            batch[place, :length] = ids[0]
            mask = (np.arange(max(others)) < others[:, None]).astype(np.int64)
            beside_others = forward(batch, mask)
            assert beside_others[1].shape == (*batch.shape, 7)
            assert (beside_others[0][place] == stance[0]).all()
            assert (beside_others[1][place, :length] == roles[0]).all()


@pytest.mark.slow
def test_no_bit_depends_on_where_in_a_long_row_a_sentence_is(tmp_path: Path) -> None:
    """A sentence of more than 64 tokens makes rows in which two of 48 would fit, the second of them across two blocks.

    With heads as wide as MiniLM's: of the tiny model's, OpenVINO adds up a product at a time.
    """
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=256,
        hidden_size=384,
        num_hidden_layers=1,
        num_attention_heads=12,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    network = StanceNetwork.from_config(config).eval()
    with torch.no_grad():
        for parameter in network.encoder.parameters():
            # Of random weights as they come, every token looks at all alike.
            parameter.mul_(4)
    export_packed(network, tmp_path / "model.onnx")
    forward = OpenvinoForward(tmp_path / "model.onnx", 1)
    random = np.random.default_rng(9)
    for _ in range(20):
        batch = random.integers(0, 40, (4, 112))
        lengths = np.array([random.integers(65, 113), *random.integers(33, 49, 3)])
        mask = (np.arange(112) < lengths[:, None]).astype(np.int64)
        stance, roles = forward(batch[:, : lengths[0]], mask[:, : lengths[0]])
        for place, length in enumerate(lengths):
            alone = forward(batch[place : place + 1, :length], mask[place : place + 1, :length])
            assert (alone[0][0] == stance[place]).all()
            assert (alone[1][0] == roles[place, :length]).all()


def test_an_export_that_is_not_packed_runs_too(exported_folder: Path) -> None:
    packed = OpenvinoForward(exported_folder / "model.weights8.onnx", 1)
    padded = OpenvinoForward(exported_folder / "model.onnx", 1)
    assert (packed.packs, padded.packs) == (True, False)
    ids = np.random.default_rng(7).integers(0, 40, (3, 12))
    mask = np.ones_like(ids)
    mask[1, 7:] = 0
    for one, other in zip(packed(ids, mask), padded(ids, mask), strict=True):
        assert one.shape == other.shape
        assert np.abs(one[0] - other[0]).max() < 0.05 * np.abs(other).max()


def test_the_first_batches_may_come_all_at_once(exported_folder: Path) -> None:
    # In a process of its own, for only the first call of a process can hang; threads take turns all the time.
    program = (
        "import sys, threading\nimport numpy as np\nfrom pathlib import Path\n"
        "from serve.openvino_forward import OpenvinoForward\n"
        "sys.setswitchinterval(1e-6)\n"
        f"forward = OpenvinoForward(Path({str(exported_folder / 'model.weights8.onnx')!r}), 4)\n"
        "ids, gate = np.ones((2, 8), np.int64), threading.Barrier(4)\n"
        "threads = [threading.Thread(target=lambda: gate.wait() is None or forward(ids, ids)) for _ in range(4)]\n"
        "[thread.start() for thread in threads]\n[thread.join() for thread in threads]\n"
    )
    for _ in range(4):
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=30)  # noqa: S603


def test_a_damaged_export_is_refused(exported_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(exported_folder, tmp_path / "copy"))
    (folder / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="the file is damaged or was exchanged"):
        Tagger.load(folder, "cpu", "onnx")
    assert Tagger.load(folder, "cpu", "onnx-int8").predict(["It rained."])


@pytest.mark.parametrize(("nodes", "asked"), [((), False), (("nvidiactl",), True)])
def test_torch_is_asked_for_a_gpu_only_if_there_may_be_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nodes: tuple[str, ...], asked: bool
) -> None:
    for node in nodes:
        (tmp_path / node).touch()
    questions: list[str] = []

    def asked_for() -> bool:
        questions.append("a GPU")
        return False

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("serve.backend._NODES", (tmp_path / "nvidiactl",))
    monkeypatch.setattr("torch.cuda.is_available", asked_for)
    exported = manifest(exports={"onnx": PARITY})
    assert choose_backend(exported) == ("onnx", "cpu")
    assert bool(questions) == asked
    with pytest.raises(DeviceError, match="no GPU"):
        choose_backend(exported, "cuda")
    assert questions


def test_tagging_with_onnx_needs_no_torch(exported_folder: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom serve import backend\nfrom serve.tagger import Tagger\n"
        "backend._NODES = ()\n"  # as on a machine without a GPU
        f"Tagger.load(Path({str(exported_folder)!r}), 'auto', cascade=True).tag(['It rained.'])\n"
        "print({'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "set()\n"

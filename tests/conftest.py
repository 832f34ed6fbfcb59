"""A tiny random model, built in memory in a second, and the files that the tests share."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

# Before anything imports them: no test may reach a hub or a tracker, and bentoml's store is not the user's.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["BENTOML_DO_NOT_TRACK"] = "True"

import numpy as np
import pytest
import torch
from hypothesis import settings
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig

from labels.corpus import CORPUS
from labels.record import AnnotatedSentence
from labels.scheme import BIO_TAGS, STANCES
from labels.splits import read_held_out
from serve.cascade import BUCKETS, Cascade
from serve.encode import Encoder
from serve.model_folder import EXPORTED, BaseModelInfo, CascadeInfo, Decision, Manifest, Parity
from serve.network import StanceNetwork
from serve.tagger import Tagger
from serve.weights import save
from train.compress import export_openvino
from train.config import ExportConfig
from train.export import export_onnx
from train.quantise import quantise
from train.smoothing import Spared

# `make soak` has the long one.
settings.register_profile("short", max_examples=60)
settings.register_profile("soak", max_examples=1_500)
settings.load_profile("short")

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

SENTENCES = [
    "The dockers' union accused Norvex Shipping of hiding inspection reports.",
    "Talks resume on Monday.",
    "“That never happened,” a Norvex spokesman said in a statement late on Tuesday evening, adding nothing.",
    "The mayor stood by her deputy.",
    "No.",
]


def tiny_tokenizer() -> Tokenizer:
    """Single characters as pieces, so that every text can be written and words have many tokens."""
    letters = [chr(code) for code in range(33, 127)] + list("“”’é")
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {
        token: number for number, token in enumerate([*specials, *letters, *(f"##{letter}" for letter in letters)])
    }
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106 - a token, no secret
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    return tokenizer


def tiny_network(seed: int = 0) -> StanceNetwork:
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=256,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    network = StanceNetwork.from_config(config)
    # Random heads answer much alike; wider weights make the answers differ, as a trained model's do.
    torch.nn.init.normal_(network.stance_head.weight, std=3.0)
    torch.nn.init.normal_(network.role_head.weight, std=3.0)
    return network


def manifest(**changes: object) -> Manifest:
    settings: dict[str, object] = {
        "name": "stance",
        "version": "1",
        "labels": list(STANCES),
        "role_tags": list(BIO_TAGS),
        "decision": Decision(temperature=1.3, abstain_below=0.4),
        "max_length": 64,
        "base": BaseModelInfo(name="tiny", weights_sha256="0" * 64),
        "files": {},
        "data_sha256": "0" * 64,
        "config": {},
        "metrics": {},
    }
    return Manifest.model_validate({**settings, **changes})


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "stance"
    save(folder, tiny_network(), tiny_tokenizer(), manifest(), "# card\n")
    return folder


def tiny_cascade() -> Cascade:
    """A linear model that is sure of some sentences and not of others."""
    random = np.random.default_rng(3)
    weights = random.normal(0, 9, (BUCKETS, len(STANCES))).astype(np.float32)
    return Cascade(np.ones(BUCKETS, dtype=np.float32), weights, np.zeros(len(STANCES), dtype=np.float32), 0.5)


@pytest.fixture(scope="session")
def exported_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with exports for all runtimes and a cascade."""
    network, tokenizer = tiny_network(), tiny_tokenizer()
    scratch = tmp_path_factory.mktemp("exports")
    export_onnx(network, scratch / "model.onnx")
    sample = (network, Encoder(tokenizer, 64), SENTENCES * 4)
    quantise(*sample, scratch / "model.int8.onnx", ExportConfig(), Spared())
    export_openvino(*sample, scratch / "model.weights8.onnx", ExportConfig(), Spared(0.5))
    tiny_cascade().save(scratch / "cascade.safetensors")
    parity = Parity(sentences=1, label_agreement=1.0, macro_f1_change=0.0, role_f1_change=0.0)
    cascade = CascadeInfo(threshold=0.5, acts_passed_on=1.0, answered=0.5, macro_f1_change=0.0)
    described = manifest(exports=dict.fromkeys(EXPORTED, parity), cascade=cascade)
    folder = tmp_path_factory.mktemp("models") / "exported"
    save(folder, network, tokenizer, described, "# card\n", {file.name: file for file in scratch.iterdir()})
    return folder


@pytest.fixture(scope="session")
def tagger(model_folder: Path) -> Tagger:
    return Tagger.load(model_folder, "cpu")


@pytest.fixture(scope="session", autouse=True)
def bentoml_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("bentoml")
    before = os.environ.get("BENTOML_HOME")
    os.environ["BENTOML_HOME"] = str(home)
    yield home
    if before is None:
        del os.environ["BENTOML_HOME"]
    else:
        os.environ["BENTOML_HOME"] = before


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three topics of the corpus, one for each split, for what need not read it all."""
    folder = tmp_path_factory.mktemp("corpus")
    held_out = read_held_out()
    topics = {"development": min(held_out.development), "test": min(held_out.test), "train": "football"}
    for topic in topics.values():
        (folder / f"{topic}.jsonl").write_bytes((CORPUS / f"{topic}.jsonl").read_bytes())
    splits = {split: [topic] for split, topic in topics.items() if split != "train"}
    (folder / "splits.json").write_text(json.dumps(splits))
    return folder


def sentence(text: str, label: str = "neutral", **fields: object) -> AnnotatedSentence:
    """An annotated sentence with what a test does not care about filled in."""
    return AnnotatedSentence.model_validate(
        {"id": text[:20], "topic": "courts", "text": text, "label": label, **fields}
    )

import json
import shutil
from pathlib import Path

import pytest
import torch

from serve.errors import ModelError
from serve.model_folder import sha256_of_file
from serve.tagger import Tagger
from serve.weights import load, save
from tests.conftest import SENTENCES, manifest, tiny_network, tiny_tokenizer


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model_folder, tmp_path / "copy"))


def edit(folder: Path, **changes: object) -> None:
    file = folder / "stance.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_saved_model_answers_as_before(tmp_path: Path) -> None:
    network = tiny_network(seed=5)
    written = save(tmp_path / "m", network, tiny_tokenizer(), manifest(), "card")
    read = load(tmp_path / "m")
    assert read.manifest == written
    assert read.manifest.info.digest == written.files["model.safetensors"]
    for name, value in network.state_dict().items():
        assert torch.equal(read.network.state_dict()[name], value), name


def test_saving_again_replaces_the_model_and_leaves_nothing_behind(tmp_path: Path) -> None:
    first = save(tmp_path / "m", tiny_network(1), tiny_tokenizer(), manifest(), "card")
    second = save(tmp_path / "m", tiny_network(2), tiny_tokenizer(), manifest(version="2"), "card")
    assert load(tmp_path / "m").manifest == second != first
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("kind", ["other folder", "file", "link"])
def test_saving_deletes_nothing_but_a_model(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "m"
    if kind == "other folder":
        target.mkdir()
        (target / "thesis.txt").write_text("Years of work.")
    elif kind == "file":
        target.write_text("Years of work.")
    else:
        target.symlink_to(tmp_path)
    with pytest.raises(ModelError, match="name another"):
        save(target, tiny_network(), tiny_tokenizer(), manifest(), "card")
    assert target.exists()


def test_no_pickle_is_written(model_folder: Path) -> None:
    names = {path.name for path in model_folder.iterdir()}
    assert names == {"stance.json", "model.safetensors", "config.json", "tokenizer.json", "README.md"}


def test_a_missing_folder_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no model in .*none.*python -m train"):
        load(tmp_path / "none")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"lacks {name}"):
        load(folder)


def test_truncated_weights_are_refused(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="the file is damaged or was exchanged"):
        load(folder)


def test_another_label_order_is_refused(folder: Path) -> None:
    edit(folder, labels=["neutral", "accuses", "denies", "defends"])
    with pytest.raises(ModelError, match=r"has the labels neutral, accuses, denies, defends, this version has accuses"):
        load(folder)


@pytest.mark.parametrize(
    "changes", [{"format": 2}, {"decision": {"temperature": 0}}, {"surprise": 1}], ids=["format", "temperature", "key"]
)
def test_a_manifest_of_another_make_is_refused(folder: Path, changes: dict[str, object]) -> None:
    edit(folder, **changes)
    with pytest.raises(ModelError, match="not a manifest that this version reads"):
        load(folder)


def test_an_exchanged_tokenizer_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json has sha256 44136fa355b3…, the manifest says"):
        load(folder)


def test_a_network_of_another_shape_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": 16}))
    edit(
        folder,
        files={name: sha256_of_file(folder / name) for name in ("model.safetensors", "config.json", "tokenizer.json")},
    )
    with pytest.raises(ModelError, match="cannot be read"):
        load(folder)


def test_the_decision_is_what_the_manifest_says(folder: Path) -> None:
    before = Tagger.load(folder, "cpu").predict(SENTENCES)
    edit(folder, decision={"temperature": 1.3, "abstain_below": 1.0})
    after = Tagger.load(folder, "cpu").predict(SENTENCES)
    assert all(answer.abstained for answer in after)
    assert [answer.scores for answer in after] == [answer.scores for answer in before]
    edit(folder, decision={"temperature": 100.0, "abstain_below": 0.0})
    flat = Tagger.load(folder, "cpu").predict(SENTENCES)
    assert all(max(answer.scores) < 0.35 for answer in flat)

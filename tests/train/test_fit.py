"""Training itself, with a tiny encoder: it learns, it resumes, and it refuses what it cannot use."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerFast, TrainerCallback

from serve.model_folder import sha256_of_file
from serve.tagger import Tagger
from serve.weights import load
from tests.conftest import tiny_network, tiny_tokenizer
from train import __main__ as command
from train.base import load_base
from train.config import Config, ConfigError, ModelConfig
from train.data import read_splits
from train.metrics import evaluate, true_roles
from train.recipe import Outcome, train


@pytest.fixture(scope="module")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    tiny_network().encoder.save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer())  # type: ignore[no-untyped-call]
    tokenizer.save_pretrained(folder)
    return folder


MakeConfig = Callable[..., Config]


@pytest.fixture
def tiny_config(base_folder: Path, small_corpus: Path, tmp_path: Path) -> MakeConfig:
    def make(output: str = "", **training: Any) -> Config:
        folder = tmp_path / output
        return Config.model_validate(
            {
                "data": {"corpus": small_corpus, "limit": 80},
                "model": {"base": str(base_folder), "max_length": 32},
                "training": {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3, **training},
                "baselines": {"names": ["majority"]},
                "output": {"folder": folder / "model", "run": folder / "run", "register_model": False},
            }
        )

    return make


def run(config: Config, resume: bool = False) -> Outcome:
    outcome = train(config, resume)
    assert outcome is not None
    return outcome


def test_a_run_leaves_a_model_that_answers_as_measured(
    tiny_config: MakeConfig, base_folder: Path, tmp_path: Path
) -> None:
    config = tiny_config()
    outcome = run(config)
    saved = load(outcome.folder)
    assert saved.manifest.config == config.model_dump(mode="json")
    assert saved.manifest.base.weights_sha256 == sha256_of_file(base_folder / "model.safetensors")
    assert set(saved.manifest.metrics) == {"majority", "transformer"}
    assert saved.manifest.metrics["transformer"]["n"] == 80
    assert (outcome.folder / "README.md").read_text().startswith("---\nlanguage: en")
    assert not (tmp_path / "run" / "checkpoints").exists()
    # Measured is what torch computes; exports are held against it before they are saved.
    served = Tagger.load(outcome.folder, "cpu", backend="torch")
    splits, _ = read_splits(config.data, config.training.seed)
    answers = served.predict([found.text for found in splits["test"]])
    again = evaluate([f.label for f in splits["test"]], [true_roles(f) for f in splits["test"]], answers)
    assert again == outcome.evaluations["transformer"]


def test_training_changes_every_part_of_the_network(tiny_config: MakeConfig) -> None:
    before = tiny_network().state_dict()
    after = load(run(tiny_config()).folder).network.state_dict()
    for part in ("encoder.embeddings.word_embeddings.weight", "stance_head.weight", "role_head.weight"):
        assert not torch.equal(before[part], after[part]), part


class Interrupt(TrainerCallback):
    """Stands in for a user's Ctrl-C at the beginning of the second epoch."""

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.epoch and state.epoch >= 1:
            raise KeyboardInterrupt


@pytest.mark.parametrize("patience", [1, 4])
def test_an_interrupted_run_resumes_to_the_same_result(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: int
) -> None:
    # At this rate the score falls after the first pass, so that a patience of 1 ends the run before the last.
    whole = run(tiny_config("whole", epochs=4, patience=patience))
    config = tiny_config("cut", epochs=4, patience=patience)
    with monkeypatch.context() as patched:
        patched.setattr("train.fit._EpochLines.on_epoch_begin", Interrupt.on_epoch_begin)
        with pytest.raises(KeyboardInterrupt):
            train(config)
    assert not (tmp_path / "cut" / "model").exists()
    resumed = run(config, resume=True)
    assert resumed.evaluations["transformer"] == whole.evaluations["transformer"]
    one, other = load(whole.folder).network.state_dict(), load(resumed.folder).network.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_there_must_be_something_to_resume(tiny_config: MakeConfig) -> None:
    config = tiny_config()
    train(config)
    with pytest.raises(ConfigError, match="nothing to resume"):
        train(config, resume=True)


def test_a_run_is_resumed_with_the_configuration_it_was_begun_with(tiny_config: MakeConfig, tmp_path: Path) -> None:
    config = tiny_config()
    (tmp_path / "run" / "checkpoints" / "checkpoint-5").mkdir(parents=True)
    with pytest.raises(ConfigError, match="tells of another configuration or corpus"):
        train(config, resume=True)
    train(config)
    (tmp_path / "run" / "checkpoints" / "checkpoint-5").mkdir(parents=True)
    with pytest.raises(ConfigError, match="tells of another configuration or corpus"):
        train(tiny_config(epochs=9), resume=True)


def test_an_output_that_cannot_be_written_is_said_before_training(tiny_config: MakeConfig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"output: cannot write below .*file.*; name folders that can be"):
        train(tiny_config("file"))
    config = tiny_config()
    inside = config.output.model_copy(update={"run": config.output.folder / "run"})
    with pytest.raises(ConfigError, match="may not lie in each other"):
        train(config.model_copy(update={"output": inside}))


def test_exchanged_weights_of_the_base_are_refused(base_folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.base_sha256 is 000000000000…, but the weights of .* have"):
        load_base(ModelConfig(base=str(base_folder), base_sha256="0" * 64))


def test_a_base_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.base: .*none cannot be loaded"):
        load_base(ModelConfig(base=str(tmp_path / "none")))


@pytest.mark.parametrize(("enabled", "code"), [(True, 3), (False, 0)])
def test_a_model_that_does_not_beat_the_baselines_is_refused_unless_overridden(
    tiny_config: MakeConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    enabled: bool,
    code: int,
) -> None:
    monkeypatch.setattr("serve.service.register", lambda folder: f"registered {folder.name}")
    file = tmp_path / "config.yaml"
    # A network that cannot move stays behind the linear model.
    config = tiny_config(epochs=1, learning_rate=1e-12).model_dump(mode="json")
    config["baselines"]["names"] = ["tf-idf + logistic regression"]
    config["data"]["limit"] = 200
    config["gate"]["enabled"] = enabled
    config["output"]["register_model"] = True
    file.write_text(json.dumps(config))
    with pytest.raises(SystemExit) as stopped:
        command.main([str(file)])
    assert stopped.value.code == code
    printed = capsys.readouterr()
    assert ("registered model" in printed.out) == (not enabled)
    assert (tmp_path / "model").exists() == (not enabled), "a refused model may not take the place of a good one"
    assert (tmp_path / "run" / "refused").exists() == enabled
    assert ("refused" in printed.err) == enabled
    assert ("overridden by gate.enabled=false" in printed.out) == (not enabled)

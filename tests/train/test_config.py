import re
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from train.config import Config, ConfigError, load_config

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("training:\n  epochs: 3\n")
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.name))
def test_every_committed_configuration_is_valid_and_opens_with_its_command(path: Path) -> None:
    load_config(path)
    first = path.read_text().splitlines()[0]
    assert first.startswith("# Launch:   python -m train")
    assert path.name == "default.yaml" or str(path.relative_to(ROOT)) in first


def test_the_default_configuration_names_only_what_differs_or_is_worth_seeing() -> None:
    settings = yaml.safe_load((ROOT / "configs" / "default.yaml").read_text())
    assert set(settings) <= set(Config.model_fields)


def test_a_value_comes_from_the_file_then_from_the_override(file: Path) -> None:
    assert load_config(file).training.epochs == 3
    config = load_config(file, ["training.epochs=7", "data.articles=null", "baselines.names=[majority]"])
    assert config.training.epochs == 7
    assert config.data.articles is None
    assert config.baselines.names == ("majority",)


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("training:\n  epoch: 3\n  learning_rate: fast\n  seed: -1\nmodle: {}\n")
    with pytest.raises(ConfigError) as raised:
        load_config(path, ["data.limit=0", "gate", "training.dropout=0.5"])
    lines = sorted(str(raised.value).splitlines())
    assert [line.split(":")[0] for line in lines] == [
        "data.limit",
        "gate",
        "modle",
        "training.dropout",
        "training.epoch",
        "training.learning_rate",
        "training.seed",
    ]
    assert "known here are epochs, patience" in lines[4]
    assert lines[2] == (
        "modle: unknown key; known here are data, model, augmentation, training, baselines, calibration, export, "
        "cascade, gate, output"
    )
    assert lines[0] == "data.limit: input should be greater than 0, not 0"


def test_an_enabled_gate_needs_a_baseline(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"^gate\.enabled needs a baseline"):
        load_config(file, ["baselines.names=[]"])
    assert load_config(file, ["baselines.names=[]", "gate.enabled=false"]).baselines.names == ()


@pytest.mark.parametrize(
    "override", ["training.seed=9999999999", "output.name=-x-", "training.role_weight=.inf", "output.name=" + "a" * 70]
)
def test_a_value_that_would_break_later_is_refused_now(file: Path, override: str) -> None:
    with pytest.raises(ConfigError, match=override.split("=")[0]):
        load_config(file, [override])


@pytest.mark.parametrize("content", ["[1, 2]", "training: [", "", "\0"])
def test_a_file_that_is_no_configuration_is_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        load_config(path)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the configuration .*see configs/"):
        load_config(tmp_path / "none.yaml")


def test_every_key_is_explained() -> None:
    unexplained = [
        f"{section}.{key}"
        for section, field in Config.model_fields.items()
        for key, setting in field.annotation.model_fields.items()  # type: ignore[union-attr]
        if not setting.description
    ]
    assert unexplained == []


def test_every_key_is_read() -> None:
    """A setting that nobody reads misleads; each must be looked up somewhere outside the configuration itself."""
    sources = "\n".join(path.read_text() for path in (ROOT / "train").glob("*.py") if path.name != "config.py")
    # A section handed on is `config` or `self._config` to who takes it, and the training section `settings`.
    handed_on = ("config", "self._config", "settings")
    unread = [
        f"{section}.{key}"
        for section, field in Config.model_fields.items()
        for key in field.annotation.model_fields  # type: ignore[union-attr]
        if not re.search(rf"\b(?:{section}|{'|'.join(handed_on)})\.{key}\b", sources)
    ]
    assert unread == []

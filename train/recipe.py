"""A training run from top to bottom: read, baselines, fine-tune, calibrate, test, gate, save, register."""

import datetime
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from labels.corpus import digest
from labels.record import AnnotatedSentence
from labels.scheme import BIO_TAGS, STANCES
from serve.model_folder import Decision, Manifest, save
from serve.prediction import Predictor
from serve.records import ModelInfo
from train.base import load_base
from train.baselines import fit_baseline
from train.calibration import fit_decision
from train.config import Config, ConfigError
from train.data import read_splits
from train.fit import fit
from train.gate import Verdict, judge
from train.metrics import Evaluation, evaluate, true_roles
from train.report import TRANSFORMER, model_card, print_details, print_table

_CONFIG_COPY = "config.json"


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    folder: Path
    evaluations: dict[str, Evaluation]
    verdict: Verdict | None
    """None if there was no baseline to compare with."""


def train(config: Config, resume: bool = False) -> Outcome | None:
    """Run the recipe; None on the helping processes of a distributed run.

    Raises:
        UserError: the configuration, the corpus, or what is to be resumed cannot be used.
    """
    leader = os.environ.get("RANK", "0") == "0"
    splits, note = read_splits(config.data, config.training.seed)
    sizes = ", ".join(f"{len(members)} {split}" for split, members in splits.items())
    if leader:
        print(f"sentences: {sizes}\n{note}", flush=True)
    base = load_base(config.model)
    checkpoints = config.output.run / "checkpoints"
    if leader:
        _prepare_run(config, resume)
    fitted = fit(config, base, splits["train"], splits["development"], checkpoints, resume)
    if not leader:
        return None

    version = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d.%H%M%S")
    info = ModelInfo(name=config.output.name, version=version, digest="")
    uncalibrated = fitted.tagger(Decision(), info).predict(_texts(splits["development"]))
    decision = fit_decision(splits["development"], uncalibrated, config.calibration.precision)
    print(
        f"best epoch {fitted.best_epoch:.0f}, development macro-F1 {fitted.development_macro_f1:.3f}; temperature "
        f"{decision.temperature:.2f}, abstains below {decision.abstain_below:.2f}",
        flush=True,
    )

    predictors: dict[str, Predictor] = {}
    for name in config.baselines.names:
        print(f"baseline: {name}", flush=True)
        predictors[name] = fit_baseline(name, splits["train"])
    predictors[TRANSFORMER] = fitted.tagger(decision, info)
    test = splits["test"]
    answers = {name: predictor.predict(_texts(test)) for name, predictor in predictors.items()}
    truth = [sentence.label for sentence in test]
    roles = [true_roles(sentence) for sentence in test]
    evaluations = {name: evaluate(truth, roles, predictions) for name, predictions in answers.items()}
    print_table(f"test split, {len(test)} sentences of topics not seen in training", evaluations)
    print_details(evaluations[TRANSFORMER])
    baselines = {name: predictions for name, predictions in answers.items() if name != TRANSFORMER}
    verdict = judge(truth, answers[TRANSFORMER], baselines, config.gate.confidence) if baselines else None

    manifest = Manifest(
        name=config.output.name,
        version=version,
        labels=list(STANCES),
        role_tags=list(BIO_TAGS),
        decision=decision,
        max_length=config.model.max_length,
        base=base.info,
        files={},
        data_sha256=digest(splits["train"]),
        config=config.model_dump(mode="json"),
        metrics={name: measured.model_dump(mode="json") for name, measured in evaluations.items()},
    )
    card = model_card(config, version, sizes, evaluations)
    save(config.output.folder, fitted.network, base.tokenizer, manifest, card)
    print(f"saved to {config.output.folder}", flush=True)
    shutil.rmtree(checkpoints)
    return Outcome(config.output.folder, evaluations, verdict)


def _texts(sentences: list[AnnotatedSentence]) -> list[str]:
    return [sentence.text for sentence in sentences]


def _prepare_run(config: Config, resume: bool) -> None:
    """Make the output's folders; a resumed run must be the one that was begun."""
    copy = config.output.run / _CONFIG_COPY
    settings = config.model_dump_json(indent=2)
    if resume and copy.is_file() and copy.read_text(encoding="utf-8") != settings:
        raise ConfigError(f"{copy} differs from this configuration; resume with the one that was begun, or run anew")
    try:
        # Tried before hours of work, not after.
        config.output.folder.parent.mkdir(parents=True, exist_ok=True)
        config.output.run.mkdir(parents=True, exist_ok=True)
        if not resume:
            shutil.rmtree(config.output.run / "checkpoints", ignore_errors=True)
            copy.write_text(settings, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"output: cannot write {error.filename}: {error.strerror}; name folders that can be"
        ) from error

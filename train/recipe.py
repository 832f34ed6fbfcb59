"""A training run from top to bottom: read, fine-tune, calibrate, fit the baselines, test, judge, save."""

import datetime
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from labels.corpus import digest
from labels.record import AnnotatedSentence
from labels.scheme import BIO_TAGS, STANCES
from serve.model_folder import Decision, Manifest, check_replaceable
from serve.prediction import Predictor
from serve.records import ModelInfo
from serve.reference import Reference
from serve.weights import save
from train.base import load_base
from train.baselines import fit_baseline
from train.calibration import fit_decision
from train.config import Config, ConfigError
from train.data import read_splits
from train.fit import fit
from train.gate import Verdict, judge
from train.metrics import Evaluation, evaluate, true_roles
from train.report import TRANSFORMER, model_card, print_details, print_table
from train.runtimes import make_runtimes

#: What a run was begun with, for a resumed one to be held against.
_BEGUN = "begun.json"
#: Where below `output.run` a model goes that the gate refused.
_REFUSED = "refused"


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
    data_sha256 = digest(splits["train"])
    checkpoints = config.output.run / "checkpoints"
    if leader:
        _prepare_run(config, data_sha256, resume)
    base = load_base(config.model)
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

    card = model_card(config, version, sizes, evaluations)
    # A refused model is kept for study, but not where the last good one is looked for.
    refused = verdict is not None and config.gate.enabled and not verdict.passed
    folder = config.output.run / _REFUSED if refused else config.output.folder
    with tempfile.TemporaryDirectory(dir=config.output.run) as scratch:
        made = make_runtimes(config, fitted, decision, splits["train"], splits["development"], Path(scratch))
        manifest = Manifest(
            name=config.output.name,
            version=version,
            labels=list(STANCES),
            role_tags=list(BIO_TAGS),
            decision=decision,
            max_length=config.model.max_length,
            base=base.info,
            files={},
            exports=made.exports,
            cascade=made.cascade,
            reference=Reference.of(predictors[TRANSFORMER].predict(_texts(splits["development"]))),
            data_sha256=data_sha256,
            config=config.model_dump(mode="json"),
            metrics={name: measured.model_dump(mode="json") for name, measured in evaluations.items()},
        )
        save(folder, fitted.network, base.tokenizer, manifest, card, made.files)
    print(f"saved to {folder}", flush=True)
    shutil.rmtree(checkpoints)
    return Outcome(folder, evaluations, verdict)


def _texts(sentences: list[AnnotatedSentence]) -> list[str]:
    return [sentence.text for sentence in sentences]


def _prepare_run(config: Config, data_sha256: str, resume: bool) -> None:
    """Make the output's folders before hours of work; a resumed run must be the one that was begun."""
    check_replaceable(config.output.folder)
    folder, run = config.output.folder.resolve(), config.output.run.resolve()
    if run.is_relative_to(folder) or folder.is_relative_to(run):
        raise ConfigError("output.run and output.folder may not lie in each other; name folders apart")
    copy = run / _BEGUN
    begun = json.dumps({"config": config.model_dump(mode="json"), "data_sha256": data_sha256}, indent=2)
    if resume and (not copy.is_file() or copy.read_text(encoding="utf-8") != begun):
        raise ConfigError(f"{copy} tells of another configuration or corpus; go back to those, or run without --resume")
    try:
        for parent in (folder.parent, run):
            parent.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=parent).close()
        if not resume:
            shutil.rmtree(run / "checkpoints", ignore_errors=True)
            copy.write_text(begun, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"output: cannot write below {parent}: {error.strerror}; name folders that can be") from error

"""What a model is saved with beside its weights: exports for other runtimes and the cascade, each tried before.

Nothing of it changes the model: an export that answers otherwise, or a cascade that costs too much, is left out.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labels.record import AnnotatedSentence
from serve.model_folder import CASCADE, EXPORTED, CascadeInfo, Decision, Exported, Parity
from serve.onnx_forward import OnnxForward
from serve.prediction import Prediction
from serve.records import ModelInfo
from serve.tagger import Tagger
from train.cascade import fit_cascade
from train.config import Config
from train.export import export_onnx
from train.fit import Fitted
from train.metrics import evaluate, true_roles
from train.parity import breaches, measure_parity
from train.quantise import quantise


@dataclass
class Runtimes:
    """Files to save with the model, by their names in its folder, and what the manifest says of them."""

    files: dict[str, Path] = field(default_factory=dict)
    exports: dict[Exported, Parity] = field(default_factory=dict)
    cascade: CascadeInfo | None = None


def make_runtimes(
    config: Config,
    fitted: Fitted,
    decision: Decision,
    train: Sequence[AnnotatedSentence],
    development: Sequence[AnnotatedSentence],
    folder: Path,
) -> Runtimes:
    """Write exports and the cascade of a trained model to `folder`, and print a line about each.

    `fitted.network` is moved to the CPU.
    """
    network = fitted.network.cpu()
    info = ModelInfo(name=config.output.name, version="in training", digest="")
    texts = [sentence.text for sentence in development]
    reference = fitted.tagger(decision, info).predict(texts)
    made = Runtimes()
    for backend in config.export.backends:
        file = folder / EXPORTED[backend]
        if backend == "onnx":
            export_onnx(network, file)
        else:
            chosen = list(train)
            random.Random(config.training.seed).shuffle(chosen)  # noqa: S311 - a draw of sentences needs no secrecy
            sample = [sentence.text for sentence in chosen[: config.export.calibration_sentences]]
            quantise(network, fitted.encoder, sample, file, config.export)
        answers = Tagger(fitted.encoder, OnnxForward(file), decision, info).predict(texts)
        parity = measure_parity(development, reference, answers)
        if wrong := breaches(parity):
            print(f"export {backend}: refused, for {'; '.join(wrong)}", flush=True)
            continue
        print(
            f"export {backend}: {parity.label_agreement:.2%} of the labels are torch's on the development split",
            flush=True,
        )
        made.files[EXPORTED[backend]] = file
        made.exports[backend] = parity
    if config.cascade.enabled:
        file = folder / CASCADE
        cascade = fit_cascade(train, development, fitted.encoder, config.cascade.acts_passed_on, config.training.seed)
        cascade.save(file)
        behind = fitted.tagger(decision, info, cascade).predict(texts)
        found = _measure_cascade(development, reference, behind, cascade.threshold)
        told = f"{found.answered:.1%} of the development split answered, macro-F1 {found.macro_f1_change:+.4f}"
        if -found.macro_f1_change > config.cascade.macro_f1_loss:
            print(f"cascade: left out, for {told}, and at most {config.cascade.macro_f1_loss} may be lost", flush=True)
        else:
            print(f"cascade: {told}, {found.acts_passed_on:.2%} of the acts passed on", flush=True)
            made.files[CASCADE] = file
            made.cascade = found
    return made


def _measure_cascade(
    development: Sequence[AnnotatedSentence],
    reference: Sequence[Prediction],
    behind: Sequence[Prediction],
    threshold: float,
) -> CascadeInfo:
    truth = [sentence.label for sentence in development]
    roles = [true_roles(sentence) for sentence in development]
    acts = [answer for answer, label in zip(behind, truth, strict=True) if label != "neutral"]
    change = evaluate(truth, roles, behind).macro_f1 - evaluate(truth, roles, reference).macro_f1
    return CascadeInfo(
        threshold=threshold,
        acts_passed_on=sum(answer.answered_by == "network" for answer in acts) / len(acts),
        answered=sum(answer.answered_by == "linear" for answer in behind) / len(behind),
        macro_f1_change=change,
    )

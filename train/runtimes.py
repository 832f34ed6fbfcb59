"""What a model is saved with beside its weights: exports for other runtimes and the cascade, each tried before.

Nothing of it changes the model: an export that answers otherwise, or a cascade that costs too much, is left out.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labels.record import AnnotatedSentence
from serve.backend import open_export
from serve.model_folder import CASCADE, EXPORTED, CascadeInfo, Decision, Exported, Parity
from serve.prediction import Prediction
from serve.records import ModelInfo
from serve.tagger import Tagger
from train.cascade import fit_cascade
from train.compress import OPENVINO_STEPS, export_openvino
from train.config import Config
from train.export import export_onnx
from train.fit import Fitted
from train.metrics import evaluate, true_roles
from train.parity import breaches, measure_parity
from train.quantise import STEPS, quantise
from train.smoothing import Spared


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
    sample = _sample(train, config)

    def try_out(backend: Exported, write: Callable[[Path], None], remark: str) -> bool:
        """Write an export and keep it if it answers as torch does; whether there is nothing more to try."""
        file = folder / EXPORTED[backend]
        try:
            write(file)
            answers = Tagger(fitted.encoder, open_export(backend, file), decision, info).predict(texts)
        except Exception as error:  # exporters raise anything, and the trained model is worth more than an export
            reason = str(error).partition("\n")[0]
            print(f"export {backend}: left out, for {type(error).__name__}: {reason}", flush=True)
            return True
        parity = measure_parity(development, reference, answers)
        if wrong := breaches(parity):
            print(f"export {backend}{remark}: refused, for {'; '.join(wrong)}", flush=True)
            return False
        same = f"{parity.label_agreement:.2%} of the labels are torch's on the development split"
        print(f"export {backend}{remark}: {same}", flush=True)
        made.files[EXPORTED[backend]] = file
        made.exports[backend] = parity
        return True

    if "onnx" in config.export.backends:
        try_out("onnx", lambda file: export_onnx(network, file), "")
    if "onnx-int8" in config.export.backends:
        for spared in STEPS:

            def write(file: Path, spared: Spared = spared) -> None:
                quantise(network, fitted.encoder, sample, file, config.export, spared)

            if try_out("onnx-int8", write, f" ({spared.told} in float32)"):
                break
    if "openvino-int8" in config.export.backends:
        for rounded in OPENVINO_STEPS:

            def write_rounded(file: Path, rounded: Spared | None = rounded) -> None:
                export_openvino(network, fitted.encoder, sample, file, config.export, rounded)

            told = "every product" if rounded is None else rounded.told
            if try_out("openvino-int8", write_rounded, f" ({told} rounded as it comes)"):
                break
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


def _sample(train: Sequence[AnnotatedSentence], config: Config) -> list[str]:
    """Training sentences from which the ranges of the activations are taken."""
    chosen = list(train)
    random.Random(config.training.seed).shuffle(chosen)  # noqa: S311 - a draw of sentences needs no secrecy
    return [sentence.text for sentence in chosen[: config.export.calibration_sentences]]


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

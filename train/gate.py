"""The gate: a transformer that a linear model matches is not worth its cost, and is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labels.scheme import Stance
from labels.scores import label_codes
from serve.prediction import Prediction
from train.metrics import bootstrap_macro_f1, resample


@dataclass(frozen=True)
class Verdict:
    """How the transformer stands against the best baseline."""

    baseline: str
    share_ahead: float
    """Share of the paired bootstrap resamples in which the transformer's macro-F1 is the higher."""
    passed: bool


def judge(
    labels: Sequence[Stance],
    transformer: Sequence[Prediction],
    baselines: Mapping[str, Sequence[Prediction]],
    confidence: float,
    seed: int = 0,
) -> Verdict:
    """Compare with the baseline of the highest macro-F1 by a paired bootstrap over sentences.

    The test is that of Berg-Kirkpatrick, Burkett and Klein, "An empirical investigation of statistical significance in
    NLP" (EMNLP 2012), one-sided.
    """
    truth = label_codes(labels)
    positions = resample(len(truth), seed)

    samples = {
        name: bootstrap_macro_f1(truth, label_codes([answer.label for answer in answers]), positions)
        for name, answers in baselines.items()
    }
    best = max(samples, key=lambda name: float(samples[name].mean()))
    ours = bootstrap_macro_f1(truth, label_codes([answer.label for answer in transformer]), positions)
    share = float((ours > samples[best]).mean())
    return Verdict(best, share, share >= confidence)

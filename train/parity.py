"""Whether an exported model is as right as the one it was made of."""

from collections.abc import Sequence
from typing import Final

from labels.record import AnnotatedSentence
from serve.model_folder import Parity
from serve.prediction import Prediction
from train.metrics import evaluate, true_roles

#: Least share of the same labels, and how far macro-F1 and the overlap F1 of a role may be from float32's.
AGREEMENT: Final = 0.995
MACRO_F1: Final = 0.005
ROLE_F1: Final = 0.01


def measure_parity(
    sentences: Sequence[AnnotatedSentence], reference: Sequence[Prediction], exported: Sequence[Prediction]
) -> Parity:
    """Compare the answers of an exported model with those of torch, all to the same `sentences`."""
    truth = [sentence.label for sentence in sentences]
    roles = [true_roles(sentence) for sentence in sentences]
    before, after = evaluate(truth, roles, reference), evaluate(truth, roles, exported)
    same = sum(one.label == other.label for one, other in zip(reference, exported, strict=True))
    changes = [after.roles[role]["overlap"]["f1"] - before.roles[role]["overlap"]["f1"] for role in before.roles]
    return Parity(
        sentences=len(truth),
        label_agreement=same / len(truth),
        macro_f1_change=after.macro_f1 - before.macro_f1,
        role_f1_change=max(changes, key=abs),
    )


def breaches(parity: Parity) -> list[str]:
    """What is wrong with it, a phrase for each rule that it breaks; nothing if it may be served."""
    found = []
    if parity.label_agreement < AGREEMENT:
        found.append(f"{parity.label_agreement:.2%} of the labels are the same, {AGREEMENT:.1%} wanted")
    if abs(parity.macro_f1_change) > MACRO_F1:
        found.append(f"macro-F1 changes by {parity.macro_f1_change:+.4f}, {MACRO_F1} allowed")
    if abs(parity.role_f1_change) > ROLE_F1:
        found.append(f"the F1 of a role changes by {parity.role_f1_change:+.4f}, {ROLE_F1} allowed")
    return found

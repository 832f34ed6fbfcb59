"""Tables for people, and the model card."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from labels.scheme import STANCES
from train.config import Config
from train.metrics import Evaluation

TRANSFORMER = "transformer"


def print_table(title: str, evaluations: Mapping[str, Evaluation]) -> None:
    """One row per predictor: macro-F1 with its interval, F1 per stance, accuracy, calibration error."""
    table = Table(title=title)
    table.add_column("predictor")
    for column in ("macro-F1", "95 % interval", *STANCES, "accuracy", "ECE"):
        table.add_column(column, justify="right")
    for name, measured in evaluations.items():
        low, high = measured.macro_f1_ci95
        per_label = [f"{measured.per_label[stance].f1:.3f}" for stance in STANCES]
        table.add_row(
            name,
            f"{measured.macro_f1:.3f}",
            f"{low:.3f} to {high:.3f}",
            *per_label,
            f"{measured.accuracy:.3f}",
            f"{measured.ece:.3f}",
        )
    Console(width=120).print(table)


def print_details(measured: Evaluation) -> None:
    """Precision and recall of each stance, F1 of each role, and precision by coverage."""
    stances = Table(title=f"per stance, n = {measured.n}")
    for column in ("stance", "precision", "recall", "F1", "support"):
        stances.add_column(column, justify="left" if column == "stance" else "right")
    for stance, scores in measured.per_label.items():
        stances.add_row(
            stance, f"{scores.precision:.3f}", f"{scores.recall:.3f}", f"{scores.f1:.3f}", str(scores.support)
        )
    roles = Table(title="per role")
    for column in ("role", "exact F1", "overlap F1", "support"):
        roles.add_column(column, justify="left" if column == "role" else "right")
    for role, role_scores in measured.roles.items():
        exact, overlap = role_scores["exact"]["f1"], role_scores["overlap"]["f1"]
        roles.add_row(role, f"{exact:.3f}", f"{overlap:.3f}", str(role_scores["support"]))
    console = Console(width=120)
    console.print(stances)
    console.print(roles)
    kept = ", ".join(f"{precision:.3f} at {share} %" for share, precision in measured.coverage_precision.items())
    console.print(f"precision by coverage: {kept}")


def model_card(config: Config, version: str, sizes: str, evaluations: Mapping[str, Evaluation]) -> str:
    """The model folder's README: what the model is, how it was measured, and what it must not be used for."""
    rows = "\n".join(
        f"| {name} | {measured.macro_f1:.3f} | {measured.macro_f1_ci95[0]:.3f} to {measured.macro_f1_ci95[1]:.3f} | "
        + " | ".join(f"{measured.per_label[stance].f1:.3f}" for stance in STANCES)
        + " |"
        for name, measured in evaluations.items()
    )
    return f"""---
language: en
license: apache-2.0
base_model: {config.model.base}
pipeline_tag: text-classification
---
# {config.output.name} {version}

Tags a sentence of English news coverage with the stance act that it reports or voices ({", ".join(STANCES)}) and with
its roles (source, target, issue). Trained on sentences written for this purpose ({sizes}).

Test split, topics not seen in training:

| predictor | macro-F1 | 95 % interval | {" | ".join(STANCES)} |
|---|---|---|{"---|" * len(STANCES)}
{rows}

Not for decisions about a person: a tag says what a sentence reports, not whether it is true, and some tags are wrong.
"""

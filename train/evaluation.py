"""Scoring a saved model on sentences it was not trained on, through the served path."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labels.corpus import read_corpus
from labels.errors import DataError
from labels.record import AnnotatedSentence
from labels.scheme import Role, Stance
from labels.spans import Span
from labels.splits import by_split, read_held_out
from serve.prediction import Predictor
from serve.tagger import Tagger
from train.baselines import fit_baseline
from train.config import BaselinesConfig
from train.labelled_file import LabelledRow
from train.metrics import Evaluation, true_roles
from train.metrics import evaluate as score
from train.report import TRANSFORMER, print_details, print_table


@dataclass(frozen=True)
class Task:
    """Sentences with what is true of them; without labels, only predictions can be made."""

    texts: list[str]
    labels: list[Stance] | None
    roles: list[dict[Role, Span]]


def task_of_rows(rows: Sequence[LabelledRow]) -> Task:
    """The task that a labelled file sets."""
    labels = [row.label for row in rows if row.label is not None]
    return Task([row.text for row in rows], labels or None, [{span.role: span for span in row.roles} for row in rows])


def task_of_sentences(sentences: Sequence[AnnotatedSentence]) -> Task:
    """The task that a part of the corpus sets."""
    return Task(
        [sentence.text for sentence in sentences],
        [sentence.label for sentence in sentences],
        [true_roles(sentence) for sentence in sentences],
    )


def evaluate_model(
    task: Task,
    model: Path,
    device: str,
    baselines: bool,
    json_out: Path | None,
    predictions_out: Path | None,
) -> Evaluation | None:
    """Predict `task` with the model in the folder `model`, print the scores, and write what is asked for.

    Returns:
        The scores, or None if the task has no labels.

    Raises:
        ModelError: the model cannot be used.
        DataError: an output cannot be written, or scores were asked for without labels.
    """
    tagger = Tagger.load(model, device)
    if task.labels is None and (json_out is not None or baselines):
        raise DataError(
            "the data has no labels, so there is nothing to score; give labels or drop --json and --baselines"
        )
    records = tagger.tag(task.texts)
    if predictions_out is not None:
        lines = [record.model_dump_json() for record in records]
        _write(predictions_out, "".join(f"{line}\n" for line in lines))
    if task.labels is None:
        print(f"{len(records)} sentences predicted; no labels, so no scores")
        return None
    predictors: dict[str, Predictor] = {}
    if baselines:
        train = by_split(read_corpus(), read_held_out())["train"]
        predictors = {name: fit_baseline(name, train) for name in BaselinesConfig().names}
    predictors[TRANSFORMER] = tagger
    evaluations = {
        name: score(task.labels, task.roles, predictor.predict(task.texts)) for name, predictor in predictors.items()
    }
    print_table(f"{len(task.texts)} sentences", evaluations)
    print_details(evaluations[TRANSFORMER])
    if json_out is not None:
        _write(json_out, evaluations[TRANSFORMER].model_dump_json(indent=2) + "\n")
    return evaluations[TRANSFORMER]


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; name a path that can be written") from error

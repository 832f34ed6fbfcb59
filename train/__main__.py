"""`python -m train`: train a model, or evaluate one."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from labels.command_line import run
from labels.corpus import CORPUS
from labels.record import AnnotatedSentence
from labels.splits import by_split, read_held_out
from train.config import HELD_OUT_SPLITS, load_config

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Train: python -m train [CONFIG] [section.key=value ...] [--resume]. Evaluate: python -m train evaluate.",
)

DEFAULT_CONFIG = Path("configs/default.yaml")
#: Exit code of a run whose model did not beat the best baseline.
REFUSED = 3
#: Exit code of a run that the user interrupted, as shells have it.
INTERRUPTED = 130


@app.command("run")
def train_command(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[CONFIG] [section.key=value ...]")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
) -> None:
    """Train as a configuration says, and save and register the model if it beats the baselines."""
    overrides = [argument for argument in arguments or [] if "=" in argument]
    files = [Path(argument) for argument in arguments or [] if "=" not in argument]
    if len(files) > 1:
        raise typer.BadParameter(f"one configuration file, not {len(files)}: {', '.join(map(str, files))}")
    config = load_config(files[0] if files else DEFAULT_CONFIG, overrides)
    # Imported only now, for torch takes seconds, and a misspelt key should not have to wait for it.
    from train.recipe import train

    try:
        outcome = train(config, resume)
    except KeyboardInterrupt:
        print("interrupted; the same command with --resume goes on from the last whole epoch", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if outcome is None:
        return
    if outcome.verdict is not None:
        ahead = f"ahead of {outcome.verdict.baseline} in {outcome.verdict.share_ahead:.1%} of resamples"
        print(f"gate: the transformer is {ahead}; {config.gate.confidence:.0%} wanted")
        if not outcome.verdict.passed and config.gate.enabled:
            print(
                f"gate: refused, so the model is in {outcome.folder} and not registered; gate.enabled=false overrides",
                file=sys.stderr,
            )
            raise typer.Exit(REFUSED)
        if not outcome.verdict.passed:
            print("gate: not passed, overridden by gate.enabled=false")
    if config.output.register_model:
        from serve.service import register

        print(f"registered in BentoML's model store as {register(outcome.folder)}")


@app.command()
def evaluate(
    data: Annotated[Path | None, typer.Option(help="Labelled JSONL; without labels, predictions only.")] = None,
    split: Annotated[str | None, typer.Option(help="Instead of --data: development or test, of the corpus.")] = None,
    part: Annotated[str, typer.Option(help="With --split: all, articles or targeted.")] = "all",
    model: Annotated[Path, typer.Option(help="Folder of the saved model.")] = Path("models/stance"),
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Fit the baselines on the training corpus and score them too.")
    ] = False,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    predictions_out: Annotated[
        Path | None, typer.Option("--predictions", help="Write one record per sentence here, JSONL.")
    ] = None,
) -> None:
    """Score a saved model, through the served path, on labelled sentences."""
    from train.evaluation import evaluate_model, task_of_rows, task_of_sentences
    from train.labelled_file import read_labelled

    if (data is None) == (split is None):
        raise typer.BadParameter("give either --data FILE or --split development|test")
    task = task_of_rows(read_labelled(data)) if data is not None else task_of_sentences(_held_out(str(split), part))
    evaluate_model(task, model, device, baselines, json_out, predictions_out)


@app.command()
def splitters(
    articles: Annotated[Path, typer.Option(help="Folder with the text of the annotated articles.")],
) -> None:
    """Compare sentence splitters; the rivals are those of the extra `splitters` that are installed."""
    from train.splitters import compare

    compare(articles)


@app.command()
def disputes(
    out: Annotated[Path, typer.Option(help="Write the disputed sentences here, JSONL.")],
    blind: Annotated[Path | None, typer.Option(help="Write ids and texts alone here, to be labelled again.")] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of a model whose disagreement counts too.")] = None,
) -> None:
    """Find training sentences whose label cross-validation, or a trained model, disputes."""
    from labels.corpus import read_corpus
    from serve.tagger import Tagger
    from train.disputes import cross_validated_disputes, model_disputes, write_disputes

    sentences = by_split(read_corpus(CORPUS), read_held_out(CORPUS))["train"]
    found = cross_validated_disputes(sentences)
    told = f"cross-validation disputes {len(found)} of {len(sentences)}"
    if model is not None:
        tagger = Tagger.load(model)
        others = model_disputes(sentences, tagger, f"{tagger.info.name} {tagger.info.version}")
        told += f", the model {len(others)}"
        found += others
    print(f"{told}; {write_disputes(found, out, blind)} sentences -> {out}")


def _held_out(split: str, part: str) -> list[AnnotatedSentence]:
    from labels.corpus import read_corpus

    if split not in HELD_OUT_SPLITS:
        raise typer.BadParameter(f"--split is {' or '.join(HELD_OUT_SPLITS)}, not {split}")
    if part not in ("all", "articles", "targeted"):
        raise typer.BadParameter(f"--part is all, articles or targeted, not {part}")
    members = by_split(read_corpus(CORPUS), read_held_out(CORPUS))[split]
    if part == "all":
        return members
    return [sentence for sentence in members if (sentence.document is not None) == (part == "articles")]


def main(arguments: list[str]) -> None:
    """Training is what happens if no other command is named."""
    commands = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    if not arguments or arguments[0] not in {*commands, "--help"}:
        arguments = ["run", *arguments]
    run(app, arguments)


if __name__ == "__main__":
    main(sys.argv[1:])

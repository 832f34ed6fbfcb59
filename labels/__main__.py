"""`python -m labels`: look after the annotated sentences."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.console import Console
from rich.table import Table

from labels import articles as standoff
from labels import corpus, exchange_commands, manifest, markup
from labels.agreement import Agreement, agreement
from labels.command_line import run
from labels.errors import DataError, FaultsError
from labels.record import AnnotatedSentence, Annotation
from labels.scheme import ROLES, STANCES
from labels.second import DISPUTED, Grouping, grouped, read_second
from labels.splits import by_split, read_held_out
from labels.statistics import composition

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

app.command()(exchange_commands.export)
app.command("import")(exchange_commands.import_)
app.command()(exchange_commands.queue)

CorpusOption = Annotated[Path, typer.Option("--corpus", help="Folder of the corpus files.")]
AnnotationsOption = Annotated[Path, typer.Option("--annotations", help="Folder of the standoff annotation.")]


@app.command()
def check(folder: CorpusOption = corpus.CORPUS, annotations: AnnotationsOption = standoff.ANNOTATIONS) -> None:
    """Validate corpus, splits, second answers and standoff files; print all faults with their places, exit with 2."""
    sentences, faults = corpus.check(corpus.topic_files(folder))
    problems = [str(FaultsError(faults))] if faults else []
    readers: list[Callable[[], object]] = [
        lambda: read_held_out(folder),
        lambda: standoff.read_annotations(annotations),
    ]
    # The second answers are of the project's own corpus, and would miss what a faulty line holds.
    if folder.resolve() == corpus.CORPUS.resolve() and not faults:
        readers += [lambda: read_second(sentences), lambda: read_second(sentences, DISPUTED), _check_manifest]
    for read in readers:
        try:
            read()
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError("\n".join(problems))
    print(f"{len(sentences)} sentences: no faults")


def _check_manifest() -> None:
    if faults := manifest.faults(corpus.CORPUS.parent):
        raise FaultsError(faults)


@app.command("manifest")
def write_manifest() -> None:
    """Write the sha256 of every data file, as `sha256sum --check` reads it."""
    print(f"written to {manifest.write(corpus.CORPUS.parent)}")


@app.command()
def stats(folder: CorpusOption = corpus.CORPUS) -> None:
    """Print what the corpus is made of: by split, by kind and by topic."""
    sentences = corpus.read_corpus(folder)
    dealt = by_split(sentences, read_held_out(folder))
    parts: list[tuple[str, list[AnnotatedSentence]]] = [("all", sentences)]
    parts += [(split, members) for split, members in dealt.items()]
    parts.append(("in articles", [sentence for sentence in sentences if sentence.document is not None]))
    parts.append(("targeted", [sentence for sentence in sentences if sentence.document is None]))
    _print_compositions("corpus", parts)
    topics = sorted({sentence.topic for sentence in sentences})
    _print_compositions(
        "topics", [(topic, [sentence for sentence in sentences if sentence.topic == topic]) for topic in topics]
    )


def _print_compositions(title: str, parts: list[tuple[str, list[AnnotatedSentence]]]) -> None:
    table = Table(title=title)
    table.add_column("part")
    for column in ("sentences", "topics", "articles", "sets", *STANCES, "median words"):
        table.add_column(column, justify="right")
    for name, members in parts:
        if not members:
            continue
        made = composition(members)
        shares = [f"{made.labels[stance] / made.sentences:.1%}" for stance in STANCES]
        counts = (made.sentences, made.topics, made.documents, made.contrast_sets)
        table.add_row(name, *map(str, counts), *shares, f"{made.median_words:g}")
    Console(width=120).print(table)


@app.command()
def resolve(
    articles: Annotated[Path, typer.Option("--articles", help="Folder with the article files (*.txt).")],
    annotations: AnnotationsOption = standoff.ANNOTATIONS,
    out: Annotated[Path | None, typer.Option("--out", help="Write the sentences here as JSONL.")] = None,
) -> None:
    """Join the standoff annotation with the article files; exit with 1 if anything had to be skipped."""
    resolved = standoff.resolve(articles, standoff.read_annotations(annotations))
    if out is not None:
        lines = [
            json.dumps(sentence.model_dump(include={"id", "text", "label", "roles"}), ensure_ascii=False)
            for sentence in resolved.sentences
        ]
        try:
            out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        except OSError as error:
            raise DataError(f"cannot write {out}: {error.strerror}; name a path that can be written") from error
    else:
        for sentence in resolved.sentences:
            print(f"{sentence.id}\t{sentence.label}\t{markup.render(sentence.text, sentence.roles)}")
    for problem in resolved.problems:
        typer.echo(problem, err=True)
    typer.echo(f"{len(resolved.sentences)} sentences resolved, {len(resolved.problems)} problems", err=True)
    raise typer.Exit(1 if resolved.problems else 0)


@app.command()
def agree(
    annotations: AnnotationsOption = standoff.ANNOTATIONS,
    by: Annotated[str, typer.Option(help="How to divide the corpus: topic, register or tag.")] = "topic",
) -> None:
    """Print how far two annotators agree, before adjudication: on the articles, and on development and test."""
    if by not in get_args(Grouping):
        raise typer.BadParameter(f"--by is {', '.join(get_args(Grouping))}, not {by}")
    read = standoff.read_annotations(annotations)
    pairs = {article.article: [_two_answers(sentence) for sentence in article.sentences] for article in read}
    _print_agreement("articles", pairs)
    sentences = corpus.read_corpus()
    answers = read_second(sentences)
    twice = [sentence for sentence in sentences if sentence.id in answers]
    groups = grouped(twice, cast(Grouping, by))
    _print_agreement(
        f"corpus by {by}",
        {name: [(member, answers[member.id]) for member in members] for name, members in groups.items()},
        [(sentence, answers[sentence.id]) for sentence in twice],
    )
    disputed = read_second(sentences, DISPUTED)
    again = [(sentence, disputed[sentence.id]) for sentence in sentences if sentence.id in disputed]
    _print_agreement("training sentences whose label was disputed", {}, again)


def _print_agreement(
    title: str,
    parts: Mapping[str, Sequence[tuple[Annotation, Annotation]]],
    whole: Sequence[tuple[Annotation, Annotation]] | None = None,
) -> None:
    table = Table(title=f"agreement of two annotators: {title}")
    for column in ("part", "sentences", "same label", "kappa", "alpha"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for role in ROLES:
        table.add_column(f"{role} exact F1", justify="right")
        table.add_column(f"{role} overlap F1", justify="right")
    # The parts may overlap, as tags do, so that the whole is not always their sum.
    whole = whole if whole is not None else [pair for pairs in parts.values() for pair in pairs]
    for name, pairs in {**parts, "all": whole}.items():
        table.add_row(name, *_agreement_cells(agreement([first for first, _ in pairs], [last for _, last in pairs])))
    Console(width=160).print(table)


def _two_answers(
    sentence: standoff.SentenceAnnotation,
) -> tuple[Annotation, Annotation]:
    answers = [sentence.annotators[name] for name in sorted(sentence.annotators)]
    if len(answers) != 2:
        raise DataError(f"agreement needs two annotators of each sentence; {len(answers)} given at {sentence.start}")
    return answers[0], answers[1]


def _agreement_cells(result: Agreement) -> list[str]:
    cells = [str(result.sentences), f"{result.accuracy:.1%}", f"{result.kappa:.3f}", f"{result.alpha:.3f}"]
    for role in ROLES:
        cells += [f"{result.spans[role].exact.f1:.3f}", f"{result.spans[role].overlap.f1:.3f}"]
    return cells


if __name__ == "__main__":
    run(app)

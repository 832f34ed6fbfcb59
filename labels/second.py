"""Second answers: what an annotator who saw neither label nor notes said of the sentences of development and test.

One JSONL per topic beside the corpus, rows `{"id", "label", "text"}` with inline role marks. The corpus file holds the
final answer, which is the writer's unless adjudication changed it.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labels import markup
from labels.corpus import numbered_lines
from labels.errors import DataError, Fault, FaultsError
from labels.record import AnnotatedSentence, Annotation
from labels.scheme import REGISTERS, Stance

SECOND: Final = Path(__file__).parent / "second"
#: The same of training sentences whose label a model disputed.
DISPUTED: Final = Path(__file__).parent / "disputed"

Grouping = Literal["topic", "register", "tag"]


class SecondRow(BaseModel):
    """One line of a file of second answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    label: Stance
    text: str


def read_second(sentences: Iterable[AnnotatedSentence], folder: Path = SECOND) -> dict[str, Annotation]:
    """Second answers by sentence id, checked against the corpus.

    Raises:
        DataError: there is no file.
        FaultsError: a row is not valid, names no sentence of the corpus, or has another text than it; all are listed.
    """
    texts = {sentence.id: sentence.text for sentence in sentences}
    answers: dict[str, Annotation] = {}
    faults: list[Fault] = []
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise DataError(f"no second answers (*.jsonl) in {folder}; name the folder that holds them")
    for file in files:
        for number, line in numbered_lines(file, faults):
            try:
                name, answer = _parse(line, texts)
                if name in answers:
                    faults.append(Fault(file.name, number, f"{name} is answered twice; keep one of the two"))
                answers[name] = answer
            except ValidationError as error:
                faults += [Fault(file.name, number, problem["msg"]) for problem in error.errors()]
            except ValueError as error:
                faults.append(Fault(file.name, number, str(error)))
    if faults:
        raise FaultsError(faults)
    return answers


def _parse(line: str, texts: Mapping[str, str]) -> tuple[str, Annotation]:
    row = SecondRow.model_validate_json(line)
    text, roles = markup.parse(row.text)
    if row.id not in texts:
        raise ValueError(f"the corpus has no sentence {row.id}")
    if text != texts[row.id]:
        raise ValueError(f"the text differs from that of {row.id} in the corpus")
    return row.id, Annotation(label=row.label, roles=roles)


def grouped(sentences: Sequence[AnnotatedSentence], by: Grouping) -> dict[str, list[AnnotatedSentence]]:
    """`sentences` by topic, register or other tag; a sentence of several tags stands under each."""
    groups: dict[str, list[AnnotatedSentence]] = {}
    for sentence in sentences:
        if by == "topic":
            names = [sentence.topic]
        else:
            names = [tag for tag in sentence.tags if (tag in REGISTERS) == (by == "register")]
        for name in names:
            groups.setdefault(name, []).append(sentence)
    return dict(sorted(groups.items()))

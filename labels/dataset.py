"""The corpus as a `datasets.DatasetDict`, for anyone who works with that library."""

from collections.abc import Mapping, Sequence

from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from labels.record import AnnotatedSentence
from labels.scheme import ROLES, STANCES
from labels.splits import Split

FEATURES = Features(
    {
        "id": Value("string"),
        "text": Value("string"),
        "label": ClassLabel(names=list(STANCES)),
        "roles": List(
            {
                "role": ClassLabel(names=list(ROLES)),
                "start": Value("int32"),
                "end": Value("int32"),
                "text": Value("string"),
            }
        ),
        "topic": Value("string"),
        "tags": List(Value("string")),
        "group": Value("string"),
        "document": Value("string"),
    }
)


def to_dataset_dict(dealt: Mapping[Split, Sequence[AnnotatedSentence]]) -> DatasetDict:
    """One `Dataset` per split; `label` and `role` are `ClassLabel`s in the order of `labels.scheme`.

    Spans are `[start, end)` in characters of the sentence's `text`, and carry their own.
    """
    return DatasetDict({split: to_dataset(sentences) for split, sentences in dealt.items()})


def to_dataset(sentences: Sequence[AnnotatedSentence]) -> Dataset:
    """The sentences as rows with `FEATURES`, order kept."""
    rows = [to_row(sentence) for sentence in sentences]
    # By columns, for a list of no rows has no columns to infer.
    return Dataset.from_dict({name: [row[name] for row in rows] for name in FEATURES}, features=FEATURES)


def to_row(sentence: AnnotatedSentence) -> dict[str, object]:
    """One sentence by the names of `FEATURES`, classes as numbers."""
    row = sentence.model_dump(exclude={"label", "roles"})
    row["tags"] = list(sentence.tags)
    row["label"] = STANCES.index(sentence.label)
    row["roles"] = [
        {
            "role": ROLES.index(span.role),
            "start": span.start,
            "end": span.end,
            "text": sentence.text[span.start : span.end],
        }
        for span in sentence.roles
    ]
    return row

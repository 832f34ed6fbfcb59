from labels import markup
from labels.corpus import read_corpus
from labels.dataset import to_dataset_dict
from labels.scheme import ROLES, STANCES
from labels.splits import by_split, read_held_out
from tests.conftest import sentence


def test_rows_keep_text_label_and_spans() -> None:
    text, roles = markup.parse("{source|She} denied {issue|it}.")
    data = to_dataset_dict({"train": [sentence(text, label="denies", roles=roles)], "development": [], "test": []})
    (row,) = data["train"]
    features = data["train"].features
    assert features["label"].names == list(STANCES)
    assert features["label"].int2str(row["label"]) == "denies"
    assert [(ROLES[span["role"]], text[span["start"] : span["end"]]) for span in row["roles"]] == [
        ("source", "She"),
        ("issue", "it"),
    ]
    assert row["roles"][0] == {"role": 0, "start": 0, "end": 3, "text": "She"}


def test_the_whole_corpus_loads() -> None:
    sentences = read_corpus()
    data = to_dataset_dict(by_split(sentences, read_held_out()))
    assert sum(map(len, data.values())) == len(sentences)
    assert set(data["train"]["topic"]).isdisjoint(data["test"]["topic"])

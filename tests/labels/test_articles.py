from pathlib import Path

import pytest
from typer.testing import CliRunner

from labels.__main__ import app
from labels.articles import (
    ArticleAnnotation,
    SentenceAnnotation,
    normalise,
    read_annotations,
    resolve,
    sha256,
)
from labels.errors import DataError
from tests.conftest import SHARED

TEXT = "Mayor accused\n\nThe union accused her of theft. She said nothing.\n"


def annotation(text: str = TEXT) -> ArticleAnnotation:
    first = text.index("The union")
    content = "The union accused her of theft."
    answer = {"label": "accuses", "roles": [{"role": "source", "start": 0, "end": 9}]}
    return ArticleAnnotation(
        article="mayor",
        sha256=sha256(text),
        sentences=(
            SentenceAnnotation.model_validate(
                {
                    **answer,
                    "start": first,
                    "end": first + len(content),
                    "sha256": sha256(content),
                    "annotators": {"a": answer, "b": answer},
                }
            ),
        ),
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("000.txt", TEXT.encode()),
        ("another name.txt", TEXT.encode()),
        ("windows.txt", TEXT.replace("\n", "\r\n").encode()),
        ("bom.txt", b"\xef\xbb\xbf" + TEXT.encode()),
    ],
)
def test_an_article_is_known_by_its_content(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    resolved = resolve(tmp_path, [annotation()])
    assert resolved.problems == []
    (sentence,) = resolved.sentences
    assert (sentence.text, sentence.label, sentence.document) == ("The union accused her of theft.", "accuses", "mayor")
    assert sentence.text[sentence.roles[0].start : sentence.roles[0].end] == "The union"


def test_what_does_not_match_is_named_and_skipped(tmp_path: Path) -> None:
    (tmp_path / "changed.txt").write_text(TEXT.replace("theft", "fraud"))
    (tmp_path / "latin.txt").write_bytes("Café".encode("latin-1"))
    resolved = resolve(tmp_path, [annotation()])
    assert resolved.sentences == []
    assert [problem.split(":")[0] for problem in resolved.problems] == ["changed.txt", "latin.txt", "annotation mayor"]


def test_a_sentence_whose_text_changed_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    good = annotation()
    moved = good.sentences[0].model_copy(update={"start": 0, "end": 13})
    resolved = resolve(tmp_path, [good.model_copy(update={"sentences": (moved, *good.sentences)})])
    assert [sentence.id for sentence in resolved.sentences] == ["mayor-001"]
    assert resolved.problems == ["annotation mayor-000: the text at its place changed, skipped"]


def test_the_command_exits_with_1_if_something_was_skipped(tmp_path: Path) -> None:
    (tmp_path / "unknown.txt").write_text("Something else.")
    result = CliRunner().invoke(app, ["resolve", "--articles", str(tmp_path)])
    assert result.exit_code == 1
    assert "unknown.txt: matches no annotation" in result.stderr


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        resolve(tmp_path / "none", [annotation()])


def test_every_annotated_article_has_two_annotators_and_no_text() -> None:
    annotations = read_annotations()
    assert len(annotations) == 5
    assert sum(len(article.sentences) for article in annotations) == 112
    assert all(len(sentence.annotators) == 2 for article in annotations for sentence in article.sentences)


@pytest.mark.skipif(not (SHARED / "articles").is_dir(), reason="the text of the annotated articles is not here")
def test_every_annotated_sentence_of_the_real_articles_resolves() -> None:
    resolved = resolve(SHARED / "articles", read_annotations())
    assert resolved.problems == []
    assert len(resolved.sentences) == 112
    texts = [normalise(file.read_bytes()) for file in (SHARED / "articles").glob("*.txt")]
    assert all(any(sentence.text in text for text in texts) for sentence in resolved.sentences)

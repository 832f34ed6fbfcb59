"""Tagging files in bulk: documents in, one record per sentence out, in the order of the input."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from labels.errors import UserError
from serve.article import tag_article
from serve.records import ArticleSentence
from serve.tagger import Tagger


class BulkError(UserError):
    """The input or output paths cannot be used."""


class BulkRecord(ArticleSentence):
    """A sentence of a document, as files carry it."""

    document_id: Annotated[str, Field(description="path of the file, as found")]
    sentence_index: int
    text_sha256: str


@dataclass(frozen=True)
class Summary:
    """What a bulk run did."""

    documents: int
    sentences: int
    problems: list[str]
    """One line for each file that was skipped."""


def find_documents(paths: Iterable[Path]) -> list[Path]:
    """The `.txt` files among and below `paths`, in the order of `paths` and of names within a folder.

    Raises:
        BulkError: a path does not exist, or there is no document at all.
    """
    documents: list[Path] = []
    for path in paths:
        if path.is_dir():
            documents += sorted(file for file in path.rglob("*.txt") if file.is_file())
        elif path.exists():
            documents.append(path)
        else:
            raise BulkError(f"{path} does not exist; name files or folders of .txt")
    if not documents:
        raise BulkError("no .txt file in what was named; name files or folders of .txt")
    return documents


def tag_documents(
    tagger: Tagger, documents: list[Path], out: Path, on_document: Callable[[int], None] = lambda sentences: None
) -> Summary:
    """Tag `documents` and write their records to `out` as JSONL, which appears only once it is whole.

    A document that cannot be read is named in the summary and skipped.

    Args:
        tagger: what tags.
        documents: files of UTF-8 text.
        out: the file to write.
        on_document: called with the number of sentences after each document.

    Raises:
        BulkError: `out` cannot be written, or is one of `documents`.
    """
    problems: list[str] = []
    sentences = 0
    if out.exists() and not out.is_file():
        raise BulkError(f"cannot write {out}: it is no ordinary file; name a file")
    if any(out.resolve() == document.resolve() for document in documents):
        raise BulkError(f"{out} is one of the documents; name another file for the tags")
    try:
        with _atomic(out) as lines:
            for document in documents:
                records = _tag_document(tagger, document, problems)
                for record in records:
                    lines(record.model_dump_json())
                sentences += len(records)
                on_document(len(records))
    except OSError as error:
        raise BulkError(f"cannot write {out}: {error.strerror}; name a path that can be written") from error
    return Summary(len(documents) - len(problems), sentences, problems)


def _tag_document(tagger: Tagger, document: Path, problems: list[str]) -> list[BulkRecord]:
    try:
        document.as_posix().encode()
        # Decoded whole, for reading as text would change line ends and with them the offsets.
        text = document.read_bytes().decode("utf-8-sig")
    except UnicodeEncodeError:
        problems.append(f"{document!r}: its name is not UTF-8, skipped; rename it first")
        return []
    except UnicodeDecodeError as error:
        problems.append(f"{document}: not UTF-8 (byte {error.start}), skipped; convert it first")
        return []
    except OSError as error:
        problems.append(f"{document}: {error.strerror}, skipped")
        return []
    return [
        BulkRecord(
            **dict(sentence),
            document_id=document.as_posix(),
            sentence_index=index,
            text_sha256=hashlib.sha256(sentence.text.encode()).hexdigest(),
        )
        for index, sentence in enumerate(tag_article(tagger, text))
    ]


@contextmanager
def _atomic(path: Path) -> Iterator[Callable[[str], None]]:
    """Take lines into a temporary file beside `path`, and put it in place if all went well."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield lambda line: print(line, file=file)
        # mkstemp gives the owner alone access; what the user asked for is an ordinary file.
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

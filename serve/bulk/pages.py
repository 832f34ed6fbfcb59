"""HTML: alone, from a web archive, and the main text of it."""

import codecs
import re
from collections.abc import Iterator
from typing import Any

from serve.bulk.document import MAX_PAGE, About, Document, FaultError, Page
from serve.bulk.errors import BulkError
from serve.bulk.opening import Opened, is_clean
from serve.bulk.options import ReadOptions
from serve.bulk.sources import Source


def read_html(source: Source, opened: Opened, options: ReadOptions) -> Iterator[Document]:
    """The file as one document.

    Raises:
        FaultError: it is too large.
    """
    yield Document(source.name, _page(opened.stream.read(MAX_PAGE + 1), None))


def read_warc(source: Source, opened: Opened, options: ReadOptions) -> Iterator[Document]:
    """The pages of a web archive: HTML that a server answered with status 200; all else is passed over.

    Raises:
        FaultError: it is no web archive, or damaged from some place on.
        BulkError: warcio is not installed.
    """
    try:
        from warcio.archiveiterator import ArchiveIterator
        from warcio.exceptions import ArchiveLoadFailed
    except ImportError as error:
        raise BulkError("reading WARC needs warcio; pip install 'stance-tagger[formats]'") from error
    number = 0
    try:
        for record in ArchiveIterator(opened.stream):
            if not _is_page(record):
                continue
            number += 1
            name = f"{source.name}#{number}"
            about = About(url=record.rec_headers.get_header("WARC-Target-URI"))
            charset = _charset(record.http_headers.get_header("Content-Type"))
            try:
                yield Document(name, _page(record.content_stream().read(MAX_PAGE + 1), charset), about)
            except FaultError as error:
                yield Document(name, error.fault, about)
    except ArchiveLoadFailed as error:
        raise FaultError("corrupt", f"no WARC, or damaged: {error}") from error
    if not number:
        raise FaultError("empty", "there is no HTML page in it")


def main_text(page: Page, about: About) -> tuple[str, About]:
    """The main text of a page, and what the page says of itself where the input does not.

    Raises:
        FaultError: the page cannot be decoded, or has no main text.
        BulkError: trafilatura is not installed.
    """
    try:
        from lxml.etree import LxmlError
        from trafilatura import bare_extraction
    except ImportError as error:
        raise BulkError("reading HTML needs trafilatura; pip install 'stance-tagger[formats]'") from error
    html = _decoded(page)
    try:
        found = bare_extraction(html, url=about.url, include_comments=False, with_metadata=True)
    except (LxmlError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        # These are what hostile markup has been seen to provoke in parsers; a page is no reason to stop.
        raise FaultError("corrupt", f"no HTML that can be parsed: {type(error).__name__}") from error
    text = getattr(found, "text", None)
    if not text:
        raise FaultError("no main text", "no main text was found in the page")
    return _clean(text), About(
        title=about.title or _said(found, "title"),
        date=about.date or _said(found, "date"),
        outlet=about.outlet or _said(found, "sitename"),
        url=about.url or _said(found, "url"),
    )


def _page(html: bytes, charset: str | None) -> Page:
    if len(html) > MAX_PAGE:
        raise FaultError("too large", f"the page has more than {MAX_PAGE:,} bytes")
    if not html.strip():
        raise FaultError("empty", "there is nothing in it")
    return Page(html, charset)


def _is_page(record: Any) -> bool:
    if record.rec_type != "response" or record.http_headers is None:
        return False
    kind = record.http_headers.get_header("Content-Type") or ""
    return record.http_headers.get_statuscode() == "200" and "html" in kind.lower()


def _charset(content_type: str | None) -> str | None:
    found = re.search(r"charset=[\"']?([\w-]+)", content_type or "", re.IGNORECASE)
    return found and found[1]


def _decoded(page: Page) -> str:
    """UTF-8 if it is, else as the page or its server says; never by how it looks."""
    if page.html.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        said: str | None = "utf-16"
    else:
        try:
            return page.html.decode("utf-8-sig")
        except UnicodeDecodeError:
            said = page.charset or _charset(page.html[:2048].decode("ascii", "replace"))
    if said is None:
        raise FaultError("encoding", "not UTF-8, and the page names no other encoding; convert it first")
    if said.lower().replace("_", "-") in {"iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"}:
        said = "cp1252"  # what every browser reads under these names
    try:
        return page.html.decode(said)
    except (UnicodeError, LookupError) as error:
        raise FaultError("encoding", f"neither UTF-8 nor {said}, as the page says; convert it first") from error


def _said(found: Any, what: str) -> str | None:
    value = getattr(found, what, None)
    return _clean(str(value)) if value else None


def _clean(text: str) -> str:
    return text if is_clean(text) else text.encode("utf-8", "replace").decode()

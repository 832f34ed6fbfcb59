"""Inline role marks, as the corpus files carry them: `{source|The union} accused {target|the firm}` is an example."""

import re
from collections.abc import Iterable
from typing import Final, cast

from labels.record import RoleSpan
from labels.scheme import ROLES, Role

_MARK: Final = re.compile(r"\{([^{}|]*)\|([^{}|]*)\}")
_MARK_CHARACTER: Final = re.compile(r"[{}|]")


def parse(marked: str) -> tuple[str, tuple[RoleSpan, ...]]:
    """Take the marks out of `marked`.

    Returns:
        The plain text, and the spans `[start, end)` in characters of that plain text, in order.

    Raises:
        ValueError: a mark is broken or nested, names an unknown role, or holds nothing, outer space, or part of a word.
    """
    plain: list[str] = []
    spans: list[RoleSpan] = []
    length = position = 0
    for mark in _MARK.finditer(marked):
        before = marked[position : mark.start()]
        role, content = mark.groups()
        if role not in ROLES:
            raise ValueError(f"the mark {mark.group()!r} names an unknown role; the roles are {', '.join(ROLES)}")
        if not content or content != content.strip():
            raise ValueError(f"the mark {mark.group()!r} must hold text without outer space")
        if joins_words(marked[: mark.start()], content) or joins_words(content, marked[mark.end() :]):
            raise ValueError(f"the mark {mark.group()!r} cuts a word")
        plain += [before, content]
        start = length + len(before)
        length = start + len(content)
        spans.append(RoleSpan(role=cast(Role, role), start=start, end=length))
        position = mark.end()
    plain.append(marked[position:])
    text = "".join(plain)
    if stray := _MARK_CHARACTER.search(text):
        raise ValueError(f"a mark is broken or nested near {text[max(0, stray.start() - 15) : stray.end() + 15]!r}")
    return text, tuple(spans)


def joins_words(left: str, right: str) -> bool:
    """Whether a cut between `left` and `right` goes through a word."""
    return left[-1:].isalnum() and right[:1].isalnum()


def has_mark_characters(text: str) -> bool:
    """Whether plain `text` has a character that only marks may have, so that it could not be written with marks."""
    return _MARK_CHARACTER.search(text) is not None


def render(text: str, spans: Iterable[RoleSpan]) -> str:
    """Put marks for `spans` into `text`; the inverse of `parse`."""
    pieces: list[str] = []
    position = 0
    for span in sorted(spans, key=lambda span: span.start):
        pieces += [text[position : span.start], f"{{{span.role}|{text[span.start : span.end]}}}"]
        position = span.end
    return "".join([*pieces, text[position:]])

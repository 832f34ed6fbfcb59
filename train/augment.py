"""Changes to a training sentence that leave its annotation true: other names, other quotation marks.

The people, firms and places of the corpus are invented and real ones occur only in harmless sentences, so a model left
to itself learns that a sentence about a country it knows is neutral. Swapped names take that cue away; they exist in
memory alone, for one step of training. EXPERIMENTS.md has what was measured of it, and what was not.
"""

import json
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from labels.record import AnnotatedSentence, RoleSpan
from train.config import AugmentationConfig

_NAMES: Final = Path(__file__).parent / "names.json"
_WORD: Final = re.compile(r"[^\W\d_]+")
#: Capitalised always and yet no names.
_NEVER_NAMES: Final = frozenset(
    (
        *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        *("january", "february", "march", "april", "may", "june", "july", "august"),
        *("september", "october", "november", "december", "english", "christmas", "easter"),
        *("mrs", "rev", "sen", "rep", "gov", "gen", "col", "capt", "sgt", "prof", "cllr"),
    )
)
_DEMONYM: Final = re.compile(r"(?:an|ish|ese|i|ic)$")

#: Quotation marks that outlets use, as opening and closing.
_QUOTES: Final = (('"', '"'), ("“", "”"))


@dataclass(frozen=True)
class Text:
    """A text with the spans of its roles."""

    text: str
    roles: tuple[RoleSpan, ...]


class Augmenter:
    """Draws a variant of a sentence.

    A word is taken for a name if it is capitalised and its lower-case form occurs nowhere in the training texts, which
    tells names from capitalised sentence openings and titles without a model.
    """

    def __init__(self, config: AugmentationConfig, sentences: Iterable[AnnotatedSentence]) -> None:
        self._config = config
        self._common = {word for s in sentences for word in _WORD.findall(s.text) if word[0].islower()} | _NEVER_NAMES
        lists = json.loads(_NAMES.read_text(encoding="utf-8"))
        self._places: list[str] = lists["places"]
        self._given: list[str] = lists["given"]
        self._surnames: list[str] = lists["surnames"]
        self._demonyms: list[str] = lists["demonyms"]

    def vary(self, text: str, roles: tuple[RoleSpan, ...], draw: random.Random) -> Text:
        """A variant of `text`, with its spans moved along."""
        edits: list[tuple[int, int, str]] = []
        if draw.random() < self._config.names:
            edits += self._name_edits(text, draw)
        if draw.random() < self._config.quotes:
            edits += _quote_edits(text, draw)
        return _apply(text, roles, sorted(edits))

    def _name_edits(self, text: str, draw: random.Random) -> list[tuple[int, int, str]]:
        swapped: dict[str, str] = {}
        edits = []
        previous_end = -1
        for match in _WORD.finditer(text):
            word = match.group()
            if not self._is_name(word):
                continue
            # A name right after a name, as in "Dana Okoro", is a surname.
            follows = previous_end >= 0 and text[previous_end : match.start()] == " "
            previous_end = match.end()
            if word not in swapped:
                swapped[word] = draw.choice(self._list_for(word, text[match.end() :], follows, draw))
            edits.append((match.start(), match.end(), swapped[word]))
        return edits

    def _is_name(self, word: str) -> bool:
        # Acronyms stay, for the lists have none to take their place.
        return len(word) > 2 and word.istitle() and word.lower() not in self._common

    def _list_for(self, word: str, rest: str, follows: bool, draw: random.Random) -> list[str]:
        if follows:
            return self._surnames
        following = _WORD.match(rest[1:])
        if rest.startswith(" ") and following and self._is_name(following.group()):
            return self._given
        if re.match(r" [a-z]", rest) and _DEMONYM.search(word):
            return self._demonyms
        return self._places if draw.random() < 0.5 else self._surnames


def _quote_edits(text: str, draw: random.Random) -> list[tuple[int, int, str]]:
    """All double quotation marks in one style, drawn anew; which straight ones open is told by what stands before."""
    opening, closing = draw.choice(_QUOTES)
    edits = []
    for match in re.finditer(r"[\"“”]", text):
        before = text[match.start() - 1 : match.start()]
        opens = match.group() == "“" or (match.group() == '"' and (not before or before.isspace() or before in "([—-"))
        edits.append((match.start(), match.end(), opening if opens else closing))
    return edits


def _apply(text: str, roles: tuple[RoleSpan, ...], edits: list[tuple[int, int, str]]) -> Text:
    """Replace each `[start, end)` of `edits`, which are sorted and apart, and move the spans of `roles`."""
    pieces: list[str] = []
    position = 0
    for start, end, replacement in edits:
        pieces += [text[position:start], replacement]
        position = end
    pieces.append(text[position:])

    def moved(offset: int) -> int:
        shift = 0
        for start, end, replacement in edits:
            if end <= offset:
                shift += len(replacement) - (end - start)
        return offset + shift

    return Text(
        "".join(pieces),
        tuple(RoleSpan(role=span.role, start=moved(span.start), end=moved(span.end)) for span in roles),
    )

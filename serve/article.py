"""Tagging a whole article: its sentences in place, counts, and who stands how to whom."""

from collections.abc import Sequence

from labels.scheme import STANCES, Stance
from serve.records import ArticleSentence, Pair, TagRecord
from serve.sentences import TextSpan, split_sentences
from serve.tagger import Tagger


def tag_article(tagger: Tagger, text: str) -> list[ArticleSentence]:
    """Split `text` and tag each sentence; offsets of roles count from the sentence, those of sentences from `text`."""
    spans = split_sentences(text)
    return place(spans, tagger.tag([span.text for span in spans]))


def place(spans: Sequence[TextSpan], records: Sequence[TagRecord]) -> list[ArticleSentence]:
    """The records of `spans` with their places in the article."""
    return [
        ArticleSentence(**dict(record), text=span.text, start=span.start, end=span.end)
        for span, record in zip(spans, records, strict=True)
    ]


def count_labels(sentences: Sequence[ArticleSentence]) -> dict[Stance, int]:
    """Sentences per stance; those abstained from are left out."""
    return {
        stance: sum(sentence.label == stance and not sentence.abstained for sentence in sentences) for stance in STANCES
    }


def pairs(sentences: Sequence[ArticleSentence]) -> list[Pair]:
    """Each (source, act, target) with its sentences, the most frequent first; abstentions are left out.

    Names are compared as they are written, without regard to case: the program does not know that `he` is someone
    named elsewhere.
    """
    found: dict[tuple[str | None, Stance, str | None], list[int]] = {}
    written: dict[tuple[str | None, Stance, str | None], tuple[str | None, str | None]] = {}
    for position, sentence in enumerate(sentences):
        if sentence.label == "neutral" or sentence.abstained:
            continue
        source = sentence.source.text if sentence.source else None
        target = sentence.target.text if sentence.target else None
        key = (source and source.casefold(), sentence.label, target and target.casefold())
        found.setdefault(key, []).append(position)
        written.setdefault(key, (source, target))
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return [
        Pair(source=written[key][0], label=key[1], target=written[key][1], sentences=positions)
        for key, positions in ordered
    ]

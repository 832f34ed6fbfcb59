"""What a person should label next: the sentences of the tagger's output whose answer would teach it most.

Three lists are made, best first, and the queue takes turns between them, so that stopping early keeps the mixture.
Of every ten turns

* five take what the tagger is least sure of: the smallest margin between its two highest probabilities;
* three take disagreement: the baseline gives another label, the surer both are the better;
* two take rare acts: acts given to at most one in ten of the sentences take turns, the rarest first, each with the
  sentences that the tagger is surest of, for these are most likely to be examples of what there are few of.

A list that has run out, or that there is none of for want of a baseline, leaves its turn to the first, which holds
every sentence. A sentence is taken once, by the first list that reaches it. No chance is involved: equals keep
the order of the input.

Left out are repeats of a text, sentences that the corpus has already, and those that it could not hold.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, zip_longest
from typing import Final, Literal

from labels import corpus
from labels.errors import DataError
from labels.record import AnnotatedSentence
from labels.scheme import ACTS, Stance
from labels.tagged import TaggedSentence
from labels.task import Guess, Task

Reason = Literal["uncertain", "disagreement", "rare"]

#: Whose turn it is, over and over.
TURNS: Final[tuple[Reason, ...]] = (
    *("uncertain", "disagreement", "uncertain", "rare", "uncertain"),
    *("disagreement", "uncertain", "rare", "uncertain", "disagreement"),
)
#: An act is rare if at most this share of the sentences is given it.
RARE: Final = 0.1
TOPIC: Final = "queue"

# A line break is white space like any other to a reader, but not to every tool; one for one, so that offsets hold.
_WHITE_SPACE: Final = {ord(character): " " for character in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"}


@dataclass(frozen=True)
class Queue:
    """The tasks in the order in which to do them, and how many sentences were left out, and why."""

    tasks: list[Task]
    left_out: Counter[str]


@dataclass(frozen=True)
class _Candidate:
    place: int
    tagged: TaggedSentence
    text: str


def make_queue(
    tagged: Sequence[TaggedSentence],
    count: int,
    baseline: Sequence[TaggedSentence] | None = None,
    known: Iterable[AnnotatedSentence] = (),
) -> Queue:
    """The `count` sentences to label next, or all if there are fewer.

    Args:
        tagged: the tagger's output.
        count: how many.
        baseline: another tagger's output over the same text.
        known: sentences that need no label any more.

    Raises:
        DataError: nothing is left to label, or the baseline says nothing of some sentence.
    """
    candidates, left_out = _candidates(tagged, known)
    if not candidates:
        raise DataError(f"nothing is left to label: {describe(left_out)}")
    others = {_key(other.text): other for other in baseline or ()}
    if baseline is not None and (missing := [found for found in candidates if _key(found.text) not in others]):
        raise DataError(
            f"the baseline says nothing of {len(missing)} of {len(candidates)} sentences,"
            f" first of {_origin(missing[0].tagged)}; let both tag the same files"
        )
    lists: dict[Reason, Iterator[tuple[_Candidate, str]]] = {
        "uncertain": _uncertain(candidates),
        "disagreement": _disagreement(candidates, others),
        "rare": _rare(candidates),
    }
    tasks: list[Task] = []
    taken: set[int] = set()
    turns = cycle(TURNS)
    while len(tasks) < min(count, len(candidates)):
        turn = chain(lists[next(turns)], lists["uncertain"])
        candidate, reason = next(found for found in turn if found[0].place not in taken)
        taken.add(candidate.place)
        tasks.append(_task(candidate, reason))
    return Queue(tasks, left_out)


def describe(left_out: Mapping[str, int]) -> str:
    """How many were left out, and why, as a list in words."""
    return ", ".join(f"{number} {why}" for why, number in sorted(left_out.items()))


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()


def _origin(tagged: TaggedSentence) -> str:
    return f"{tagged.document_id}#{tagged.sentence_index}"


def _candidates(
    tagged: Sequence[TaggedSentence], known: Iterable[AnnotatedSentence]
) -> tuple[list[_Candidate], Counter[str]]:
    left_out: Counter[str] = Counter()
    in_corpus = {_key(sentence.text) for sentence in known}
    seen: set[str] = set()
    candidates = []
    for place, record in enumerate(tagged):
        text = record.text.translate(_WHITE_SPACE)
        key = _key(text)
        if key in in_corpus:
            left_out["in the corpus already"] += 1
        elif key in seen:
            left_out["repeated"] += 1
        elif corpus.text_problems(text):
            left_out["that the corpus could not hold"] += 1
        else:
            candidates.append(_Candidate(place, record, text))
        seen.add(key)
    return candidates, left_out


def _uncertain(candidates: Sequence[_Candidate]) -> Iterator[tuple[_Candidate, str]]:
    ordered = []
    for candidate in candidates:
        (first, high), (second, low), *_ = sorted(
            candidate.tagged.scores.items(), key=lambda score: (-score[1], score[0])
        )
        ordered.append((high - low, candidate, f"uncertain: {first} {high:.2f}, {second} {low:.2f}"))
    for _, candidate, reason in sorted(ordered, key=lambda found: found[0]):
        yield candidate, reason


def _disagreement(
    candidates: Sequence[_Candidate], others: Mapping[str, TaggedSentence]
) -> Iterator[tuple[_Candidate, str]]:
    ordered = []
    for candidate in candidates:
        tagged, other = candidate.tagged, others.get(_key(candidate.text))
        if other is not None and other.label != tagged.label:
            ours, theirs = tagged.scores[tagged.label], other.scores[other.label]
            reason = f"disagreement: {tagged.label} {ours:.2f}, the baseline says {other.label} {theirs:.2f}"
            ordered.append((min(ours, theirs), candidate, reason))
    for _, candidate, reason in sorted(ordered, key=lambda found: -found[0]):
        yield candidate, reason


def _rare(candidates: Sequence[_Candidate]) -> Iterator[tuple[_Candidate, str]]:
    given = Counter(candidate.tagged.label for candidate in candidates)
    acts = [act for act in ACTS if 0 < given[act] <= RARE * len(candidates)]

    def of(act: Stance) -> list[tuple[_Candidate, str]]:
        members = [candidate for candidate in candidates if candidate.tagged.label == act]
        members.sort(key=lambda candidate: -candidate.tagged.scores[act])
        reason = f"rare: {act} is {given[act] / len(candidates):.1%} of the tags"
        return [(candidate, reason) for candidate in members]

    for turn in zip_longest(*map(of, sorted(acts, key=lambda act: given[act]))):
        yield from (found for found in turn if found is not None)


def _task(candidate: _Candidate, reason: str) -> Task:
    tagged, annotation = candidate.tagged, candidate.tagged.annotation()
    sentence = AnnotatedSentence(
        # Of the text alone, so that another run asks the same question under the same name.
        id=f"queue-{hashlib.sha256(candidate.text.encode()).hexdigest()[:16]}",
        text=candidate.text,
        topic=TOPIC,
        label=annotation.label,
        roles=annotation.roles,
    )
    model = f"{tagged.model.name} {tagged.model.version}"
    guess = Guess(model, round(tagged.scores[tagged.label], 4), reason, _origin(tagged))
    return Task(sentence, guess=guess)

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from labels.scheme import BIO_TAGS, Role
from serve import decode
from serve.encode import NO_WORD, Encoding
from serve.prediction import PredictedSpan

#: "[CLS] The uni##on accused Nor##vex [SEP]", with a word of two tokens on either side.
ENCODING = Encoding(
    ids=[0] * 8,
    offsets=[(0, 0), (0, 3), (4, 7), (7, 9), (10, 17), (18, 21), (21, 24), (0, 0)],
    words=[NO_WORD, 0, 1, 1, 2, 3, 3, NO_WORD],
    truncated=False,
)


def decode_roles(encoding: Encoding, role_logits: NDArray[np.float32]) -> dict[Role, PredictedSpan]:
    return decode.to_characters(decode.decode_roles([encoding.words], role_logits[None])[0], encoding)


def logits(*tags: str, weight: float = 5.0) -> NDArray[np.float32]:
    found = np.zeros((len(tags), len(BIO_TAGS)), dtype=np.float32)
    for position, tag in enumerate(tags):
        found[position, BIO_TAGS.index(tag)] = weight
    return found


def test_tags_become_spans_of_whole_words() -> None:
    spans = decode_roles(ENCODING, logits("O", "B-source", "I-source", "I-source", "O", "B-target", "B-target", "O"))
    assert {role: (span.start, span.end) for role, span in spans.items()} == {"source": (0, 9), "target": (18, 24)}


def test_an_inside_tag_cannot_open_a_span() -> None:
    # Inside is the likeliest tag of every word, and yet a span can open with begin alone, where it costs least.
    wrong = logits("O", *["I-source"] * 6, "O", weight=3.0)
    wrong[5:7, BIO_TAGS.index("B-source")] = 2.9
    spans = decode_roles(ENCODING, wrong)
    assert {role: (span.start, span.end) for role, span in spans.items()} == {"source": (0, 24)}
    assert (
        decode_roles(ENCODING, logits("O", *["I-source"] * 6, "O", weight=0.3) + logits(*["O"] * 8, weight=2.0)) == {}
    )


def test_of_two_spans_of_a_role_the_surer_is_kept() -> None:
    unsure = logits("O", "B-source", "O", "O", "O", "O", "O", "O", weight=3.0)
    sure = logits("O", "O", "O", "O", "O", "B-source", "I-source", "O", weight=9.0)
    spans = decode_roles(ENCODING, unsure + sure)
    assert (spans["source"].start, spans["source"].end) == (18, 24)
    assert 0.9 < spans["source"].score <= 1.0


def test_padding_beyond_the_sentence_is_not_read() -> None:
    padded = np.concatenate([logits(*["O"] * 8), logits("B-issue", "I-issue")])
    assert decode_roles(ENCODING, padded) == {}


def test_a_sentence_without_words_has_no_roles() -> None:
    empty = Encoding(ids=[0, 0], offsets=[(0, 0), (0, 0)], words=[NO_WORD, NO_WORD], truncated=False)
    assert decode_roles(empty, logits("B-source", "B-source")) == {}


@pytest.mark.parametrize("seed", range(20))
def test_spans_never_overlap_whatever_the_logits(seed: int) -> None:
    random = np.random.default_rng(seed).normal(0, 3, (8, len(BIO_TAGS))).astype(np.float32)
    spans = sorted((span.start, span.end) for span in decode_roles(ENCODING, random).values())
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))
    assert all(0.0 <= span.score <= 1.0 for span in decode_roles(ENCODING, random).values())


def test_no_sentence_changes_what_is_found_in_another() -> None:
    random = np.random.default_rng(1)
    words: list[list[int]] = [[NO_WORD, NO_WORD]]
    for length in (1, 2, 5, 9, 9, 14):
        # A word of one to three tokens after the other, between the two special ones.
        inside = [word for word in range(length) for _ in range(random.integers(1, 4))]
        words.append([NO_WORD, *inside, NO_WORD])
    role_logits = random.normal(0, 3, (len(words), max(map(len, words)), len(BIO_TAGS))).astype(np.float32)
    together = decode.decode_roles(words, role_logits)
    alone = [decode.decode_roles([one], its[None, : len(one)])[0] for one, its in zip(words, role_logits, strict=True)]
    assert together == alone
    assert any(together)


@pytest.mark.parametrize("seed", range(20))
def test_the_path_found_is_the_best_of_all_that_are_allowed(seed: int) -> None:
    random = np.random.default_rng(seed).dirichlet(np.ones(len(BIO_TAGS)), 3)

    def allowed(path: tuple[int, ...]) -> bool:
        before = ("O", *(BIO_TAGS[tag] for tag in path))
        return all(
            not tag.startswith("I-") or previous in (tag, tag.replace("I-", "B-"))
            for previous, tag in itertools.pairwise(before)
        )

    paths = filter(allowed, itertools.product(range(len(BIO_TAGS)), repeat=3))
    best = max(paths, key=lambda path: sum(np.log(random[place, tag]) for place, tag in enumerate(path)))
    assert decode._viterbi([random]) == [list(best)]

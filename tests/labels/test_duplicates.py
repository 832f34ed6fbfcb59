import random

from hypothesis import given
from hypothesis import strategies as st

from labels.duplicates import masked_words, near_duplicates
from tests.conftest import sentence


def test_names_and_numbers_are_masked() -> None:
    assert masked_words("The head of Norvex Shipping, Dana Okoro, paid 1,200 crowns.") == [
        "the", "head", "of", "@", "paid", "#", "#", "crowns",
    ]  # fmt: skip


@given(st.integers(0, 10_000))
def test_every_pair_that_brute_force_finds_is_found(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - a draw of test data needs no secrecy
    sentences = [
        sentence(" ".join(draw.choices("abcd", k=draw.randint(3, 12))), id=f"s-{number}") for number in range(12)
    ]

    def trigrams(text: str) -> set[tuple[str, ...]]:
        words = masked_words(text)
        return {tuple(words[start : start + 3]) for start in range(len(words) - 2)}

    expected = {
        (left.id, right.id)
        for position, left in enumerate(sentences)
        for right in sentences[position + 1 :]
        if len(trigrams(left.text) & trigrams(right.text)) >= 0.6 * len(trigrams(left.text) | trigrams(right.text))
    }
    assert {(left.id, right.id) for left, right, _ in near_duplicates(sentences)} == expected

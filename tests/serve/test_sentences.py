import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("“I did nothing,” she said. “Ask anyone.”", ["“I did nothing,” she said.", "“Ask anyone.”"]),
        ("The U.S. envoy left. Talks go on.", ["The U.S. envoy left.", "Talks go on."]),
        ("Mr. Okoro denied it.", ["Mr. Okoro denied it."]),
        ("Mayor denies theft\n\nThe mayor spoke.", ["Mayor denies theft", "The mayor spoke."]),
        ("One line.\r\nAnother line.", ["One line.", "Another line."]),
        ("It cost 3.5 million. Nobody paid.", ["It cost 3.5 million.", "Nobody paid."]),
        ("  \n \n", []),
        ("", []),
    ],
)
def test_news_text_is_split(text: str, sentences: list[str]) -> None:
    assert [span.text for span in split_sentences(text)] == sentences


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_offsets_are_true_and_in_order(text: str) -> None:
    spans = split_sentences(text)
    assert all(text[span.start : span.end] == span.text != "" for span in spans)
    assert all(left.end <= right.start for left, right in itertools.pairwise(spans))


@given(st.text("ab.“” \n", max_size=120))
def test_no_letter_is_lost(text: str) -> None:
    kept = "".join(span.text for span in split_sentences(text))
    assert [c for c in kept if c in "ab"] == [c for c in text if c in "ab"]

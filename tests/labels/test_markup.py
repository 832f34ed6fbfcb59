import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels import markup
from labels.record import RoleSpan


def test_marks_become_spans_of_the_plain_text() -> None:
    text, spans = markup.parse("{source|The union} accused {target|Norvex} of {issue|hiding it}.")
    assert text == "The union accused Norvex of hiding it."
    assert [(span.role, text[span.start : span.end]) for span in spans] == [
        ("source", "The union"),
        ("target", "Norvex"),
        ("issue", "hiding it"),
    ]


@pytest.mark.parametrize(
    ("marked", "message"),
    [
        ("{actor|The union} left.", "unknown role"),
        ("{source| The union} left.", "without outer space"),
        ("{source|} left.", "without outer space"),
        ("{source|The uni}on left.", "cuts a word"),
        ("The{source|union} left.", "cuts a word"),
        ("{source|The {target|union}} left.", "broken or nested"),
        ("{source|The union left.", "broken or nested"),
    ],
)
def test_a_bad_mark_is_refused(marked: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        markup.parse(marked)


words = st.lists(st.text(alphabet="abcdé“.’", min_size=1), min_size=3, max_size=8)


@given(words, st.integers(0, 2), st.integers(1, 3))
def test_render_is_the_inverse_of_parse(parts: list[str], first: int, count: int) -> None:
    text = " ".join(parts)
    start = len(" ".join(parts[:first])) + (first > 0)
    end = start + len(" ".join(parts[first : first + count]))
    spans = (RoleSpan(role="issue", start=start, end=end),)
    assert markup.parse(markup.render(text, spans)) == (text, spans)

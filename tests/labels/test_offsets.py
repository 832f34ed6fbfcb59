import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.offsets import from_utf16, to_utf16


@pytest.mark.parametrize(("character", "unit"), [(0, 0), (1, 1), (2, 3), (3, 4), (4, 6)])
def test_an_emoji_is_two_units(character: int, unit: int) -> None:
    assert to_utf16("a🧵é👏", character) == unit
    assert from_utf16("a🧵é👏", unit) == character


@given(st.text(alphabet=st.one_of(st.sampled_from("a🧵👏é"), st.characters(exclude_categories=["Cs"]))), st.data())
def test_units_are_the_inverse_of_characters(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    assert from_utf16(text, to_utf16(text, offset)) == offset


@pytest.mark.parametrize(
    ("offset", "message"), [(2, "the offset 2 splits"), (7, "outside the text's 6 UTF-16"), (-1, "the offset -1 lies")]
)
def test_an_offset_that_is_none_is_refused(offset: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_utf16("a🧵é👏", offset)

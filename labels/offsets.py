"""Offsets of tools whose front ends count UTF-16 units, in which an emoji or a rare ideograph is two.

Everything of the project counts characters, that is, Unicode code points, as Python's `str` does.
"""


def to_utf16(text: str, offset: int) -> int:
    """UTF-16 units before the character at `offset` of `text`."""
    return len(text[:offset].encode("utf-16-le")) // 2


def from_utf16(text: str, offset: int) -> int:
    """Characters of `text` before its UTF-16 unit number `offset`.

    Raises:
        ValueError: `offset` lies outside the text, or between the two units of one character.
    """
    units = text.encode("utf-16-le")
    if not 0 <= 2 * offset <= len(units):
        raise ValueError(f"the offset {offset} lies outside the text's {len(units) // 2} UTF-16 units")
    try:
        return len(units[: 2 * offset].decode("utf-16-le"))
    except UnicodeDecodeError:
        raise ValueError(f"the offset {offset} splits a character that is two UTF-16 units") from None

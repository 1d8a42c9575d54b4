"""What looks like a card number: the program takes none in, keeps none and shows none.

A card's number has 12 to 19 digits, the last of which checks the others (ISO/IEC 7812-1, Luhn). Of other
numbers of that length one in ten passes for one; a token that does is refused as well, rather than stored.

Within texts, ids among them, more is asked: 13 digits or more, beginning with 2 to 6 (banks', travel and
merchandising cards), in one piece or in the groups in which cards are printed, and no part of a long
hexadecimal token. Else one random UUID in three hundred were refused, and one time stamp in ten.
"""

from __future__ import annotations

import re
from typing import Final

SHORTEST, LONGEST = 12, 19
MASK: Final = "[card number]"

_DIGITS: Final = re.compile(rf"(?<!\d)\d(?:[\s.·_/-]?\d){{{SHORTEST - 1},{LONGEST - 1}}}(?!\d)")
"""In any script, with at most one separator between two of them."""
_WITHIN: Final = re.compile(
    r"(?<!\d)[2-6]\d{12,18}(?!\d)"
    r"|(?<!\w)[2-6]\d{3}(?P<gap>[\s.·-])"
    r"(?:\d{4}(?P=gap)\d{4}(?P=gap)\d{1,4}(?:(?P=gap)\d{1,3})?|\d{6}(?P=gap)\d{4,5})(?!\w)"
)
_WORD: Final = re.compile(r"[0-9A-Za-z]*")
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]{24,}|[0-9A-F]{24,}")


def is_card_number(text: str) -> bool:
    """Whether the whole text, blanks and separators aside, is one."""
    return _DIGITS.fullmatch(text.strip()) is not None and _passes(text)


def holds_card_number(text: str) -> bool:
    """Whether one stands anywhere in the text."""
    return any(_passes(found[0]) and not _is_hexadecimal(text, found) for found in _WITHIN.finditer(text))


def mask_card_numbers(text: str) -> str:
    """The text without them, for whatever is shown or kept."""
    return _DIGITS.sub(lambda found: MASK if _passes(found.group()) else found.group(), text)


def _passes(text: str) -> bool:
    """Luhn: from the right every second digit counts double, its own digits summed."""
    digits = [int(letter) for letter in text if letter.isdecimal()][::-1]
    return sum(sum(divmod(2 * digit, 10)) if n % 2 else digit for n, digit in enumerate(digits)) % 10 == 0


def _is_hexadecimal(text: str, found: re.Match[str]) -> bool:
    """Whether the digits are part of a long token of hexadecimal letters and digits."""
    begin = found.start()
    while begin and text[begin - 1].isalnum():
        begin -= 1
    word = _WORD.match(text, begin)
    return word is not None and _HEXADECIMAL.fullmatch(word[0]) is not None

"""What looks like a card number: the program takes none in, keeps none and shows none.

A card's number has 12 to 19 digits, the last of which checks the others (ISO/IEC 7812-1, Luhn). Of other
numbers of that length one in ten passes for one; a token that does is refused as well, rather than stored.
"""

from __future__ import annotations

import re
from typing import Final

SHORTEST, LONGEST = 12, 19
MASK: Final = "[card number]"

_DIGITS: Final = re.compile(rf"(?<!\d)\d(?:[\s.·_/-]?\d){{{SHORTEST - 1},{LONGEST - 1}}}(?!\d)")
"""In any script, with at most one separator between two of them."""


def is_card_number(text: str) -> bool:
    """Whether the whole text, blanks and separators aside, is one."""
    return _DIGITS.fullmatch(text.strip()) is not None and _passes(text)


def holds_card_number(text: str) -> bool:
    """Whether one stands anywhere in the text."""
    return any(_passes(found.group()) for found in _DIGITS.finditer(text))


def mask_card_numbers(text: str) -> str:
    """The text without them, for whatever is shown or kept."""
    return _DIGITS.sub(lambda found: MASK if _passes(found.group()) else found.group(), text)


def _passes(text: str) -> bool:
    """Luhn: from the right every second digit counts double, its own digits summed."""
    digits = [int(letter) for letter in text if letter.isdecimal()][::-1]
    return sum(sum(divmod(2 * digit, 10)) if n % 2 else digit for n, digit in enumerate(digits)) % 10 == 0

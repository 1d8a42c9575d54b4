"""Finds card numbers (PANs) in texts, so that none is ever accepted: we never touch one.

A card number has 13 to 19 digits, begins with 2 to 6 (ISO/IEC 7812: banks, travel, merchandising) and passes
the Luhn check. It is written without gaps, or in the groups in which it is printed (4-4-4-4, 4-6-5).
Other groupings are left alone, and so are long hexadecimal tokens: else one random UUID in ten thousand would
be refused as a card number.
"""

from __future__ import annotations

import re
from typing import Final

SUSPECT: Final = re.compile(
    r"(?<!\d)(?P<digits>[2-6]\d{12,18})(?!\d)"
    r"|(?<![0-9A-Za-z])(?P<printed>[2-6]\d{3}(?P<gap>[ .\-\u00a0])"
    r"(?:\d{4}(?P=gap)\d{4}(?P=gap)\d{1,4}(?:(?P=gap)\d{1,3})?|\d{6}(?P=gap)\d{4,5}))(?![0-9A-Za-z])"
)
WORD: Final = re.compile(r"[0-9A-Za-z]*")
HEXADECIMAL: Final = re.compile(r"[0-9a-f]{24,}|[0-9A-F]{24,}")
DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""Sum of the digits of twice a digit."""


def holds_card_number(text: str) -> bool:
    """Whether a card number stands anywhere in the text."""
    return any(
        passes_luhn(re.sub(r"\D", "", match[0])) and not _is_hexadecimal(text, match)
        for match in SUSPECT.finditer(text)
    )


def passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right but one is doubled."""
    if not 13 <= len(digits) <= 19:
        return False
    plain, doubled = digits[::-2], digits[-2::-2]
    return (sum(map(int, plain)) + sum(DOUBLED[int(digit)] for digit in doubled)) % 10 == 0


def _is_hexadecimal(text: str, match: re.Match[str]) -> bool:
    """Whether the digits are part of a long token of hexadecimal letters and digits."""
    begin = match.start()
    while begin and text[begin - 1].isalnum():
        begin -= 1
    word = WORD.match(text, begin)
    return word is not None and HEXADECIMAL.fullmatch(word[0]) is not None

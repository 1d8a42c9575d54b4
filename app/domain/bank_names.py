"""Names in the texts of bank lines, and the weeks in which a name is looked for.

Rule 1 of legs B and C: who is named in a remittance text is paired whatever the amounts. A text is read as
words, parts of words and neighbouring words (banks break lines inside of ids); both sides are compared
without case and blanks. A name counts in bank lines from five weeks before the first booking date to nine
after the last: ids are used again, and no look goes through all of an account's lines.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from typing import Final

from app.domain.bank_documents import Totals
from app.domain.banking import BankLineRecorded

MOST_NAMES: Final = 60
"""Per line; the whole words come first."""
DAYS: Final = 7
WEEKS_BEFORE: Final = 5
WEEKS_AFTER: Final = 9
_WORDS: Final = re.compile(r"[^\s,;|()\[\]{}\"'<>]+")
_EDGES: Final = ".:-/_+#*=|&"
_PARTS: Final = re.compile(r"[^/+?:=*#|_.&-]+")
_LEAST_WORD: Final = 2
_LEAST_DIGITS: Final = 5
_LEAST_JOINED: Final = 6


def normal(name: str) -> str:
    """As names are compared."""
    return "".join(name.split()).casefold()


def names_in(line: BankLineRecorded) -> tuple[str, ...]:
    """What in a bank line's texts may be somebody's name, sorted."""
    found: dict[str, None] = {}
    for name in _candidates([text for text in (line.end_to_end_id, line.remittance) if text]):
        if len(found) == MOST_NAMES:
            break
        found[name] = None
    return tuple(sorted(found))


def _candidates(texts: Sequence[str]) -> Iterator[str]:
    words = [[word.strip(_EDGES).casefold() for word in _WORDS.findall(text)] for text in texts]
    flat = list(chain.from_iterable(words))
    yield from (word for word in flat if _is_name(word))
    yield from (part for word in flat for part in _parts(word))
    for of_text in words:
        yield from _joined(of_text)


def _is_name(word: str) -> bool:
    return len(word) >= _LEAST_WORD and not (word.isdigit() and len(word) < 3)


def _parts(word: str) -> Iterator[str]:
    """`PAYOUT-B1` names B1; short figures alone are dates and counts rather than names."""
    parts = _PARTS.findall(word)
    if len(parts) > 1:
        for part in parts:
            digits = any(letter.isdigit() for letter in part)
            if len(part) >= _LEAST_WORD and digits and (not part.isdigit() or len(part) >= _LEAST_DIGITS):
                yield part


def _joined(words: Sequence[str]) -> Iterator[str]:
    for size in (2, 3):
        for start in range(len(words) - size + 1):
            joined = "".join(words[start : start + size])
            if len(joined) >= _LEAST_JOINED and any(letter.isdigit() for letter in joined):
                yield joined


def week_of(day: date) -> int:
    return day.toordinal() // DAYS


def weeks_of(sums: Iterable[Totals]) -> range:
    """In which weeks a batch of these sums is looked for; empty where it has no lines."""
    days = [day for totals in sums for day in (totals.first_day, totals.last_day) if day is not None]
    if not days:
        return range(0)
    return range(week_of(min(days)) - WEEKS_BEFORE, week_of(max(days)) + WEEKS_AFTER + 1)

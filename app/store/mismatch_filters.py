"""Which mismatches somebody wants to see, as SQL conditions; lists, counts and exports share them.

Conditions are built from columns and numbered arguments only: no text of a request becomes SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

import msgspec

from app.domain.mismatch import OPEN_STATUSES

STAKE: Final = "abs(coalesce(expected_amount, 0) - coalesce(actual_amount, 0))"
"""|expected - actual|, an absent side being 0. As in the index."""
RANK: Final = "CASE severity WHEN 'CRITICAL' THEN 4 WHEN 'HIGH' THEN 3 WHEN 'MEDIUM' THEN 2 ELSE 1 END"
IDENTITY: Final = "substr(owner_key, strpos(owner_key, ':') + 1)"
"""The owner key without the PSP before it: mostly the PSP's own id of the object."""
IS_OPEN: Final = f"status IN ({', '.join(repr(status) for status in OPEN_STATUSES)})"
"""A constant, so that the planner can prove that the partial indexes of open ones apply."""
SEARCHED: Final = ("id", "merchant_id", "payment_id", 'batch_id COLLATE "C"', f'({IDENTITY}) COLLATE "C"')
OPEN_AT: Final = "id IN (SELECT o.id FROM mismatches_open_at({}::date, {}::timestamptz) o)"
LAST: Final = "\U0010ffff"
"""Sorts after every other character in the collation "C"."""


class MismatchFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Empty or None: any. Stakes in minor units, both ends included; `since` <= detected_at < `before`.

    `text`: what an id of the mismatch, its merchant, payment, batch or PSP object begins with.
    `as_of`, `known_at`: what was open of facts up to that day, at that time (`mismatches_open_at`).
    """

    categories: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    legs: tuple[str, ...] = ()
    merchant_id: str | None = None
    payment_id: str | None = None
    psp: str | None = None
    batch_id: str | None = None
    currency: str | None = None
    stake_from: int | None = None
    stake_to: int | None = None
    since: datetime | None = None
    before: datetime | None = None
    text: str | None = None
    as_of: date | None = None
    known_at: datetime | None = None


_ANY_OF: Final = {"categories": "category", "severities": "severity", "legs": "leg"}
_EQUAL: Final = ("merchant_id", "payment_id", "psp", "batch_id", "currency")
_BOUNDS: Final = {
    "stake_from": f"{STAKE} >=",
    "stake_to": f"{STAKE} <=",
    "since": "detected_at >=",
    "before": "detected_at <",
}


class Conditions:
    """SQL conditions joined by AND, and their arguments, numbered from `first`."""

    def __init__(self, first: int = 1) -> None:
        self._first = first
        self._parts = ["true"]
        self.arguments: list[Any] = []

    def add(self, template: str, *arguments: Any) -> None:
        """`template` has one `{}` for each argument."""
        begin = self._first + len(self.arguments)
        self._parts.append(template.format(*(f"${begin + n}" for n in range(len(arguments)))))
        self.arguments += arguments

    @property
    def sql(self) -> str:
        return " AND ".join(self._parts)


def add_filter(conditions: Conditions, wanted: MismatchFilter) -> None:
    for name, column in _ANY_OF.items():
        if values := getattr(wanted, name):
            conditions.add(f"{column} = ANY({{}}::text[])", list(values))
    if set(wanted.statuses) == set(OPEN_STATUSES):
        conditions.add(IS_OPEN)
    elif wanted.statuses:
        conditions.add("status = ANY({}::text[])", list(wanted.statuses))
    for name in _EQUAL:
        if (value := getattr(wanted, name)) is not None:
            conditions.add(f"{name} = {{}}", value)
    for name, bound in _BOUNDS.items():
        if (value := getattr(wanted, name)) is not None:
            conditions.add(f"{bound} {{}}", value)
    if wanted.as_of is not None or wanted.known_at is not None:
        conditions.add(OPEN_AT, wanted.as_of, wanted.known_at)
    if wanted.text is not None:
        conditions.add(f"({' OR '.join(_begins())})", *(wanted.text, wanted.text + LAST) * len(SEARCHED))


def _begins() -> Iterator[str]:
    """A range, not LIKE: it goes through an index whatever the argument is."""
    for column in SEARCHED:
        yield f"({column} >= {{}} AND {column} < {{}})"

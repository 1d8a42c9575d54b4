"""Filters as links: what each choice of the finder would show, with its count. They work without a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from app.domain.mismatch import Category, Severity
from app.store.mismatch_filters import MismatchFilter
from app.store.web_mismatches import COUNT_AT_MOST, MismatchGroup
from web.money import format_minor

PATH: Final = "/mismatches"
ASSUMED: Final = "EUR"
"""Two decimal places, where amounts are bounded in no particular currency."""
NAMES: Final = {
    "status": "Status", "leg": "Leg", "merchant_id": "Merchant", "payment_id": "Payment", "psp": "PSP",
    "batch_id": "Batch", "currency": "Currency", "amount_from": "At least", "amount_to": "At most",
    "since": "Since", "before": "Before",
    "min_age_hours": "Older than hours", "max_age_hours": "Within hours",
    "open": "Open", "q": "Begins with",
}  # fmt: skip
"""Filters that are shown as chips to take away; categories and severities have buttons of their own."""
SORTS: Final = {
    "-detected_at": "Newest first",
    "detected_at": "Oldest first",
    "severity": "Most severe first",
    "amount": "Largest difference first",
    "due_at": "Due soonest first",
}
SHOWN: Final = {"open": "Open", "closed": "Closed", "all": "All"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: whether it is in force, and the URL that turns it over."""

    name: str
    value: str
    count: int | None
    chosen: bool
    url: str


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts of the filter, as if no category and no severity were chosen."""

    categories: dict[str, int]
    severities: dict[str, int]
    total: int
    is_complete: bool


class FilterLinks:
    """URLs near that of a query (`web.finder.FinderQuery`)."""

    def __init__(self, query: Any) -> None:
        self._query = replace(query, cursor=None, after=None)

    def to(self, **changes: Any) -> str:
        return PATH + self._text(replace(self._query, **changes))

    @property
    def export(self) -> str:
        return f"{PATH}.csv" + self._text(self._query)

    @property
    def stream(self) -> str:
        return f"{PATH}/live" + self._text(self._query)

    def _text(self, query: Any) -> str:
        text = urlencode(list(_parameters(query)))
        return f"?{text}" if text else ""

    def several(self, field: str, names: Sequence[str], counts: dict[str, int]) -> list[Choice]:
        """Choices of a filter with several values; those that would show nothing are left out."""
        chosen = getattr(self._query, field)
        return [
            Choice(
                name,
                name,
                counts.get(name, 0),
                name in chosen,
                self.to(**{field: _turned(chosen, name, names)}),
            )
            for name in names
            if counts.get(name) or name in chosen
        ]

    def categories(self, facets: Facets) -> list[Choice]:
        return self.several("category", get_args(Category), facets.categories)

    def severities(self, facets: Facets) -> list[Choice]:
        return self.several("severity", get_args(Severity), facets.severities)

    def shown(self) -> list[Choice]:
        ruled = self._query.open is not None or self._query.status
        return [
            Choice(
                text,
                value,
                None,
                not ruled and self._query.show == value,
                self.to(show=value, open=None, status=()),
            )
            for value, text in SHOWN.items()
        ]

    def applied(self) -> Iterator[Choice]:
        """What else is in force, each with the URL without it."""
        defaults = {field.name: field.default for field in msgspec.structs.fields(self._query)}
        for field, name in NAMES.items():
            value = getattr(self._query, field)
            if value != defaults[field]:
                text = self._in_words(field, value)
                yield Choice(name, text, None, True, self.to(**{field: defaults[field]}))

    def _in_words(self, field: str, value: Any) -> str:
        if field in ("amount_from", "amount_to"):
            return format_minor(value, self._query.currency or ASSUMED)
        return ", ".join(value) if isinstance(value, tuple) else _as_text(value)


def _turned(chosen: Sequence[str], name: str, order: Sequence[str]) -> tuple[str, ...]:
    """With the name if it was without, and the other way round; in a fixed order."""
    turned = {*chosen} ^ {name}
    return tuple(one for one in order if one in turned)


def _parameters(query: Any) -> Iterator[tuple[str, str]]:
    """What differs from the defaults, so that a URL says no more than was chosen."""
    for field in msgspec.structs.fields(query):
        value = getattr(query, field.name)
        if value != field.default:
            for one in value if isinstance(value, tuple) else (value,):
                yield field.name, _as_text(one)


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else str(value)


def facets_of(groups: Iterable[MismatchGroup], wanted: MismatchFilter) -> Facets:
    """`groups` were counted without categories and severities: each choice shows what it would add."""
    categories: dict[str, int] = {}
    severities: dict[str, int] = {}
    total = counted = 0
    for group in groups:
        counted += group.count
        in_category = not wanted.categories or group.category in wanted.categories
        in_severity = not wanted.severities or group.severity in wanted.severities
        if in_severity:
            categories[group.category] = categories.get(group.category, 0) + group.count
        if in_category:
            severities[group.severity] = severities.get(group.severity, 0) + group.count
        if in_category and in_severity:
            total += group.count
    return Facets(categories, severities, total, counted < COUNT_AT_MOST)

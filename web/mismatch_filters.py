"""Filters of mismatches as query parameters: one meaning in the list, the export, the stream and the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from app.domain.fields import Moment
from app.domain.mismatch import OPEN_STATUSES, Category, Leg, MismatchStatus, Severity
from app.store.mismatch_filters import MismatchFilter
from app.store.web_figures import MismatchRow
from web.call import Principal
from web.merchants import own_merchant
from web.params import Text
from web.problems import invalid

Hours = Annotated[int, Meta(ge=0, le=100_000)]
Stake = Annotated[int, Meta(ge=0, le=2**62)]
CLOSED: Final[tuple[MismatchStatus, ...]] = ("resolved", "auto_resolved", "written_off")


class FilterQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`category`, `severity`, `status` and `leg` take several values. `open`: in any open status, or in none;
    not beside `status`. `amount_from` and `amount_to` bound |actual − expected| in minor units, an absent
    side being 0. `since` ≤ detected_at < `before`; `min_age_hours` and `max_age_hours` say the same from
    now. `q`: what the id of the mismatch, merchant, payment, batch or PSP object begins with.
    """

    category: tuple[Category, ...] = ()
    severity: tuple[Severity, ...] = ()
    status: tuple[MismatchStatus, ...] = ()
    open: bool | None = None
    leg: tuple[Leg, ...] = ()
    merchant_id: Text | None = None
    payment_id: Text | None = None
    psp: Text | None = None
    batch_id: Text | None = None
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}(?![\\s\\S])")] | None = None
    amount_from: Stake | None = None
    amount_to: Stake | None = None
    since: Moment | None = None
    before: Moment | None = None
    min_age_hours: Hours | None = None
    max_age_hours: Hours | None = None
    q: Text | None = None


def filter_of(query: FilterQuery, principal: Principal) -> MismatchFilter:
    """What the store is asked for. Raises 422 for parameters that contradict each other."""
    if query.open is not None and query.status:
        raise invalid("open", "cannot be combined with status")
    statuses = query.status
    if query.open is not None:
        statuses = OPEN_STATUSES if query.open else CLOSED  # type: ignore[assignment]
    now = datetime.now(UTC)
    return MismatchFilter(
        categories=query.category,
        severities=query.severity,
        statuses=statuses,
        legs=query.leg,
        merchant_id=own_merchant(principal, query.merchant_id),
        payment_id=query.payment_id,
        psp=query.psp,
        batch_id=query.batch_id,
        currency=query.currency,
        stake_from=query.amount_from,
        stake_to=query.amount_to,
        since=_latest(query.since, _ago(now, query.max_age_hours)),
        before=_earliest(query.before, _ago(now, query.min_age_hours)),
        text=query.q,
    )


def _ago(now: datetime, hours: int | None) -> datetime | None:
    return None if hours is None else now - timedelta(hours=hours)


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else one or other


def stake_of(row: MismatchRow) -> int:
    """|expected − actual| in minor units, an absent side being 0, as the database has it."""
    return abs((row.expected_amount or 0) - (row.actual_amount or 0))


LASTING: Final[Mapping[str, str]] = {"categories": "category", "legs": "leg"}
MOVING: Final[Mapping[str, str]] = {"severities": "severity", "statuses": "status"}
LASTING_EQUAL: Final = ("merchant_id", "payment_id", "psp")
MOVING_EQUAL: Final = ("batch_id", "currency")


def may_ever_match(wanted: MismatchFilter, row: MismatchRow, identity: str | None = None) -> bool:
    """Judged by what hardly ever changes of a mismatch: False means that it was not in the list before.

    `identity`: the PSP's id of the object.
    """
    return _is_in(wanted, row, LASTING, LASTING_EQUAL) and _begins(wanted, row, identity)


def matches(wanted: MismatchFilter, row: MismatchRow, identity: str | None = None) -> bool:
    """The same answer as the conditions of `app/store/mismatch_filters.py`."""
    stake = stake_of(row)
    return (
        may_ever_match(wanted, row, identity)
        and _is_in(wanted, row, MOVING, MOVING_EQUAL)
        and (wanted.stake_from is None or stake >= wanted.stake_from)
        and (wanted.stake_to is None or stake <= wanted.stake_to)
        and (wanted.since is None or row.detected_at >= wanted.since)
        and (wanted.before is None or row.detected_at < wanted.before)
    )


def _is_in(
    wanted: MismatchFilter, row: MismatchRow, several: Mapping[str, str], equal: tuple[str, ...]
) -> bool:
    return all(
        not (values := getattr(wanted, name)) or getattr(row, column) in values
        for name, column in several.items()
    ) and all((value := getattr(wanted, name)) is None or getattr(row, name) == value for name in equal)


def _begins(wanted: MismatchFilter, row: MismatchRow, identity: str | None) -> bool:
    text = wanted.text
    if text is None:
        return True
    searched: tuple[Any, ...] = (row.id, row.merchant_id, row.payment_id, row.batch_id, identity)
    return any(value is not None and value.startswith(text) for value in searched)

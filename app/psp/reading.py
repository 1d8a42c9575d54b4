"""From a PSP's JSON to a PspFact: what all adapters share, with errors that name the field."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from app.domain.card_numbers import mask_card_numbers
from app.domain.money import EXPONENTS, MoneyError, check_currency
from app.domain.psp_facts import PspFact
from app.psp.adapter import Unreadable

EpochSeconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
"""Up to the end of the year 9999."""
LONGEST_REASON: Final = 200
OUR_IDS: Final = ("merchant_id", "payment_id", "order_ref", "invoice_id")

T = TypeVar("T")


class NotPayable(Exception):
    """An amount that a PSP has no number for."""


def decode(raw: bytes | msgspec.Raw, shape: type[T], place: str = "$") -> T:
    """JSON as `shape`. Raises Unreadable, which says what is wrong and where below `place`."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except (ValueError, RecursionError) as error:
        text = str(error)
        located = text.replace("`$", f"`{place}") if "`$" in text else f"{text} - at `{place}`"
        raise Unreadable(located) from None


def moment(epoch_seconds: int) -> datetime:
    return datetime.fromtimestamp(epoch_seconds, UTC)


def minor_units(value: int, currency: str, exponents: Mapping[str, int]) -> int:
    """A PSP's integer as ISO 4217 minor units; `exponents` has the currencies where the PSP's differ.

    Raises Unreadable for a currency that ISO does not know and for fractions that it does not have.
    """
    try:
        iso = EXPONENTS[check_currency(currency)]
    except MoneyError as error:
        raise Unreadable(str(error)) from None
    theirs = exponents.get(currency, iso)
    if theirs <= iso:
        return value * int(10 ** (iso - theirs))
    units, rest = divmod(value, int(10 ** (theirs - iso)))
    if rest:
        raise Unreadable(f"amount {value} of {currency} has a fraction of its smallest unit")
    return units


def psp_units(value: int, currency: str, exponents: Mapping[str, int], step: int = 1) -> int:
    """ISO 4217 minor units as the PSP's integer, the way back of `minor_units`.

    Raises NotPayable where the PSP has fewer decimals, or takes multiples of `step` only, and this is none.
    """
    difference = exponents.get(currency, EXPONENTS[currency]) - EXPONENTS[currency]
    units, rest = divmod(value * int(10 ** max(difference, 0)), int(10 ** max(-difference, 0)))
    if rest or units % step:
        raise NotPayable(f"{value} minor units of {currency} are no amount that the PSP takes")
    return units


def ours(metadata: Mapping[str, Any], own_id: str) -> dict[str, Any]:
    """Our ids in what we attached to the PSP's object; `own_id` names the one of the object itself."""
    named = {name: metadata.get(name) or None for name in OUR_IDS}
    return {**named, "object_id": metadata.get(own_id) or None}


def words(text: str) -> str:
    """A PSP's words as they are kept: short, without card numbers and NUL, which PostgreSQL refuses."""
    return mask_card_numbers(text.replace("\x00", " "))[:LONGEST_REASON]


def storable(made: T) -> T:
    """Raises ValueError for what the contract's limits, or PostgreSQL (NUL in text), do not let us keep."""
    raw = msgspec.json.encode(made)
    if b"\\u0000" in raw:
        raise ValueError("a text holds a NUL")
    return msgspec.json.decode(raw, type=type(made))


def fact(**fields: Any) -> PspFact:
    """A checked PspFact, its reason without card numbers.

    Raises Unreadable where a field is missing or outside of its limits.
    """
    reason = fields.get("reason")
    fields["reason"] = words(reason) if reason else None
    try:
        made = storable(msgspec.convert(fields, PspFact))
    except ValueError as error:
        raise Unreadable(f"{fields['kind']}: {error}") from None
    if "/" in (made.merchant_id or ""):
        raise Unreadable(f"{made.kind}: merchant_id must not contain '/'")
    return made

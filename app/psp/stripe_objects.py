"""The parts of Stripe's objects that money depends on, and Stripe's notion of minor units.

Other fields are not looked at, so a new API version breaks nothing as long as these stay. References to
other objects come as ids or, expanded, as objects (docs.stripe.com/api/expanding_objects).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from app.domain.psp_facts import PspFact, PspFactKind
from app.psp.adapter import Unreadable
from app.psp.reading import EpochSeconds, fact, minor_units, moment, ours

NAME: Final = "stripe"

EXPONENTS: Final = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Where Stripe's decimals are not ISO 4217's (docs.stripe.com/currencies: "Zero-decimal currencies" and
"Special cases"): MGA has none there; ISK and UGX keep two, always 00, for backward compatibility. HUF and
TWD, special for payouts only, are charged with ISO's two."""

OBJECT: Final = "$.data.object"
Metadata = Mapping[str, str]


class Data(msgspec.Struct, frozen=True):
    object: msgspec.Raw


class Event(msgspec.Struct, frozen=True):
    id: str
    type: str
    created: EpochSeconds
    data: Data

    @property
    def at(self) -> datetime:
        return moment(self.created)


class Expanded(msgspec.Struct, frozen=True):
    id: str


Reference = str | Expanded | None


def reference(value: Reference) -> str | None:
    return value.id if isinstance(value, Expanded) else value


def payment_of(payment_intent: Reference, charge: Reference) -> str:
    """The id under which all doors know a payment. Raises Unreadable where there is neither."""
    found = reference(payment_intent) or reference(charge)
    if not found:
        raise Unreadable(f"neither payment_intent nor charge - at `{OBJECT}`")
    return found


def stripe_fact(
    kind: PspFactKind,
    *,
    amount: int,
    currency: str,
    metadata: Metadata | None,
    own_id: str = "",
    fee: int = 0,
    **fields: Any,
) -> PspFact:
    """A fact of Stripe's in ISO units; `own_id` names the metadata of the object's own id of ours."""
    code = currency.upper()
    return fact(
        kind=kind,
        psp=NAME,
        amount=minor_units(amount, code, EXPONENTS),
        fee=minor_units(fee, code, EXPONENTS),
        currency=code,
        **ours(metadata or {}, own_id),
        **fields,
    )

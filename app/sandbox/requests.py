"""What may be asked of the sandbox PSP, and how it says that a request cannot be read."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from app.sandbox.draft import Refusal
from app.sandbox.money import CURRENCIES, MOST

Amount = Annotated[int, Meta(ge=1, le=MOST)]
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Url = Annotated[str, Meta(max_length=2000, pattern="^https?://")]
Name = Annotated[str, Meta(max_length=40)]
Metadata = Annotated[dict[Name, Annotated[str, Meta(max_length=500)]], Meta(max_length=20)]
Count = Annotated[int, Meta(ge=0, le=1000)]
Shape = TypeVar("Shape", bound=msgspec.Struct)


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the PSP does not know it refuses, so that a card number finds no place to hide in."""


class Money(Body, frozen=True, kw_only=True):
    amount: Amount
    currency: str
    metadata: Metadata = {}

    def __post_init__(self) -> None:
        if self.currency not in CURRENCIES:
            raise ValueError(f"{self.currency!r} is no ISO 4217 currency - at `$.currency`")


class SessionBody(Money, frozen=True, kw_only=True):
    capture: bool = True
    return_url: Url | None = None
    description: Annotated[str, Meta(max_length=200)] | None = None


class ChargeBody(Money, frozen=True, kw_only=True):
    token: Text
    capture: bool = True
    return_url: Url | None = None


class PartBody(Body, frozen=True, kw_only=True):
    """Of a capture or refund: without an amount all that is left."""

    amount: Amount | None = None
    metadata: Metadata = {}


class NoBody(Body, frozen=True, kw_only=True):
    metadata: Metadata = {}


class PayoutBody(Money, frozen=True, kw_only=True):
    destination: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class DisputeBody(PartBody, frozen=True, kw_only=True):
    reason: Text = "fraudulent"


class ReasonBody(Body, frozen=True, kw_only=True):
    reason: Text = "account_closed"


class CutOffBody(Body, frozen=True, kw_only=True):
    """How many of each to plant; `on`: the day that lines and bank entries are booked on."""

    on: date | None = None
    missing_line: Count = 0
    doubled_line: Count = 0
    wrong_amount: Count = 0
    wrong_fee: Count = 0
    wrong_net: Count = 0
    """Of a batch, in its line of the bank statement."""


def read(raw: bytes, shape: type[Shape]) -> Shape:
    """Raises Refusal 400 that names the field. No body is an empty one."""
    try:
        return msgspec.json.decode(raw or b"{}", type=shape)
    except (ValueError, RecursionError) as wrong:
        text = str(wrong)
        found = re.search(r"at `\$\.?([^`]*)`", text)
        raise Refusal(400, "invalid_request", text, found[1] if found else None) from None


def content(path: str, body: Any) -> bytes:
    """What a key stands for: the request as it was understood."""
    return path.encode() + b"\n" + msgspec.json.encode(body)

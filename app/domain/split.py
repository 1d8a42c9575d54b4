"""A payment of several sellers: one charge at the PSP, one payment order per seller with books of its own.

What the PSP takes and gives back goes through `split_transit:{merchant}/{payment}`: the parent's side of it
is posted in the parent's lane, each seller's in the seller's. So the parent's money is the clearing account's
where any other payment's is its merchant's, and a seller's comes from there instead of from the PSP.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from app.domain.money import split

TRANSIT: Final = "split_transit"


class Parent(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payment that a seller's order is a part of."""

    merchant_id: str
    payment_id: str


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One seller's part; minor units of the payment's currency."""

    merchant_id: str
    payment_id: str
    """Of the seller's order."""
    amount: int
    description: str | None = None
    posted: int = 0
    """What the seller's lane says it has posted: captured less refunded."""
    seq: int = 0
    """Of the word that said so; a later one counts."""


def transit(parent: Parent) -> str:
    return f"{TRANSIT}:{parent.merchant_id}/{parent.payment_id}"


def derived_id(parent: Parent, *more: str) -> str:
    """An id in a seller's books, made of the parent's: the same on every replay, and no other parent's."""
    parts = (parent.merchant_id, parent.payment_id, *more)
    return "split_" + sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def shares(parts: Sequence[Part], amount: int, left: Sequence[int] | None = None) -> tuple[int, ...]:
    """`amount` by largest remainder: in the ratio of the parts, or of what is left of each."""
    weights = left if left is not None and sum(left) > 0 else [part.amount for part in parts]
    return tuple(split(amount, weights))

"""How the rules see state: rows addressed by `Ref`, read through a `View`.

A row belongs to exactly one lane partition. Its version is the source offset of its last change, so it
guards the row, the table's changelog entry and says which record made it, all at once.
"""

from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol

Kind = Literal[
    "platform",  # ()                              -> configuration.Platform, one per lane partition
    "merchant",  # (merchant_id,)                  -> merchant.Merchant
    "payment",  # (merchant_id, payment_id)        -> payment.Payment
    "payout",  # (merchant_id, payout_id)          -> payout.Payout
    "account",  # (account, currency)              -> int, balance in minor units on its normal side
    "claim",  # (owner key, claim)                 -> str, what the claim points to
    "parked",  # (owner key, subject)              -> parking.Parked
    "timer",  # (record key, timer kind, subject)  -> timers.Timer; blind writes allowed
    "item",  # (psp, identity, kind)               -> matching.Item
    "mismatch",  # (mismatch id,)                  -> mismatch.Mismatch
    "effect",  # (target, effect id)               -> effect.Effect
    "document",  # (collection, owner key, id)     -> the collection's struct (app/store/collections.py)
]


class Ref(NamedTuple):
    """Address of one state row inside a lane partition."""

    kind: Kind
    key: tuple[str, ...]


class NotLoaded(LookupError):
    """A rule asked for rows that were not fetched ahead; the lane loads them and decides again."""

    def __init__(self, ref: Ref) -> None:
        super().__init__(ref)
        self.ref = ref


class View(Protocol):
    """Reading side of the state: the value, None where there is no row; raises NotLoaded."""

    def get(self, ref: Ref) -> Any: ...


PLATFORM = Ref("platform", ())


@lru_cache(maxsize=65_536)  # every posting asks for it, mostly for the same few accounts
def account_ref(account: str, currency: str) -> Ref:
    return Ref("account", (account, currency))

"""What a payout is made of: all that moved the merchant's available money since the one before, by kind.

Each decision adds what it posted; a payout takes the sums, names what it leaves behind, and labels what they
do not explain: a residual, which is 0 unless something was posted that nobody counted.
"""

from typing import Final, NamedTuple

from msgspec.structs import replace

from app.domain.accounts import signed
from app.domain.decision import Draft
from app.domain.merchant import known_merchant, merchant_ref
from app.domain.postings import available

_AVAILABLE: Final = "m_avail:"
STARTED: Final = "payout_started"
_WITHOUT: Final = (STARTED, "capture")
"""A payout begins the count anew; a capture moves pending money only."""
CARRIED_OVER: Final = "carried_over"
"""What the payout before left behind."""
KEPT_BACK: Final = "kept_back"
"""What this one leaves behind, negative."""


class Made(NamedTuple):
    """Parts of a payout by kind, minor units of its currency; with the residual they sum to its amount."""

    parts: dict[str, int]
    residual: int


def keep_flows(draft: Draft) -> None:
    """Count what the decision posted to available money; to be called once, at its end."""
    moved: dict[tuple[str, str, str], int] = {}
    for transaction in draft.transactions:
        if transaction.kind in _WITHOUT:
            continue
        for account, direction, amount, currency, _ in transaction.entries:
            if account.startswith(_AVAILABLE):
                key = (account[len(_AVAILABLE) :], currency, transaction.kind)
                moved[key] = moved.get(key, 0) + signed(account, direction, amount)
    for (merchant_id, currency, kind), amount in moved.items():
        _add(draft, merchant_id, currency, kind, amount)


def take_flows(draft: Draft, merchant_id: str, amount: int, currency: str) -> Made:
    """What a payout of `amount` is made of; called before it is posted, and counting begins anew."""
    merchant = known_merchant(draft, merchant_id)
    left = draft.balance(available(merchant_id), currency) - amount
    parts = {**merchant.flows.get(currency, {})}
    if left:
        parts[KEPT_BACK] = -left
    flows = {**merchant.flows, currency: {CARRIED_OVER: left} if left else {}}
    draft.put(merchant_ref(merchant_id), replace(merchant, flows=flows))
    return Made(dict(sorted(parts.items())), amount - sum(parts.values()))


def _add(draft: Draft, merchant_id: str, currency: str, kind: str, amount: int) -> None:
    merchant = known_merchant(draft, merchant_id)
    kinds = merchant.flows.get(currency, {})
    total = kinds.get(kind, 0) + amount
    kinds = {**kinds, kind: total}
    if not total:
        del kinds[kind]
    draft.put(merchant_ref(merchant_id), replace(merchant, flows={**merchant.flows, currency: kinds}))

"""The posting rules of the merchant lane: which accounts an event touches (debits first, then credits).

Each rule gives the legs of one balanced transaction, amounts in minor units; legs of zero are left out when
they are posted. `RULES` at the end is the table of them; the sources are the platform's accounting rules,
their worked rows stand in `tests/domain/scenarios/`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from app.domain.accounts import CREDIT, DEBIT
from app.domain.decision import Leg

Legs = list[Leg]


def pending(merchant_id: str) -> str:
    return f"m_pend:{merchant_id}"


def available(merchant_id: str) -> str:
    return f"m_avail:{merchant_id}"


def receivable(psp: str) -> str:
    return f"psp_recv:{psp}"


def capture(
    merchant_id: str,
    psp: str,
    currency: str,
    amount: int,
    platform_fee: int,
    psp_fee: int | None = None,
    merchant_psp_fee: int = 0,
) -> Legs:
    """A capture with the platform's fee, and the PSP's fee accrued where the PSP has a plan.

    Of the PSP's fee the merchant bears `merchant_psp_fee` (recovered from it), the platform the rest.
    """
    m_pend, psp_recv = pending(merchant_id), receivable(psp)
    legs = [
        Leg(psp_recv, DEBIT, amount, currency),
        Leg(m_pend, CREDIT, amount - platform_fee, currency),
        Leg("plat_fee", CREDIT, platform_fee, currency),
    ]
    if psp_fee:
        legs.append(Leg("psp_fee", DEBIT, psp_fee, currency))
        legs.append(Leg(psp_recv, CREDIT, psp_fee, currency))
    if merchant_psp_fee:
        legs.append(Leg(m_pend, DEBIT, merchant_psp_fee, currency))
        legs.append(Leg("fee_recovery", CREDIT, merchant_psp_fee, currency))
    return legs


def release(merchant_id: str, currency: str, amount: int) -> Legs:
    """What is still pending of a capture becomes available."""
    return [
        Leg(pending(merchant_id), DEBIT, amount, currency),
        Leg(available(merchant_id), CREDIT, amount, currency),
    ]


def advance(merchant_id: str, currency: str, amount: int) -> Legs:
    """A correction finds money gone that was pending: the available makes up for it."""
    return [
        Leg(available(merchant_id), DEBIT, amount, currency),
        Leg(pending(merchant_id), CREDIT, amount, currency),
    ]


def refund(merchant_id: str, psp: str, currency: str, from_pending: int, from_available: int) -> Legs:
    """A refund, no fee given back: first from pending money, the rest from available."""
    return [
        Leg(pending(merchant_id), DEBIT, from_pending, currency),
        Leg(available(merchant_id), DEBIT, from_available, currency),
        Leg(receivable(psp), CREDIT, from_pending + from_available, currency),
    ]


def held(merchant_id: str) -> str:
    return f"m_hold:{merchant_id}"


def disputed(psp: str) -> str:
    return f"disp_recv:{psp}"


def dispute_opened(merchant_id: str, psp: str, currency: str, from_pending: int, from_available: int) -> Legs:
    """The PSP took the amount; the merchant's is held: first from pending, the rest from available."""
    amount = from_pending + from_available
    return [
        Leg(disputed(psp), DEBIT, amount, currency),
        Leg(pending(merchant_id), DEBIT, from_pending, currency),
        Leg(available(merchant_id), DEBIT, from_available, currency),
        Leg(receivable(psp), CREDIT, amount, currency),
        Leg(held(merchant_id), CREDIT, amount, currency),
    ]


def dispute_fee(merchant_id: str, psp: str, currency: str, fee: int, passed_on: bool = False) -> Legs:
    """The PSP has taken its fee; passed on, the merchant pays it."""
    legs = [Leg("disp_fee", DEBIT, fee, currency), Leg(receivable(psp), CREDIT, fee, currency)]
    if passed_on:
        legs.append(Leg(available(merchant_id), DEBIT, fee, currency))
        legs.append(Leg("fee_recovery", CREDIT, fee, currency))
    return legs


def dispute_won(
    merchant_id: str,
    psp: str,
    currency: str,
    amount: int,
    fee_returned: int = 0,
    passed_on: bool = False,
) -> Legs:
    """The amount came back, and `fee_returned` of the fee: to the merchant, where that was passed on."""
    return [
        Leg(receivable(psp), DEBIT, amount, currency),
        Leg(held(merchant_id), DEBIT, amount, currency),
        Leg(disputed(psp), CREDIT, amount, currency),
        Leg(available(merchant_id), CREDIT, amount, currency),
        *reversal(dispute_fee(merchant_id, psp, currency, fee_returned, passed_on)),
    ]


def dispute_lost(
    merchant_id: str, psp: str, currency: str, amount: int, platform_bears: bool = False
) -> Legs:
    """The amount is gone: it was the merchant's, unless the platform bears it."""
    if not platform_bears:
        return [
            Leg(held(merchant_id), DEBIT, amount, currency),
            Leg(disputed(psp), CREDIT, amount, currency),
        ]
    return [
        Leg("disp_loss", DEBIT, amount, currency),
        Leg(held(merchant_id), DEBIT, amount, currency),
        Leg(disputed(psp), CREDIT, amount, currency),
        Leg(available(merchant_id), CREDIT, amount, currency),
    ]


def payout_started(merchant_id: str, currency: str, amount: int) -> Legs:
    return [
        Leg(available(merchant_id), DEBIT, amount, currency),
        Leg("payout_transit", CREDIT, amount, currency),
    ]


def payout_paid(bank_account: str, currency: str, amount: int, bank_fee: int) -> Legs:
    return [
        Leg("payout_transit", DEBIT, amount, currency),
        Leg("payout_fee", DEBIT, bank_fee, currency),
        Leg(f"bank:{bank_account}", CREDIT, amount + bank_fee, currency),
    ]


def payout_failed(merchant_id: str, currency: str, amount: int) -> Legs:
    """It failed before it left: back to the merchant."""
    return [
        Leg("payout_transit", DEBIT, amount, currency),
        Leg(available(merchant_id), CREDIT, amount, currency),
    ]


def payout_returned(merchant_id: str, bank_account: str, currency: str, amount: int) -> Legs:
    """It came back after it had been paid."""
    return [
        Leg(f"bank:{bank_account}", DEBIT, amount, currency),
        Leg(available(merchant_id), CREDIT, amount, currency),
    ]


def reversal(legs: Legs) -> Legs:
    """The same legs on the other side; the transaction that posts them names what it reverses."""
    return [
        Leg(account, CREDIT if direction == DEBIT else DEBIT, amount, currency)
        for account, direction, amount, currency in legs
    ]


RULES: Final[Mapping[str, Callable[..., Legs]]] = {
    "capture": capture,
    "funds_released": release,
    "correction_advance": advance,
    "refund": refund,
    "dispute_opened": dispute_opened,
    "dispute_fee": dispute_fee,
    "dispute_won": dispute_won,
    "dispute_lost": dispute_lost,
    "payout_started": payout_started,
    "payout_paid": payout_paid,
    "payout_failed": payout_failed,
    "payout_returned": payout_returned,
    "reversal": reversal,
}
"""Rule by name; a transaction's `kind` is its rule's name, or says why there is a reversal in it

(`capture_corrected`, `refund_corrected`, `refund_failed`, `dispute_corrected`).
"""

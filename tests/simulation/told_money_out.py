"""Stories of payouts, and of the lines that banks write of them and of everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.domain.streams import BANK_LINES

if TYPE_CHECKING:
    from tests.simulation.generator import Generator

ACCOUNTS: Final = ("DE89370400440532013000", "main")
CURRENCIES: Final = ("EUR", "EUR", "USD", "JPY")
WHEN: Final = ("2026-11-19T22:15:00Z", "2026-11-20T08:00:00Z", "2026-11-20T09:00:00Z")


def tell(told: Generator, place: float) -> None:
    if told.orderly or told.chance(0.4):
        _bank_line(told, place)
    else:
        _payout(told, place)


def _bank_line(told: Generator, place: float) -> None:
    """A line of a bank statement, now and then corrected by a later statement."""
    rng = told.rng
    account, amount = rng.choice(ACCOUNTS), rng.choice((-1, 1, 1)) * int(rng.random() * 90_000)
    line = {
        "type": "bank.line",
        "account": account,
        "line_id": told.new_id("bank-"),
        "amount": amount,
        "currency": rng.choice(CURRENCIES),
        "value_date": "2026-11-22",
        "remittance": f"PAYOUT B{int(rng.random() * 4)}",
    }
    told.say(place, BANK_LINES, account, line)
    if told.contradicts(0.2):
        corrected = {**line, "amount": amount + int(rng.random() * 3), "booking_date": "2026-11-23"}
        told.say(place + 0.05, BANK_LINES, account, corrected)
        if told.chance(0.3):
            told.say(place + 0.1, BANK_LINES, account, {**corrected, "amount": -amount})


def _payout(told: Generator, place: float) -> None:
    """A payout and what became of it, in any order, complete or not."""
    rng = told.rng
    merchant, payout = rng.choice(told.merchants), told.new_id("po-")
    amount = 50 + int(rng.random() * 1_500)
    place = 0.5 + 0.5 * place
    told.command(
        place, "payout.create", merchant, payout_id=payout, amount=amount, currency=rng.choice(CURRENCIES)
    )
    fact = {"payout_id": payout, "occurred_at": rng.choice(WHEN)}
    chance = rng.random()
    if chance < 0.6:
        fee = int(rng.random() * 3) * 10
        told.command(place + 0.01, "payout.paid", merchant, bank_fee=fee, **fact)
    if 0.5 < chance < 0.75:
        told.command(place + 0.01, "payout.failed", merchant, reason="closed", **fact)
    if chance < 0.2:
        told.command(place + 0.02, "payout.returned", merchant, **fact)

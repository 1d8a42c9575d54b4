"""What must hold of money that was asked for, once all is decided: within limits, and every split cleared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from app.domain.accounts import signed
from app.domain.payment import Payment
from tests.simulation.told_requests import PSP
from tests.simulation.world import World


def asked_at_rest(world: World) -> Iterator[str]:
    yield from _within_limits(world)
    yield from _splits_cleared(world)


def _within_limits(world: World) -> Iterator[str]:
    """The simulated PSP takes what it is asked for, once: so captures are what was asked, never above."""
    for place, row in world.store.rows.items():
        payment = row.value
        if place[1].kind != "payment" or not isinstance(payment, Payment) or payment.psp != PSP:
            continue
        if payment.requested is None:
            continue
        if payment.captured_amount > payment.requested.amount:
            yield f"{payment.id}: {payment.captured_amount} of {payment.requested.amount} were captured"
        if payment.refunded_amount > payment.captured_amount and not payment.parts:
            yield f"{payment.id}: {payment.refunded_amount} of {payment.captured_amount} were refunded"


def _splits_cleared(world: World) -> Iterator[str]:
    """Parents and sellers post in lanes of their own; together each clearing account is at zero."""
    sums: Counter[tuple[str, str]] = Counter()
    for transaction in world.store.transactions.values():
        for entry in transaction.entries:
            if entry.account.startswith("split_transit:"):
                sums[entry.account, entry.currency] += signed(entry.account, entry.direction, entry.amount)
    yield from (f"{account} is {left} {currency}" for (account, currency), left in sums.items() if left)

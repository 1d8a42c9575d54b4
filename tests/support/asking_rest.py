"""What must hold once everything is told: our books say what the PSP did, and nothing is left hanging."""

from __future__ import annotations

from typing import Any, Final

from app.domain.payment import BEFORE_CAPTURE, Payment
from app.domain.payout import Payout
from app.domain.split import Parent, transit
from tests.support.asking_people import People
from tests.support.asking_psp import NAME
from tests.support.asking_psp_objects import Charge

KIND_OF: Final = {"action_required": "requires_action"}


def breaches(people: People) -> list[str]:
    """What does not hold, in words; empty: all is well."""
    world = people.world
    world.books.check_all()
    found = [text for ref, one in world.books.of_kind("payment") for text in _payment(people, one)]
    found += [text for _, one in world.books.of_kind("payout") for text in _payout(people, one)]
    found += _money(people)
    found += [f"effect {one.id} is {one.status}" for one in world.effects() if one.status != "done"]
    return found + _too_much(people)


def _too_much(people: People) -> list[str]:
    """At the PSP itself, which may take whatever it is asked for."""
    found = []
    for charge in people.psp.charges.values():
        if charge.captured > charge.amount:
            found.append(f"{charge.id}: {charge.captured} captured of {charge.amount}")
        if charge.refundable < 0:
            found.append(f"{charge.id}: {-charge.refundable} more went back than was captured")
    return found


def _payment(people: People, payment: Payment) -> list[str]:
    name = f"{payment.merchant_id}/{payment.id}"
    left = [key for key, one in payment.asked.items() if one.state not in ("done", "declined")]
    found = [f"{name}: {key} is {payment.asked[key].state}" for key in left]
    for key, refund in payment.refunds.items():
        if not refund.confirmed and not refund.failed:
            found.append(f"{name}: nobody knows what became of refund {key}")
    if payment.parts:
        found += _split(people, payment)
    charges = [one for one in people.psp.charges.values() if one.call.payment_id == payment.id]
    if payment.parent is None:
        found += [] if len(charges) == 1 else [f"{name}: {len(charges)} charges"]
        found += [text for charge in charges for text in _as_charged(name, payment, charge)]
    return found


def _as_charged(name: str, payment: Payment, charge: Charge) -> list[str]:
    wanted = _wanted_status(payment, charge)
    found = [] if payment.status == wanted else [f"{name}: {payment.status}, at the PSP {wanted}"]
    ours = {one.psp_capture_id: one.amount for one in payment.captures.values()}
    found += _differ(f"{name}: captures", ours, {one.id: one.amount for one in charge.captures.values()})
    stands = {one.psp_refund_id: one.amount for one in payment.refunds.values() if not one.failed}
    there = {one.id: one.amount for one in charge.refunds.values() if one.state == "done"}
    found += _differ(f"{name}: refunds", stands, there)
    disputes = {key: (one.amount, one.stage) for key, one in payment.disputes.items()}
    those = {one.id: (one.amount, one.state) for one in charge.disputes.values()}
    return found + _differ(f"{name}: disputes", disputes, those)


def _wanted_status(payment: Payment, charge: Charge) -> str:
    if charge.captures:
        return "captured"
    kinds = {KIND_OF.get(kind, kind) for kind in charge.told}
    kinds |= {"expired"} if "expired/ours" in payment.facts else set()
    return next((status for status in BEFORE_CAPTURE if status in kinds), "created")


def _split(people: People, payment: Payment) -> list[str]:
    parent = Parent(payment.merchant_id, payment.id)
    left = people.world.books.balance(transit(parent), payment.currency)
    found = [f"{payment.id}: {left} is left between it and its sellers"] if left else []
    if "split_mismatch" in payment.flags:
        found.append(f"{payment.id}: sellers differ")
    return found


def _payout(people: People, payout: Payout) -> list[str]:
    made = [one for one in people.psp.payouts.values() if one.call.object_id == payout.id]
    made = [one for one in made if one.call.merchant_id == payout.merchant_id]
    if payout.status == "rejected":
        return [f"payout {payout.id}: rejected, and made"] if made else []
    if len(made) != 1:
        return [f"payout {payout.id} was made {len(made)} times"]
    wanted = made[0].state
    return [] if payout.status == wanted else [f"payout {payout.id}: {payout.status}, at the PSP {wanted}"]


def _money(people: People) -> list[str]:
    books, psp = people.world.books, people.psp
    owed = sum(charge.refundable for charge in psp.charges.values())
    out = sum(one.call.amount for one in psp.payouts.values() if one.state == "paid")
    found = []
    accounts: dict[str, tuple[int, str]] = {
        "what the PSP owes": (owed, f"psp_recv:{NAME}"),
        "payouts on their way": (0, "payout_transit"),
    }
    for what, (wanted, account) in accounts.items():
        found += _differ(what, books.balance(account, people.currency), wanted)
    bank = sum(-value for key, value in books.balances().items() if key[0].startswith("bank:"))
    return found + _differ("what left the bank", bank, out)


def _differ(what: str, ours: Any, theirs: Any) -> list[str]:
    return [] if ours == theirs else [f"{what}: ours {ours}, theirs {theirs}"]

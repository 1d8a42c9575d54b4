"""Pending money of captures: its release by timer, and what refunds take out of it."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from app.domain import postings
from app.domain.commands import FundsRelease
from app.domain.decision import Draft, Ignored, InvariantBroken
from app.domain.events import FundsReleased
from app.domain.merchant import known_merchant, platform_in, release_delay
from app.domain.payment import Capture, Payment, payment_ref
from app.domain.streams import PAYMENTS_EVENTS
from app.domain.timers import set_timer, take_fired

TIMER: Final = "release"


Parts = tuple[tuple[str, int], ...]
"""(capture, amount) that goes out of captures' pending money; negative: that comes back."""


class Taken(NamedTuple):
    """Where a refund's money comes from: captures' pending first, oldest first, the rest from available."""

    parts: Parts
    from_available: int

    @property
    def from_pending(self) -> int:
        return sum(amount for _, amount in self.parts)


def timer_subject(payment_id: str, capture_id: str) -> str:
    """Unambiguous whatever the ids hold: the last `/` ends the payment's; nothing after it: the same id."""
    if capture_id == payment_id:
        return f"{payment_id}/"
    return f"{payment_id}/{capture_id.replace('%', '%25').replace('/', '%2F')}"


def schedule_release(draft: Draft, payment: Payment, capture_id: str) -> None:
    """Set or move the timer by which what is pending of a capture becomes available, never in the past."""
    merchant = known_merchant(draft, payment.merchant_id)
    capture = payment.captures[capture_id]
    due_at = capture.occurred_at + release_delay(merchant, platform_in(draft))
    command = FundsRelease(
        id="-",
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        capture_id=capture_id,
        currency=capture.currency,
    )
    set_timer(draft, TIMER, timer_subject(payment.id, capture_id), max(due_at, draft.now), command)


def release_again(draft: Draft, payment: Payment) -> None:
    """Money came back to captures: those that were released already release it again."""
    for capture_id, capture in payment.captures.items():
        if capture.released and capture.pending:
            schedule_release(draft, payment, capture_id)


def release_funds(draft: Draft, command: FundsRelease) -> None:
    """What is **still** pending of a capture becomes available."""
    fired = take_fired(draft, command.id)
    payment: Payment | None = draft.get(payment_ref(command.merchant_id, command.payment_id))
    capture = payment.captures.get(command.capture_id) if payment else None
    if payment is None or capture is None:
        raise Ignored("no such capture")
    if not fired.is_of(TIMER, timer_subject(command.payment_id, command.capture_id)):
        raise Ignored("the record is not the timer's own")
    _release(draft, payment, command.capture_id, capture)


def _release(draft: Draft, payment: Payment, capture_id: str, capture: Capture) -> None:
    amount = capture.pending
    transaction_id = None
    if amount:
        legs = postings.release(payment.merchant_id, capture.currency, amount)
        transaction_id = draft.post("funds_released", legs, draft.now, payment.merchant_id, payment.id)
    captures = {**payment.captures, capture_id: replace(capture, pending=0, released=True)}
    payment = replace(payment, captures=captures, seq=payment.seq + 1)
    draft.put(payment_ref(payment.merchant_id, payment.id), payment)
    event = FundsReleased(
        id=draft.next_id(),
        seq=payment.seq,
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        capture_id=capture_id,
        amount=amount,
        currency=capture.currency,
        status=payment.status,
        flags=payment.flags,
        transaction_id=transaction_id,
        occurred_at=draft.now,
    )
    draft.send(PAYMENTS_EVENTS, f"{payment.merchant_id}/{payment.id}", event)


def allocate(captures: Mapping[str, Capture], amount: int, currency: str) -> Taken:
    """Take `amount` minor units of `currency` for a refund."""
    parts: list[tuple[str, int]] = []
    left = amount
    for key, capture in sorted(captures.items(), key=lambda item: (item[1].occurred_at, item[0])):
        take = min(left, capture.pending) if capture.currency == currency else 0
        if take:
            parts.append((key, take))
            left -= take
    return Taken(tuple(parts), left)


def without_taken(captures: Mapping[str, Capture], parts: Parts) -> dict[str, Capture]:
    """The captures after `parts` went out of their pending money (negative parts: came back)."""
    result = dict(captures)
    for key, amount in parts:
        pending = result[key].pending - amount
        if pending < 0:
            raise InvariantBroken(f"{amount} taken from capture {key}, which has less pending")
        result[key] = replace(result[key], pending=pending)
    return result

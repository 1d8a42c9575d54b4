"""Taking money: sessions, charges, captures, what is given up. Captured never exceeds authorised."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from app.sandbox.draft import Draft, Refusal
from app.sandbox.objects import Capture, Charge, Metadata, Session
from app.sandbox.tokens import TOKENS
from app.sandbox.views import told

UNPAID = ("created", "failed")
"""A payer may try; another attempt may follow one that failed."""


def open_session(draft: Draft, *, capture: bool, metadata: Metadata, **fields: Any) -> Session:
    session_id, charge_id = draft.new_id("cs"), draft.new_id("ch")
    fields |= {"created_at": draft.now, "metadata": metadata}
    lapses = draft.now + timedelta(seconds=draft.terms.session_seconds)
    session = Session(id=session_id, charge=charge_id, due_at=lapses, **fields)
    common = {name: fields[name] for name in ("amount", "currency", "created_at", "metadata")}
    charge = Charge(id=charge_id, capture=capture, session=session_id, **common)
    draft.put(session)
    draft.put(charge)
    draft.tell("payment.created", told(charge))
    return session


def make_charge(draft: Draft, *, token: str, **fields: Any) -> Charge:
    """Raises Refusal where there is no such token. A declined one is a charge that has failed."""
    if token not in TOKENS:
        # It is not repeated: somebody may have sent a card number.
        raise Refusal(422, "invalid_token", "there is no such test token", "token")
    charge = Charge(id=draft.new_id("ch"), created_at=draft.now, **fields)
    return attempt(draft, charge, token)


def attempt(draft: Draft, charge: Charge, token: str) -> Charge:
    """One attempt to pay. Raises Refusal where the charge is past that."""
    if charge.status not in UNPAID:
        raise Refusal(422, "not_payable", f"charge {charge.id} is {charge.status}")
    charge = replace(charge, token=token)
    if TOKENS[token].does == "declined":
        return _fail(draft, charge, TOKENS[token].reason)
    if TOKENS[token].does == "asks":
        asking = replace(charge, status="requires_action", settled_at=draft.now)
        draft.put(asking)
        draft.tell("payment.action_required", told(asking))
        return asking
    return _succeed(draft, charge)


def challenge(draft: Draft, charge_id: str, *, approved: bool) -> Charge:
    """The payer's answer to the 3-D Secure step; some tokens fail whatever the payer says."""
    charge = draft.get(Charge, charge_id)
    if charge.status != "requires_action":
        raise Refusal(422, "no_action_required", f"charge {charge_id} is {charge.status}")
    reason = TOKENS[charge.token or ""].reason
    if reason or not approved:
        return _fail(draft, charge, reason or "authentication_refused")
    return _succeed(draft, charge)


def _fail(draft: Draft, charge: Charge, reason: str) -> Charge:
    failed = replace(charge, status="failed", reason=reason, settled_at=draft.now)
    draft.put(failed)
    draft.tell("payment.failed", told(failed, reason=reason))
    return failed


def _succeed(draft: Draft, charge: Charge) -> Charge:
    lapses = draft.now + timedelta(seconds=draft.terms.authorization_seconds)
    charge = replace(
        charge,
        status="authorized",
        reason=None,
        authorized_at=draft.now,
        settled_at=draft.now,
        due_at=None if charge.capture else lapses,
    )
    if charge.session is not None:
        draft.put(replace(draft.get(Session, charge.session), status="complete", due_at=None))
    draft.put(charge)
    if charge.capture:
        return _take(draft, charge, charge.id, charge.amount, {})[0]
    draft.tell("payment.authorized", told(charge))
    return charge


def capture(draft: Draft, charge_id: str, *, amount: int | None, metadata: Metadata) -> Capture:
    """All that is left without an amount. Raises Refusal."""
    charge = draft.get(Charge, charge_id)
    if charge.status not in ("authorized", "captured") or charge.released:
        raise Refusal(422, "not_capturable", f"charge {charge_id} is {charge.status}")
    left = charge.amount - charge.amount_captured
    amount = left if amount is None else amount
    if amount > left or amount < 1:
        raise Refusal(422, "exceeds_authorized", f"{left} is left of what is authorised, not {amount}")
    return _take(draft, charge, draft.new_id("cap"), amount, metadata)[1]


def _take(
    draft: Draft, charge: Charge, capture_id: str, amount: int, metadata: Metadata
) -> tuple[Charge, Capture]:
    captured = charge.amount_captured + amount
    complete = captured == charge.amount
    charge = replace(
        charge,
        status="captured",
        amount_captured=captured,
        settled_at=charge.settled_at if charge.status == "captured" else draft.now,
        due_at=None if complete else charge.due_at,
    )
    taken = Capture(
        id=capture_id,
        charge=charge.id,
        created_at=draft.now,
        amount=amount,
        currency=charge.currency,
        metadata={**charge.metadata, **metadata},
    )
    draft.put(charge)
    draft.put(taken)
    draft.move("capture", taken, amount, draft.terms.plan.fee(amount))
    draft.tell("payment.captured", told(charge, taken))
    return charge, taken


def void(draft: Draft, charge_id: str) -> Charge:
    """Gives up what is left of an authorisation; only one of which nothing was taken becomes `voided`."""
    charge = draft.get(Charge, charge_id)
    if charge.status not in ("created", "requires_action", "authorized", "captured"):
        raise Refusal(422, "not_voidable", f"charge {charge_id} is {charge.status}")
    if charge.released or charge.amount_captured == charge.amount:
        raise Refusal(422, "not_voidable", f"nothing is left of what charge {charge_id} is authorised for")
    return _release(draft, charge, "voided")


def expire_authorization(draft: Draft, charge: Charge) -> None:
    _release(draft, charge, "expired")


def _release(draft: Draft, charge: Charge, status: Any) -> Charge:
    released = replace(charge, released=True, due_at=None)
    if not charge.amount_captured:
        released = replace(released, status=status, settled_at=draft.now)
        draft.tell(f"payment.{status}", told(released))
        _close_session(draft, released)
    draft.put(released)
    return released


def expire_session(draft: Draft, session: Session) -> None:
    """Nobody has paid in time; an attempt that waits for the payer ends with it."""
    _release(draft, draft.get(Charge, session.charge), "expired")


def _close_session(draft: Draft, charge: Charge) -> None:
    if charge.session is None:
        return
    session = draft.get(Session, charge.session)
    if session.status == "open":
        draft.put(replace(session, status="expired", due_at=None))

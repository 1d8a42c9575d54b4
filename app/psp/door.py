"""The door of webhooks: what a PSP reported, as records of the lanes that own it.

A fact that names our merchant and payment goes to the merchant lane; any other goes to the matching lane,
under the PSP's id of the payment, where the directory knows whose it is. A record's id is `{psp}/{event id}`,
with `/{n}` for further facts of one event, so that a delivery that comes again is known behind the door. A
body that cannot be read becomes a dead letter, whole: it is redriven when its adapter can read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from app.domain.decision import Conflict, Draft, Ignored
from app.domain.matching import home
from app.domain.psp_facts import PspFact, is_addressed, to_command
from app.domain.settlement import FactUnaddressed
from app.domain.state import Ref
from app.domain.streams import MATCHING_COMMANDS, PAYMENTS_COMMANDS
from app.domain.webhooks import WebhookReceived
from app.psp.adapter import EventIgnored, Parsed, Unreadable
from app.psp.registry import adapters


def decide(draft: Draft, command: WebhookReceived) -> None:
    """Send each fact on. Raises Ignored for events that bring none, Conflict for a body nobody can read."""
    facts = _parse(command)
    seen: Counter[str] = Counter()
    for event_id, fact in facts:
        number = seen[event_id]
        seen[event_id] += 1
        _send(draft, fact, f"{command.psp}/{event_id}/{number}" if number else f"{command.psp}/{event_id}")


def prefetch(command: WebhookReceived) -> Iterable[Ref]:
    """A door reads no rows."""
    return ()


def record_key(command: WebhookReceived) -> str | None:
    """Doors skip the key check."""
    return None


def _parse(command: WebhookReceived) -> Parsed:
    adapter = adapters().get(command.psp)
    if adapter is None:
        raise Conflict("unknown_psp", f"there is no adapter for {_printable(command.psp)}")
    try:
        return adapter.parse(command.headers, command.raw)
    except EventIgnored as event:
        raise Ignored(str(event)) from None
    except Unreadable as wrong:
        raise Conflict("unreadable", f"webhook of {command.psp}: {_printable(str(wrong))}") from None


def _send(draft: Draft, fact: PspFact, record_id: str) -> None:
    try:
        topic, key, record = _addressed(fact, record_id)
        msgspec.json.decode(msgspec.json.encode(record), type=type(record))  # as strictly as its lane will
    except ValueError as wrong:
        raise Conflict("unreadable", f"{fact.kind} of {fact.psp}: {_printable(str(wrong))}") from None
    draft.send(topic, key, record)


def _addressed(fact: PspFact, record_id: str) -> tuple[str, str, msgspec.Struct]:
    """(topic, key, record) that the fact goes on as."""
    merchant_id, payment_id = fact.merchant_id, fact.payment_id
    if is_addressed(fact) and merchant_id is not None and payment_id is not None:
        return PAYMENTS_COMMANDS, merchant_id, to_command(fact, record_id, merchant_id, payment_id)
    unaddressed = FactUnaddressed(id=record_id, psp=fact.psp, identity=fact.psp_payment_id, fact=fact)
    return MATCHING_COMMANDS, home(fact.psp, fact.psp_payment_id), unaddressed


def _printable(text: str) -> str:
    """PostgreSQL takes no NUL in text, and a reason may quote what was sent."""
    return text.replace("\x00", "\\x00")[:400]

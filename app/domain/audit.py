"""The audit chain of a mismatch: one entry per action, each naming the hash of the one before.

A chain belongs to one mismatch and its head (number and hash) to the mismatch's row, so lanes share no row.
It begins with the first action of a person; from then on what the engine does to the mismatch is in it, too.
"""

from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from app.domain.decision import Draft
from app.domain.mismatch import Mismatch
from app.domain.state import Ref

COLLECTION: Final = "audit"
GENESIS: Final = "0" * 64
"""The previous hash of a chain's first entry."""
ENGINE: Final = "engine"
KEPT: Final = ("status", "severity", "assignee", "expected_amount", "actual_amount", "proposal", "resolution")
"""What of a mismatch an entry states before and after."""
_canonical: Final = msgspec.json.Encoder(order="sorted").encode


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`at`: append time of the record that did it. `hash`: SHA-256 over the canonical JSON of the rest."""

    mismatch_id: str
    seq: int
    action: str
    from_status: str
    to_status: str
    actor: str
    role: str
    approver: str | None = None
    at: datetime
    reason_code: str | None = None
    note: str | None = None
    before: dict[str, Any]
    after: dict[str, Any]
    rule_version: int | None = None
    record_ids: tuple[str, ...] = ()
    transaction_id: str | None = None
    request_id: str | None = None
    source_address: str | None = None
    previous_hash: str
    hash: str = ""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what and why; the rest of an entry follows from the mismatch before and after."""

    action: str
    actor: str = ENGINE
    role: str = ENGINE
    approver: str | None = None
    reason_code: str | None = None
    note: str | None = None
    transaction_id: str | None = None
    request_id: str | None = None
    source_address: str | None = None


def audit_ref(owner_key: str, mismatch_id: str, seq: int) -> Ref:
    return Ref("document", (COLLECTION, owner_key, f"{mismatch_id}/{seq:06}"))


def hash_of(fields: Any) -> str:
    """Of an entry, as a struct or as the object that its JSON decodes to; its own `hash` does not count."""
    blank = replace(fields, hash="") if isinstance(fields, msgspec.Struct) else {**fields, "hash": ""}
    return sha256(_canonical(blank)).hexdigest()


def append(draft: Draft, before: Mismatch, after: Mismatch, act: Act) -> Mismatch:
    """Add an entry; returns `after` with the chain's new head."""
    seq, previous = before.audited + 1, before.audit_hash or GENESIS
    entry = AuditEntry(
        mismatch_id=before.id,
        seq=seq,
        action=act.action,
        from_status=before.status,
        to_status=after.status,
        actor=act.actor,
        role=act.role,
        approver=act.approver,
        at=draft.now,
        reason_code=act.reason_code,
        note=act.note,
        before=_stated(before),
        after=_stated(after),
        rule_version=before.explanation.get("rule_version"),
        record_ids=tuple(before.explanation.get("subject_ids", ())),
        transaction_id=act.transaction_id,
        request_id=act.request_id,
        source_address=act.source_address,
        previous_hash=previous,
    )
    ref = audit_ref(before.owner_key, before.id, seq)
    if draft.get(ref) is not None:
        raise AssertionError(f"{ref} is there already")
    entry = replace(entry, hash=hash_of(entry))
    draft.put(ref, entry)
    return replace(after, audited=seq, audit_hash=entry.hash)


def _stated(mismatch: Mismatch) -> dict[str, Any]:
    values = {name: getattr(mismatch, name) for name in KEPT}
    stated: dict[str, Any] = msgspec.to_builtins({name: v for name, v in values.items() if v is not None})
    return stated

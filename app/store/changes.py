"""What a commit asks of state rows, sorted into writes, deletes and reads; the same for every store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from app.domain.state import Ref
from app.errors import FailStop
from app.store.api import BLIND, Change, Commit, Versioned

BLIND_KINDS: Final = frozenset({"timer"})
DELETABLE_KINDS: Final = frozenset({"claim", "parked", "timer", "item", "document"})
OUTCOMES: Final = ("applied", "duplicate", "refused", "ignored", "parked", "forwarded", "dead_letter")
"""Columns of `batches`, in the order in which `apply_batch` takes them."""


class Changes(NamedTuple):
    """`gone`: ref -> version seen. A row to delete that never was is a read: it must still be absent."""

    writes: Mapping[Ref, Change]
    gone: Mapping[Ref, int]
    reads: Mapping[Ref, Versioned | None]


def sort_changes(commit: Commit) -> Changes:
    """Raises FailStop for what no decision may ask: unknown outcomes, other kinds blind or deleted."""
    if unknown := set(commit.counts).difference(OUTCOMES):
        raise FailStop(f"{sorted(unknown)} are no outcomes of a record")
    writes: dict[Ref, Change] = {}
    gone: dict[Ref, int] = {}
    reads = dict(commit.reads)
    for ref, change in commit.state.items():
        if change.seen == BLIND and ref.kind not in BLIND_KINDS:
            raise FailStop(f"{ref} may not be written blindly")
        if change.value is not None:
            writes[ref] = change
        elif ref.kind not in DELETABLE_KINDS:
            raise FailStop(f"{ref} may not be deleted")
        elif change.seen is None:
            reads[ref] = None
        else:
            gone[ref] = change.seen
    return Changes(writes, gone, reads)


def source_offset(transaction_id: str) -> int:
    """Offset of the record that posted it: ids made by a lane are `{code}.{partition}.{offset}.{index}`."""
    try:
        _, _, offset, _ = transaction_id.split(".")
        return int(offset)
    except ValueError:
        raise FailStop(f"{transaction_id!r} is no id of a lane's transaction") from None


def plain_text(reason: str) -> str:
    """A reason as PostgreSQL can keep it: what is wrong with a record must never stop its burial."""
    return reason.replace("\x00", "\\0").encode("utf-8", "backslashreplace").decode()[:2000]

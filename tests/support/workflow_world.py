"""People at work on mismatches of the matching lane: who they are, and one line per thing they do."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

import msgspec

from app.domain.audit import AuditEntry
from app.domain.commands import PlatformConfigure
from app.domain.configuration import PspConfiguration, SourceConfiguration
from app.domain.decision import Refused
from app.domain.mismatch import Mismatch
from app.domain.mismatches import mismatch_ref
from app.domain.workflow_records import (
    MismatchAction,
    MismatchApprove,
    MismatchAssign,
    MismatchComment,
    MismatchHandBack,
    MismatchInvestigate,
    MismatchPropose,
    MismatchReject,
    MismatchReopen,
)
from tests.support.matching_world import MatchingWorld, configured, expectation, line

ANALYST: Final = ("key:analyst", "analyst")
OTHER: Final = ("key:other", "analyst")
APPROVER: Final = ("key:approver", "approver")
LEAD: Final = ("key:lead", "lead")
VIEWER: Final = ("key:viewer", "viewer")
Person = tuple[str, str]

ACTION_OF: Final[dict[str, type[MismatchAction]]] = {
    "assign": MismatchAssign,
    "hand_back": MismatchHandBack,
    "investigate": MismatchInvestigate,
    "propose": MismatchPropose,
    "approve": MismatchApprove,
    "reject": MismatchReject,
    "comment": MismatchComment,
    "reopen": MismatchReopen,
}
REQUIRED: Final[dict[str, dict[str, Any]]] = {
    "investigate": {"note": "looking"},
    "propose": {"kind": "write_off", "reason_code": "rounding", "note": "too little to ask for"},
    "reject": {"note": "look again"},
    "comment": {"note": "said"},
    "reopen": {"note": "they paid after all"},
}
TO_PENDING: Final = ("assign", "investigate", "propose")


class Work:
    """One world of the matching lane with people in it."""

    def __init__(self, world: MatchingWorld) -> None:
        self.world = world
        self._ids = count(1)

    def command(self, mismatch: Mismatch, action: str, by: Person, **said: Any) -> MismatchAction:
        actor, role = by
        fields = {**REQUIRED.get(action, {}), **said}
        if action == "assign":
            fields.setdefault("assignee", actor)
        return ACTION_OF[action](
            id=f"rq_{next(self._ids)}",
            mismatch_id=mismatch.id,
            owner_key=mismatch.owner_key,
            actor=actor,
            role=role,
            source_address="192.0.2.1",
            **fields,
        )

    def do(self, mismatch: Mismatch, action: str, by: Person, **said: Any) -> str:
        """`applied`, or the refusal's code."""
        try:
            return self.world.send(self.command(mismatch, action, by, **said))
        except Refused as refusal:
            return refusal.code

    def pending(self, mismatch: Mismatch, by: Person = ANALYST, **proposal: Any) -> Mismatch:
        """Brought to pending_approval by one person."""
        for action in TO_PENDING:
            said = proposal if action == "propose" else {}
            assert self.do(mismatch, action, by, **said) == "applied", action
        return self.now(mismatch)

    def now(self, mismatch: Mismatch) -> Mismatch:
        found = self.world.get(mismatch_ref(mismatch.id))
        assert isinstance(found, Mismatch)
        return found

    def one(self, category: str) -> Mismatch:
        (found,) = [one for one in self.world.mismatches() if one.category == category]
        return found

    def chain(self, mismatch: Mismatch) -> list[AuditEntry]:
        return chain_in(self.world.state, mismatch)


def chain_in(state: Any, mismatch: Mismatch) -> list[AuditEntry]:
    """The audit entries of a mismatch, in their order."""
    refs = sorted(ref for ref in state if ref.kind == "document" and ref.key[0] == "audit")
    return [state[ref] for ref in refs if ref.key[2].startswith(f"{mismatch.id}/")]


def short_settlement(gross: int = 9_000, **configuration: Any) -> Work:
    """100.00 were expected and `gross` came, the window has closed: AMOUNT_UNDER, or over, or none."""
    world = configured()
    if configuration:
        platform = msgspec.structs.replace(_platform(), **configuration)
        world.send(platform)
    world.send(expectation(gross=10_000))
    world.send(line("L1", gross=gross))
    world.fire_timers()
    return Work(world)


def _platform() -> PlatformConfigure:
    return PlatformConfigure(
        id="cfg2", psps={"stripe": PspConfiguration()}, sources={"acq": SourceConfiguration(psp="stripe")}
    )

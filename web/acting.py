"""From what a person asks about a mismatch to the record of its lane, and to what the lane decided."""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple

import msgspec

from app.domain.expectations import expected, home_of
from app.domain.workflow_records import ACTIONS, MismatchAction
from app.domain.workflow_state import MatchTarget
from app.store.web_lists import PaymentRow, find_rows
from app.store.web_mismatches import MismatchDetails, find_mismatch
from web.call import Caller
from web.deps import Deps
from web.desk import Taken, request_id
from web.mismatch_bodies import TargetBody
from web.payment_view import state_of
from web.problems import FieldError, Problem, invalid_all
from web.work import action_name, actor_of

KINDS: Final = {action_name(kind): kind for kind in ACTIONS}


class Asking(NamedTuple):
    """Who asks, from where, how long they wait, and by which request."""

    caller: Caller
    address: str | None
    seconds: float
    route: str
    key: str

    def step(self, name: str) -> Asking:
        """One of several records that one request makes."""
        return self._replace(route=f"{self.route}#{name}")


async def found_mismatch(deps: Deps, mismatch_id: str) -> MismatchDetails:
    found = await find_mismatch(deps.pool, mismatch_id)
    if found is None:
        raise Problem("not_found", f"no mismatch {mismatch_id!r}")
    return found


async def act(deps: Deps, found: MismatchDetails, asking: Asking, action: str, said: dict[str, Any]) -> Taken:
    """Publish one action and wait for its lane. Raises Problem: `refused`, `invalid_parameter` …"""
    command = command_of(found, asking, action, said)
    until = asyncio.get_running_loop().time() + asking.seconds
    return await deps.desk.take_at(found.owner_topic, found.owner_key, command, until)


def command_of(found: MismatchDetails, asking: Asking, action: str, said: dict[str, Any]) -> MismatchAction:
    actor = actor_of(asking.caller)
    fields = {name: value for name, value in said.items() if value is not None}
    if action == "assign":
        fields.setdefault("assignee", actor)
    kind = KINDS[action]
    _check(kind, fields)
    return kind(
        id=request_id(actor, asking.route, asking.key),
        mismatch_id=found.row.id,
        owner_key=found.owner_key,
        actor=actor,
        role=asking.caller.role,
        source_address=asking.address,
        **fields,
    )


def _check(kind: type[MismatchAction], given: dict[str, Any]) -> None:
    """Raises Problem for a field that this action does not have, or lacks."""
    own = {field.name: field for field in msgspec.structs.fields(kind)}
    base = set(MismatchAction.__struct_fields__)
    errors = [FieldError(name, "is not a field of this action") for name in given if name not in own]
    needed = [name for name, field in own.items() if field.required and name not in base]
    errors += [FieldError(name, "is required") for name in needed if name not in given]
    if errors:
        raise invalid_all(errors)


async def target_of(deps: Deps, found: MismatchDetails, target: TargetBody) -> MatchTarget:
    """Where the lane keeps what a person named. Raises Problem `not_found`, `refused`."""
    if target.batch is not None:
        return MatchTarget(merchant_id="-", payment_id="-", object_id="-", home=target.batch)
    if target.payment_id is None:
        what = "name the payment, or for a bank line the batch"
        raise Problem("refused", what, refusal="target_missing")
    merchant_id = target.merchant_id or found.row.merchant_id or ""
    object_id = target.object_id or target.payment_id
    identity = found.explanation.get("identity")
    kind = str(identity.get("kind")) if isinstance(identity, dict) else ""
    rows = await find_rows(deps.pool, PaymentRow, target.payment_id, merchant_id, 1)
    record = expected(state_of(rows[0])).get((kind, object_id)) if rows else None
    if record is None or record.psp != found.row.psp:
        raise Problem("not_found", f"no {kind} of {merchant_id}/{object_id} is expected from {found.row.psp}")
    return MatchTarget(
        merchant_id=merchant_id,
        payment_id=target.payment_id,
        object_id=object_id,
        home=home_of(record),
    )

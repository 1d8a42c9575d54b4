"""A PSP that answers what lanes ask of it: late, twice or never, by its answer, a webhook's fact, or both.

It stands for executor and PSP together. The same operation has one end, however often it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any, Final

from app.contracts.codec import decode, encode
from app.domain.effects import EffectRequested
from app.domain.psp_calls import PspAnswered, PspCall, idempotency_key
from app.domain.psp_facts import PspFact, PspFactKind, to_command
from app.domain.streams import EFFECTS_REQUESTS, PAYMENTS_COMMANDS
from app.domain.timers import from_epoch_ms
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Outgoing

PSP: Final = "desk"
LATE_STEPS: Final = 400
AT: Final = from_epoch_ms(1_795_176_000_000)
KINDS: Final[dict[str, PspFactKind]] = {
    "capture": "captured",
    "void": "voided",
    "refund": "refunded",
    "get": "authorized",
}


class SimulatedPsp:
    """`soon(within, event)` lets an event happen at some step; `append` writes to the log."""

    def __init__(
        self,
        rng: Random,
        partitions: int,
        soon: Callable[[int, Callable[[], None]], None],
        append: Callable[[Sequence[Outgoing]], None],
    ) -> None:
        self._rng = rng
        self._partitions = partitions
        self._soon = soon
        self._append = append
        self._ends: dict[str, str] = {}

    def hear(self, records: Sequence[Outgoing]) -> None:
        """What a lane has published; the same request may come again."""
        for record in records:
            if record.topic != EFFECTS_REQUESTS:
                continue
            effect = decode(EFFECTS_REQUESTS, record.value)
            if isinstance(effect, EffectRequested) and isinstance(effect.work, PspCall):
                self._perform(effect.id, effect.work)

    def _perform(self, effect_id: str, call: PspCall) -> None:
        chance = self._rng.random
        end = self._ends.setdefault(idempotency_key(call), _end(chance()))
        if end == "never":
            return
        facts = [_fact(call)] if end == "done" else []
        if chance() < 0.2:
            self._say(_answer(effect_id, call, "unknown", []))
        for _ in range(2 if chance() < 0.2 else 1):
            if chance() < 0.85:
                self._say(_answer(effect_id, call, end, facts))
        if facts and chance() < 0.5:
            fact = facts[0]
            self._say(to_command(fact, f"wh/{effect_id}", call.merchant_id, call.payment_id or ""))

    def _say(self, record: Any) -> None:
        key = record.merchant_id.encode()
        partition = partition_for(key, self._partitions)
        outgoing = Outgoing(PAYMENTS_COMMANDS, partition, key, encode(record))
        self._soon(LATE_STEPS if self._rng.random() < 0.3 else 20, partial(self._append, [outgoing]))


def _end(chance: float) -> str:
    if chance < 0.1:
        return "never"
    return "declined" if chance < 0.25 else "done"


def _fact(call: PspCall) -> PspFact:
    kind = KINDS.get(call.operation) or ("captured" if call.capture else "authorized")
    own = call.object_id if call.operation in ("capture", "refund") else None
    return PspFact(
        kind=kind,
        psp=call.psp,
        psp_payment_id=call.psp_payment_id or f"psp-{call.merchant_id}-{call.payment_id}",
        psp_object_id=None if own is None else f"psp-{call.merchant_id}-{own}",
        object_id=own,
        amount=call.amount,
        currency=call.currency,
        occurred_at=AT,
    )


def _answer(effect_id: str, call: PspCall, outcome: Any, facts: list[PspFact]) -> PspAnswered:
    return PspAnswered(
        id=f"{effect_id}/{outcome}",
        merchant_id=call.merchant_id,
        effect_id=effect_id,
        psp=call.psp,
        operation=call.operation,
        payment_id=call.payment_id,
        object_id=call.object_id,
        outcome=outcome,
        facts=tuple(facts),
        answered_at=AT,
    )

"""The merchant lane, the effects lane, an executor and a PSP in memory, with nothing on time between them.

What one publishes reaches another when chance says so: lanes' records in their order, as on a partition;
answers, reports and webhooks in any, some of them twice. `log` keeps what the merchant lane was given.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec

from app.contracts.codec import content_hash
from app.domain.commands import PlatformConfigure
from app.domain.effect import Effect
from app.domain.effects import EffectAttempted, EffectRedrive
from app.domain.psp_calls import PspAnswer, PspAnswered, PspCall
from app.domain.psp_facts import PspFact, to_command
from app.domain.streams import EFFECTS_REQUESTS, PAYMENTS_COMMANDS
from app.domain.timers import from_epoch_ms
from app.effects.psp_call import OUTCOMES
from tests.support.asking_psp import HardPsp
from tests.support.domain import Books, Outcome
from tests.support.effects_world import EffectsWorld


class AskingWorld:
    def __init__(self, chance: Random, psp: HardPsp) -> None:
        self.chance, self.psp = chance, psp
        self.books, self.lane = Books(), EffectsWorld()
        self.lane.now = self.books.now
        psp.clock = lambda: self.books.now
        self.deaths = chance.choice((0.05, 0.4))
        self.log: list[tuple[datetime, Any]] = []
        self.in_order: dict[str, deque[Any]] = {PAYMENTS_COMMANDS: deque(), EFFECTS_REQUESTS: deque()}
        self.on_the_way: list[Any] = []
        """Answers, reports and webhooks."""
        self._taken = [0, 0]
        self._numbers = 0

    # --- records --------------------------------------------------------------------------------------------

    def send(self, command: Any) -> Outcome:
        """To the merchant lane; every record has an offset of its own."""
        self.books.offset = len(self.log)
        self.log.append((self.books.now, command))
        outcome = self.books.send(command)
        assert outcome.name not in ("conflict", "dead_letter"), (command, str(outcome))
        self.publish()
        return outcome

    def configure(self, platform: PlatformConfigure) -> None:
        self.send(platform)
        self.lane.send(platform)

    def say(self, record: Any) -> None:
        """To whichever lane it is for."""
        if isinstance(record, EffectAttempted | EffectRedrive) or hasattr(record, "work"):
            self.lane.send(record)
            self.publish()
        else:
            self.send(record)

    def publish(self) -> None:
        """What the lanes have sent since; the PSP's news as webhooks, once or twice."""
        for number, sends in enumerate((self.books.sends, self.lane.sends)):
            for send in sends[self._taken[number] :]:
                if send.topic in self.in_order:
                    self.in_order[send.topic].append(send.record)
            self._taken[number] = len(sends)
        for fact in self.psp.told:
            self.on_the_way += [self.webhook(fact) for _ in range(self.chance.choice((1, 1, 2)))]
        self.psp.told.clear()

    def webhook(self, fact: PspFact) -> Any:
        """As the door makes it; each delivery under an id of its own, as if the PSP had made a new event."""
        merchant_id, payment_id = fact.merchant_id or "", fact.payment_id or ""
        if self.psp.forgets_names:
            fact = msgspec.structs.replace(fact, object_id=None)
        return to_command(fact, f"wh-{self.number()}", merchant_id, payment_id)

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    # --- what moves -----------------------------------------------------------------------------------------

    def deliver(self) -> bool:
        """One record that is on its way, now and then one that comes again later. False: there was none."""
        ways = [queue for queue in self.in_order.values() if queue]
        if not ways and not self.on_the_way:
            return False
        if ways and (not self.on_the_way or self.chance.random() < 0.6):
            self.say(self.chance.choice(ways).popleft())
        else:
            at = self.chance.randrange(len(self.on_the_way))
            again = self.chance.random() < 0.1
            self.say(self.on_the_way[at] if again else self.on_the_way.pop(at))
        return True

    def effects(self) -> list[Effect]:
        return sorted([v for r, v in self.lane.rows.items() if r.kind == "effect"], key=lambda e: e.offset)

    def ready(self) -> list[Effect]:
        """Those that the executor may begin: of each object the first that is open."""
        heads: dict[tuple[str, str], Effect] = {}
        for effect in self.effects():
            if effect.is_open:
                heads.setdefault((effect.target, effect.object), effect)
        return [effect for effect in heads.values() if effect.status == "ready"]

    def attempt(self) -> bool:
        """One attempt. A worker may die before it has reported, or after its answer has gone out."""
        ready = self.ready()
        if not ready:
            return False
        effect = self.chance.choice(ready)
        call = effect.work
        assert isinstance(call, PspCall)
        answer = self.psp.perform(call)
        dies = self.chance.random() < self.deaths
        if answer.kind != "retry" and (not dies or self.chance.random() < 0.5):
            self.on_the_way.append(self._answered(effect, call, answer))
        if not dies:
            self.lane.send(self._attempted(effect, answer))
        self.publish()
        return True

    def _answered(self, effect: Effect, call: PspCall, answer: PspAnswer) -> PspAnswered:
        record = PspAnswered(
            id="-",
            merchant_id=call.merchant_id,
            effect_id=effect.id,
            psp=call.psp,
            operation=call.operation,
            payment_id=call.payment_id,
            object_id=call.object_id,
            outcome=answer.kind,  # type: ignore[arg-type]
            facts=answer.facts,
            psp_object_id=answer.psp_object_id,
            url=answer.url,
            reason=answer.reason,
            answered_at=self.books.now,
        )
        return msgspec.structs.replace(record, id=f"{effect.id}/{content_hash(record).hex()}")

    def _attempted(self, effect: Effect, answer: PspAnswer) -> EffectAttempted:
        return EffectAttempted(
            id=f"at-{self.number()}",
            target=effect.target,
            effect_id=effect.id,
            attempt=effect.attempts + 1,
            outcome=OUTCOMES[answer.kind],
            reason=answer.reason,
            at=self.books.now,
        )

    def redrive(self, effect: Effect) -> None:
        self.lane.send(
            EffectRedrive(id=f"rd-{self.number()}", target=effect.target, effect_id=effect.id, by="ops")
        )
        self.publish()

    def pass_time(self, seconds: float) -> None:
        """Timers that become due come back to their lanes."""
        end = self.books.now + timedelta(seconds=seconds)
        while (timer := self._next_timer()) is not None and from_epoch_ms(timer[0].due_at_ms) <= end:
            self._at(max(self.books.now, from_epoch_ms(timer[0].due_at_ms)))
            if timer[1]:
                self.send(timer[0].record)
            else:
                self.lane.send(timer[0].record)
                self.publish()
        self._at(end)

    def next_due(self) -> float | None:
        """Seconds until the next timer."""
        timer = self._next_timer()
        due = None if timer is None else from_epoch_ms(timer[0].due_at_ms) - self.books.now
        return None if due is None else max(0.0, due.total_seconds())

    def _next_timer(self) -> tuple[Any, bool] | None:
        """The timer, and whether it is the merchant lane's."""
        own = [(v, True) for r, v in self.books.rows.items() if r.kind == "timer"]
        timers = own + [(timer, False) for timer in self.lane.timers()]
        return min(timers, key=lambda one: (one[0].due_at_ms, one[0].record.id), default=None)

    def _at(self, now: Any) -> None:
        self.books.now = self.lane.now = now

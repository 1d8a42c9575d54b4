"""The executor: attempts the open effects of the partitions this worker owns, and reports each attempt.

It is told of what the lane commits (`committed`); what it was not told of is read from the database once a
second (`sweeping.py`).
An attempt and its report are done at least once. A kill anywhere repeats the attempt, with the same
idempotency key; what the lane makes of a report does not depend on how often it comes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final, Protocol

import msgspec

from app.domain.configuration import Platform
from app.domain.effect import Effect
from app.domain.effect_policy import Policy, policy_for
from app.effects.board import Board
from app.effects.figures import ExecutorStats, figures
from app.effects.kind import Attempt, Kind, Outcome
from app.effects.lot import Row
from app.effects.reporting import reports
from app.effects.sweeping import Offsets, Sweeper, row_of
from app.errors import Transient
from app.kafka.outgoing import Outgoing
from app.store.effects import EffectRows

log: Final = logging.getLogger(__name__)


class Publishes(Protocol):
    async def publish(self, records: Sequence[Outgoing]) -> None: ...


class ExecutorSettings(msgspec.Struct, frozen=True, kw_only=True):
    at_once: int = 1_000
    """Attempts under way in this process."""
    grace_seconds: float = 5.0
    """Beyond its time-out, before an attempt whose kind does not end it is cut off."""
    pause_seconds: float = 0.5
    """Before what failed at the database or the broker is tried again."""


class Executor:
    """One per worker. `positions`: partition -> next offset its lane will decide; `ends`: its log's end."""

    def __init__(
        self,
        kinds: Mapping[type, Kind],
        rows: EffectRows,
        publisher: Publishes,
        partitions: Mapping[str, int],
        positions: Offsets,
        ends: Offsets,
        settings: ExecutorSettings | None = None,
    ) -> None:
        self._kinds = kinds
        self._rows = rows
        self._publisher = publisher
        self._partitions = partitions
        self._settings = settings or ExecutorSettings()
        self._platform: Platform | None = None
        self.board = Board(self._policy, self._settings.at_once * 4 // 5)
        self.stats = ExecutorStats()
        self._sweeper = Sweeper(self.board, rows, positions, ends)
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: set[tuple[str, str]] = set()
        """(target, id) of attempts that run: a partition taken away and given back must not repeat them."""
        self._changed = asyncio.Event()
        self._stopping = False

    def assigned(self, partitions: Collection[int]) -> None:
        """This worker owns exactly these partitions of `effects.requests`."""
        self._sweeper.assigned(partitions)
        self.board.drop(partitions)

    def committed(
        self, partition: int, effects: Sequence[tuple[int, Effect]], platform: Platform | None
    ) -> None:
        """Rows (version, effect) that a lane of this worker has just committed."""
        if platform is not None:
            self._follow(platform)
        if partition not in self._sweeper.owned:
            return
        for version, effect in effects:
            self.board.note(row_of(partition, version, effect))
        if effects:
            self._changed.set()

    @property
    def platform(self) -> Platform | None:
        """The configuration as the effects lane had it last; None: not known."""
        return self._platform

    async def run(self) -> None:
        """Runs until cancelled. Faults of the database are waited out."""
        await self._insist(self._read_platform)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._sweeper.run(self._swept), name="effects: sweeping")
            both.create_task(self._begin_for_ever(), name="effects: beginning")

    async def _begin_for_ever(self) -> None:
        while True:
            self._changed.clear()
            self._begin()
            await self._until_changed()

    async def _read_platform(self) -> None:
        if (platform := await self._rows.platform()) is not None:
            self._follow(platform)

    async def stop(self, within_seconds: float) -> bool:
        """Begin nothing more, let what runs end and be reported; the next owner repeats what is cut off."""
        self._stopping = True
        until = monotonic() + within_seconds
        while self._tasks and (left := until - monotonic()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        cut_off = list(self._tasks)
        for task in cut_off:
            task.cancel()
        await asyncio.gather(*cut_off, return_exceptions=True)
        for kind in set(self._kinds.values()):
            await kind.close()
        return not cut_off

    def figures(self) -> dict[str, Any]:
        """For the worker's row: counts since it started, breakers, how PSPs are."""
        return figures(self.stats, self.board, set(self._kinds.values()), len(self._tasks), monotonic())

    async def _until_changed(self) -> None:
        """Or until a gate opens that something waits for."""
        wakes = self.board.wakes_at()
        try:
            async with asyncio.timeout(None if wakes is None else max(wakes - monotonic(), 0.001)):
                await self._changed.wait()
        except TimeoutError:
            return

    def _begin(self) -> None:
        if self._stopping:
            return
        room = self._settings.at_once - max(len(self._tasks), self.board.running)
        unread: list[Row] = []
        now = datetime.now(UTC)
        for row in self.board.start(monotonic(), max(room, 0)):
            if (row.target, row.id) in self._under_way:
                self._end(row, healthy=None)
            elif row.deadline_at < now:
                self._expire(row)
            elif row.effect is None:
                unread.append(row)
            else:
                self._spawn(self._attempt(row, row.effect), row.id)
        if unread:
            self._spawn(self._read_and_attempt(unread), f"{len(unread)} unread")

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=f"effect {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_loud)

    async def _read_and_attempt(self, rows: Sequence[Row]) -> None:
        """Read the works of effects that are held without; each then goes its own way."""
        found = await self._insist(lambda: self._rows.find([(row.target, row.id) for row in rows]))
        effects = {(effect.target, effect.id): effect for _, _, effect in found}
        for row in rows:
            effect = effects.get((row.target, row.id))
            if effect is not None and effect.status == "ready" and not self._stopping:
                self._spawn(self._attempt(row, effect), row.id)
            else:
                self._end(row, healthy=None)

    async def _attempt(self, row: Row, effect: Effect) -> None:
        healthy: bool | None = None
        key = (row.target, row.id)
        self._under_way.add(key)
        try:
            attempt = self._attempt_of(effect)
            began, at = monotonic(), datetime.now(UTC)
            outcome = await self._perform(attempt)
            self.stats.attempted(outcome)
            healthy = outcome.outcome != "retry" if outcome.healthy is None else outcome.healthy
            took_ms = round((monotonic() - began) * 1000)
            await self._report(reports(attempt, outcome, at, took_ms, self._partitions))
        finally:
            self._under_way.discard(key)
            self._end(row, healthy)

    def _expire(self, row: Row) -> None:
        self.stats.late += 1
        self._spawn(self._say_late(row), row.id)

    async def _say_late(self, row: Row) -> None:
        """The deadline is over: said as a failed attempt that nobody made; the lane gives the effect up."""
        try:
            for _, _, effect in await self._insist(lambda: self._rows.find([(row.target, row.id)])):
                outcome = Outcome(outcome="retry", reason="not attempted: its deadline was over")
                records = reports(self._attempt_of(effect), outcome, datetime.now(UTC), 0, self._partitions)
                await self._report(records)
        finally:
            self._end(row, healthy=None)

    def _attempt_of(self, effect: Effect) -> Attempt:
        return Attempt(
            effect_id=effect.id,
            target=effect.target,
            object=effect.object,
            seq=effect.seq,
            number=effect.attempts + 1,
            work=effect.work,
            requested_at=effect.created_at,
            timeout_seconds=self._policy(effect.kind, effect.target).timeout_seconds,
        )

    async def _perform(self, attempt: Attempt) -> Outcome:
        try:
            kind = self._kinds[type(attempt.work)]
            async with asyncio.timeout(attempt.timeout_seconds + self._settings.grace_seconds):
                return await kind.perform(attempt)
        except TimeoutError:
            return Outcome(outcome="retry", reason=f"no end after {attempt.timeout_seconds:g} s: cut off")
        except (
            Exception
        ) as fault:  # a kind's bug stops neither the others nor the worker; the effect stays open
            log.critical("%s: its kind failed: %r", attempt.effect_id, fault, exc_info=fault)
            self.stats.faults += 1
            return Outcome(outcome="retry", reason=f"a fault of this program: {type(fault).__name__}")

    async def _report(self, records: Sequence[Outgoing]) -> None:
        await self._insist(lambda: self._publisher.publish(records))

    def _end(self, row: Row, healthy: bool | None) -> None:
        self.board.ended(row, healthy, monotonic())
        self._changed.set()

    async def _insist(self, step: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        while True:
            try:
                return await step()
            except Transient as fault:
                log.warning("effects: %s", fault)
                await asyncio.sleep(self._settings.pause_seconds)

    def _swept(self) -> None:
        """After each look at the database: what it found may begin, and deadlines may have passed."""
        for row in self.board.expire(datetime.now(UTC)):
            self._expire(row)
        self._changed.set()

    def _follow(self, platform: Platform) -> None:
        if self._platform is None or platform.version >= self._platform.version:
            self._platform = platform
            self.board.follow()

    def _policy(self, kind: str, target: str) -> Policy:
        return policy_for(kind, target, {} if self._platform is None else self._platform.effects)


def _loud(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (fault := task.exception()) is not None:
        log.critical("%s ended: %r", task.get_name(), fault, exc_info=fault)

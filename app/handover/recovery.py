"""From a new assignment to flowing records: claim the tables, ask for the positions, seek, resume."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import chain, repeat
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP
from mode import Service

from app.errors import Transient

BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class LaneRecovery(Recovery):
    """Replaces the two tasks of faust/tables/recovery.py.

    The stock ones read changelogs record by record through the running consumer, then resume the source
    partitions, seek, and clear the queues, in this order: what is fetched in between is lost (faust.md §1).
    Here the flow stays stopped until the positions are sought. Changelogs are read by a reader of their own,
    in the background: tables are caches, and what they do not know yet is answered by PostgreSQL.
    """

    _restoring: asyncio.Future[None] | None = None

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        self.app.partitions_changed(assigned, revoked)
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    @Service.task
    async def _restart_recovery(self) -> None:
        while not self.should_stop:
            if await self.wait_for_stopped(self.signal_recovery_start):
                break
            self.signal_recovery_start.clear()
            try:
                await self._wait(self._make_ready(self._generation_id))
            except ServiceStopped:
                break
            except (RebalanceAgain, IllegalStateError) as error:
                self.log.info("Another rebalance began: %r", error)
            except asyncio.CancelledError:
                if _is_being_cancelled():
                    raise
                # mode would end this task in silence, and the worker would own partitions and serve none
                self.log.warning("Something below was cancelled under the recovery: it begins again")
                self.signal_recovery_start.set()

    @Service.task
    async def _slurp_changelogs(self) -> None:
        """Nothing comes over the stock way."""

    async def _make_ready(self, generation: int) -> None:
        consumer = self.app.consumer
        consumer.stop_flow()
        await self.app.on_rebalance_complete.send()
        for table in self.tables.values():
            table.claim(self.actives_for_table[table])
        positions = await self._positions()
        if generation != self.app.consumer_generation_id:
            return  # the next rebalance's signal is on its way
        await consumer.reseek(positions)
        await self._resume()
        if self._restoring is None or self._restoring.done():
            self._restoring = self.add_future(self._restore_tables())

    async def _restore_tables(self) -> None:
        """Goes on over rebalances: partitions that come meanwhile are read too, lost ones left."""
        while unrestored := [table for table in self.tables.values() if table.restoring()]:
            for table in unrestored:
                await self._until_it_works(table.restore)
        self.log.info("Tables restored")

    async def _positions(self) -> Mapping[TP, int]:
        owned = self.app.owned
        found = await self._until_it_works(self.app.positions, owned) if owned else {}
        usable: Mapping[TP, int] = await self._until_it_works(
            self.app.usable_positions, {tp: found.get(tp) for tp in owned}
        )
        return usable

    async def _until_it_works(self, call: Any, *args: Any) -> Any:
        """Database or broker away: the partitions wait. Ended by the next rebalance or by a stop."""
        for pause in chain(BACKOFF_SECONDS, repeat(BACKOFF_SECONDS[-1])):
            try:
                return await call(*args)
            except (Transient, OSError, TimeoutError) as error:
                self.log.warning("Not ready, trying again in %s s: %r", pause, error)
                await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def _resume(self) -> None:
        app, consumer = self.app, self.app.consumer
        app.assignment_ready()
        self.completed.set()
        consumer.resume_partitions(app.flowing())
        app.flow_control.resume()  # clears the queues: nothing of before is in them
        consumer.resume_flow()
        await app._fetcher.maybe_start()
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        app.on_rebalance_end()
        self.log.info("Worker ready")


def _is_being_cancelled() -> bool:
    """Whether somebody cancelled the current task itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class LaneTableManager(TableManager):
    """Extension points: setting `TableManager`, property `recovery` (faust/tables/manager.py:119)."""

    async def on_start(self) -> None:
        """The stock one first sleeps for a second; tables and agents are declared before the app starts."""
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> LaneRecovery:
        if self._recovery is None:
            self._recovery: LaneRecovery | None = LaneRecovery(
                self.app, self, beacon=self.beacon, loop=self.loop
            )
        return self._recovery

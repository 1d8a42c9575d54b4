"""The faults, one function each. A fault returns at its own end; the system may still be catching up.

`Hazards` holds the workers by name: `stayers` are there all the time, guests come and go.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.contracts.topics import APP_ID, changelog_topic, specs
from app.kafka.publisher import Outgoing, Publisher
from app.kafka.topics_admin import ensure_topics
from app.lane.catalogue import RULES
from tests.hazards.cluster import PARTITIONS, SESSION_SECONDS, Cluster
from tests.hazards.monitor import Monitor
from tests.hazards.sums import Wallet
from tests.hazards.swallower import COUNT
from tests.support.waiting import eventually

PATIENCE_SECONDS: Final = 120.0
"""How long anything may take on a crowded machine before a fault counts as not survived."""
CHANGELOG: Final = changelog_topic("wallets")
Condition = Callable[[], bool | Awaitable[bool]]
BUSY: Final = """
SELECT count(*) FROM pg_stat_activity
 WHERE application_name = $1 AND wait_event_type = 'Lock' AND query LIKE '%apply_batch%'"""


class Hazards:
    """All faults on one cluster. `seconds` are the measurements that some of them return."""

    def __init__(self, cluster: Cluster, monitor: Monitor, random: Random) -> None:
        self.cluster = cluster
        self.monitor = monitor
        self.random = random
        self.stayers: list[str] = []
        self.web = ""
        self.forged: set[Wallet] = set()
        self._guests: list[str] = []
        self._swallowers: dict[str, str] = {}

    async def begin(self, workers: int) -> None:
        """Workers that own everything between them, and the web process."""
        (self.web,) = self.cluster.runner.start("web")
        self.stayers = await self.cluster.start_workers(workers)
        await self.shared_out(self.stayers)

    async def shared_out(self, names: Collection[str]) -> None:
        """Each of these owns something, together they own everything."""
        wanted = set(names)

        def done() -> bool:
            rows = {name: row for name, row in self._fresh().items() if name in wanted}
            return (
                rows.keys() == wanted
                and all(row.lanes for row in rows.values())
                and (self.monitor.all_owned_by(rows))
            )

        await self.until(done, f"{', '.join(sorted(wanted))} to share all lanes")

    async def restore(self) -> None:
        """After a fault that went wrong: guests end, nobody is paused, the stayers run."""
        for name in self.cluster.runner.names:
            self.cluster.runner.resume(name)
        guests = [name for name in self.cluster.runner.names if name not in (*self.stayers, self.web)]
        await self.cluster.terminate(*guests)
        self._guests = [name for name in guests if name.startswith("worker.")]
        self.all_up()

    def some_stayer(self) -> str:
        return self.random.choice(self.stayers)

    # -- workers -------------------------------------------------------------------------------------------

    async def kill(self, name: str) -> None:
        """SIGKILL; the supervisor starts it again, and it reports."""
        await self.kill_all([name])

    async def kill_all(self, names: Collection[str]) -> None:
        before = {name: self.cluster.runner.starts(name) for name in names}
        killed_at = time.monotonic()
        for name in names:
            self.cluster.runner.kill(name)
        await self.until(
            lambda: all(
                self.cluster.runner.starts(name) > before[name] and name in self.monitor.fresh(killed_at + 1)
                for name in names
            ),
            f"{', '.join(names)} to come back",
        )

    async def pause_past_session(self, name: str) -> float:
        """SIGSTOP until the others own all its lanes, then SIGCONT at once. Returns the takeover's time."""
        began = time.monotonic()
        self.cluster.runner.pause(name)
        try:
            await self.until(lambda: self._taken_over(name, began), f"the takeover from {name}")
            return time.monotonic() - began
        finally:
            self.cluster.runner.resume(name)

    def _taken_over(self, name: str, began: float) -> bool:
        """The session is over (it may have owned nothing to begin with), and others have all lanes."""
        others = {n: row for n, row in self.monitor.fresh(began + 1).items() if n != name}
        return time.monotonic() - began > SESSION_SECONDS and self.monitor.all_owned_by(others)

    async def pause_in_transaction(self, name: str) -> float:
        """SIGSTOP while its apply_batch runs: a lock holds the call until the worker stands still."""
        connection = await self.cluster.pool.acquire()
        try:
            async with connection.transaction():
                await connection.fetch("SELECT 1 FROM positions FOR UPDATE")
                await self.until(partial(self._is_in_transaction, f"worker {name}"), f"a batch of {name}")
                began = time.monotonic()
                self.cluster.runner.pause(name)
        finally:
            await self.cluster.pool.release(connection)
        return await self._woken_after_takeover(name, began)

    async def _is_in_transaction(self, application: str) -> bool:
        return bool(await self.cluster.pool.fetchval(BUSY, application))

    async def _woken_after_takeover(self, name: str, began: float) -> float:
        try:
            await self.until(lambda: self._taken_over(name, began), f"the takeover from {name}")
            return time.monotonic() - began
        finally:
            self.cluster.runner.resume(name)

    async def join(self) -> str:
        """One more worker; returns when it owns something."""
        name = self._guests.pop() if self._guests else ""
        if name:
            self.cluster.runner.restart(name)
        else:
            (name,) = await self.cluster.start_workers(1)
        began = time.monotonic()
        await self.until(
            lambda: name in (rows := self.monitor.fresh(began)) and bool(rows[name].lanes),
            f"{name} to get lanes",
        )
        return name

    async def leave(self, name: str) -> float:
        """SIGTERM to a guest under load; returns the seconds to its end. It must end by itself."""
        began = time.monotonic()
        assert await self.cluster.terminate(name), f"{name} had to be killed after SIGTERM"
        self._guests.append(name)
        return time.monotonic() - began

    def kill_guest(self, name: str) -> None:
        """SIGKILL to a guest, who does not come back by himself."""
        self.cluster.runner.kill(name, come_back=False)
        self._guests.append(name)

    async def restart(self, name: str) -> float:
        """SIGTERM and a new start, as a deployment does; returns the seconds to its end."""
        began = time.monotonic()
        assert await self.cluster.terminate(name), f"{name} had to be killed after SIGTERM"
        took = time.monotonic() - began
        self.cluster.runner.restart(name)
        return took

    async def swallow(self, records: int, program: str = "swallower") -> None:
        """A worker joins whose agents swallow batches; it leaves when it has swallowed so many records."""
        name = self._swallowers.get(program)
        if name is None:
            (name,) = await self.cluster.start_workers(1, program)
            self._swallowers[program] = name
        else:
            self._count_of(name).unlink(missing_ok=True)
            self.cluster.runner.restart(name)
        try:
            await self.until(partial(self._has_swallowed, name, records), f"{name} to swallow {records}")
        finally:
            await self.cluster.terminate(name)

    def _count_of(self, name: str) -> Path:
        return self.cluster.logs / name / COUNT

    def _has_swallowed(self, name: str, records: int) -> bool:
        path = self._count_of(name)
        return path.exists() and int(path.read_text(encoding="ascii") or 0) >= records

    # -- servers -------------------------------------------------------------------------------------------

    async def kill_broker(self) -> None:
        await asyncio.to_thread(self.cluster.stack.kill_broker)
        await asyncio.to_thread(self.cluster.stack.start_broker)

    async def kill_database(self) -> None:
        await asyncio.to_thread(self.cluster.stack.kill_database)
        await asyncio.to_thread(self.cluster.stack.start_database)

    # -- what workers rely on, to be changed while none runs -----------------------------------------------

    async def all_down(self) -> None:
        await self.cluster.terminate(*self.stayers)

    def all_up(self) -> None:
        for name in self.stayers:
            self.cluster.runner.restart(name)

    async def force_offsets(self) -> None:
        """Group offsets at the end, at zero and anywhere, as an operator's tool could set them."""
        ends = await self.cluster.reader.end_offsets(self.cluster.lanes)
        offsets = {
            TopicPartition(*lane): OffsetAndMetadata(
                self.random.choice((end, 0, self.random.randint(0, end))), ""
            )
            for lane, end in ends.items()
        }
        await self.until(partial(self._commit, offsets), "the group to be empty")

    async def _commit(self, offsets: dict[Any, Any]) -> bool:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.cluster.bootstrap, group_id=APP_ID, enable_auto_commit=False
        )
        await consumer.start()
        try:
            consumer.assign(list(offsets))
            await consumer.commit(offsets)
        except KafkaError:  # static members are remembered until their session ends
            return False
        finally:
            await consumer.stop()
        return True

    async def forge_tables(self) -> None:
        """Changelog entries that are wrong: another balance, a version of the future, one of the past."""
        rows = await self.cluster.pool.fetch(
            "SELECT account, currency, lane, balance, version FROM accounts WHERE starts_with(account, 'm_')"
        )
        forged = [self._forged(row) for row in rows]
        self.forged.update(forged)
        publisher = Publisher(self.cluster.bootstrap, client_id="hazards-forger")
        try:
            await publisher.publish([Outgoing(CHANGELOG, w.partition, w.key, w.value) for w in forged])
        finally:
            await publisher.stop()

    def _forged(self, row: Any) -> Wallet:
        version, balance = self.random.choice(
            (
                (row["version"], row["balance"] + 1_000_000),
                (row["version"] + 1, row["balance"]),
                (row["version"] + self.random.randint(2, 50), row["balance"] * 2 + 5),
                (max(0, row["version"] - 1), 0),
            )
        )
        key = f"{row['account']}|{row['currency']}".encode()
        return Wallet(int(row["lane"].rpartition(":")[2]), key, version, balance)

    async def lose_changelogs(self) -> None:
        """The tables' changelogs are gone; the workers start with empty tables."""
        lost = [spec for spec in specs(PARTITIONS) if spec.name not in RULES and "changelog" in spec.name]
        admin = AIOKafkaAdminClient(bootstrap_servers=self.cluster.bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([spec.name for spec in lost])
        finally:
            await admin.close()
        await self.until(partial(self._created, lost), "the changelogs to be made anew")

    async def _created(self, lost: list[Any]) -> bool:
        try:
            return len(await ensure_topics(self.cluster.bootstrap, lost)) == len(lost)
        except Exception:  # being deleted still
            return False

    # -- helpers -------------------------------------------------------------------------------------------

    def _fresh(self) -> dict[str, Any]:
        return self.monitor.fresh(time.monotonic() - 3.0)

    async def until(self, condition: Condition, what: str) -> None:
        await eventually(condition, PATIENCE_SECONDS, f"{what} (logs in {self.cluster.logs})")
        self.monitor.failed()

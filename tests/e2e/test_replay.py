"""`replay` rebuilds the same books from the logs alone, and a changed row does not go unnoticed."""

from __future__ import annotations

from datetime import UTC, datetime
from subprocess import CompletedProcess

import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from app.demo.configure import platform
from app.demo.generator import Generator
from app.demo.stream import COMMANDS, LINES, WEBHOOKS, Record
from app.domain.streams import RECONCILIATION_COMMANDS
from app.lane.catalogue import OWNER_LANES
from app.stack.local import LocalStack
from app.store.compare import compare, read_tables
from tests.effects.asking import ask, delivery
from tests.support.commands import run_app
from tests.support.databases import at_database, copied_database, drop_database, execute
from tests.support.live import REST_SECONDS, Live
from tests.support.stored_webhooks import stored
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]

SEED = 11
SECONDS, RATE = 10, 300
SCHEDULE = {"type": "schedule.put", "id": "s-1", "schedule_id": "daily", "enabled": False, "by": "a test"}
EMPTY = "template0"
"""PostgreSQL's own empty database."""
CHANGES = {
    "accounts": "UPDATE accounts SET balance = 7 WHERE account = (SELECT min(account) FROM accounts)",
    "batches": "UPDATE batches SET applied = applied - 1, refused = refused + 1"
    " WHERE topic = 'payments.commands' AND first_offset = 0 AND partition = 0",
    "claims": "UPDATE claims SET value = 'x' WHERE claim = (SELECT max(claim) FROM claims)",
    "dead_letters": "UPDATE dead_letters SET reason = 'x' WHERE id = (SELECT min(id) FROM dead_letters)",
    "documents": "UPDATE documents SET version = version + 1 WHERE collection = 'schedule'",
    "effects": "UPDATE effects SET attempts = attempts + 1 WHERE id = (SELECT min(id) FROM effects)",
    "items": "UPDATE items SET version = version + 1 WHERE identity = (SELECT min(identity) FROM items)",
    "ledger_entries": "INSERT INTO ledger_entries VALUES ('x', 1, 'transit:x', 'debit', 1, 'EUR', 1),"
    " ('x', 2, 'psp_fee', 'credit', 1, 'EUR', 1)",
    "ledger_transactions": "INSERT INTO ledger_transactions VALUES"
    " ('x', 'capture', NULL, NULL, now(), now(), 'payments.commands', 0, 0)",
    "merchants": "DELETE FROM merchants WHERE merchant_id = (SELECT max(merchant_id) FROM merchants)",
    "mismatches": "UPDATE mismatches SET severity = 'low!' WHERE id = (SELECT min(id) FROM mismatches)",
    "parked": "INSERT INTO parked VALUES ('payments.commands', 0, 'm', 'payment/x', 1, '{}', 1)",
    "payments": "UPDATE payments SET state = '{}' WHERE id = (SELECT max(id) FROM payments)",
    "payouts": "UPDATE payouts SET status = 'x' WHERE id = (SELECT max(id) FROM payouts)",
    "platform": "UPDATE platform SET version = 7 WHERE topic = 'matching.commands' AND partition = 1",
    "positions": "UPDATE positions SET next_offset = next_offset + 1 WHERE topic = 'matching.commands'",
    "record_keys": "UPDATE record_keys SET outcome = 'refused' WHERE id = (SELECT min(id) FROM record_keys"
    " WHERE topic = 'payments.commands' AND outcome = 'applied')",
    "timers": "INSERT INTO timers VALUES ('payments.commands', 0, 'm', 'release', 'x', now(), '{}', NULL, 1)",
}
"""Table -> a change of one row that has to be found."""


async def send(live: Live, records: list[Record]) -> None:
    for topic in (COMMANDS, LINES, WEBHOOKS):
        await live.send(topic, [(record.key, record.value) for record in records if record.topic == topic])


def replay(live: Live, *arguments: str) -> CompletedProcess[str]:
    command = ("replay", "--from", "0", *arguments)
    return run_app(*command, env=live.environment(), within_seconds=REST_SECONDS)


async def mixed_traffic(live: Live) -> int:
    """All kinds of records, repeats and garbage among them, until all windows are closed; how many."""
    live.configure(platform())
    generator = Generator(SEED, RATE, datetime.now(UTC))
    opening = list(stored(generator.opening(), generator.started))
    records = list(stored(generator.records(SECONDS), generator.started))
    await send(live, opening)
    await live.rest()
    await send(live, records)
    await live.rest()
    effects = await effects_too_late(live)
    await live.send(RECONCILIATION_COMMANDS, [("daily", SCHEDULE)])
    await live.rest()
    return len(opening) + len(records) + effects + 1


async def effects_too_late(live: Live, count: int = 20) -> int:
    """Webhooks whose deadline is over: the executor attempts none and says so, the lane gives each up."""
    asked = [
        delivery("https://shop.example", f"we_{n % 3}", n, deadline_at=datetime(2026, 1, 1, tzinfo=UTC))
        for n in range(count)
    ]
    await ask(live, asked)

    async def given_up() -> bool:
        dead = await live.pool.fetchval("SELECT count(*) FROM effects WHERE status = 'dead'")
        return bool(dead == count)

    await eventually(given_up, REST_SECONDS, "effects that are given up")
    return count


async def test_the_books_rebuilt_from_the_logs_are_equal(live: Live, local_stack: LocalStack) -> None:
    server = local_stack.addresses.database_url
    sent = await mixed_traffic(live)
    rebuilt = at_database(server, "rebuilt")
    await execute(server, "CREATE DATABASE rebuilt")
    try:
        done = replay(live, "--database-url", rebuilt, "--compare", live.database)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "the books are equal" in done.stdout
        found = {each.table: each for each in await compare(live.database, rebuilt, OWNER_LANES)}
        assert all(each.equal for each in found.values())
        assert found["record_keys"].left_rows > sent / 2
        assert all(found[table].left_rows for table in found if table not in ("parked", "timers"))
        await refuses_what_is_not_empty(live, rebuilt)
        await finds_every_change(live, local_stack, rebuilt)
    finally:
        await drop_database(server, "rebuilt")


async def refuses_what_is_not_empty(live: Live, rebuilt: str) -> None:
    done = replay(live, "--database-url", rebuilt)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "replay needs an empty database" in done.stderr


async def finds_every_change(live: Live, local_stack: LocalStack, rebuilt: str) -> None:
    """One row of every table is changed in a copy; each table is compared by itself."""
    server = local_stack.addresses.database_url
    connection = await asyncpg.connect(rebuilt)
    tables = {table.name for table in await read_tables(connection)}
    await connection.close()
    assert tables == set(CHANGES)
    async with copied_database(server, "rebuilt") as changed, copied_database(server, EMPTY) as again:
        for change in CHANGES.values():
            await execute(changed, change)
        found = await compare(live.database, changed, OWNER_LANES)
        assert {each.table for each in found if not each.equal} == tables
        assert all(1 <= len(each.examples) <= 3 for each in found)
        done = replay(live, "--database-url", again, "--compare", changed)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "the books differ" in done.stdout


async def test_a_log_that_lost_its_beginning_is_refused(live: Live, local_stack: LocalStack) -> None:
    live.configure(platform())
    await live.rest()
    await delete_beginning(live.kafka, COMMANDS)
    server = local_stack.addresses.database_url
    await execute(server, "CREATE DATABASE headless")
    try:
        done = replay(live, "--database-url", at_database(server, "headless"))
        assert done.returncode == 1
        assert "payments.commands:0 begins at offset 1, not at 0" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    finally:
        await drop_database(server, "headless")


async def delete_beginning(kafka: str, topic: str) -> None:
    """What retention would do to a log that was kept too short."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=1)})
    finally:
        await admin.close()

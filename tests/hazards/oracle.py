"""The judgement: what lies in Kafka is decided again, record by record, and compared with PostgreSQL.

The replay (`tests/simulation/oracle.py`) knows no batches, positions, tables or faults; the sums of
`truth.py` know not even the rules. Nothing is compared approximately.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any, Final

import asyncpg
import msgspec

from app.contracts.topics import BY_NAME
from app.domain.decision import Entry, Transaction
from app.store.api import LaneId
from app.store.changes import OUTCOMES
from app.store.postgres import PostgresStore
from tests.hazards.cluster import PARTITIONS, Cluster, VerbFailed
from tests.hazards.monitor import Monitor
from tests.hazards.outputs import Outputs
from tests.hazards.sums import Wallet, check_sums, check_wallets
from tests.hazards.truth import Truth
from tests.simulation.oracle import Answer, replay
from tests.support.waiting import eventually

DRAIN_SECONDS: Final = 1200.0
SOON_SECONDS: Final = 10.0
ROWS_AT_ONCE: Final = 2000
VERIFY_SECONDS: Final = 900.0
SHOWN: Final = 3
_encode: Final = msgspec.json.Encoder(order="deterministic").encode

WAITING: Final = """
SELECT (SELECT count(*) FROM outbox) AS outbox,
       (SELECT count(*) FROM timers WHERE due_at < now() + make_interval(secs => $1)) AS timers"""
KEYS: Final = 'SELECT "offset", key, id, outcome FROM record_keys WHERE topic = $1 AND partition = $2'
DEAD: Final = 'SELECT "offset" FROM dead_letters WHERE topic = $1 AND partition = $2'
BATCHES: Final = "SELECT * FROM batches WHERE topic = $1 AND partition = $2 ORDER BY first_offset"
LEDGER: Final = """
SELECT t.id, t.kind, t.merchant_id, t.payment_id, t.occurred_at, t.recorded_at, t.reverses,
       array_agg(ARRAY[e.account, e.direction::text, e.amount::text, e.currency, e.balance_after::text]
                 ORDER BY e.seq) AS entries
  FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
 WHERE t.source_topic = $1 AND t.source_partition = $2 GROUP BY t.id"""
TABLE_OF: Final = {
    "merchant": "merchants",
    "payment": "payments",
    "payout": "payouts",
    "account": "accounts",
    "claim": "claims",
    "parked": "parked",
    "timer": "timers",
    "item": "items",
    "mismatch": "mismatches",
    "platform": "platform",
    "effect": "effects",
    "document": "documents",
}


class Verdict(msgspec.Struct):
    """`problems` is empty where everything agrees; `figures` are for people."""

    problems: list[str] = []
    figures: dict[str, int] = {}
    lost: int = 0
    doubled: int = 0

    def report(self, what: str, differences: Iterable[Any]) -> int:
        listed = sorted(map(str, differences))
        if listed:
            more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
            self.problems.append(f"{what}: {'; '.join(listed[:SHOWN])}{more}")
        return len(listed)


async def drained(cluster: Cluster, monitor: Monitor, within_seconds: float = DRAIN_SECONDS) -> None:
    """Positions are the end offsets, nothing in the outbox, no timer soon; twice, since one makes another."""
    seen = 0

    async def at_rest() -> bool:
        nonlocal seen
        monitor.failed()
        ends = await cluster.reader.end_offsets(cluster.lanes)
        waiting = await cluster.pool.fetchrow(WAITING, SOON_SECONDS)
        behind = any(monitor.positions.get(LaneId(*lane), 0) != end for lane, end in ends.items())
        seen = 0 if behind or waiting["outbox"] or waiting["timers"] else seen + 1
        await asyncio.sleep(0.3)
        return seen >= 2

    condition: Callable[[], bool | Awaitable[bool]] = at_rest
    await eventually(condition, within_seconds, f"positions to be end offsets; halted: {monitor.halted}")


async def judge(cluster: Cluster, truth: Truth, forged: Collection[Wallet] = ()) -> Verdict:
    """Compare everything. No worker may run any more; `forged`: what we wrote into changelogs ourselves."""
    verdict, outputs = Verdict(), Outputs()
    connection = await asyncpg.connect(cluster.dsn)
    try:
        expected_rows: Counter[str] = Counter()
        async for lane, records in cluster.logs_of(cluster.lanes):
            answer = await asyncio.to_thread(replay, lane, records, dict.fromkeys(BY_NAME, PARTITIONS))
            await _compare_outcomes(connection, verdict, lane, answer, records)
            await _compare_ledger(connection, verdict, lane, answer)
            await _compare_rows(cluster, verdict, lane, answer)
            expected_rows.update(ref.kind for ref in answer.rows)
            outputs.expect(lane, answer.published)
        await _compare_row_counts(connection, verdict, expected_rows)
        targets = [
            LaneId(name, n) for name, topic in BY_NAME.items() if topic.records for n in range(PARTITIONS)
        ]
        async for target, came in cluster.logs_of(targets):
            outputs.compare(verdict, target, came)
        await check_sums(connection, verdict, truth)
        await check_wallets(cluster, connection, verdict, forged)
    finally:
        await connection.close()
    await _verify(cluster, verdict)
    return verdict


async def _compare_outcomes(
    connection: Any, verdict: Verdict, lane: LaneId, answer: Answer, records: Sequence[Any]
) -> None:
    """Every record decided exactly once, with the outcome of the replay; batches without a gap."""
    kept = {row["offset"]: row["outcome"] for row in await connection.fetch(KEYS, *lane)}
    dead = {row["offset"]: "dead_letter" for row in await connection.fetch(DEAD, *lane)}
    expected = {
        at: outcome for at, outcome in answer.outcomes.items() if outcome not in ("duplicate", "forwarded")
    }
    found = kept | dead
    verdict.report(f"{lane}: outcomes", _differences(expected, found))
    verdict.lost += len(expected.keys() - found.keys())
    verdict.doubled += len(found.keys() - expected.keys()) + len(kept.keys() & dead.keys())
    counted: Counter[str] = Counter()
    upto = 0
    for batch in await connection.fetch(BATCHES, *lane):
        if batch["first_offset"] != upto:
            verdict.problems.append(f"{lane}: a batch begins at {batch['first_offset']}, not at {upto}")
        upto = batch["last_offset"] + 1
        counted.update({outcome: batch[outcome] for outcome in OUTCOMES})
    wanted = Counter(answer.outcomes.values())
    verdict.report(f"{lane}: counts of batches", _differences(+wanted, +counted))
    if records and upto <= records[-1].offset:
        verdict.problems.append(f"{lane}: batches end at {upto}, the log at {records[-1].offset + 1}")
    for outcome, count in wanted.items():
        name = f"{lane.topic} {outcome}"
        verdict.figures[name] = verdict.figures.get(name, 0) + count


async def _compare_ledger(connection: Any, verdict: Verdict, lane: LaneId, answer: Answer) -> None:
    found = {row["id"]: _transaction(row) for row in await connection.fetch(LEDGER, *lane)}
    expected = {transaction.id: transaction for transaction in answer.transactions}
    verdict.report(f"{lane}: ledger", _differences(expected, found))
    verdict.lost += len(expected.keys() - found.keys())
    verdict.doubled += len(found.keys() - expected.keys())
    verdict.figures["ledger transactions"] = verdict.figures.get("ledger transactions", 0) + len(found)


def _transaction(row: Any) -> Transaction:
    entries = tuple(Entry(a, d, int(amount), c, int(after)) for a, d, amount, c, after in row["entries"])
    return Transaction(
        row["id"],
        row["kind"],
        row["merchant_id"],
        row["payment_id"],
        row["occurred_at"],
        row["recorded_at"],
        entries,
        row["reverses"],
    )


async def _compare_rows(cluster: Cluster, verdict: Verdict, lane: LaneId, answer: Answer) -> None:
    """Every row of state, with the offset of its last change."""
    store, refs = PostgresStore(cluster.pool), list(answer.rows)
    for begin in range(0, len(refs), ROWS_AT_ONCE):
        part = refs[begin : begin + ROWS_AT_ONCE]
        found = {ref: _plain(*row) for ref, row in (await store.load(lane, part)).items()}
        expected = {ref: _plain(*answer.rows[ref]) for ref in part}
        verdict.report(f"{lane}: state", _differences(expected, found))


def _plain(value: Any, version: int) -> tuple[bytes, int]:
    """A row as text: what was kept as JSON has lists where the rules had tuples."""
    return _encode(value), version


async def _compare_row_counts(connection: Any, verdict: Verdict, expected: Counter[str]) -> None:
    """No row that the replay does not know."""
    counts = {
        kind: await connection.fetchval(f"SELECT count(*) FROM {table}") for kind, table in TABLE_OF.items()
    }
    verdict.report("numbers of rows", _differences(dict(expected), {k: n for k, n in counts.items() if n}))


async def _verify(cluster: Cluster, verdict: Verdict) -> None:
    """The program's own proof."""
    try:
        await cluster.verb("verify", "--full", within_seconds=VERIFY_SECONDS)
    except VerbFailed as failure:
        verdict.problems.append(str(failure))


def _differences(expected: dict[Any, Any], found: dict[Any, Any]) -> Iterable[str]:
    if expected == found:
        return
    for key in expected.keys() | found.keys():
        if expected.get(key) != found.get(key):
            yield f"{key}: expected {expected.get(key)}, found {found.get(key)}"

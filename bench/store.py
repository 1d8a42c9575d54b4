"""Payments per second of the store's `commit` alone, one connection: `python -m bench.store --help`.

Batches are made first, as the merchant lane makes them for captures: per payment a record key, a payment,
two claims, one ledger transaction with four entries, one timer, and the batch's balances and outbox. Each
variant gets a fresh database, in random order per round; what was written is counted before a figure is
given.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import msgspec

from app.domain.commands import FundsRelease
from app.domain.decision import Entry, Transaction
from app.domain.payment import Capture, Payment
from app.domain.state import Ref, account_ref
from app.domain.timers import Timer, epoch_ms, timer_ref
from app.settings import database_url
from app.store.api import BLIND, Change, Commit, KeyRow, LaneId
from app.store.migrate import migrate
from app.store.pool import open_pool
from app.store.postgres import PostgresStore
from tests.support.databases import drop_database

LANE = LaneId("payments.commands", 0)
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
FEE = 35
PSP_FEE = 20


class Work(NamedTuple):
    payments: int
    batch: int
    merchants: int
    outbox_bytes: int


class Books:
    """Balances as the lane knows them, so that every batch updates what the last one left."""

    def __init__(self) -> None:
        self.balances: dict[Ref, int] = {}
        self.versions: dict[Ref, int] = {}

    def enter(self, account: str, direction: str, amount: int, touched: set[Ref], grows: str) -> Entry:
        ref = account_ref(account, "EUR")
        touched.add(ref)
        self.balances[ref] = self.balances.get(ref, 0) + (amount if direction == grows else -amount)
        return Entry(account, direction, amount, "EUR", self.balances[ref])


def make_batches(work: Work, seed: int = 1) -> list[Commit]:
    chance, books = random.Random(seed), Books()
    return [
        _batch(first, min(work.batch, work.payments - first), work, chance, books)
        for first in range(0, work.payments, work.batch)
    ]


def _batch(first: int, size: int, work: Work, chance: random.Random, books: Books) -> Commit:
    state: dict[Ref, Change] = {}
    keys: list[KeyRow] = []
    transactions: list[Transaction] = []
    touched: set[Ref] = set()
    for offset in range(first, first + size):
        merchant = f"m-{chance.randrange(work.merchants)}"
        _capture(offset, merchant, chance, books, state, keys, transactions, touched)
    for ref in touched:
        state[ref] = Change(books.balances[ref], first + size - 1, books.versions.get(ref))
        books.versions[ref] = first + size - 1
    outbox = chance.randbytes(work.outbox_bytes * size)
    return Commit(
        lane=LANE,
        first=first,
        next=first + size,
        counts={"applied": size},
        keys=keys,
        state=state,
        transactions=transactions,
        outbox=outbox,
    )


def _capture(
    offset: int,
    merchant: str,
    chance: random.Random,
    books: Books,
    state: dict[Ref, Change],
    keys: list[KeyRow],
    transactions: list[Transaction],
    touched: set[Ref],
) -> None:
    payment_id, psp_id = f"pay_{uuid.UUID(int=chance.getrandbits(128))}", f"pi_{chance.getrandbits(80):020x}"
    amount, transaction_id = chance.randrange(500, 50_000), f"pc.0.{offset}.0"
    entries = (
        books.enter("psp_recv:stripe", "debit", amount - PSP_FEE, touched, "debit"),
        books.enter("psp_fee", "debit", PSP_FEE, touched, "debit"),
        books.enter(f"m_pend:{merchant}", "credit", amount - FEE, touched, "credit"),
        books.enter("plat_fee", "credit", FEE, touched, "credit"),
    )
    transactions.append(Transaction(transaction_id, "capture", merchant, payment_id, NOW, NOW, entries))
    keys.append(KeyRow(offset, merchant, f"cmd-{payment_id}", chance.randbytes(16), "applied"))
    capture = Capture(
        amount=amount,
        currency="EUR",
        psp="stripe",
        platform_fee=FEE,
        psp_fee=PSP_FEE,
        pending=amount - FEE,
        psp_capture_id=psp_id,
        transaction_id=transaction_id,
        occurred_at=NOW,
        platform_version=1,
        merchant_version=2,
    )
    payment = Payment(
        merchant_id=merchant,
        id=payment_id,
        currency="EUR",
        psp="stripe",
        principal=payment_id,
        psp_payment_id=psp_id,
        order_ref=f"o-{offset}",
        captures={payment_id: capture},
        seq=1,
    )
    state[Ref("payment", (merchant, payment_id))] = Change(payment, offset, None)
    pointer = f"{merchant}/{payment_id}"
    state[Ref("claim", (merchant, f"psp/stripe/capture/{psp_id}"))] = Change(pointer, offset, None)
    state[Ref("claim", (merchant, f"semantic/{chance.getrandbits(128):032x}"))] = Change(
        pointer, offset, None
    )
    due = NOW + timedelta(days=2, milliseconds=offset)
    release = FundsRelease(
        id=f"release/{payment_id}/{epoch_ms(due)}",
        merchant_id=merchant,
        payment_id=payment_id,
        capture_id=payment_id,
    )
    state[timer_ref(merchant, "release", payment_id)] = Change(Timer(epoch_ms(due), release), offset, BLIND)


class Variant(NamedTuple):
    name: str
    prepare: str = ""
    change: Callable[[Commit], Commit] = lambda commit: commit


def _without(*kinds: str) -> Callable[[Commit], Commit]:
    def change(commit: Commit) -> Commit:
        kept = {ref: row for ref, row in commit.state.items() if ref.kind not in kinds}
        return msgspec.structs.replace(commit, state=kept)

    return change


VARIANTS: Sequence[Variant] = (
    Variant("commit"),
    Variant("without the ledger's trigger", "DROP TRIGGER ledger_entries_guard ON ledger_entries"),
    Variant("without outbox", change=lambda commit: msgspec.structs.replace(commit, outbox=b"")),
    Variant("without the ledger", change=lambda commit: msgspec.structs.replace(commit, transactions=())),
    Variant("without payments", change=_without("payment")),
    Variant("without claims", change=_without("claim")),
    Variant("without timers", change=_without("timer")),
    Variant("without accounts", change=_without("account")),
    Variant("without record keys", change=lambda commit: msgspec.structs.replace(commit, keys=())),
    Variant("asynchronous commit", "ALTER ROLE CURRENT_USER IN DATABASE :db SET synchronous_commit = off"),
)


class Figure(NamedTuple):
    payments_per_second: float
    client_microseconds: float
    """CPU of this process per payment."""
    server_microseconds: float
    """CPU of the connection's server process per payment; nan where it is not on this machine."""
    wal_bytes: float
    """Written ahead per payment."""


async def measure(dsn: str, variant: Variant, batches: Sequence[Commit], payments: int) -> Figure:
    """Runs the batches in a fresh database."""
    name = f"bench_{uuid.uuid4().hex[:10]}"
    await _execute(dsn, f"CREATE DATABASE {name}")
    own = urlsplit(dsn)._replace(path=f"/{name}").geturl()
    try:
        await migrate(own)
        if variant.prepare:
            await _execute(own, variant.prepare.replace(":db", name))
        pool = await open_pool(own, 1, "bench")
        try:
            return await _run(pool, [variant.change(batch) for batch in batches], payments)
        finally:
            await pool.close()
    finally:
        await drop_database(dsn, name)


async def _run(pool: Any, batches: Sequence[Commit], payments: int) -> Figure:
    store = PostgresStore(pool)
    await store.position(LANE)
    with suppress(asyncpg.InsufficientPrivilegeError):  # it only evens out the rounds
        await pool.execute("CHECKPOINT")
    wal = await pool.fetchval("SELECT pg_current_wal_insert_lsn()")
    backend = await pool.fetchval("SELECT pg_backend_pid()")
    wall, cpu, server = time.perf_counter(), time.process_time(), _cpu_of(backend)
    for batch in batches:
        await store.commit(batch)
        await store.outbox_done(LANE, [batch.first])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    server = _cpu_of(backend) - server
    written = await pool.fetchval("SELECT pg_current_wal_insert_lsn() - $1::pg_lsn", wal)
    await _check(pool, batches)
    return Figure(payments / wall, cpu / payments * 1e6, server / payments * 1e6, float(written) / payments)


def _cpu_of(pid: int) -> float:
    """Seconds of user and system time of a process of this machine, from Linux's /proc."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return math.nan
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def _check(pool: Any, batches: Sequence[Commit]) -> None:
    expected = [
        batches[-1].next,
        sum(len(batch.keys) for batch in batches),
        sum(len(transaction.entries) for batch in batches for transaction in batch.transactions),
        len({ref for batch in batches for ref in batch.state}),
    ]
    kinds = "+".join(f"(SELECT count(*) FROM {t})" for t in ("payments", "claims", "timers", "accounts"))
    found = await pool.fetchrow(
        "SELECT (SELECT next_offset FROM positions), (SELECT count(*) FROM record_keys),"
        f" (SELECT count(*) FROM ledger_entries), {kinds}"
    )
    if list(found) != expected:
        raise SystemExit(f"wrong rows, no figure: {list(found)} instead of {expected}")


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def compare(dsn: str, work: Work, rounds: int, names: Sequence[str]) -> dict[str, list[Figure]]:
    batches = make_batches(work)
    variants = [variant for variant in VARIANTS if not names or variant.name in names]
    figures: dict[str, list[Figure]] = {variant.name: [] for variant in variants}
    for number in range(rounds):
        for variant in random.Random(number).sample(variants, len(variants)):
            figures[variant.name].append(await measure(dsn, variant, batches, work.payments))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--merchants", type=int, default=500)
    parser.add_argument("--outbox-bytes", type=int, default=1_000, help="per payment")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variant", action="append", default=[], help="one of them; default: all")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    work = Work(options.payments, options.batch, options.merchants, options.outbox_bytes)
    figures = asyncio.run(compare(database_url(), work, options.rounds, options.variant))
    if options.json:
        print(json.dumps({name: [figure._asdict() for figure in runs] for name, runs in figures.items()}))
        return
    print(f"{'':32} {'payments/s':>28} {'client CPU':>12} {'server CPU':>12} {'WAL':>10}")
    for name, runs in figures.items():
        rates = [figure.payments_per_second for figure in runs]
        spread = f"{min(rates):,.0f} / {statistics.median(rates):,.0f} / {max(rates):,.0f}"
        cpu = statistics.median(figure.client_microseconds for figure in runs)
        server = statistics.median(figure.server_microseconds for figure in runs)
        wal = statistics.median(figure.wal_bytes for figure in runs)
        print(f"{name:32} {spread:>28} {cpu:9.1f} us {server:9.1f} us {wal:8,.0f} B")


if __name__ == "__main__":
    main()

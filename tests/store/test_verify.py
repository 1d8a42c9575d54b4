"""`verify` finds what was broken on purpose, names it, and remembers only what it has proven."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from app.domain.configuration import Platform, PspConfiguration
from app.domain.decision import Entry, Transaction
from app.domain.dispute import DisputeStage
from app.domain.matching import Opened
from app.domain.state import PLATFORM, Ref
from app.domain.timers import Timer
from app.errors import ConfigurationError
from app.store import verify_clearing
from app.store.api import DeadLetterRow
from app.store.postgres import PostgresStore
from app.store.verify import LOCK, Report, verify, verify_if_due
from tests.support.commits import (
    ITEM,
    LANE,
    MATCHING,
    MERCHANT,
    MISMATCH,
    NOW,
    PAYMENT,
    PAYOUT,
    balances,
    booked_capture,
    capture_posting,
    change,
    commit,
    disputed_payment,
    item,
    key_row,
    merchant,
    mismatch,
    payout,
    platform,
    timer,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def store(books: Any) -> PostgresStore:
    store = PostgresStore(books)
    await store.positions([LANE, MATCHING])
    return store


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was broken on purpose stays so: nobody has to wait for it."""
    monkeypatch.setattr(verify_clearing, "PAUSE_SECONDS", 0.01)


def failed(report: Report) -> dict[str, list[str]]:
    assert report.ok == all(check.ok for check in report.checks)
    return {check.name: check.problems for check in report.checks if not check.ok}


def figures(report: Report, name: str) -> dict[str, Any]:
    return next(check.figures for check in report.checks if check.name == name)


async def tampered(books: Any, table: str, statement: str) -> None:
    """What nobody can do by accident: the guards off, a change, the guards on."""
    async with books.acquire() as connection, connection.transaction():
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        await connection.execute(statement)
        await connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only")
        if table == "ledger_entries":
            await connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_guard")


def posting(transaction_id: str, kind: str, *entries: Entry) -> Transaction:
    return Transaction(transaction_id, kind, "m-1", None, NOW, NOW, entries)


async def test_empty_books_are_proven(dsn: str, store: PostgresStore) -> None:
    report = await verify(dsn)
    assert failed(report) == {}
    assert [check.name for check in report.checks] == [
        "postings",
        "balances",
        "limits",
        "clearing",
        "completeness",
        "audit",
        "periods",
        "effects",
    ]


async def test_figures_say_what_was_looked_at(dsn: str, store: PostgresStore, books: Any) -> None:
    await store.commit(booked_capture())
    dead = DeadLetterRow(1, "unknown type", b"{}", b"k")
    counts = {"refused": 1, "dead_letter": 1, "duplicate": 2}
    refused = key_row(2)._replace(outcome="refused")
    await store.commit(commit(1, 5, counts=counts, keys=[refused], dead_letters=[dead]))
    report = await verify(dsn, full=True)
    assert failed(report) == {}
    assert figures(report, "postings") == {"transactions": 1, "entries": 3, "reversals": 0}
    assert figures(report, "balances") == {"accounts": 3, "entries": 3, "totals": {"EUR": 100}}
    completeness = figures(report, "completeness")
    assert (completeness["offsets"], completeness["records"], completeness["duplicate"]) == (6, 5, 2)
    kept = await books.fetchrow("SELECT * FROM verify_runs")
    assert (kept["ok"], kept["complete"], kept["finished_at"]) == (True, True, report.finished_at)


async def test_a_second_run_looks_at_what_came_since(dsn: str, store: PostgresStore) -> None:
    await store.commit(booked_capture())
    await verify(dsn)
    second = capture_posting("pc.3.1.0")
    entries = tuple(entry._replace(balance_after=entry.balance_after * 2) for entry in second.entries)
    state = balances(1, {"psp_recv:stripe": 200, "m_pend:m-1": 190, "plat_fee": 10}, seen=0)
    await store.commit(commit(1, transactions=[replace(second, entries=entries)], state=state))
    report = await verify(dsn)
    assert failed(report) == {}
    assert figures(report, "postings")["transactions"] == 1
    assert figures(report, "completeness")["offsets"] == 1
    assert figures(await verify(dsn, full=True), "postings")["transactions"] == 2


@pytest.mark.parametrize("proven_before", [False, True])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts SET balance = balance + 1 WHERE account = 'm_pend:m-1'",
        "DELETE FROM accounts WHERE account = 'plat_fee'",
        "INSERT INTO accounts VALUES ('m_avail:m-9', 'EUR', 'payments.commands:3', 1, 0)",
        "UPDATE accounts SET lane = 'payments.commands:4' WHERE account = 'plat_fee'",
    ],
    ids=["changed", "deleted", "invented", "elsewhere"],
)
async def test_a_wrong_balance_is_found(
    dsn: str, store: PostgresStore, books: Any, statement: str, proven_before: bool
) -> None:
    await store.commit(booked_capture())
    if proven_before:
        assert (await verify(dsn)).ok
    await books.execute(statement)
    report = await verify(dsn)
    assert set(failed(report)) == {"balances"}
    account = statement.split("'")[-2] if "WHERE" in statement else "m_avail:m-9"
    assert any(account in problem for problem in failed(report)["balances"])


async def test_what_was_not_proven_is_looked_at_again(dsn: str, store: PostgresStore, books: Any) -> None:
    await store.commit(booked_capture())
    await books.execute("UPDATE accounts SET balance = balance + 1 WHERE account = 'plat_fee'")
    assert not (await verify(dsn)).ok
    assert not (await verify(dsn)).ok
    await books.execute("UPDATE accounts SET balance = balance - 1 WHERE account = 'plat_fee'")
    report = await verify(dsn)
    assert failed(report) == {}
    assert figures(report, "postings")["transactions"] == 1


@pytest.mark.parametrize(
    ("table", "statement", "check", "words"),
    [
        ("ledger_entries", "UPDATE ledger_entries SET amount = 6 WHERE seq = 3", "postings", "by -1 EUR"),
        ("ledger_entries", "DELETE FROM ledger_entries", "postings", "no entries"),
        ("ledger_transactions", "DELETE FROM ledger_transactions", "postings", "without a transaction"),
        ("ledger_transactions", "UPDATE ledger_transactions SET reverses = 'x'", "postings", "reverses"),
        ("ledger_entries", "UPDATE ledger_entries SET account = 'odd:x' WHERE seq = 2", "balances", "odd:x"),
        (
            "ledger_transactions",
            "UPDATE ledger_transactions SET source_offset = 9",
            "completeness",
            "applied",
        ),
    ],
)
async def test_a_changed_ledger_is_found(
    dsn: str,
    store: PostgresStore,
    books: Any,
    table: str,
    statement: str,
    check: str,
    words: str,
) -> None:
    await store.commit(booked_capture())
    assert (await verify(dsn, full=True)).ok
    await tampered(books, table, statement)
    problems = failed(await verify(dsn, full=True))
    assert any(words in problem for problem in problems[check]), problems


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM batches WHERE first_offset = 1", "1 breaks"),
        ("DELETE FROM batches WHERE first_offset = 0", "begin"),
        ("DELETE FROM batches WHERE first_offset = 2", "position went from 0 to 3"),
        ("DELETE FROM record_keys WHERE id = 'c-1'", "3 applied were counted, 2 rows"),
        ("UPDATE record_keys SET outcome = 'ignored' WHERE id = 'c-1'", "1 rows are there"),
        ("UPDATE positions SET next_offset = 9 WHERE next_offset = 3", "position went from 0 to 9"),
        ("INSERT INTO dead_letters VALUES (DEFAULT, 'payments.commands', 3, 1, 'x', '')", "dead_letter"),
    ],
)
async def test_a_missing_record_is_found(
    dsn: str, store: PostgresStore, books: Any, statement: str, words: str
) -> None:
    for offset in range(3):
        await store.commit(commit(offset))
    await books.execute(statement)
    problems = failed(await verify(dsn))
    if words == "begin":
        words = "batches cover 1 to 3"
    assert any(words in problem for problem in problems["completeness"]), problems


async def test_negative_pending_money_is_found(dsn: str, store: PostgresStore) -> None:
    move = posting(
        "pc.3.0.0",
        "funds_released",
        Entry("m_pend:m-1", "debit", 5, "EUR", -5),
        Entry("m_avail:m-1", "credit", 5, "EUR", 5),
    )
    await store.commit(
        commit(0, transactions=[move], state=balances(0, {"m_pend:m-1": -5, "m_avail:m-1": 5}))
    )
    assert failed(await verify(dsn)) == {"limits": ["m_pend:m-1 EUR: -5 is negative"]}


@pytest.mark.parametrize(
    ("limit", "status", "holds"),
    [(0, None, False), (100, None, True), (99, None, False), (0, "open", True), (0, "auto_resolved", False)],
)
async def test_a_merchant_below_its_limit_needs_an_open_mismatch(
    dsn: str, store: PostgresStore, limit: int, status: str | None, holds: bool
) -> None:
    taken = posting(
        "pc.3.0.0",
        "refund",
        Entry("m_avail:m-1", "debit", 100, "EUR", -100),
        Entry("psp_recv:stripe", "credit", 100, "EUR", -100),
    )
    state = balances(0, {"m_avail:m-1": -100, "psp_recv:stripe": -100})
    state[MERCHANT] = change(replace(merchant(), negative_limit=limit), 0)
    if status is not None:
        state[MISMATCH] = change(mismatch(status, category="NEGATIVE_BALANCE"), 0)
    await store.commit(commit(0, transactions=[taken], state=state))
    report = await verify(dsn)
    assert set(failed(report)) == (set() if holds else {"limits"})
    assert figures(report, "limits")["below_limit"] == (0 if limit == 100 else 1)


@pytest.mark.parametrize(
    ("facts", "transit", "holds"),
    [((), 90, True), ((), 0, False), (("paid",), 0, True), (("paid",), 90, False)],
)
async def test_payout_transit_is_the_payouts_in_flight(
    dsn: str, store: PostgresStore, facts: Any, transit: int, holds: bool
) -> None:
    state = {PAYOUT: change(replace(payout(), facts=facts), 0)}
    transactions = []
    if transit:
        entries = (
            Entry("m_avail:m-1", "debit", 90, "EUR", 0),
            Entry("payout_transit", "credit", 90, "EUR", 90),
        )
        funded = (
            Entry("psp_recv:x", "debit", 90, "EUR", 90),
            Entry("m_avail:m-1", "credit", 90, "EUR", 90),
        )
        transactions = [
            posting("pc.3.0.0", "capture", *funded),
            posting("pc.3.0.1", "payout_started", *entries),
        ]
        state |= balances(0, {"m_avail:m-1": 0, "payout_transit": 90, "psp_recv:x": 90})
    await store.commit(commit(0, transactions=transactions, state=state))
    assert set(failed(await verify(dsn))) == (set() if holds else {"clearing"})


def line_posting(net: int = 97, fee: int = 3) -> dict[str, Any]:
    """The line's books as the matching lane keeps them."""
    entries = (
        Entry("transit:acq:B1", "debit", net, "EUR", net),
        Entry("psp_fee", "debit", fee, "EUR", fee),
        Entry("unapplied", "credit", net + fee, "EUR", net + fee),
    )
    return {
        "transactions": [posting("mc.3.0.0", "settlement_line", *entries)],
        "state": balances(0, {"transit:acq:B1": net, "psp_fee": fee, "unapplied": net + fee}),
    }


def settlement_timer() -> tuple[Ref, Timer]:
    return Ref("timer", ("stripe:pi_1", "settlement", "stripe:capture")), timer()


@pytest.mark.parametrize(
    ("gross", "covered_by", "holds"),
    [
        (100, "", True),
        (120, "", False),
        (120, "timer", True),
        (120, "mismatch", True),
        (120, "tolerance", True),
        (121, "tolerance", False),
        (120, "resolved", False),
    ],
)
async def test_an_item_that_is_not_at_zero_is_explained(
    dsn: str, store: PostgresStore, gross: int, covered_by: str, holds: bool
) -> None:
    fields = line_posting()
    expectation = item().expectation
    assert expectation is not None
    opened = {"AMOUNT_UNDER": Opened("mm_1", "e")} if covered_by in ("mismatch", "resolved") else {}
    kept = replace(item(), expectation=replace(expectation, gross=gross), open=opened)
    fields["state"][ITEM] = change(kept, 0)
    if covered_by == "timer":
        ref, value = settlement_timer()
        fields["state"][ref] = change(value, 0)
    if covered_by in ("mismatch", "resolved"):
        status = "open" if covered_by == "mismatch" else "auto_resolved"
        fields["state"][MISMATCH] = change(mismatch(status), 0)
    if covered_by == "tolerance":
        tolerant: Platform = replace(platform(), psps={"stripe": PspConfiguration(gross_tolerance=20)})
        fields["state"][PLATFORM] = change(tolerant, 0)
    await store.commit(commit(0, lane=MATCHING, **fields))
    report = await verify(dsn)
    assert set(failed(report)) == (set() if holds else {"clearing"})
    assert figures(report, "clearing")["items"] == 1


async def test_a_batchs_transit_is_its_lines_net(dsn: str, store: PostgresStore) -> None:
    fields = line_posting(net=96, fee=4)
    fields["state"][ITEM] = change(item(), 0)
    await store.commit(commit(0, lane=MATCHING, **fields))
    assert (await verify(dsn)).ok
    assert failed(await verify(dsn, full=True)) == {
        "clearing": ["transit:acq:B1 EUR is 96, its lines' net less the bank's is 97"]
    }


@pytest.mark.parametrize(
    ("held", "stage", "holds"), [(60, "open", True), (50, "open", False), (0, "won", True)]
)
async def test_what_is_held_is_what_is_disputed(
    dsn: str, store: PostgresStore, held: int, stage: DisputeStage, holds: bool
) -> None:
    fields: dict[str, Any] = {"transactions": [], "state": {}}
    if held:
        legs = (
            Entry("disp_recv:stripe", "debit", held, "EUR", held),
            Entry("m_hold:m-1", "credit", held, "EUR", held),
        )
        fields["transactions"] = [posting("pc.3.0.0", "dispute_opened", *legs)]
        fields["state"] = balances(0, {"disp_recv:stripe": held, "m_hold:m-1": held})
    fields["state"] |= {PAYMENT: change(disputed_payment(60, stage), 0), MERCHANT: change(merchant(), 0)}
    await store.commit(commit(0, **fields))
    assert (await verify(dsn)).ok
    report = await verify(dsn, full=True)
    problem = f"m_hold:m-1 EUR is {held}, open disputes are 60"
    assert failed(report) == ({} if holds else {"clearing": [problem]})


async def test_one_run_at_a_time(dsn: str, books: Any) -> None:
    async with books.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        with pytest.raises(ConfigurationError, match="another verify"):
            await verify(dsn)
        assert await verify_if_due(dsn, 300) is None
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)
    assert (await verify(dsn)).ok


async def test_a_run_is_due_once_per_interval_whoever_asks(dsn: str, store: PostgresStore) -> None:
    first = await verify_if_due(dsn, 300)
    assert first is not None
    assert first.ok
    assert await verify_if_due(dsn, 300) is None
    assert await verify_if_due(dsn, 0) is not None

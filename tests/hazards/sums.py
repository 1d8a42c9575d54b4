"""The books against sums that the generator kept, and the tables' changelogs against the books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from app.contracts.topics import changelog_topic
from app.store.api import LaneId
from tests.hazards.cluster import PARTITIONS, Cluster
from tests.hazards.matches import check_events, check_matches
from tests.hazards.truth import COMMANDS, Truth

if TYPE_CHECKING:
    from tests.hazards.oracle import Verdict

SENT: Final = """
SELECT key, id, outcome FROM record_keys WHERE topic = 'payments.commands' AND position('/' IN id) = 0
   AND id NOT LIKE 'platform-%' AND position('.' IN id) = 0"""
CAPTURED: Final = """
SELECT e.currency, sum(e.amount)::bigint AS amount FROM ledger_entries e
  JOIN ledger_transactions t ON t.id = e.transaction_id
 WHERE t.kind = 'capture' AND starts_with(e.account, 'psp_recv')
   AND e.direction = 'debit' GROUP BY e.currency"""
CAPTURES: Final = """
SELECT payment_id, count(*) AS times FROM ledger_transactions WHERE kind = 'capture' GROUP BY payment_id"""
OWED: Final = """
SELECT split_part(account, ':', 2) AS merchant, currency, sum(balance)::bigint AS amount FROM accounts
 WHERE starts_with(account, 'm_') GROUP BY 1, 2"""
TRANSIT: Final = """
SELECT currency, sum(balance)::bigint AS amount FROM accounts
 WHERE split_part(account, ':', 1) = 'transit' GROUP BY currency"""
AT_BANKS: Final = """
SELECT currency, sum(balance)::bigint AS amount FROM accounts
 WHERE account = 'unapplied' AND starts_with(lane, 'banking.commands:') GROUP BY currency"""
WALLETS: Final = """
SELECT account, currency, lane, balance, version FROM accounts WHERE starts_with(account, 'm_')"""


class Wallet(NamedTuple):
    """An entry of the table's changelog; `balance` in minor units, `version` a source offset."""

    partition: int
    key: bytes
    version: int
    balance: int

    @classmethod
    def of(cls, partition: int, key: bytes, value: bytes) -> Wallet:
        version, balance = (int.from_bytes(part, "big", signed=True) for part in (value[:8], value[8:]))
        return cls(partition, key, version, balance)

    @property
    def value(self) -> bytes:
        return b"".join(number.to_bytes(8, "big", signed=True) for number in (self.version, self.balance))


async def check_sums(connection: Any, verdict: Verdict, truth: Truth) -> None:
    """By id: everything sent is kept, once. By sum: nothing is missing, nothing is there twice."""
    outcomes = {(row["key"], row["id"]): row["outcome"] for row in await connection.fetch(SENT)}
    told = {place for place in truth.ids if place[1] not in truth.spare}
    verdict.lost += verdict.report("sent and not in the ledger", told - outcomes.keys())
    verdict.doubled += verdict.report("in the ledger and never sent", outcomes.keys() - truth.ids)
    times = {row["payment_id"]: row["times"] for row in await connection.fetch(CAPTURES)}
    verdict.lost += verdict.report("payments without a capture", truth.payments - times.keys())
    twice = [payment for payment, count in times.items() if count != 1]
    verdict.doubled += verdict.report("payments captured twice", twice)
    _equal(verdict, "captured", truth.captured, await _amounts(connection, CAPTURED))
    _equal(verdict, "in transit", truth.settled, await _amounts(connection, TRANSIT))
    _equal(verdict, "at banks", truth.at_banks, await _amounts(connection, AT_BANKS))
    owed = {(r["merchant"], r["currency"]): r["amount"] for r in await connection.fetch(OWED)}
    _equal(verdict, "owed to merchants", truth.owed_after(outcomes), owed)
    await check_matches(connection, verdict, truth, outcomes)
    await check_events(connection, verdict, truth)
    requests = Counter(outcomes.get(request) for request in truth.requests)
    verdict.figures |= {
        "unique commands": len(truth.ids),
        "payments": len(truth.payments),
        "requests accepted": requests["applied"],
        "requests refused": requests["refused"],
        "settlement lines": truth.lines,
        "bank lines": truth.bank_lines,
    }


async def _amounts(connection: Any, query: str) -> dict[str, int]:
    return {row["currency"]: row["amount"] for row in await connection.fetch(query)}


def _equal(verdict: Verdict, what: str, expected: dict[Any, int], found: dict[Any, int]) -> None:
    names = [name for name in expected.keys() | found.keys() if expected.get(name, 0) != found.get(name, 0)]
    verdict.report(what, [f"{n}: expected {expected.get(n, 0)}, found {found.get(n, 0)}" for n in names])


async def check_wallets(
    cluster: Cluster, connection: Any, verdict: Verdict, forged: Collection[Wallet]
) -> None:
    """What a restart would restore: each wallet as the books have it, or as they had it at some time.

    An older value costs a worker a second look and is counted. One of the books' version or a later one with
    another balance is wrong, unless it is one that we forged ourselves.
    """
    lanes = f"{COMMANDS}:"
    books = {
        (int(row["lane"].removeprefix(lanes)), f"{row['account']}|{row['currency']}".encode()): row
        for row in await connection.fetch(WALLETS)
    }
    newest: dict[tuple[int, bytes], Wallet] = {}
    changelog = [LaneId(changelog_topic("wallets"), partition) for partition in range(PARTITIONS)]
    async for (_, partition), records in cluster.logs_of(changelog):
        for record in records:
            wallet = Wallet.of(partition, record.key, record.value)
            before = newest.get((partition, record.key))
            if before is None or wallet.version >= before.version:
                newest[partition, record.key] = wallet
    equal, wrong = 0, []
    for place, wallet in newest.items():
        version, balance = books[place]["version"], books[place]["balance"]
        equal += (wallet.version, wallet.balance) == (version, balance)
        if wallet.version >= version and wallet.balance != balance and wallet not in forged:
            wrong.append(f"{place}: {wallet.balance} at {wallet.version}, books {balance} at {version}")
    verdict.report("wallets in the changelog", wrong)
    verdict.figures |= {"wallets": len(books), "wallets equal in the table": equal}

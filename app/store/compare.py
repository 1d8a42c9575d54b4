"""Whether two databases hold the same books: what a replay rebuilt beside what the workers wrote.

Every column of every table is compared but the ones named here: moments of a wall clock, numbers that one
database gave, and who works on what. So a new column is compared without being mentioned.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import msgspec

from app.errors import ConfigurationError
from app.store.errors import translated
from app.store.pool import CONNECT_SECONDS

IGNORED: Final[Mapping[str, frozenset[str]]] = {
    "positions": frozenset({"updated_at", "halted_at", "halted_reason", "leased_to", "leased_until"}),
    "batches": frozenset({"first_offset", "last_offset", "committed_at"}),
    "dead_letters": frozenset({"status", "created_at", "redriven_at"}),
    "timers": frozenset({"fired_at"}),
    "mismatches": frozenset({"detected_after_ms"}),
    "ledger_transactions": frozenset({"number"}),
    "payments": frozenset({"created_at"}),
    "payouts": frozenset({"created_at"}),
}
"""Table -> columns that a replay rightly writes otherwise. Batches are cut elsewhere: sums are compared."""

NOT_BOOKS: Final = frozenset(
    {"migrations", "account_kinds", "strikes", "outbox", "workers", "api_keys", "verify_runs"}
    | {"proven_positions", "proven_balances", "files", "quarantined_rows", "events", "event_positions"}
    | {"period_seals", "people", "sessions"}
)
"""Tables that say nothing of what was decided. `events` projects a log to which no replay writes;
`period_seals` are written by `verify`."""

EXAMPLES: Final = 3
FETCH_ROWS: Final = 5_000


class Table(msgspec.Struct, frozen=True):
    """`key` and `columns` name columns; `topical`: only rows of the compared topics count."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    topical: bool

    @property
    def rows(self) -> str:
        """The rows to compare, as SQL; `$1` holds the topics."""
        chosen = "WHERE topic = ANY ($1::text[])" if self.topical else "WHERE $1::text[] IS NOT NULL"
        if self.name == "batches":
            sums = ", ".join(f"sum({name}) AS {name}" for name in self.columns if name not in self.key)
            return f"SELECT {', '.join(self.key)}, {sums} FROM batches {chosen} GROUP BY topic, partition"
        return f"SELECT {', '.join(map(_quoted, self.columns))} FROM {self.name} {chosen}"


class Difference(msgspec.Struct, frozen=True):
    """One table's answer. `examples`: primary keys of some rows that only one side has, or has otherwise."""

    table: str
    left_rows: int
    right_rows: int
    equal: bool
    examples: tuple[str, ...] = ()


async def compare(left: str, right: str, topics: Collection[str]) -> list[Difference]:
    """One row per table, by name. `left`, `right`: DSNs; `topics`: the lanes whose positions, keys, timers
    and so on are compared. Raises ConfigurationError where the schemas differ, Transient.
    """
    async with _snapshot(left) as one, _snapshot(right) as other:
        tables = await read_tables(one)
        if tables != await read_tables(other):
            raise ConfigurationError("the two databases have different schemas: migrate both")
        return [await _compare_table(table, one, other, sorted(topics)) for table in tables]


async def read_tables(connection: Any) -> list[Table]:
    """What is compared, from the schema itself."""
    with translated():
        rows = await connection.fetch(COLUMNS)
    found: dict[str, list[Any]] = {}
    for row in rows:
        if row["name"] not in NOT_BOOKS and row["col"] not in IGNORED.get(row["name"], ()):
            found.setdefault(row["name"], []).append(row)
    return [_table(name, columns) for name, columns in found.items()]


def _table(name: str, columns: Sequence[Any]) -> Table:
    names = tuple(row["col"] for row in columns)
    key = tuple(row["col"] for row in columns if row["in_key"])
    return Table(name, key or names, names, "topic" in names)


async def _compare_table(table: Table, one: Any, other: Any, topics: Sequence[str]) -> Difference:
    query = DIGEST.format(rows=table.rows)
    with translated():
        left, right = await asyncio.gather(one.fetchrow(query, topics), other.fetchrow(query, topics))
        equal = left == right
        examples = () if equal else await _examples(table, one, other, topics)
    return Difference(table.name, left["rows"], right["rows"], equal, examples)


async def _examples(table: Table, one: Any, other: Any, topics: Sequence[str]) -> tuple[str, ...]:
    """Walk both sides in the order of their keys until enough rows are found that differ."""
    query = ORDERED.format(key=", ".join(map(_quoted, table.key)), rows=table.rows)
    lefts, rights = _Rows(one, query, topics), _Rows(other, query, topics)
    found: list[str] = []
    left, right = await lefts.next(), await rights.next()
    while (left or right) and len(found) < EXAMPLES:
        if right is None or (left is not None and left[0] < right[0]):
            found.append(f"{left[0]} only on the left")
            left = await lefts.next()
        elif left is None or right[0] < left[0]:
            found.append(f"{right[0]} only on the right")
            right = await rights.next()
        else:
            if left[1] != right[1]:
                found.append(f"{left[0]} differs")
            left, right = await lefts.next(), await rights.next()
    return tuple(found)


class _Rows:
    """(key, row) in order, fetched a few thousand at a time."""

    def __init__(self, connection: Any, query: str, topics: Sequence[str]) -> None:
        self._rows = connection.cursor(query, topics, prefetch=FETCH_ROWS).__aiter__()

    async def next(self) -> Any:
        return await anext(self._rows, None)


@asynccontextmanager
async def _snapshot(dsn: str) -> AsyncIterator[Any]:
    """A connection that sees one state of the database; without the bound of a lane's statement."""
    with translated():
        connection = await asyncpg.connect(
            dsn, timeout=CONNECT_SECONDS, server_settings={"timezone": "UTC", "jit": "off"}
        )
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close()


def _quoted(name: str) -> str:
    return f'"{name}"'


COLUMNS: Final = """
SELECT c.relname AS name, a.attname AS col,
       coalesce(a.attnum = ANY (i.indkey::int2[]), false) AS in_key
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
 ORDER BY c.relname, a.attnum"""
DIGEST: Final = """
SELECT count(*) AS rows, sum(hashtextextended(t::text, 0)::numeric) AS digest FROM ({rows}) t"""
ORDERED: Final = """
SELECT ROW({key})::text COLLATE "C" AS key, t::text FROM ({rows}) t ORDER BY 1"""

"""Ingested files and their quarantined rows, in a real database; and the counting of equal rows."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.store.files import (
    Figures,
    FileKey,
    QuarantinedRow,
    begin_file,
    find_file,
    finish_file,
    quarantine_rows,
)
from app.store.row_numbers import RowNumbers

pytestmark = pytest.mark.stack

KEY = FileKey(b"s" * 32, "acquirer-a")
FIGURES = Figures(rows=3, sent=1, ignored=1, quarantined=1, sums={"EUR": {"gross": 100}})


async def rows_in_quarantine(pool: Any) -> list[tuple[Any, ...]]:
    rows = await pool.fetch("SELECT row_number, line, reason, raw FROM quarantined_rows ORDER BY row_number")
    return [tuple(row) for row in rows]


async def test_a_run_from_begin_to_end(pool: Any) -> None:
    assert await find_file(pool, KEY) is None
    started = await begin_file(pool, KEY, "a.csv", 17, b"d")
    under_way = await find_file(pool, KEY)
    assert under_way is not None
    assert (under_way.status, under_way.started_at, under_way.finished_at) == ("started", started, None)
    await quarantine_rows(pool, KEY, started, [QuarantinedRow(2, 3, "no date", "a,b")])
    await finish_file(pool, KEY, started, "done", FIGURES)
    done = await find_file(pool, KEY)
    assert done is not None
    assert (done.status, done.rows, done.sent, done.ignored, done.quarantined) == ("done", 3, 1, 1, 1)
    assert await rows_in_quarantine(pool) == [(2, 3, "no date", "a,b")]
    assert await find_file(pool, KEY._replace(source="other")) is None


async def test_another_run_forgets_the_rows_that_it_could_read(pool: Any) -> None:
    first = await begin_file(pool, KEY, "a.csv", 17, b"d")
    await quarantine_rows(pool, KEY, first, [QuarantinedRow(n, None, "bad", "x") for n in (1, 2, 3)])
    await finish_file(pool, KEY, first, "done", FIGURES)
    second = await begin_file(pool, KEY, "a.csv", 17, b"e")
    assert len(await rows_in_quarantine(pool)) == 3, "nothing is lost while the run is under way"
    await quarantine_rows(pool, KEY, second, [QuarantinedRow(2, None, "still bad", "x")])
    await finish_file(pool, KEY, second, "done", FIGURES)
    assert await rows_in_quarantine(pool) == [(2, None, "still bad", "x")]


async def test_whatever_a_row_holds_can_be_kept(pool: Any) -> None:
    started = await begin_file(pool, KEY, "a\x00\udce9.csv", 17, b"d")
    await quarantine_rows(pool, KEY, started, [])
    await quarantine_rows(
        pool, KEY, started, [QuarantinedRow(1, 1, "NUL \x00", "a\x00b\udc80" + "é" * 100_000)]
    )
    ((_, _, reason, raw),) = await rows_in_quarantine(pool)
    assert (reason, raw[:12], len(raw)) == ("NUL \\0", "a\\0b\\udc80éé", 100_010)


def test_one_thread_may_close_what_another_one_uses() -> None:
    """As Ctrl-C does: an error in the thread, not the end of the process."""
    numbers, counted = RowNumbers(), threading.Event()

    def count() -> None:
        while numbers.next(b"a"):
            counted.set()

    with ThreadPoolExecutor(1) as threads:
        work = threads.submit(count)
        assert counted.wait(10)
        with numbers:
            pass
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            work.result(10)


def test_equal_rows_are_counted() -> None:
    with RowNumbers() as numbers:
        assert [numbers.next(digest) for digest in (b"a", b"b", b"a", b"a", b"b")] == [1, 1, 2, 3, 2]

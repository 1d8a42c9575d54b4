"""Counts equal rows of a file of any size in little memory: a temporary database on disk, gone when closed.

Rows without an id of their own are told apart by their running number among equal rows.
"""

from __future__ import annotations

import sqlite3
import threading
from types import TracebackType
from typing import Final

CACHE_KIB: Final = 16 * 1024


class RowNumbers:
    """`next(digest)` gives 1 for the first row with this digest, 2 for the second.

    May be used by one thread and closed by another: SQLite itself would crash the process.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for setting in SETTINGS:
            self._database.execute(setting)
        self._database.execute(CREATE)
        self._database.execute("BEGIN")

    def next(self, digest: bytes) -> int:
        with self._lock:
            row = self._database.execute(COUNT, (digest,)).fetchone()
        return int(row[0])

    def __enter__(self) -> RowNumbers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._database.close()


SETTINGS: Final = (
    "PRAGMA temp_store = FILE",
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    f"PRAGMA cache_size = -{CACHE_KIB}",
)
CREATE: Final = "CREATE TABLE seen (digest BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID"
COUNT: Final = """
INSERT INTO seen (digest, number) VALUES (?, 1)
    ON CONFLICT (digest) DO UPDATE SET number = number + 1 RETURNING number"""

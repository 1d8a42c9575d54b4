"""One run on one file: look at it, ask whether it was here before, survey it, then send it or add it up.

The command line and the web read files by it. What takes long is told to a `Telling`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Protocol

from app.contracts.codec import encode
from app.errors import TallystickError
from app.formats.errors import FileRefused
from app.formats.files import Scan
from app.formats.reading import Reading
from app.formats.totals import Totals
from app.ingest.report import Report
from app.ingest.send import Sender
from app.settings import Settings
from app.store.files import Figures, FileKey, FileRow, begin_file, find_file, finish_file
from app.store.row_numbers import RowNumbers


class Telling(Protocol):
    """Is told how far a run has come: `stage`, then `advance` as often as there is something to tell."""

    def stage(self, what: str, total: int, *, in_bytes: bool = False) -> None: ...

    def advance(self, count: int) -> None: ...


class Run:
    """`scan` first, then the others. What reads the file blocks, what asks the database is awaited."""

    def __init__(
        self, reading: Reading, telling: Telling, known: Scan | None = None, name: str | None = None
    ) -> None:
        """`known`: what `scan` would find, where somebody has looked at all bytes before; `name`: the file's
        for people, where it is called otherwise on disk."""
        self._name = name or reading.path.name
        self._reading, self._telling = reading, telling
        self._scan = known or Scan(b"", 0)
        self._looks: tuple[int, int] = (0, 0)
        self._rows = 0
        self._warnings: list[str] = []
        self.totals = Totals(reading.file.holds)

    def scan(self) -> None:
        """Raises FileRefused for what is no text of this encoding."""
        path = self._reading.path
        size = path.stat().st_size if path.is_file() else 0
        self._telling.stage(f"looking at {path.name}", size, in_bytes=True)
        self._scan = self._reading.scan(self._telling.advance)
        self._looks = self._looks_like()

    async def earlier(self, pool: Any) -> FileRow | None:
        """The last run on the same file, if it was finished and by the same description. Raises Transient."""
        found = await find_file(pool, self._key)
        finished = found is not None and found.status == "done" and found.description == self.description
        return found if finished else None

    def survey(self) -> str | None:
        """Why the file is wrong as a whole, None where it is not."""
        self._telling.stage(f"checking {self._reading.path.name}", 0)
        try:
            self._rows, self._warnings = self._reading.survey()
        except FileRefused as refusal:
            return str(refusal)
        return None

    def add_up(self) -> Report:
        """Read every row and send none. Raises FileRefused."""
        self._telling.stage("reading", self._rows)
        with RowNumbers() as numbers:
            for row in self._reading.read(numbers.next):
                self.totals.add(row)
                self._telling.advance(1)
        return self.report("dry_run")

    async def send(self, pool: Any, settings: Settings) -> Report:
        """Raises FileRefused before anything was sent; Transient and TallystickError at any moment."""
        started = await self._begin(pool)
        self._telling.stage("sending", self._rows)
        sender = Sender(settings, pool, self._reading, self._key, self.totals, self._telling.advance)
        await sender.send(started)
        if self._looks != self._looks_like():
            raise TallystickError(f"{self._reading.path} was changed while it was being read")
        report = self.report("done")
        await finish_file(pool, self._key, started, "done", self._figures(), report=report.stored())
        return report

    async def quarantine(self, pool: Any, reason: str) -> Report:
        """Keep that the file was refused, and why. Raises Transient."""
        started = await self._begin(pool)
        report = self.report("quarantined", reason)
        reason = report.plain_reason or reason
        await finish_file(
            pool, self._key, started, "quarantined", self._figures(), reason, report=report.stored()
        )
        return report

    def report(self, status: str, reason: str | None = None, at: datetime | None = None) -> Report:
        return Report(
            reading=self._reading,
            scan=self._scan,
            totals=self.totals,
            status=status,
            reason=reason,
            warnings=self._warnings,
            ingested_at=at,
        )

    def came_to(self) -> str:
        """How far it came, for people."""
        return f"{self.totals.rows:,} of {self._rows:,} rows were read, {self.totals.sent:,} records sent"

    @property
    def _key(self) -> FileKey:
        return FileKey(self._scan.sha256, self._reading.name)

    @property
    def description(self) -> bytes:
        """Hash of all that the records of this file depend on besides its bytes."""
        source = self._reading.source
        return hashlib.sha256(source.psp.encode() + b"\n" + encode(self._reading.file)).digest()

    async def _begin(self, pool: Any) -> datetime:
        size = self._scan.size_bytes
        return await begin_file(pool, self._key, self._name, size, self.description)

    def _looks_like(self) -> tuple[int, int]:
        status = self._reading.path.stat()
        return status.st_size, status.st_mtime_ns

    def _figures(self) -> Figures:
        totals = self.totals
        return Figures(
            rows=totals.rows,
            sent=totals.sent,
            ignored=totals.ignored.total(),
            quarantined=totals.quarantined,
            sums={currency: dict(names) for currency, names in totals.sums.items()},
        )

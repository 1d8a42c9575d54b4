"""What a run on a file came to, as text for people and as one JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from app.formats import statement_report
from app.formats.files import Scan
from app.formats.reading import Reading
from app.formats.totals import Totals, major


class Report(msgspec.Struct, kw_only=True):
    """`status`: `done`, `dry_run`, `already_ingested` or `quarantined`; `reason` says why the last."""

    reading: Reading
    scan: Scan
    totals: Totals
    status: str
    reason: str | None = None
    warnings: list[str] = []
    ingested_at: datetime | None = None
    """Of `already_ingested`: when that was."""

    @property
    def exit_code(self) -> int:
        """0 unless the file was quarantined whole, or not one of its rows could be read."""
        unread = bool(self.totals.quarantined) and not self.totals.sent and not self.totals.ignored
        return 1 if self.status == "quarantined" or unread else 0

    @property
    def plain_reason(self) -> str | None:
        """Why it was refused, without its place on this machine."""
        if self.reason is None:
            return None
        return self.reason.replace(str(self.reading.path), self.reading.path.name)

    def stored(self) -> bytes:
        """The document for whoever asks later: the file by its name alone."""
        named = {"file": self.reading.path.name, "reason": self.plain_reason}
        return msgspec.json.encode({**self.document(), **named})

    def document(self) -> dict[str, Any]:
        return {
            "file": str(self.reading.path),
            "source": self.reading.name,
            "holds": self.reading.file.holds,
            "sha256": self.scan.sha256.hex(),
            "size_bytes": self.scan.size_bytes,
            "status": self.status,
            "reason": self.reason,
            "ingested_at": self.ingested_at,
            "sent": self.totals.sent if self.status == "done" else 0,
            **self.totals.as_document(),
            **self._statements(),
            "warnings": self.warnings,
        }

    def sentences(self) -> Iterator[str]:
        path, totals = self.reading.path, self.totals
        if self.status == "already_ingested":
            yield f"{path} was already ingested on {self.ingested_at:%Y-%m-%d %H:%M:%S}Z: nothing was sent"
            return
        if self.status == "quarantined":
            reason = (self.reason or "").removeprefix(str(path)).lstrip(", ")
            yield f"tallystick: {path} is refused as a whole, nothing was sent: {reason}"
            return
        verb = "would be sent" if self.status == "dry_run" else "were sent"
        yield f"{path}: {totals.rows:,} rows of {self.reading.name}, {totals.sent:,} {verb}"
        yield from (f"  {count:>12,}  {name}" for name, count in sorted(totals.records.items()))
        yield from (f"  {count:>12,}  ignored: {why}" for why, count in sorted(totals.ignored.items()))
        if totals.quarantined:
            yield f"  {totals.quarantined:>12,}  quarantined"
        for currency, names in sorted(totals.sums.items()):
            figures = ", ".join(f"{name} {major(value, currency)}" for name, value in names.items() if value)
            yield f"  {currency}  {figures}"
        if self.reading.statements is not None:
            yield from (f"  {sentence}" for sentence in statement_report.sentences(self.reading.statements))
        if totals.batches:
            more = (
                f" and {totals.rows_of_more_batches:,} rows of others" if totals.rows_of_more_batches else ""
            )
            yield f"  {len(totals.batches):,} batches{more}"
        yield from self._rows_in_quarantine()
        yield from (f"  warning: {warning}" for warning in self.warnings)

    def _statements(self) -> dict[str, Any]:
        """Of a bank's file: each statement with its figures; `statements_count` is of all, listed or not."""
        rows = self.reading.statements
        if rows is None:
            return {}
        listed = statement_report.document(rows)
        return {"statements": listed, "statements_count": len(listed) + rows.more_statements}

    def _rows_in_quarantine(self) -> Iterator[str]:
        for row in self.totals.examples:
            line = f" (line {row.line})" if row.line is not None else ""
            yield f"  row {row.number}{line}: {row.problem}"
        if (left := self.totals.quarantined - len(self.totals.examples)) > 0:
            yield f"  and {left:,} more; all of them are in the table quarantined_rows"

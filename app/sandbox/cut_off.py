"""The cut-off: what has moved since the last one becomes batches, a settlement file and a bank statement."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, time
from pathlib import Path

import msgspec

from app.sandbox.books import Books
from app.sandbox.desk import Desk
from app.sandbox.draft import Draft
from app.sandbox.faults import Chance
from app.sandbox.objects import BankMove, Batch, Movement
from app.sandbox.plants import Plant, Planter
from app.sandbox.requests import CutOffBody
from app.sandbox.settlement import Line, lines_of, settlement_csv, unsettled
from app.sandbox.statement import bank_statement


class CutOff(msgspec.Struct, frozen=True, kw_only=True):
    """What one made. File names are those in the folder of files; None: there was nothing to write."""

    number: int
    settlement: str | None
    statement: str | None
    batches: tuple[Batch, ...]
    planted: tuple[Plant, ...]


class Clearing:
    """`folder`: where files are written; `account`: the bank account that batches go to."""

    def __init__(self, desk: Desk, chance: Chance, folder: Path, account: str) -> None:
        self._desk, self._chance = desk, chance
        self.folder, self._account = folder, account

    def cut_off(self, asked: CutOffBody) -> CutOff:
        """Files first, then the journal: one that is killed between is made again under the same number."""
        books, now = self._desk.books, self._desk.now
        number = books.statements + 1
        at = now if asked.on is None else datetime.combine(asked.on, time(23, 59), tzinfo=now.tzinfo)
        parts = {f"SB-{at:%Y%m%d}-{number:04d}-{code}": each for code, each in unsettled(books).items()}
        right = {batch: lines_of(books, batch, each) for batch, each in parts.items()}
        planter = Planter(asked, self._chance, list(right.values()))
        draft = Draft(books, self._desk.terms, now, f"cut-off/{number}/{at:%Y%m%d}")
        written = {batch: planter.lines(lines) for batch, lines in right.items()}
        batches = [_batch(draft, batch, parts[batch], lines, planter) for batch, lines in written.items()]
        settled = {movement.id: batch for batch, each in parts.items() for movement in each}
        entry = draft.entry(settled=settled, statement=number)
        made = CutOff(
            number=number,
            settlement=self._settlement([lines for lines in written.values() if lines], number, at),
            statement=self._statement(books, [*books.unprinted, *entry.bank], number, at),
            batches=tuple(batches),
            planted=tuple(planter.planted),
        )
        self._desk.write(entry)
        return made

    def _settlement(self, batches: Sequence[Sequence[Line]], number: int, at: datetime) -> str | None:
        if not batches:
            return None
        return self._write(f"settlement-{number:04d}.csv", settlement_csv(batches, at.date()).encode())

    def _statement(self, books: Books, moves: Sequence[BankMove], number: int, at: datetime) -> str | None:
        if not moves:
            return None
        return self._write(
            f"statement-{number:04d}.xml", bank_statement(books, moves, number, self._account, at)
        )

    def _write(self, name: str, content: bytes) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{name}.part"
        part.write_bytes(content)
        os.replace(part, self.folder / name)
        return name


def _batch(
    draft: Draft, batch_id: str, movements: Sequence[Movement], lines: Sequence[Line], planter: Planter
) -> Batch:
    """Puts the batch and its line of the bank account, which pays what the file says."""
    paid = planter.paid(batch_id, sum(line.net for line in lines)) if lines else 0
    gross, fee = sum(movement.gross for movement in movements), sum(movement.fee for movement in movements)
    batch = Batch(
        id=batch_id,
        created_at=draft.now,
        amount=gross - fee,
        currency=movements[0].currency,
        count=len(movements),
        gross=gross,
        fee=fee,
        paid=paid,
    )
    draft.put(batch)
    if paid:
        draft.pay(batch, paid, f"SETTLEMENT {batch_id}")
    return batch

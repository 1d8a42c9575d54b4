"""Bank statements as a source's files: what a description need not say, because the format says it."""

from __future__ import annotations

from typing import Final

import msgspec

from app.domain.source_files import Condition, Field, Numbers, RowRule, SourceFile

FORMATS: Final = ("camt", "mt940", "bai2", "ofx")
COLUMNS: Final = (
    "account",
    "line_id",
    "amount",
    "currency",
    "value_date",
    "booking_date",
    "remittance",
    "end_to_end_id",
    "reference",
    "own_reference",
    "counterparty",
    "code",
    "status",
    "reversal",
    "statement",
)
"""What an entry of any of these formats has, for `fields` and `rows` of the description."""
FIELDS: Final[dict[str, str | Field]] = {
    "account": "account",
    "line_id": Field(column="line_id", optional=True),
    "amount": "amount",
    "currency": "currency",
    "value_date": "value_date",
    "booking_date": "booking_date",
    "remittance": "remittance",
    "end_to_end_id": "end_to_end_id",
}


def _left_out(status: str, reason: str) -> RowRule:
    return RowRule(when=(Condition(column="status", equals=(status,)),), ignore=reason)


NOT_BOOKED: Final = (
    _left_out("pending", "pending: the bank has not booked it yet"),
    _left_out("information", "for information only: the bank books nothing"),
    _left_out("interim", "interim report: the statement books it"),
)


def is_statement(file: SourceFile) -> bool:
    return file.format in FORMATS


def completed(file: SourceFile) -> SourceFile:
    """The description with all that its format says by itself; its own fields and rules stand over that."""
    if not is_statement(file):
        return file
    return msgspec.structs.replace(
        file, fields={**FIELDS, **file.fields}, rows=(*NOT_BOOKED, *(file.rows or (RowRule(),)))
    )


def problems(file: SourceFile) -> list[str]:
    """What a description may not say of a bank statement."""
    if not is_statement(file):
        return ["book_interim: only bank statements have interim reports"] if file.book_interim else []
    found = []
    if file.holds != "bank":
        found.append(f"format: {file.format} holds bank lines: say holds = 'bank'")
    if file.trailer is not None:
        found.append(f"trailer: a {file.format} file brings its own totals")
    if file.numbers != Numbers() or file.dates != SourceFile(holds="bank", format="camt").dates:
        found.append(f"numbers, dates: {file.format} says itself how they are written")
    return found

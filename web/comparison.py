"""Sides as one table, the same field on the same line, and values as people write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from web.mismatch_schemas import Side, SideField
from web.money import format_minor
from web.sides import AMOUNTS, ORDER

NAMES: Final = {
    "psp": "PSP", "psp_payment_id": "PSP payment id", "merchant_ref": "Merchant reference", "line_id": "Line",
    "merchant_id": "Merchant", "payment_id": "Payment", "object_id": "Object", "batch_id": "Batch",
    "settle_currency": "Settled in", "fx": "FX", "occurred_at": "Happened", "converted": "Converted",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """`is_number`: set right, in tabular figures."""

    text: str
    currency: str
    differs: bool
    is_number: bool


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    cells: list[Cell | None]

    @property
    def differs(self) -> bool:
        return any(cell is not None and cell.differs for cell in self.cells)


def compared(sides: Sequence[Side]) -> list[Line]:
    """Every field that any side has; None where a side has it not."""
    by_side = [{field.name: field for field in side.fields} for side in sides]
    names = sorted({name for fields in by_side for name in fields}, key=_rank)
    return [Line(label(name), [_cell(fields.get(name)) for fields in by_side]) for name in names]


def _rank(name: str) -> tuple[int, str]:
    return (ORDER.index(name), "") if name in ORDER else (len(ORDER), name)


def _cell(field: SideField | None) -> Cell | None:
    if field is None:
        return None
    if field.currency is not None and type(field.value) is int:
        return Cell(format_minor(field.value, field.currency), field.currency, field.differs, True)
    return Cell(shown(field.value), "", field.differs, field.name in AMOUNTS)


def label(name: str) -> str:
    """settle_currency -> `Settled in`; what has no name of its own is made readable."""
    return NAMES.get(name) or name.replace("_", " ").strip().capitalize()


def shown(value: Any, currency: str | None = None) -> str:
    """Any value of a document for people."""
    if value is None or value == "" or value == [] or value == {}:
        return "–"
    if type(value) is int and currency is not None:
        return format_minor(value, currency)
    if isinstance(value, str):
        return _moment(value) or value
    if isinstance(value, list) and all(isinstance(part, str | int) for part in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return str(value)


def _moment(text: str) -> str | None:
    """`2026-11-20T09:00:00Z` -> `2026-11-20 09:00:00 UTC`; None for what is no moment."""
    if len(text) < 19 or text[10:11] != "T":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment.tzinfo else None


def flatten(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """A document as (path, text) pairs, in its own order: `line.gross`, `reasons 1`."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from flatten(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for number, part in enumerate(value, 1):
            yield from flatten(part, f"{path} {number}")
    else:
        yield path, shown(value)

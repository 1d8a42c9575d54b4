"""A run's report as JSON, CSV and a workbook."""

from __future__ import annotations

import asyncio
import io
from datetime import date
from typing import Any, Final

import msgspec
import xlsxwriter
from aiohttp import web

from app.domain.money import EXPONENTS
from app.domain.runs import Run
from app.run_tables import Amount, Table, tables_of
from web.deps import DEPS
from web.export import BYTE_ORDER_MARK, lines, safe
from web.money import plain_amount
from web.params import check_path
from web.problems import Problem
from web.run_schemas import run_of
from web.runs import known_run

WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_COLUMN_WIDTH: Final = 60


async def get_report_json(request: web.Request) -> web.StreamResponse:
    run = await _run(request)
    return _file(run, msgspec.json.encode(run_of(run)), "application/json", "json")


async def get_report_csv(request: web.Request) -> web.StreamResponse:
    """One table behind the other, each with its name in the first column."""
    run = await _run(request)
    text = BYTE_ORDER_MARK + lines([("run", "as of", "known at"), _head(run)])
    for table in _tables(run):
        text += lines([("table", *table.columns)])
        text += lines((table.name, *map(_text, row)) for row in table.rows)
    return _file(run, text.encode(), "text/csv", "csv")


async def get_report_xlsx(request: web.Request) -> web.StreamResponse:
    run = await _run(request)
    return _file(run, await asyncio.to_thread(workbook, run), WORKBOOK, "xlsx")


def workbook(run: Run) -> bytes:
    """One sheet per table. Texts are written as texts: nothing in them is run as a formula."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        head = book.add_format({"bold": True, "bottom": 1})
        styles = _Styles(book)
        about = book.add_worksheet("Run")
        for place, (name, value) in enumerate(zip(("run", "as of", "known at"), _head(run), strict=True)):
            about.write_string(place, 0, name, head)
            about.write_string(place, 1, value)
        about.autofit(MOST_COLUMN_WIDTH * 7)
        for table in _tables(run):
            sheet = book.add_worksheet(table.name)
            for column, name in enumerate(table.columns):
                sheet.write_string(0, column, name, head)
            for number, row in enumerate(table.rows, 1):
                for column, cell in enumerate(row):
                    _write(sheet, number, column, cell, styles)
            sheet.freeze_panes(1, 0)
            sheet.autofit(MOST_COLUMN_WIDTH * 7)
    return buffer.getvalue()


class _Styles:
    """Number formats of currencies, made once per workbook."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[int, Any] = {}
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})

    def of(self, digits: int) -> Any:
        if digits not in self._made:
            pattern = "#,##0" + ("." + "0" * digits if digits else "")
            self._made[digits] = self._book.add_format({"num_format": pattern})
        return self._made[digits]


def _write(sheet: Any, row: int, column: int, cell: Any, styles: _Styles) -> None:
    if isinstance(cell, Amount):
        if cell.minor is not None:
            digits = EXPONENTS.get(cell.currency or "", 0)
            sheet.write_number(row, column, cell.minor / 10**digits, styles.of(digits))
    elif isinstance(cell, int):
        sheet.write_number(row, column, cell)
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, styles.day)
    elif cell is not None:
        sheet.write_string(row, column, str(cell))


def _text(cell: Any) -> str:
    if isinstance(cell, Amount):
        return plain_amount(cell.minor, cell.currency)
    return cell.isoformat() if isinstance(cell, date) else safe(cell)


def _tables(run: Run) -> list[Table]:
    return [] if run.report is None else list(tables_of(run.report))


def _head(run: Run) -> tuple[str, str, str]:
    report = run.report
    return (run.run_id, run.as_of.isoformat(), "" if report is None else safe(report.known_at))


async def _run(request: web.Request) -> Run:
    """Raises Problem `not_found`, also where there is no report yet."""
    check_path(request.match_info)
    run = await known_run(request.app[DEPS].pool, request.match_info["id"])
    if run.report is None:
        raise Problem("not_found", f"run {run.run_id!r} has no report: it is {run.status}")
    return run


def _file(run: Run, body: bytes, content_type: str, extension: str) -> web.Response:
    name = "".join(letter if letter.isalnum() else "-" for letter in run.run_id)
    return web.Response(
        body=body,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}.{extension}"'},
    )

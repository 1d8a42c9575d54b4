"""Prove the books' invariants, each with its figures; exit code 1 where one fails."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from app.settings import database_url
from app.store.verify import Check, Report, verify


@click.command
@click.option("--full", is_flag=True, help="Prove everything, not only what came since the last good run.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(full: bool, as_json: bool) -> None:
    """Prove the invariants of the books DATABASE_URL names, in one snapshot."""
    report = asyncio.run(verify(database_url(), full=full))
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        _print(report)
    if not report.ok:
        sys.exit(1)


def _print(report: Report) -> None:
    console = Console()
    table = Table("", "invariant", "figures", show_lines=True)
    for check in report.checks:
        table.add_row(
            "[green]ok[/]" if check.ok else "[red]FAILED[/]", _words(check), _figures(check.figures)
        )
    console.print(table)
    for check in report.checks:
        for problem in check.problems:
            console.print(f"{check.name}: {problem}", style="red", markup=False, highlight=False)
    seconds = (report.finished_at - report.started_at).total_seconds()
    scope = "everything" if report.complete else "what came since the last good run"
    verdict = "proven" if report.ok else "NOT proven"
    console.print(f"{verdict}: {scope}, in {seconds:.1f} s", highlight=False)


def _words(check: Check) -> str:
    return f"{check.name}: {check.statement}"


def _figures(figures: dict[str, Any]) -> str:
    return "\n".join(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in figures.items())


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {number:,}" for key, number in value.items()) or "none"
    return f"{value:,}"

"""List partitions and lift the halt of one."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from app.cli._database import ask
from app.store.api import LaneId
from app.store.partitions import PartitionRow, list_partitions, resume


@click.group
def command() -> None:
    """Where every partition stands; a halted one goes on only after `resume`."""


@command.command("list")
def list_command() -> None:
    """All partitions with their position, halted ones first."""
    _print(ask(list_partitions))


@command.command("resume")
@click.argument("topic")
@click.argument("partition", type=click.IntRange(min=0))
def resume_command(topic: str, partition: int) -> None:
    """Lift the halt of TOPIC's PARTITION once its cause is gone; workers go on by themselves."""
    lane = LaneId(topic, partition)
    reason = ask(lambda pool: resume(pool, lane))
    click.echo(f"{lane} goes on; it was halted because: {reason}")


def _print(rows: list[PartitionRow]) -> None:
    table = Table("partition", "position", "moved at", "state")
    for row in rows:
        state = "running" if row.halted_reason is None else f"HALTED: {row.halted_reason}"
        if row.strikes and row.halted_reason is None:
            state = f"running, {row.strikes} fail-stops at offset {row.strike_offset}"
        moved = f"{row.updated_at:%Y-%m-%d %H:%M:%S}Z"
        table.add_row(f"{row.topic}:{row.partition}", f"{row.next_offset:,}", moved, state)
    Console().print(table)

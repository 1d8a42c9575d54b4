"""Close periods of the books, and see what is closed."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import click
from rich.console import Console
from rich.table import Table

from app.cli._database import ask
from app.contracts.topics import specs
from app.errors import CatalogueMismatch
from app.kafka.publisher import Publisher
from app.kafka.topics_admin import check_topics
from app.period_records import close_records, days_of_period
from app.settings import Settings, load_settings
from app.store.trial_balance import POSTING_LANES, periods


@click.group()
def command() -> None:
    """Close periods of the books, and see what is closed."""


@command.command("close")
@click.argument("period")
def close(period: str) -> None:
    """Close everything up to the end of PERIOD: a month (2026-11) or a day (2026-11-30), in UTC.

    Later facts of it are posted on the first open day. It cannot be opened again.
    """
    try:
        _, through = days_of_period(period)
    except ValueError as error:
        raise click.UsageError(f"{period!r} is no month or day: {error}") from None
    if through >= datetime.now(UTC).date():
        raise click.UsageError(f"{through} is not over in UTC")
    count = asyncio.run(_close(load_settings(), through))
    click.echo(f"closing through {through}: written to {count} partitions; `periods list` says how far it is")


@command.command("list")
def show() -> None:
    """Closed periods, the latest first."""
    table = Table("closed through", "by", "lanes", "sealed")
    for period in ask(periods):
        sealed = "not yet" if period.sealed_at is None else f"{period.sealed_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(period.through), period.by, f"{period.lanes} of {period.of_lanes}", sealed)
    Console().print(table)


async def _close(settings: Settings, through: date) -> int:
    wanted = [spec for spec in specs(settings.partitions) if spec.name in POSTING_LANES]
    if differences := await check_topics(settings.kafka_bootstrap_servers, wanted):
        raise CatalogueMismatch("; ".join(differences))  # a partition left out would stay open
    records = close_records(through, "command line", settings.partitions)
    publisher = Publisher(settings.kafka_bootstrap_servers, client_id="tallystick-periods")
    try:
        await publisher.publish(records)
    finally:
        await publisher.stop()
    return len(records)

"""Try a channel of alerts, and look at what people were told."""

from __future__ import annotations

import asyncio
from getpass import getuser
from typing import Any, Final
from uuid import uuid4

import click
from rich.console import Console
from rich.table import Table

from app.cli._database import ask
from app.contracts.codec import encode
from app.domain.alert import PLATFORM_LANE, AlertKey
from app.domain.alert_delivery import alert_target
from app.domain.alert_records import AlertTest
from app.domain.streams import ALERTS_COMMANDS
from app.errors import TallystickError
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Publisher
from app.settings import database_url, kafka_bootstrap_servers, load_settings
from app.store.effects import EffectRows
from app.store.pool import open_pool
from app.store.web_alerts import AlertRow, list_alerts, refusal_of

WAIT_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.25
PIPE_WIDTH: Final = 400


@click.group
def command() -> None:
    """What people are told of mismatches and of the program itself, and by which channel."""


@command.command("test")
@click.option("--channel", required=True, help="Its name in the platform's configuration (alerts.channels).")
@click.option("--wait", default=WAIT_SECONDS, help="Seconds for a worker to deliver it.", show_default=True)
def test_command(channel: str, wait: float) -> None:
    """Send one message to CHANNEL, the way real alerts go, and say what came of it."""
    record = AlertTest(id=f"test/{uuid4().hex}", lane=PLATFORM_LANE, channel=channel, by=getuser()[:200])
    click.echo(asyncio.run(_try(record, wait)))


async def _try(record: AlertTest, wait: float) -> str:
    """What is to be said. Raises TallystickError where it did not arrive."""
    await _publish(record)
    pool = await open_pool(database_url(), 1, "alerts test")
    try:
        async with asyncio.timeout(wait):
            return await _known(pool, record)
    except TimeoutError:
        raise TallystickError(f"no worker has delivered it within {wait:g} s; is one running?") from None
    finally:
        await pool.close()


async def _known(pool: Any, record: AlertTest) -> str:
    while True:
        if (said := await _outcome(pool, record)) is not None:
            return said
        await asyncio.sleep(LOOK_SECONDS)


async def _publish(record: AlertTest) -> None:
    key = PLATFORM_LANE.encode()
    publisher = Publisher(kafka_bootstrap_servers(), client_id="tallystick-alerts")
    partition = partition_for(key, load_settings().partitions)
    try:
        await publisher.publish([Outgoing(ALERTS_COMMANDS, partition, key, encode(record))])
    finally:
        await publisher.stop()


async def _outcome(pool: Any, record: AlertTest) -> str | None:
    refused = await refusal_of(pool, record.lane, record.id)
    if refused is not None:
        raise TallystickError(refused)
    alert_id = AlertKey(kind="test", severity="LOW", category="test", scope=record.id).alert_id()
    key = (alert_target(record.channel), f"{alert_id}.1/{record.channel}")
    for _, _, effect in await EffectRows(pool).find([key]):
        if effect.status == "done":
            return f"delivered to {record.channel} at attempt {effect.attempts}, as {alert_id}.1"
        if effect.status == "dead":
            raise TallystickError(f"{record.channel} did not take it: {effect.reason}")
    return None


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50)
def list_command(limit: int) -> None:
    """What was told last comes first."""
    rows: list[AlertRow] = ask(lambda pool: list_alerts(pool, limit=limit))
    table = Table("alert", "severity", "what", "state", "open", "messages", "told at", "to")
    for row in rows:
        alert, latest = row.alert, row.alert.messages[-1]
        state = "closed" if alert.closed else "open"
        told = f"{latest.at:%Y-%m-%d %H:%M:%S}"
        names = ", ".join(f"{one.channel} {one.status}" for one in row.deliveries)
        cells = (alert.id, alert.key.severity, alert.key.category, state, str(alert.open), str(alert.number))
        table.add_row(*cells, told, names)
    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    console.print(table)

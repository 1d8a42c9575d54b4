"""Look at records that could not be decided, and send one again."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.table import Table

from app.cli._database import ask
from app.errors import ConfigurationError
from app.kafka.publisher import Outgoing, Publisher
from app.lane.intake import REDRIVEN
from app.settings import kafka_bootstrap_servers
from app.store.dead_letters import DeadLetter, find_dead_letter, list_dead_letters, mark_redriven


@click.group
def command() -> None:
    """Records that could not be decided, byte for byte. An id is TOPIC:PARTITION:OFFSET."""


@command.command("list")
@click.option("--topic", help="Only this topic.")
@click.option("--status", type=click.Choice(["new", "redriven", "discarded", "any"]), default="new")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50)
def list_command(topic: str | None, status: str, limit: int) -> None:
    """Newest first."""
    wanted = None if status == "any" else status
    letters = ask(lambda pool: list_dead_letters(pool, topic=topic, status=wanted, limit=limit))
    table = Table("id", "since", "status", "reason")
    for letter in letters:
        table.add_row(letter.id, f"{letter.created_at:%Y-%m-%d %H:%M:%S}Z", letter.status, letter.reason)
    Console().print(table if letters else "no dead letters")


@command.command("show")
@click.argument("letter_id", metavar="ID")
def show_command(letter_id: str) -> None:
    """One dead letter with its key and payload; bytes that are no text are shown as escapes."""
    letter = ask(lambda pool: find_dead_letter(pool, letter_id))
    for name in ("id", "status", "created_at", "redriven_at", "reason"):
        click.echo(f"{name}: {getattr(letter, name)}")
    click.echo(f"key: {_text(letter.key)}")
    click.echo(f"payload ({len(letter.payload)} bytes):")
    click.echo(_text(letter.payload))


@command.command("redrive")
@click.argument("letter_id", metavar="ID")
@click.option("--again", is_flag=True, help="Also one that was redriven before.")
def redrive_command(letter_id: str, again: bool) -> None:
    """Send the record to its topic and partition again, as it came; it is decided as if it came now."""

    async def redrive(pool: Any) -> None:
        letter = await find_dead_letter(pool, letter_id)
        if letter.status == "redriven" and not again:
            raise ConfigurationError(
                f"{letter.id} was redriven at {letter.redriven_at}; --again sends it again"
            )
        await _publish(letter)
        await mark_redriven(pool, letter.id)

    ask(redrive)
    click.echo(f"{letter_id} was sent again")


async def _publish(letter: DeadLetter) -> None:
    if not letter.payload:
        raise ConfigurationError(f"{letter.id} came without a payload: there is nothing to send")
    record = Outgoing(
        letter.topic, letter.partition, letter.key, letter.payload, ((REDRIVEN, letter.id.encode()),)
    )
    publisher = Publisher(kafka_bootstrap_servers(), client_id="tallystick-redrive")
    try:
        await publisher.publish([record])
    finally:
        await publisher.stop()


def _text(data: bytes | None) -> str:
    return "none" if data is None else data.decode("utf-8", "backslashreplace")

"""Look at what was asked of PSPs and merchants' servers, and have it attempted again."""

from __future__ import annotations

from datetime import UTC, datetime
from getpass import getuser
from typing import Any, Final
from uuid import uuid4

import click
from rich.console import Console
from rich.table import Table

from app.cli._database import ask
from app.domain.effect import Effect
from app.effects.redriving import AT_MOST, Known, known, redrive
from app.errors import ConfigurationError
from app.kafka.publisher import Publisher
from app.settings import kafka_bootstrap_servers
from app.store.effects import EffectRows, OpenEffect

OPEN: Final = ("ready", "waiting", "dead")
PSP_CALL: Final = "psp.call"
PIPE_WIDTH: Final = 400
"""Where nobody looks, ids are not cut off."""
TARGET_HELP = "Only this target; with * at its end all that begin so: 'webhook:m-1/*', 'psp:sandbox*'."


class Moment(click.ParamType):
    """ISO 8601; without a zone it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time like 2026-11-20T09:00:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.group
def command() -> None:
    """Everything that leaves the program: calls to PSPs, merchants' webhooks. Dead: given up."""


@command.command("list")
@click.option("--status", type=click.Choice(["ready", "waiting", "done", "dead", "open", "any"]))
@click.option("--target", help=TARGET_HELP)
@click.option("--since", type=Moment(), help="Asked for at or after.")
@click.option("--until", type=Moment(), help="Asked for before.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50)
def list_command(
    status: str | None, target: str | None, since: datetime | None, until: datetime | None, limit: int
) -> None:
    """Oldest first; without --status what is open or dead."""
    statuses = {None: OPEN, "open": ("ready", "waiting"), "any": ()}.get(status, (status or "",))
    rows = ask(
        lambda pool: EffectRows(pool).select(
            statuses=statuses, target=target, since=since, until=until, limit=limit
        )
    )
    table = Table("id", "target", "kind", "object", "status", "attempts", "asked for", "next", "reason")
    for row in rows:
        table.add_row(*_cells(row))
    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    console.print(table if rows else "no effects")


def _cells(row: OpenEffect) -> tuple[str, ...]:
    return (
        row.id,
        row.target,
        row.kind,
        row.object,
        row.status,
        str(row.attempts),
        _time(row.created_at),
        _time(row.next_at),
        row.reason or "",
    )


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}Z"


@command.command("show")
@click.argument("effect_id", metavar="ID")
def show_command(effect_id: str) -> None:
    """One effect: what was asked for, and its last attempts."""
    for effect in _found(ask(lambda pool: EffectRows(pool).by_id(effect_id)), effect_id):
        for name in ("id", "target", "kind", "object", "seq", "status", "attempts", "reason"):
            click.echo(f"{name}: {getattr(effect, name)}")
        for name in ("created_at", "next_at", "deadline_at"):
            click.echo(f"{name}: {_time(getattr(effect, name)) or None}")
        for tried in effect.recent:
            said = " ".join(str(part) for part in (tried.status_code, tried.reason) if part is not None)
            when = f"attempt {tried.number} at {_time(tried.at)}"
            click.echo(f"  {when}: {tried.outcome}, {tried.ms} ms {said}".rstrip())


def _found(effects: list[Effect], effect_id: str) -> list[Effect]:
    if not effects:
        raise ConfigurationError(f"there is no effect {effect_id!r}; `effects list` shows what is open")
    return effects


@command.command("redrive")
@click.argument("effect_ids", metavar="[ID]...", nargs=-1)
@click.option("--target", help=TARGET_HELP)
@click.option("--since", type=Moment(), help="Asked for at or after.")
@click.option("--until", type=Moment(), help="Asked for before.")
@click.option("--done", "also_done", is_flag=True, help="Also webhooks that were delivered: a replay.")
@click.option("--dry-run", is_flag=True, help="Say what would be redriven, and do nothing.")
def redrive_command(
    effect_ids: tuple[str, ...],
    target: str | None,
    since: datetime | None,
    until: datetime | None,
    also_done: bool,
    dry_run: bool,
) -> None:
    """A fresh round of attempts: for these ids, or for what was given up at a target or in a time."""
    if bool(effect_ids) == bool(target or since or until):
        raise ConfigurationError("redrive takes ids, or --target, --since and --until; not both, not neither")
    statuses = ("dead", "done") if also_done else ("dead",)

    async def run(pool: Any) -> list[Known]:
        rows = EffectRows(pool)
        if effect_ids:
            chosen = await _by_ids(rows, effect_ids, also_done=also_done)
        else:
            found = await rows.select(
                statuses=statuses, target=target, since=since, until=until, limit=AT_MOST
            )
            chosen = known(row for row in found if (row.status, row.kind) != ("done", PSP_CALL))
        if not dry_run:
            await _publish(chosen)
        return chosen

    chosen = ask(run)
    for effect in chosen:
        click.echo(f"{effect.id} at {effect.target}")
    more = "; there may be more: run it again" if len(chosen) == AT_MOST else ""
    click.echo(f"{len(chosen)} {'would be' if dry_run else 'were asked to be'} redriven{more}")


async def _by_ids(rows: EffectRows, effect_ids: tuple[str, ...], *, also_done: bool) -> list[Known]:
    chosen = []
    for effect_id in effect_ids:
        for effect in _found(await rows.by_id(effect_id), effect_id):
            if effect.status == "done" and not also_done:
                raise ConfigurationError(f"{effect_id} is done; --done replays it")
            if effect.status == "done" and effect.kind == PSP_CALL:
                raise ConfigurationError(f"{effect_id} was answered by its PSP: ask for something new")
            if effect.status == "ready":
                raise ConfigurationError(f"{effect_id} is ready: it may be attempted already")
            chosen += [
                Known(partition, effect.target, effect.id)
                for partition, _, _ in await rows.find([(effect.target, effect.id)])
            ]
    return chosen


async def _publish(chosen: list[Known]) -> None:
    publisher = Publisher(kafka_bootstrap_servers(), client_id="tallystick-redrive")
    try:
        await redrive(publisher, chosen, by=f"cli:{getuser()}", request_id=uuid4().hex)
    finally:
        await publisher.stop()

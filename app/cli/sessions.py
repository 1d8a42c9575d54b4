"""List and revoke the sessions of people who have signed in."""

from __future__ import annotations

import os

import click

from app.cli._database import ask
from app.errors import ConfigurationError
from app.oidc_settings import idle_seconds
from app.store.errors import translated
from app.store.web_errors import NOT_MIGRATED
from app.store.web_sessions import ListedSession, end_session, end_sessions_of, list_sessions

REVOKED = "revoked"


@click.group()
def command() -> None:
    """Sessions of people in the browser. Revoking takes effect with the next request."""


@command.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
def list_(limit: int) -> None:
    """The newest sessions, with the person, the role, and what became of them."""
    idle = idle_seconds(os.environ)
    try:
        with translated():
            rows = ask(lambda pool: list_sessions(pool, idle, limit))
    except NOT_MIGRATED:
        raise ConfigurationError("the database has no schema: run `python -m app migrate`") from None
    if not rows:
        click.echo("nobody has signed in yet: docs/people.md")
    for row in rows:
        click.echo(_line(row))


@command.command()
@click.argument("session_id", required=False)
@click.option("--person", metavar="ID", help="All sessions of this person, e.g. p-0123…")
def revoke(session_id: str | None, person: str | None) -> None:
    """End a session at once, by its id; or all of a person."""
    if (session_id is None) == (person is None):
        raise click.UsageError("give either a session's id or --person")
    if person is not None:
        ended = ask(lambda pool: end_sessions_of(pool, person, REVOKED))
    else:
        ended = int(ask(lambda pool: end_session(pool, str(session_id), REVOKED)))
    if not ended:
        raise ConfigurationError("no such session, or it has ended; see `python -m app sessions list`")
    click.echo(f"{ended} session{'s' if ended > 1 else ''} revoked")


def _line(row: ListedSession) -> str:
    times = f"began {row.created_at:%Y-%m-%d %H:%M}Z  seen {row.seen_at:%H:%M}Z"
    return (
        f"{row.id}  {row.person_id}  {row.name:<24}  {row.role:<9}  {times}  {row.address:<15}  {row.state}"
    )

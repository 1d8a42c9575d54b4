"""Bring the database's schema up to date."""

from __future__ import annotations

import asyncio

import click

from app.settings import database_url
from app.store.migrate import migrate


@click.command
def command() -> None:
    """Bring the schema of the database DATABASE_URL names up to date."""
    applied = asyncio.run(migrate(database_url()))
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("the schema is up to date")

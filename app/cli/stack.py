"""Start, stop and show the local Kafka and PostgreSQL."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click

from app.stack.fetch import fetch_kafka
from app.stack.local import LocalStack, addresses_in

NOT_RUNNING = 3
DEFAULT_DIRECTORY = ".local"

directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DIRECTORY,
    show_default=True,
    help="Folder that holds data, ports and logs.",
)
port_type = click.IntRange(1, 65535)


@click.group()
def command() -> None:
    """A Kafka node and a PostgreSQL of our own, without root, Docker, or a system Java."""


@command.command()
@directory_option
@click.option("--kafka-port", type=port_type, help="Default: the port of the last time, else a free one.")
@click.option("--postgres-port", type=port_type, help="Default: the port of the last time, else a free one.")
def up(directory: Path, kafka_port: int | None, postgres_port: int | None) -> None:
    """Start both, return when they accept connections, write DIR/env."""
    given = addresses_in(os.environ)
    if given is not None:
        click.echo("KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL are set: these are used, nothing was started.")
        return
    started = time.monotonic()
    stack = LocalStack(directory)
    stack.up(kafka_port, postgres_port, show_progress)
    for server in stack.status():
        click.echo(f"{server.name:<10}  127.0.0.1:{server.port}  pid {server.pid}")
    click.echo(f"Up after {time.monotonic() - started:.1f} s; the addresses are in {stack.env_file}")


@command.command()
@directory_option
def down(directory: Path) -> None:
    """Stop both cleanly. The data stays."""
    stack = LocalStack(directory)
    running = [server.name for server in stack.status() if server.pid is not None]
    clean = stack.down()
    click.echo(f"Stopped {' and '.join(running)}." if running else "Nothing was running.")
    if not clean:
        click.echo("One did not end by itself and was killed; it recovers at its next start.", err=True)


@command.command()
@directory_option
def status(directory: Path) -> None:
    """Show both; ends with 3 unless both run and answer."""
    servers = LocalStack(directory).status()
    for server in servers:
        state = "not running" if server.pid is None else f"pid {server.pid}"
        if server.pid is not None and not server.ready:
            state += ", does not answer"
        click.echo(f"{server.name:<10}  127.0.0.1:{server.port or '?'}  {state}")
    if not all(server.ready for server in servers):
        sys.exit(NOT_RUNNING)


@command.command()
def fetch() -> None:
    """Download what the local stack needs into the user's cache, or check what is there."""
    jars = fetch_kafka(show_progress)
    click.echo(f"Kafka's {len(jars)} jars are in {jars[0].parent}")


def show_progress(done: int, total: int, size_bytes: int) -> None:
    """One line that renews itself on a terminal; elsewhere only the last one."""
    if size_bytes and (sys.stderr.isatty() or done == total):
        click.echo(f"\rKafka: {done} of {total} jars, {size_bytes / 1e6:.1f} MB", nl=done == total, err=True)

"""Run a small identity provider for trying out how people sign in: accounts named by their role."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Final

import click
from aiohttp import web

from app.errors import ConfigurationError
from app.oidc_settings import CLIENT_ID, CLIENT_SECRET, ISSUER
from app.sandbox_login import provider, server

HERE: Final = "127.0.0.1"
SECRET: Final = "sandbox-login"


@click.command()
@click.option(
    "--port", default=8095, show_default=True, help="0: any free one.", type=click.IntRange(0, 65535)
)
@click.option("--client-secret", default=SECRET, show_default=True, help="What the web process must show.")
def command(port: int, client_secret: str) -> None:
    """Serve until told to stop (SIGTERM, Ctrl-C); prints its address and what `python -m app web` needs.

    Everybody who reaches it is whoever they like, so it listens on this machine only. docs/people.md.
    """
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(_serve(port, client_secret))


async def _serve(port: int, client_secret: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ours = provider.Provider(client_secret)
    runner = web.AppRunner(server.build(ours), access_log=None)
    await runner.setup()
    try:
        ours.issuer = await _listen(runner, port)
        click.echo(f"tallystick sandbox-login: {ours.issuer}")
        for name, value in (
            (ISSUER, ours.issuer),
            (CLIENT_ID, provider.CLIENT_ID),
            (CLIENT_SECRET, client_secret),
        ):
            click.echo(f"{name}={value}")
        await stop.wait()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> str:
    try:
        await web.TCPSite(runner, HERE, port).start()
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {HERE}:{port} ({error.strerror}): try --port") from None
    return f"http://{HERE}:{runner.addresses[0][1]}"

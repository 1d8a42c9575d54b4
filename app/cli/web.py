"""Serve the API, the metrics and the live pages."""

from __future__ import annotations

import asyncio

import click

from app.settings import load_settings


@click.command()
def command() -> None:
    """Serve HTTP until told to stop (SIGTERM, Ctrl-C).

    TALLYSTICK_WEB_BIND (127.0.0.1) and TALLYSTICK_WEB_PORT (8080) say where. Beyond loopback the pages
    ask for a key as well: make one with `python -m app keys create --role viewer`.
    """
    from web.serve import serve

    settings = load_settings()
    asyncio.run(serve(settings, lambda url: click.echo(f"tallystick web: {url}")))

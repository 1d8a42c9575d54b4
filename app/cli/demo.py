"""Everything at once: servers, web, two workers, live traffic, mishaps, and whether the books agree."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import click
from rich.console import Console

from app.demo.run import Options, run_demo
from app.settings import LOCAL_STACK

STOPPED = 130
DEFAULT_RATE = 200.0
HIGHEST_RATE = 5_000.0
PLAIN_WIDTH = 110
"""Columns where the output is no terminal."""


@click.command()
@click.option(
    "--seconds", type=click.FloatRange(5), help="End by itself after so long and judge; else Ctrl-C."
)
@click.option("--seed", type=int, default=7, show_default=True, help="The same seed gives the same stream.")
@click.option(
    "--rate",
    type=click.FloatRange(1, HIGHEST_RATE),
    default=DEFAULT_RATE,
    show_default=True,
    help="Records and webhooks per second.",
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=LOCAL_STACK,
    show_default=".local",
    help="Folder of the local stack and the demo's logs.",
)
@click.pass_context
def command(ctx: click.Context, seconds: float | None, seed: int, rate: float, directory: Path) -> None:
    """Show the whole program at work; ends with 0 only if what was sent is what the books hold."""
    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
    agrees = _run(Options(seconds, seed, rate, directory), console)
    if agrees is None:
        console.print("stopped")
        ctx.exit(STOPPED)
    console.print("[green]everything agrees[/]" if agrees else "[bold red]something does not agree[/]")
    ctx.exit(0 if agrees else 1)


def _run(options: Options, console: Console) -> bool | None:
    """None where it was told to stop (Ctrl-C, SIGTERM)."""

    async def main() -> bool:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await run_demo(options, console)

    try:
        return asyncio.run(main())
    except (KeyboardInterrupt, asyncio.CancelledError):
        return None

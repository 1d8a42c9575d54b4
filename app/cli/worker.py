"""Run one worker: agents, lanes, tables, watchdog and timers."""

import click


@click.command()
@click.option("--log-level", default="info", show_default=True, help="debug, info, warning or error.")
def command(log_level: str) -> None:
    """Run one worker until it is told to stop (SIGTERM, Ctrl-C). Several share the partitions."""
    from app.run_worker import run

    run(log_level)

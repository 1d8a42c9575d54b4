"""Read a file of payments, settlement lines or bank lines into its topic, as its source describes it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import msgspec

from app.cli._database import ask
from app.cli._ingest_progress import Telling
from app.domain.configuration import SourceConfiguration
from app.errors import TallystickError
from app.formats.errors import FileRefused
from app.formats.reading import Reading
from app.ingest.report import Report
from app.ingest.run import Run
from app.ingest.sources import source_of_file, source_of_report, stored_source
from app.settings import load_settings
from app.store.pool import open_pool

CONNECTIONS = 2
INTERRUPTED = 130
AGAIN = "running it again is safe: what was sent is known by its id"


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", help="Its name in the platform's configuration.")
@click.option("--report", help="With --dry-run, instead of a source: a report that is known, by its name.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, send and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON document.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Take the source from this platform file, not from the stored configuration.",
)
@click.option("--again", is_flag=True, help="Send also a file that was ingested before.")
@click.pass_context
def command(
    ctx: click.Context,
    file: Path,
    source: str | None,
    report: str | None,
    dry_run: bool,
    as_json: bool,
    config: Path | None,
    again: bool,
) -> None:
    """Send the rows of FILE as records; rows that cannot be read are quarantined one by one.

    The same file twice changes nothing. A file that is wrong as a whole (its control totals, its encoding,
    its columns) is refused before anything is sent, and the exit code is not 0.
    """
    with Telling() as telling:
        run = Run(_reading(file, source, report, config, dry_run), telling)
        try:
            came_to = _dry(run) if dry_run else _send(run, again)
        except KeyboardInterrupt:
            telling.say(f"interrupted: {run.came_to()}; {AGAIN}")
            ctx.exit(INTERRUPTED)
        except TallystickError:
            if run.totals.rows:
                telling.say(f"stopped: {run.came_to()}; {AGAIN}")
            raise
    _print(came_to, as_json)
    ctx.exit(came_to.exit_code)


def _reading(
    file: Path, source: str | None, report: str | None, config: Path | None, dry_run: bool
) -> Reading:
    if (source is None) == (report is None):
        raise click.UsageError("give either --source or --report")
    if source is not None:
        return Reading(file, source, _find_source(source, config))
    if not dry_run or config is not None:
        raise click.UsageError("--report is for --dry-run alone: what is sent needs a source")
    return Reading(file, str(report), source_of_report(str(report)))


def _find_source(name: str, config: Path | None) -> SourceConfiguration:
    """Raises ConfigurationError naming the sources that are there, Transient."""
    if config is not None:
        return source_of_file(name, config)
    return ask(lambda pool: stored_source(name, pool))


def _dry(run: Run) -> Report:
    run.scan()
    reason = run.survey()
    return run.add_up() if reason is None else run.report("quarantined", reason)


def _send(run: Run, again: bool) -> Report:
    run.scan()
    earlier = None if again else ask(run.earlier)
    if earlier is not None:
        return run.report("already_ingested", at=earlier.finished_at)
    reason = run.survey()
    if reason is not None:
        return _quarantine(run, reason)
    try:
        return asyncio.run(_send_records(run))
    except FileRefused as refusal:
        if run.totals.rows:
            raise
        return _quarantine(run, str(refusal))


async def _send_records(run: Run) -> Report:
    settings = load_settings()
    pool = await open_pool(settings.database_url, CONNECTIONS, "tallystick ingest")
    try:
        return await run.send(pool, settings)
    finally:
        await pool.close()


def _quarantine(run: Run, reason: str) -> Report:
    return ask(lambda pool: run.quarantine(pool, reason))


def _print(report: Report, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report.document()), indent=2))
        return
    for sentence in report.sentences():
        click.echo(sentence, err=report.status == "quarantined")

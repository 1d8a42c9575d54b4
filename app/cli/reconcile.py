"""Look at a scope and report on it; or only show what a report would say, or other rules would change."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.cli._database import ask
from app.cli._reconcile_tables import print_difference, print_report
from app.contracts.codec import encode
from app.contracts.platform_file import read_platform_file
from app.domain.calendar import end_of_day
from app.domain.commands import PlatformConfigure
from app.domain.run_scope import RunReport, RunScope
from app.domain.runs import Run, RunRequest
from app.domain.streams import BANKING_COMMANDS, MATCHING_COMMANDS, RECONCILIATION_COMMANDS
from app.errors import TallystickError
from app.kafka.outgoing import Outgoing
from app.kafka.partitioner import partition_for
from app.kafka.publisher import Publisher
from app.settings import Settings, database_url, load_settings
from app.store.pool import open_pool
from app.store.run_report import make_report
from app.store.runs import find_run
from app.store.scoped_facts import ScopedFacts, facts_of
from app.what_if import Fact, arrival, decide_again, difference

LOOK_SECONDS: Final = 0.2
DAY: Final = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.option("--source", help="A settlement source or a bank's.")
@click.option("--from", "first", type=DAY, help="First day of the facts, it included.")
@click.option("--to", "last", type=DAY, help="Last day of the facts, it included.")
@click.option("--merchant", "merchant_id", help="One merchant.")
@click.option("--payment", "payment_id", help="One payment.")
@click.option("--invoice", "invoice_id", help="One invoice.")
@click.option("--as-of", type=DAY, help="Leave out facts of later days.  [default: today in UTC]")
@click.option("--dry-run", is_flag=True, help="Only show the report: nothing is written, no run is kept.")
@click.option(
    "--rules",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A platform's configuration: show what the same facts would come to by it. Writes nothing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--wait", "wait_seconds", default=600.0, show_default=True, help="For the report, in seconds.")
def command(
    source: str | None,
    first: datetime | None,
    last: datetime | None,
    merchant_id: str | None,
    payment_id: str | None,
    invoice_id: str | None,
    as_of: datetime | None,
    dry_run: bool,
    rules: Path | None,
    as_json: bool,
    wait_seconds: float,
) -> None:
    """Report on what is matched and what is open in a scope, and keep the report as a run.

    A worker makes the report. With --dry-run it is made here, from one snapshot of the database.
    """
    scope = _scope(source, _day(first), _day(last), merchant_id, payment_id, invoice_id)
    day = _day(as_of) or datetime.now(UTC).date()
    if rules is not None:
        _show_rules(scope, day, read_platform_file(rules, default_id="rules"), as_json)
        return
    report = _dry(scope, day) if dry_run else _run(scope, day, wait_seconds)
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    else:
        print_report(Console(), report)


def _scope(source: str | None, first: date | None, last: date | None, *ids: str | None) -> RunScope:
    merchant_id, payment_id, invoice_id = ids
    try:
        return RunScope(
            source=source,
            first=first,
            last=last,
            merchant_id=merchant_id,
            payment_id=payment_id,
            invoice_id=invoice_id,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _dry(scope: RunScope, as_of: date) -> RunReport:
    with _progress() as bar:
        task = bar.add_task("looking", total=None)
        return ask(
            lambda pool: make_report(
                pool, scope, as_of, None, tell=lambda step: bar.update(task, description=f"counting {step}")
            )
        )


def _run(scope: RunScope, as_of: date, wait_seconds: float) -> RunReport:
    """Raises TallystickError where no report comes in time, or the run failed."""
    run_id = f"run_{token_hex(16)}"
    command = RunRequest(id=run_id, run_id=run_id, scope=scope, as_of=as_of, by="command line")
    with _progress() as bar:
        task = bar.add_task(f"{run_id}: asking for it", total=None)
        run = asyncio.run(_asked(load_settings(), command, wait_seconds, bar, task))
    if run is None or run.status == "requested":
        state = "not taken by a worker yet" if run is None else "still being made"
        raise TallystickError(f"{run_id} is {state} after {wait_seconds:g} s: look at /runs/{run_id} later")
    if run.report is None:
        raise TallystickError(f"{run_id} failed: {run.reason}")
    return run.report


async def _asked(
    settings: Settings, command: RunRequest, wait_seconds: float, bar: Progress, task: Any
) -> Run | None:
    key = command.run_id.encode()
    partition = partition_for(key, settings.partitions)
    publisher = Publisher(settings.kafka_bootstrap_servers, client_id="tallystick-reconcile")
    pool = await open_pool(database_url(), 1, "tallystick reconcile")
    try:
        await publisher.publish([Outgoing(RECONCILIATION_COMMANDS, partition, key, encode(command))])
        until = time.monotonic() + wait_seconds
        while True:
            run = await find_run(pool, command.run_id)
            ended = run is not None and run.status != "requested"
            if ended or time.monotonic() > until:
                return run
            words = "waiting for a worker" if run is None else "the report is being made"
            bar.update(task, description=f"{command.run_id}: {words}")
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await publisher.stop()
        await pool.close()


def _show_rules(scope: RunScope, as_of: date, rules: PlatformConfigure, as_json: bool) -> None:
    with _progress() as bar:
        task = bar.add_task("reading the facts", total=None)
        facts = ask(lambda pool: facts_of(pool, scope, as_of))
        until = end_of_day(as_of)
        records = _facts(facts)
        bar.update(task, description=f"{len(records):,} facts by the rules in force")
        before = decide_again(_in_force(facts), records, until)
        bar.update(task, description=f"{len(records):,} facts by {rules.id}")
        after = decide_again(rules, records, until)
    found = difference(before, after)
    if as_json:
        shown = {
            "facts": len(records),
            "matched": {"before": dict(before.matched), "after": dict(after.matched)},
            "open": {"before": len(before.open), "after": len(after.open)},
            "gone": found.gone,
            "come": found.come,
            "moved": [{"before": one, "after": other} for one, other in found.moved],
        }
        click.echo(msgspec.json.encode(shown).decode())
    else:
        print_difference(Console(), len(records), before, after, found)


def _facts(facts: ScopedFacts) -> list[Fact]:
    """Trailers come last: a batch's lines are there when its totals are compared."""
    end = max((arrival(record) for record in facts.items), default=datetime.now(UTC))
    matching = [Fact(arrival(record), MATCHING_COMMANDS, record) for record in facts.items]
    banking = [
        Fact(end if not hasattr(record, "value_date") else arrival(record), BANKING_COMMANDS, record)
        for record in facts.banking
    ]
    return [*matching, *banking]


def _in_force(facts: ScopedFacts) -> PlatformConfigure:
    """The configuration in force, as the record that would set it."""
    if facts.platform is None:
        return PlatformConfigure(id="in force")
    fields = msgspec.structs.asdict(facts.platform)
    known = {name: fields[name] for name in PlatformConfigure.__struct_fields__ if name in fields}
    return PlatformConfigure(**{**known, "id": "in force"})


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=Console(stderr=True),
        transient=True,
    )  # fmt: skip

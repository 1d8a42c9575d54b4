"""`python -m app reconcile`: a dry run and other rules show what they would, and write nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.__main__ import main
from tests.support.runs_world import RunsWorld

TABLES = " UNION ALL ".join(
    f"SELECT count(*) FROM {table}" for table in ("documents", "batches", "mismatches", "timers", "outbox")
)


@pytest.fixture
def run(database: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """In a thread of its own: the verb has an event loop of its own."""
    monkeypatch.setenv("DATABASE_URL", database)

    async def invoke(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, main, ["reconcile", *arguments])

    return invoke


async def written(pool: Any) -> list[int]:
    return [row[0] for row in await pool.fetch(TABLES)]


async def test_a_dry_run_counts_and_writes_nothing(world: RunsWorld, pool: Any, run: Any) -> None:
    before = await written(pool)
    done = await run("--source", "acq", "--as-of", "2026-11-21", "--dry-run", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    sides = {side["side"]: side for side in report["sides"]}
    assert (sides["expected"]["count"], sides["expected"]["matched_count"]) == (3, 2)
    assert (sides["settled"]["count"], sides["settled"]["amount"]) == (2, 20_000)
    assert sides["settled_net"]["amount"] == 19_798
    assert report["matched"] == [{"leg": "A", "rule": "A1", "currency": "EUR", "count": 2, "amount": 20_000}]
    assert [group["category"] for group in report["open"]] == ["FEE_VARIANCE"]
    assert await written(pool) == before


async def test_a_scope_leaves_out_what_is_not_asked_for(world: RunsWorld, run: Any) -> None:
    async def expected(*arguments: str) -> int:
        report = json.loads((await run("--dry-run", "--json", "--as-of", "2026-11-21", *arguments)).stdout)
        return sum(side["count"] for side in report.get("sides", []) if side["side"] == "expected")

    assert await expected("--payment", "pay-2") == 1
    assert await expected("--merchant", "nobody") == 0
    assert await expected("--from", "2026-11-21") == 0
    assert await expected("--to", "2026-11-20") == 3
    assert (await run("--from", "2026-11-21", "--to", "2026-11-20", "--dry-run")).exit_code == 2


async def test_a_table_that_people_read(world: RunsWorld, run: Any) -> None:
    done = await run("--dry-run", "--as-of", "2026-11-21")
    assert "2 matched, 1 mismatches open" in done.stdout
    assert "FEE_VARIANCE" in done.stdout
    assert "200.00" in done.stdout


async def test_other_rules_are_shown_as_a_difference(
    world: RunsWorld, pool: Any, run: Any, tmp_path: Path
) -> None:
    """A fee tolerance of 5 explains the fee of 102; a gross of 300 EUR a month later is missing by both."""
    before = await written(pool)
    rules = tmp_path / "rules.json"
    psp = {"fee_plan": {"bps": 100}, "fee_tolerance": 5}
    rules.write_text(json.dumps({"psps": {"stripe": psp}, "sources": {"acq": {"psp": "stripe"}}}))
    done = await run("--rules", str(rules), "--as-of", "2026-12-20", "--json")
    assert done.exit_code == 0, done.output
    shown = json.loads(done.stdout)
    assert shown["facts"] == 5
    assert [mismatch["category"] for mismatch in shown["gone"]] == ["FEE_VARIANCE"]
    assert shown["come"] == []
    assert shown["open"] == {"before": 2, "after": 1}
    words = (await run("--rules", str(rules), "--as-of", "2026-12-20")).stdout
    assert "No longer open" in words
    assert "nothing was written" in words
    assert await written(pool) == before


async def test_a_fee_plan_is_a_rule_as_well(world: RunsWorld, run: Any, tmp_path: Path) -> None:
    rules = tmp_path / "rules.json"
    psp = {"fee_plan": {"bps": 102}, "fee_tolerance": 0}
    rules.write_text(json.dumps({"psps": {"stripe": psp}, "sources": {"acq": {"psp": "stripe"}}}))
    shown = json.loads((await run("--rules", str(rules), "--as-of", "2026-11-22", "--json")).stdout)
    assert [mismatch["payment_id"] for mismatch in shown["gone"]] == ["pay-2"]
    assert [mismatch["payment_id"] for mismatch in shown["come"]] == ["pay-1"]


async def test_rules_of_the_bank_leg_are_shown_as_well(world: RunsWorld, run: Any, tmp_path: Path) -> None:
    """A source that settles to an account lets its batch wait for a bank line, which never came."""
    rules = tmp_path / "rules.json"
    sources = {"acq": {"psp": "stripe", "settles_to": "main"}}
    rules.write_text(json.dumps({"psps": {"stripe": {"fee_plan": {"bps": 100}}}, "sources": sources}))
    shown = json.loads((await run("--rules", str(rules), "--as-of", "2026-12-20", "--json")).stdout)
    assert [(mismatch["category"], mismatch["batch_id"]) for mismatch in shown["come"]] == [
        ("MISSING_BANK", "B1")
    ]
    assert shown["gone"] == []

"""Matches and open exceptions against what the stories say: no rule of the program is asked."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tests.hazards.truth import Match, Thing, Truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.hazards.oracle import Verdict

MATCHED: Final = """
SELECT psp, identity, kind, coalesce((state->>'matched')::boolean, false) AS whole,
       ARRAY(SELECT line->'record'->>'id' FROM json_array_elements(state->'lines') AS line) AS lines
  FROM items WHERE expected_gross IS NOT NULL AND lines > 0"""
EXPECTED: Final = "SELECT count(*) FROM items WHERE expected_gross IS NOT NULL"
OPEN: Final = """
SELECT category, coalesce(payment_id, explanation->>'waited_for',
                          CASE leg WHEN 'M' THEN merchant_id || '/' || currency ELSE owner_key END) AS about
  FROM mismatches WHERE status NOT IN ('auto_resolved', 'resolved', 'written_off')"""
EVENTS: Final = """
SELECT topic, id, count(*) AS times FROM record_keys WHERE starts_with(id, 'sandbox/') GROUP BY topic, id"""


async def check_matches(
    connection: Any, verdict: Verdict, truth: Truth, outcomes: Mapping[tuple[str, str], str]
) -> None:
    """Which lines belong to which object, and what is open: exactly what was told, nothing besides."""
    found: dict[Thing, Match] = {
        (row["psp"], row["identity"], row["kind"]): Match(frozenset(row["lines"]), row["whole"])
        for row in await connection.fetch(MATCHED)
    }
    verdict.report("matches", _differences(truth.matches, found))
    expected = truth.open_after(outcomes)
    rows = [(row["category"], row["about"]) for row in await connection.fetch(OPEN)]
    verdict.report("exceptions that should be open", expected - set(rows))
    verdict.report("exceptions that should not be open", set(rows) - expected)
    twice = [row for row, times in Counter(rows).items() if times > 1]
    verdict.doubled += verdict.report("exceptions open twice", twice)
    verdict.figures |= {
        "expectations": await connection.fetchval(EXPECTED),
        "matches compared": len(truth.matches),
        "exceptions compared": len(expected),
    }


async def check_events(connection: Any, verdict: Verdict, truth: Truth) -> None:
    """Every fact that a webhook brought is kept by the lane that owns it, once."""
    rows = await connection.fetch(EVENTS)
    kept = {row["id"] for row in rows}
    verdict.lost += verdict.report("webhooks without effect", truth.events - kept - truth.spare)
    twice = [row["id"] for row in rows if row["times"] > 1]
    verdict.doubled += verdict.report("webhooks with two effects", [*(kept - truth.events), *twice])
    verdict.figures["webhooks"] = len(truth.events)


def _differences(expected: Mapping[Thing, Match], found: Mapping[Thing, Match]) -> list[str]:
    return [
        f"{thing}: expected {expected.get(thing)}, found {found.get(thing)}"
        for thing in expected.keys() | found.keys()
        if expected.get(thing) != found.get(thing)
    ]

"""Whether the lanes matched what had to be: every line once, every planted difference, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bench.answer import WrongAnswer
from bench.pairs import Truth
from bench.servers import Emptied

SHOWN: Final = 5


async def check(run: Emptied, truths: Sequence[Truth]) -> None:
    """Raises WrongAnswer. `truths`: of all sources that sent anything, everything being at rest."""
    planted = {key for truth in truths for key in truth.planted}
    found = {(row["category"], row["owner_key"]) for row in await run.pool.fetch(OPEN)}
    if wrong := planted ^ found:
        some = sorted(wrong)[:SHOWN]
        raise WrongAnswer(
            f"{len(planted - found)} planted not found, {len(found - planted)} not planted: {some}"
        )
    transit = {row["currency"]: int(row["balance"]) for row in await run.pool.fetch(TRANSIT)}
    counted: dict[str, Any] = {**dict(await run.pool.fetchrow(COUNTED)), "transit": transit}
    net: dict[str, int] = {}
    for truth in truths:
        net = {currency: net.get(currency, 0) + truth.net[currency] for currency in {*net, *truth.net}}
    lines = sum(truth.lines for truth in truths)
    wanted = {
        "lines": lines,
        "matched and flagged": lines,
        "payments": sum(truth.payments for truth in truths),
        "complete": sum(truth.complete for truth in truths),
        "otherwise": 0,
        "halted": 0,
        "unbalanced": 0,
        "transit": net,
    }
    if differing := {
        name: (counted[name], value) for name, value in wanted.items() if counted[name] != value
    }:
        raise WrongAnswer(f"(found, expected): {differing}")


OPEN: Final = "SELECT category, owner_key FROM mismatches WHERE status = 'open'"
TRANSIT: Final = """
SELECT currency, sum(balance) AS balance FROM accounts WHERE account LIKE 'transit:%' GROUP BY 1"""
COUNTED: Final = """
WITH flagged AS (SELECT DISTINCT owner_key FROM mismatches WHERE status = 'open'),
     counted AS (
SELECT sum(lines) AS lines,
       sum(lines) FILTER (WHERE owner_key IS NULL AND expected_gross IS NOT NULL) AS matched,
       sum(lines) FILTER (WHERE owner_key IS NOT NULL) AS flagged
  FROM items LEFT JOIN flagged ON owner_key = psp || ':' || identity WHERE lines > 0)
SELECT (SELECT coalesce(lines, 0)::bigint FROM counted) AS lines,
       (SELECT (coalesce(matched, 0) + coalesce(flagged, 0))::bigint FROM counted) AS "matched and flagged",
       (SELECT count(*) FROM payments) AS payments,
       (SELECT count(*) FROM payments WHERE settlement_status = 'matched') AS complete,
       (SELECT coalesce(sum(refused + parked + forwarded + dead_letter), 0)::bigint FROM batches)
       AS otherwise,
       (SELECT count(*) FROM positions WHERE halted_at IS NOT NULL) AS halted,
       (SELECT count(*) FROM (SELECT FROM ledger_entries GROUP BY transaction_id, currency
         HAVING sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END) <> 0) u) AS unbalanced"""

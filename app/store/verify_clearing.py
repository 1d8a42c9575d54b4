"""What `verify` asks of clearing items: each is at zero, inside its window, or has an open mismatch.

Between the homes of the matching lane, and from it to the banking lane, an item may be under way for a while,
taken back here and not yet kept there. What is found is therefore asked again, in newer snapshots, and only
what stays as it was is wrong.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from app.store.verify_payouts import payouts_query
from app.store.verify_splits import splits_query

EXAMPLES: Final = 5
MOST: Final = 2000
"""Problems that are kept to be asked again; beyond them nothing is excused."""
LOOKS: Final = 4
PAUSE_SECONDS: Final = 1.5
OPEN: Final = "('open', 'assigned', 'investigating', 'pending_approval')"
ANSWERED: Final = "('open', 'assigned', 'investigating', 'pending_approval', 'resolved', 'written_off')"
"""Somebody works on it, or two people have resolved it."""


async def clearing_query(connection: Any, full: bool) -> tuple[dict[str, Any], list[str]]:
    """Figures, and what is loose as sentences."""
    figures, problems = await _loose(connection, full)
    splits = await connection.fetchrow(splits_query(full, OPEN, EXAMPLES))
    figures |= {"splits": splits["splits"], "splits_under_way": splits["under_way"]}
    return figures, problems + [f"{text}, with nothing under way" for text in splits["loose"] or ()]


async def ask_again(connection: Any, full: bool, problems: list[str]) -> tuple[int, list[str]]:
    """How many were only under way, and those that still stand, to the letter, after a while.

    `connection`: one of its own, outside of the proof's snapshot. What it does not look at stands.
    """
    asked = set(problems)
    standing = set(problems)
    for _ in range(LOOKS):
        await asyncio.sleep(PAUSE_SECONDS)
        _, now = await _loose(connection, full)
        standing &= {*now, *(text for text in asked if text.endswith("with nothing under way"))}
        if not standing:
            break
    return len(asked) - len(standing), sorted(standing)


async def _loose(connection: Any, full: bool) -> tuple[dict[str, Any], list[str]]:
    payouts = await connection.fetch(PAYOUT_TRANSIT)
    problems = [
        f"payout_transit {row['currency']} is {row['stored']}, payouts in flight are {row['expected']}"
        for row in payouts
        if row["stored"] != row["expected"]
    ]
    items = await connection.fetchrow(ITEMS)
    problems += [f"item {text}" for text in items["loose"] or ()]
    batches = await connection.fetchrow(SETTLEMENT_BATCHES)
    problems += [f"batch {text}" for text in batches["loose"] or ()]
    at_banks = await connection.fetchrow(payouts_query(ANSWERED, MOST))
    problems += [f"payout {text}" for text in at_banks["loose"] or ()]
    figures: dict[str, Any] = {
        "payouts_in_flight": sum(row["payouts"] for row in payouts),
        "items": items["items"],
        "at_zero": items["at_zero"],
        "inside_window": items["inside_window"],
        "with_open_mismatch": items["with_open_mismatch"],
        "batches": batches["batches"],
        "batches_at_zero": batches["at_zero"],
        "batches_inside_window": batches["inside_window"],
        "batches_with_open_mismatch": batches["with_open_mismatch"],
        "payouts_at_banks": at_banks["payouts"],
        "payouts_at_zero": at_banks["at_zero"],
        "payouts_inside_window": at_banks["inside_window"],
        "payouts_with_open_mismatch": at_banks["with_open_mismatch"],
    }
    if full:
        problems += await _compared(connection, figures)
    return figures, problems


async def _compared(connection: Any, figures: dict[str, Any]) -> list[str]:
    """What is stored against what the rows say it has to be."""
    transit = await connection.fetch(TRANSIT)
    figures["settlement_batches_in_transit"] = len(transit)
    problems = [
        f"{row['account']} {row['currency']} is {row['stored']}, its lines' net less the bank's "
        f"is {row['expected']}"
        for row in transit
        if row["stored"] != row["expected"]
    ]
    held = await connection.fetch(HELD)
    figures["balances_held"] = len(held)
    return problems + [
        f"{row['account']} {row['currency']} is {row['stored']}, open disputes are {row['expected']}"
        for row in held
        if row["stored"] != row["expected"]
    ]


# A payout is in transit from its start until it was paid or its failure gave the money back.
PAYOUT_TRANSIT: Final = """
WITH flying AS (
    SELECT currency, count(*) AS payouts, sum(amount) AS amount FROM payouts
     WHERE state ->> 'failed_transaction_id' IS NULL
       AND NOT coalesce((state -> 'facts')::jsonb ? 'paid', false)
     GROUP BY currency
), stored AS (
    SELECT currency, sum(balance) AS balance FROM accounts WHERE account = 'payout_transit' GROUP BY currency
)
SELECT currency, coalesce(f.payouts, 0) AS payouts, coalesce(f.amount, 0) AS expected,
       coalesce(s.balance, 0) AS stored
  FROM flying f FULL JOIN stored s USING (currency)"""

# At zero: both sides are there and agree within the PSP's tolerance, or nothing is left of either.
# Inside its window: a timer of its own is pending, which will ask again.
ITEMS: Final = f"""
WITH tolerances AS (
    SELECT psp.key AS psp, max((psp.value ->> 'gross_tolerance')::bigint) AS tolerance
      FROM platform CROSS JOIN LATERAL json_each(state -> 'psps') psp
     WHERE topic = 'matching.commands' GROUP BY psp.key
), judged AS (
    SELECT i.psp, i.identity, i.kind, i.expected_gross, i.lines, i.lines_gross,
           (i.expected_gross IS NULL AND i.lines = 0)
           OR (i.expected_gross IS NOT NULL AND i.lines > 0
               AND abs(i.expected_gross - i.lines_gross) <= coalesce(t.tolerance, 0)) AS at_zero,
           i.state
      FROM items i LEFT JOIN tolerances t USING (psp)
), explained AS (
    SELECT j.*,
           NOT at_zero AND EXISTS (
               SELECT FROM timers w
                WHERE w.topic = 'matching.commands' AND w.key = j.psp || ':' || j.identity
                  AND w.subject = j.psp || ':' || j.kind
                  AND w.kind IN ('settlement', 'payment')) AS in_window,
           NOT at_zero AND EXISTS (
               SELECT FROM json_each(j.state -> 'open') o JOIN mismatches x ON x.id = o.value ->> 0
                WHERE x.status IN {ANSWERED}) AS has_mismatch
      FROM judged j
)
SELECT count(*) AS items, count(*) FILTER (WHERE at_zero) AS at_zero,
       count(*) FILTER (WHERE in_window) AS inside_window,
       count(*) FILTER (WHERE has_mismatch) AS with_open_mismatch,
       (array_agg(psp || ':' || identity || ' ' || kind || ': expected '
                  || coalesce(expected_gross::text, 'nothing') || ', ' || lines || ' lines of '
                  || lines_gross)
           FILTER (WHERE NOT (at_zero OR in_window OR has_mismatch)))[1:{MOST}] AS loose
  FROM explained"""

# A line posts at its home, once, whoever judges it; a bank line takes out what its batch received, people
# what they resolved.
TRANSIT: Final = """
WITH lines AS (
    SELECT l.value AS line FROM items i CROSS JOIN LATERAL json_array_elements(i.state -> 'lines') l
    UNION ALL
    SELECT l.value FROM items i CROSS JOIN LATERAL json_array_elements(i.state -> 'away') l
), moved AS (
    SELECT 'transit:' || (line -> 'record' ->> 'source') || ':' || (line -> 'record' ->> 'batch_id')
               AS account,
           line -> 'record' ->> 'settle_currency' AS currency, (line -> 'record' ->> 'net')::bigint AS net
      FROM lines WHERE line ->> 'guest_of' IS NULL
    UNION ALL
    SELECT 'transit:' || (b.state ->> 'source') || ':' || (b.state ->> 'batch_id'), r.key,
           -(l.value #>> '{}')::bigint
      FROM settlement_batches b CROSS JOIN LATERAL json_each(b.state -> 'received') r
     CROSS JOIN LATERAL json_each(r.value) l
    UNION ALL
    SELECT e.account, e.currency, CASE WHEN e.direction = 'debit' THEN e.amount ELSE -e.amount END
      FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
     WHERE t.kind ^@ 'resolution' AND e.account ^@ 'transit:'
), expected AS (
    SELECT account, currency, sum(net) AS net FROM moved GROUP BY 1, 2
), stored AS (
    SELECT account, currency, sum(balance) AS balance FROM accounts
     WHERE account ^@ 'transit:' GROUP BY account, currency
)
SELECT account, currency, coalesce(s.balance, 0) AS stored, coalesce(e.net, 0) AS expected
  FROM stored s FULL JOIN expected e USING (account, currency) ORDER BY account, currency"""

# At zero: the bank brought its net. Inside its window: a timer is pending, its own or a sweep's.
SETTLEMENT_BATCHES: Final = f"""
WITH parts AS (
    SELECT b.topic, b.key, b.id, b.state, s.key AS currency,
           coalesce((s.value ->> 'net')::bigint, 0)
           - coalesce((SELECT sum((l.value #>> '{{}}')::bigint)
                         FROM json_each(b.state -> 'received' -> s.key) l), 0) AS owed
      FROM settlement_batches b CROSS JOIN LATERAL json_each(b.state -> 'sums') s
), judged AS (
    SELECT p.*, p.owed = 0 OR coalesce(json_typeof(p.state -> 'confirmed') = 'array', false) AS is_zero,
           p.state ->> 'due_ms' IS NOT NULL OR p.state ->> 'quiet_due_ms' IS NOT NULL
           OR EXISTS (SELECT FROM timers t
                       WHERE t.topic = p.topic AND t.key = p.key AND t.kind = 'bank_sweep'
                         AND t.subject ^@ (p.currency || '/')) AS in_window,
           EXISTS (SELECT FROM json_each(p.state -> 'open') o JOIN mismatches x ON x.id = o.value ->> 0
                    WHERE x.status IN {ANSWERED}) AS has_mismatch
      FROM parts p
)
SELECT count(*) AS batches, count(*) FILTER (WHERE is_zero) AS at_zero,
       count(*) FILTER (WHERE NOT is_zero AND in_window) AS inside_window,
       count(*) FILTER (WHERE NOT is_zero AND has_mismatch) AS with_open_mismatch,
       (array_agg(id || ' at ' || key || ': ' || owed || ' ' || currency || ' of its net did not come')
           FILTER (WHERE NOT (is_zero OR in_window OR has_mismatch)))[1:{MOST}] AS loose
  FROM judged"""

# `standing` is an array: 1 the amount, 2 its currency, 5 the stage (`app/domain/dispute.py`).
HELD: Final = """
WITH expected AS (
    SELECT 'm_hold:' || p.merchant_id AS account, d.value -> 'standing' ->> 2 AS currency,
           sum((d.value -> 'standing' ->> 1)::bigint) AS amount
      FROM payments p CROSS JOIN LATERAL json_each(p.state -> 'disputes') d
     WHERE p.dispute_status = 'open' AND d.value -> 'standing' ->> 5 = 'open'
     GROUP BY 1, 2
), stored AS (
    SELECT account, currency, sum(balance) AS balance FROM accounts
     WHERE account ^@ 'm_hold:' GROUP BY account, currency
)
SELECT account, currency, coalesce(s.balance, 0) AS stored, coalesce(e.amount, 0) AS expected
  FROM stored s FULL JOIN expected e USING (account, currency) ORDER BY account, currency"""

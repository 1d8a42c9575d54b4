"""What `verify` asks of payouts at the bank accounts that they leave (leg C).

At zero: the bank's lines agree with our books, or it failed before it left and no line says otherwise. Inside
its window: a timer is pending, its own or a sweep's. Else somebody has to know of it.
"""

from typing import Final


def payouts_query(answered: str, most: int) -> str:
    """One row: how many there are, and how each is explained. `answered`: statuses, as SQL."""
    return BANK_PAYOUTS.format(answered=answered, most=most)


BANK_PAYOUTS: Final = """
WITH judged AS (
    SELECT p.key, p.id, p.state,
           coalesce((p.state -> 'told' ->> 'confirmed')::boolean, false)
           OR ((p.state -> 'record' -> 'facts')::jsonb ? 'failed'
               AND NOT (p.state -> 'record' -> 'facts')::jsonb ?| array['paid', 'returned']
               AND p.state -> 'told' -> 'lines' IS NULL) AS is_zero,
           p.state ->> 'due_ms' IS NOT NULL
           OR EXISTS (SELECT FROM timers t
                       WHERE t.topic = p.topic AND t.key = p.key AND t.kind = 'bank_sweep'
                         AND t.subject ^@ (p.state -> 'record' ->> 'currency' || '/')) AS in_window,
           EXISTS (SELECT FROM json_each(p.state -> 'open') o JOIN mismatches x ON x.id = o.value ->> 0
                    WHERE x.status IN {answered}) AS has_mismatch
      FROM bank_payouts p
)
SELECT count(*) AS payouts, count(*) FILTER (WHERE is_zero) AS at_zero,
       count(*) FILTER (WHERE NOT is_zero AND in_window) AS inside_window,
       count(*) FILTER (WHERE NOT is_zero AND has_mismatch) AS with_open_mismatch,
       (array_agg(id || ' at ' || key || ': the bank does not show what our books say')
           FILTER (WHERE NOT (is_zero OR in_window OR has_mismatch)))[1:{most}] AS loose
  FROM judged"""

"""What `verify` asks about split payments: have sellers posted what it moved, or is that under way?

Under way: the parent waits (a timer), a seller's refund waits for the PSP, or SPLIT_MISMATCH is open.
"""

from typing import Final


def splits_query(full: bool, open_statuses: str, examples: int) -> str:
    """One row: how many were looked at, how many are under way, and the loose ones. Not full: that moved."""
    moved = "TRUE" if full else "p.entries IS NOT NULL"
    return SPLITS.format(moved=moved, open_statuses=open_statuses, examples=examples)


SPLITS: Final = """
WITH splits AS (
    SELECT p.account, p.currency, sum(p.stored) AS balance,
           split_part(substr(p.account, 15), '/', 1) AS merchant_id,
           substr(p.account, 15 + strpos(substr(p.account, 15), '/')) AS payment_id
      FROM proof p
     WHERE p.account ^@ 'split_transit:'
       AND p.account IN (SELECT account FROM proof p WHERE {moved})
     GROUP BY p.account, p.currency
), judged AS (
    SELECT s.*, s.balance <> 0 AND (
           EXISTS (SELECT FROM timers t
                    WHERE t.topic = 'payments.commands' AND t.key = s.merchant_id
                      AND t.kind = 'split' AND t.subject = s.payment_id)
           OR EXISTS (SELECT FROM mismatches x
                       WHERE x.merchant_id = s.merchant_id AND x.payment_id = s.payment_id
                         AND x.category = 'SPLIT_MISMATCH' AND x.status IN {open_statuses})
           OR EXISTS (SELECT FROM payments p
                       CROSS JOIN LATERAL json_array_elements(p.state -> 'parts') part
                        JOIN payments o ON o.merchant_id = part ->> 'merchant_id'
                                       AND o.id = part ->> 'payment_id'
                       CROSS JOIN LATERAL json_each(o.state -> 'refunds') r
                       WHERE p.merchant_id = s.merchant_id AND p.id = s.payment_id
                         AND r.value ->> 'confirmed' = 'false'
                         AND coalesce(r.value ->> 'failed', 'false') = 'false')) AS is_under_way
      FROM splits s
)
SELECT count(*) AS splits, count(*) FILTER (WHERE is_under_way) AS under_way,
       (array_agg(account || ' is ' || balance || ' ' || currency)
           FILTER (WHERE balance <> 0 AND NOT is_under_way))[1:{examples}] AS loose
  FROM judged"""

"""What `verify` asks about closed periods: it seals what every lane has closed, and compares what is sealed.

A sealed period cannot change by construction (`ledger_journal`); this is the proof that it has not. Sealing
and comparing read the whole ledger, so the comparison is made by full runs only.
"""

from __future__ import annotations

from typing import Any, Final

from app.store.trial_balance import POSTING_LANES
from app.store.verify_checks import Finding
from app.store.verify_clearing import EXAMPLES


async def periods(connection: Any, full: bool) -> Finding:
    """An empty period gets one row of zeros, so that it is sealed as well."""
    closes = await connection.fetch(CLOSES, list(POSTING_LANES))
    ready = [row["through"] for row in closes if row["lanes"] >= row["of_lanes"]]
    for through in ready:
        await connection.execute(SEAL, through)
    problems: list[str] = []
    if full:
        rows = await connection.fetch(COMPARE, EXAMPLES)
        problems += [
            f"{row['account']} {row['currency']} through {row['through']}: "
            f"sealed {row['sealed']}, now {row['now']}"
            for row in rows
        ]
    return Finding({"closed": len(closes), "sealed": len(ready)}, problems)


CLOSES: Final = """
SELECT d.id::date AS through, count(*) AS lanes,
       (SELECT count(*) FROM positions p WHERE p.topic = ANY($1::text[])) AS of_lanes
  FROM documents d WHERE d.collection = 'period_close' AND d.topic = ANY($1::text[])
 GROUP BY d.id ORDER BY d.id
"""

SUMS: Final = """
SELECT split_part(e.account, ':', 1) AS account, e.currency,
       coalesce(sum(e.amount) FILTER (WHERE e.direction = 'debit'), 0) AS debit,
       coalesce(sum(e.amount) FILTER (WHERE e.direction = 'credit'), 0) AS credit, count(*) AS entries
  FROM ledger_journal t JOIN ledger_entries e ON e.transaction_id = t.id
 WHERE t.posted_on <= {through} GROUP BY 1, 2
"""

SEAL: Final = f"""
INSERT INTO period_seals (through, account, currency, debit, credit, entries)
SELECT $1::date, s.* FROM (
       {SUMS.format(through="$1::date")} UNION ALL SELECT '', '', 0, 0, 0) s
 WHERE NOT EXISTS (SELECT FROM period_seals p WHERE p.through = $1::date)
"""

COMPARE: Final = f"""
SELECT coalesce(s.through, n.through) AS through, coalesce(s.account, n.account) AS account,
       coalesce(s.currency, n.currency) AS currency,
       coalesce(s.debit, 0) - coalesce(s.credit, 0) AS sealed,
       coalesce(n.debit, 0) - coalesce(n.credit, 0) AS now
  FROM (SELECT * FROM period_seals WHERE account <> '') s
  FULL JOIN (SELECT d.through, x.*
               FROM (SELECT DISTINCT through FROM period_seals) d
              CROSS JOIN LATERAL ({SUMS.format(through="d.through")}) x) n
    ON n.through = s.through AND n.account = s.account AND n.currency = s.currency
 WHERE s.debit IS DISTINCT FROM n.debit OR s.credit IS DISTINCT FROM n.credit
    OR s.entries IS DISTINCT FROM n.entries
 ORDER BY 1, 2, 3 LIMIT $1
"""

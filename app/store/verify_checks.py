"""The questions `verify` asks, as SQL. Each check gives its figures and, as sentences, what is wrong.

`scope` (a temporary table) says per lane which offsets are to be proven: [since, upto).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from app.store.verify_audit import audit_query
from app.store.verify_clearing import EXAMPLES, OPEN, clearing_query
from app.store.verify_effects import effects_query


class Finding(NamedTuple):
    figures: dict[str, Any]
    problems: list[str]


async def prepare(connection: Any, full: bool) -> None:
    """Fix the scope; called first in the transaction, it also takes the snapshot."""
    await connection.execute(SCOPE.format(since="0" if full else "coalesce(v.next_offset, 0)"))
    await connection.execute(NEW_TRANSACTIONS)
    await connection.execute("ANALYZE new_transactions")


async def remember(connection: Any) -> None:
    """Everything held: the next run may begin where this one ended."""
    await connection.execute(REMEMBER_POSITIONS)
    await connection.execute(REMEMBER_BALANCES)


async def postings(connection: Any, full: bool) -> Finding:
    row = await connection.fetchrow(POSTINGS)
    figures: dict[str, Any] = {name: int(row[name] or 0) for name in ("transactions", "entries", "reversals")}
    problems = [f"transaction {text}" for text in row["unbalanced"] or ()]
    problems += [f"transaction {text} has no entries" for text in row["empty"] or ()]
    problems += [f"transaction {text} reverses one that is not there" for text in row["dangling"] or ()]
    if full:
        orphans = await connection.fetchrow(ORPHAN_ENTRIES)
        if orphans[0]:
            problems.append(f"{orphans[0]} entries without a transaction, the first of {orphans[1]}")
    return Finding(figures, problems)


async def audit(connection: Any, full: bool) -> Finding:
    return Finding(*await audit_query(connection))


async def effects(connection: Any, full: bool) -> Finding:
    return Finding(*await effects_query(connection))


async def balances(connection: Any, full: bool) -> Finding:
    await connection.execute(PROOF.format(proven="FALSE" if full else "TRUE"))
    rows = await connection.fetch(WRONG_BALANCES, EXAMPLES)
    totals = await connection.fetch(TRIAL_BALANCE)
    counted = await connection.fetchrow("SELECT count(*), coalesce(sum(entries), 0) FROM proof")
    problems = [
        f"{row['account']} {row['currency']} in {row['lane']}: "
        f"stored {row['stored']}, its entries sum to {row['expected']}"
        for row in rows
    ]
    problems += [
        f"{row['currency']}: debit balances {row['debits']}, credit balances {row['credits']}"
        for row in totals
        if row["debits"] != row["credits"]
    ]
    totals_by_currency = {row["currency"]: int(row["debits"]) for row in totals}
    figures = {"accounts": counted[0], "entries": int(counted[1]), "totals": totals_by_currency}
    return Finding(figures, problems)


async def limits(connection: Any, full: bool) -> Finding:
    row = await connection.fetchrow(LIMITS)
    problems = [f"{text} is negative" for text in row["negative"] or ()]
    problems += [f"{text} and no NEGATIVE_BALANCE is open" for text in row["uncovered"] or ()]
    return Finding({"merchants": row["merchants"], "below_limit": row["below"]}, problems)


async def clearing(connection: Any, full: bool) -> Finding:
    return Finding(*await clearing_query(connection, full))


async def completeness(connection: Any, full: bool) -> Finding:
    lanes = await connection.fetch(BATCHES)
    problems = [text for row in lanes for text in _lane_problems(row)]
    stray = await connection.fetchrow(STRAY_TRANSACTIONS)
    if stray[0]:
        problems.append(f"{stray[0]} transactions of records that were not applied, the first {stray[1]}")
    figures: dict[str, Any] = {
        "lanes": len(lanes),
        "offsets": sum(row["upto"] - row["since"] for row in lanes),
    }
    for name in ("batches", "records", *OUTCOMES):
        figures[name] = sum(int(row[name]) for row in lanes)
    return Finding(figures, problems)


OUTCOMES: Final = ("applied", "duplicate", "refused", "ignored", "parked", "forwarded", "dead_letter")


def _lane_problems(row: Any) -> list[str]:
    lane = f"{row['topic']}:{row['partition']}"
    problems = []
    if row["broken"] or row["begins"] != row["since"] or row["ends"] != row["upto"]:
        problems.append(
            f"{lane}: batches cover {row['begins']} to {row['ends']} with {row['broken']} breaks, "
            f"the position went from {row['since']} to {row['upto']}"
        )
    if row["records"] != sum(row[name] for name in OUTCOMES):
        problems.append(f"{lane}: outcomes do not sum to {row['records']} records")
    problems += [
        f"{lane}: {row[name]} {name} were counted, {row[f'{name}_rows']} rows are there"
        for name in ("applied", "refused", "ignored", "parked", "dead_letter")
        if row[name] != row[f"{name}_rows"]
    ]
    return problems


SCOPE: Final = """
CREATE TEMP TABLE scope ON COMMIT DROP AS
SELECT p.topic, p.partition, {since} AS since, p.next_offset AS upto
  FROM positions p LEFT JOIN proven_positions v USING (topic, partition)"""

NEW_TRANSACTIONS: Final = """
CREATE TEMP TABLE new_transactions ON COMMIT DROP AS
SELECT t.id, t.source_topic AS topic, t.source_partition AS partition, t.source_offset, t.reverses
  FROM scope s JOIN ledger_transactions t
    ON t.source_topic = s.topic AND t.source_partition = s.partition AND t.source_offset >= s.since"""

POSTINGS: Final = f"""
WITH sums AS (
    SELECT t.id, e.currency, count(e.transaction_id) AS entries,
           sum(CASE e.direction WHEN 'debit' THEN e.amount ELSE -e.amount END) AS difference
      FROM new_transactions t LEFT JOIN ledger_entries e ON e.transaction_id = t.id
     GROUP BY t.id, e.currency
)
SELECT (SELECT count(*) FROM new_transactions) AS transactions, sum(entries) AS entries,
       (SELECT count(*) FROM new_transactions WHERE reverses IS NOT NULL) AS reversals,
       (array_agg(id || ' is out of balance by ' || difference || ' ' || currency)
           FILTER (WHERE difference <> 0))[1:{EXAMPLES}] AS unbalanced,
       (array_agg(id) FILTER (WHERE entries = 0))[1:{EXAMPLES}] AS empty,
       (SELECT array_agg(n.id) FROM new_transactions n
         WHERE n.reverses IS NOT NULL
           AND NOT EXISTS (SELECT FROM ledger_transactions o WHERE o.id = n.reverses)) AS dangling
  FROM sums"""

ORPHAN_ENTRIES: Final = """
SELECT count(*), min(transaction_id) FROM ledger_entries e
 WHERE NOT EXISTS (SELECT FROM ledger_transactions t WHERE t.id = e.transaction_id)"""

PROOF: Final = """
CREATE TEMP TABLE proof ON COMMIT DROP AS
WITH moved AS (
    SELECT e.account, e.currency, t.topic || ':' || t.partition AS lane, count(*) AS entries,
           -- an account of an unknown kind makes this null, which equals no balance
           CASE WHEN count(k.prefix) = count(*)
                THEN sum(CASE WHEN e.direction = k.normal_side THEN e.amount ELSE -e.amount END) END AS change
      FROM new_transactions t
      JOIN ledger_entries e ON e.transaction_id = t.id
      LEFT JOIN account_kinds k ON k.prefix = split_part(e.account, ':', 1)
     GROUP BY 1, 2, 3
)
SELECT account, currency, lane, a.balance AS stored, m.entries,
       coalesce(v.balance, 0) + CASE WHEN m.account IS NULL THEN 0 ELSE m.change END AS expected
  FROM accounts a
  FULL JOIN moved m USING (account, currency, lane)
  FULL JOIN (SELECT * FROM proven_balances WHERE {proven}) v USING (account, currency, lane)"""

WRONG_BALANCES: Final = """
SELECT * FROM proof WHERE stored IS DISTINCT FROM expected OR expected IS NULL
 ORDER BY account, currency, lane LIMIT $1"""

TRIAL_BALANCE: Final = """
SELECT a.currency, coalesce(sum(a.balance) FILTER (WHERE k.normal_side = 'debit'), 0) AS debits,
       coalesce(sum(a.balance) FILTER (WHERE k.normal_side = 'credit'), 0) AS credits
  FROM accounts a LEFT JOIN account_kinds k ON k.prefix = split_part(a.account, ':', 1)
 GROUP BY a.currency ORDER BY a.currency"""

LIMITS: Final = f"""
WITH money AS (
    SELECT split_part(account, ':', 1) AS kind, substr(account, strpos(account, ':') + 1) AS merchant_id,
           account, currency, balance
      FROM accounts WHERE account ^@ 'm_pend:' OR account ^@ 'm_avail:' OR account ^@ 'm_hold:'
), own AS (
    SELECT m.merchant_id, m.currency, sum(m.balance) AS balance
      FROM money m WHERE m.kind IN ('m_pend', 'm_avail') GROUP BY 1, 2
), below AS (
    SELECT o.merchant_id, o.currency, o.balance, coalesce(c.negative_limit, 0) AS negative_limit,
           EXISTS (SELECT FROM mismatches x
                    WHERE x.merchant_id = o.merchant_id AND x.currency = o.currency
                      AND x.category = 'NEGATIVE_BALANCE' AND x.status IN {OPEN}) AS covered
      FROM own o LEFT JOIN merchants c USING (merchant_id)
     WHERE o.balance < -coalesce(c.negative_limit, 0)
)
SELECT (SELECT count(DISTINCT merchant_id) FROM money) AS merchants,
       (SELECT count(*) FROM below) AS below,
       (SELECT array_agg(account || ' ' || currency || ': ' || balance) FROM money
         WHERE kind IN ('m_pend', 'm_hold') AND balance < 0) AS negative,
       (SELECT array_agg(merchant_id || ' stands at ' || balance || ' ' || currency
                         || ', its limit is -' || negative_limit)
          FROM below WHERE NOT covered) AS uncovered"""

BATCHES: Final = """
WITH ranges AS (
    SELECT s.topic, s.partition, b.*,
           b.first_offset <> lag(b.last_offset + 1, 1, b.first_offset)
               OVER (PARTITION BY s.topic, s.partition ORDER BY b.first_offset) AS breaks
      FROM scope s CROSS JOIN LATERAL (
           SELECT first_offset, last_offset, records, applied, duplicate, refused, ignored, parked, forwarded,
                  dead_letter
             FROM batches x
            WHERE x.topic = s.topic AND x.partition = s.partition AND x.first_offset >= s.since) b
), covered AS (
    SELECT topic, partition, count(*) AS batches, min(first_offset) AS begins, max(last_offset) + 1 AS ends,
           count(*) FILTER (WHERE breaks) AS broken, sum(records) AS records, sum(applied) AS applied,
           sum(duplicate) AS duplicate, sum(refused) AS refused, sum(ignored) AS ignored,
           sum(parked) AS parked, sum(forwarded) AS forwarded, sum(dead_letter) AS dead_letter
      FROM ranges GROUP BY topic, partition
), keys AS (
    SELECT k.topic, k.partition, count(*) FILTER (WHERE outcome = 'applied') AS applied,
           count(*) FILTER (WHERE outcome = 'refused') AS refused,
           count(*) FILTER (WHERE outcome = 'ignored') AS ignored,
           count(*) FILTER (WHERE outcome = 'parked') AS parked
      FROM scope s JOIN record_keys k
        ON k.topic = s.topic AND k.partition = s.partition AND k."offset" >= s.since
     GROUP BY k.topic, k.partition
), dead AS (
    SELECT d.topic, d.partition, count(*) AS dead_letter
      FROM scope s JOIN dead_letters d
        ON d.topic = s.topic AND d.partition = s.partition AND d."offset" >= s.since
     GROUP BY d.topic, d.partition
)
SELECT topic, partition, s.since, s.upto, coalesce(c.begins, s.since) AS begins,
       coalesce(c.ends, s.since) AS ends, coalesce(c.broken, 0) AS broken, coalesce(c.batches, 0) AS batches,
       coalesce(c.records, 0) AS records, coalesce(c.applied, 0) AS applied,
       coalesce(c.duplicate, 0) AS duplicate, coalesce(c.refused, 0) AS refused,
       coalesce(c.ignored, 0) AS ignored, coalesce(c.parked, 0) AS parked,
       coalesce(c.forwarded, 0) AS forwarded, coalesce(c.dead_letter, 0) AS dead_letter,
       coalesce(k.applied, 0) AS applied_rows, coalesce(k.refused, 0) AS refused_rows,
       coalesce(k.ignored, 0) AS ignored_rows, coalesce(k.parked, 0) AS parked_rows,
       coalesce(d.dead_letter, 0) AS dead_letter_rows
  FROM scope s LEFT JOIN covered c USING (topic, partition) LEFT JOIN keys k USING (topic, partition)
  LEFT JOIN dead d USING (topic, partition) ORDER BY topic, partition"""

STRAY_TRANSACTIONS: Final = """
SELECT count(*), min(t.id) FROM new_transactions t
 WHERE NOT EXISTS (
       SELECT FROM record_keys k JOIN scope s USING (topic, partition)
        WHERE k.topic = t.topic AND k.partition = t.partition AND k."offset" = t.source_offset
          AND k."offset" >= s.since AND k.outcome = 'applied')"""

REMEMBER_POSITIONS: Final = """
INSERT INTO proven_positions (topic, partition, next_offset) SELECT topic, partition, upto FROM scope
    ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset"""

REMEMBER_BALANCES: Final = """
INSERT INTO proven_balances (account, currency, lane, balance)
SELECT account, currency, lane, stored FROM proof WHERE entries IS NOT NULL
    ON CONFLICT (account, currency, lane) DO UPDATE SET balance = excluded.balance"""

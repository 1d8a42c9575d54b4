"""SQL of reconciliation reports. Every question has the same first nine arguments; see `SCOPE`.

$1 as of (date), $2 known at (null: now), $3 source, $4 its PSP, $5 and $6 first and last day, $7 merchant,
$8 payment, $9 invoice; null is any.
"""

from __future__ import annotations

from typing import Final

DAYS: Final = "{day} <= $1::date AND ($5::date IS NULL OR {day} >= $5) AND ($6::date IS NULL OR {day} <= $6)"

ITEMS: Final = """
items_chosen AS MATERIALIZED (
    SELECT o.expectation, o.lines, coalesce(o.matched, false) AS is_matched
      FROM items i
     CROSS JOIN LATERAL json_to_record(i.state) AS o (expectation json, lines json, matched boolean)
     WHERE ($4::text IS NULL OR i.psp = $4) AND ($2::timestamptz IS NULL OR true)
       AND ($7::text IS NULL OR i.merchant_id = $7) AND ($8::text IS NULL OR i.payment_id = $8)
       AND ($9::text IS NULL OR (o.expectation -> 'identities')::jsonb ? $9
            OR EXISTS (SELECT FROM json_array_elements(o.lines) l
                        WHERE l -> 'record' ->> 'merchant_ref' = $9))
), announced AS (
    SELECT e.currency, e.gross AS amount, (e.occurred_at AT TIME ZONE 'UTC')::date AS day, c.is_matched
      FROM items_chosen c
     CROSS JOIN LATERAL json_to_record(c.expectation) AS e (
           currency text, gross numeric, occurred_at timestamptz)
     WHERE c.expectation IS NOT NULL
), expected AS (
    SELECT currency, amount, is_matched FROM announced WHERE {days}
), settled AS MATERIALIZED (
    SELECT r.currency, r.gross, r.settle_currency, r.net, c.expectation IS NOT NULL AS is_matched,
           coalesce(h.rule, 'A1') AS rule
      FROM items_chosen c
     CROSS JOIN LATERAL json_array_elements(c.lines) l
     CROSS JOIN LATERAL json_to_record(l) AS h (record json, rule text)
     CROSS JOIN LATERAL json_to_record(h.record) AS r (
           source text, currency text, gross numeric, settle_currency text, net numeric, booked_on date)
     WHERE ($3::text IS NULL OR r.source = $3) AND {line_days}
)""".format(days=DAYS.format(day="day"), line_days=DAYS.format(day="r.booked_on"))
"""Each document is taken apart once: a look at its parts one by one would read it anew for each of them."""

BANK: Final = """
batches AS (
    SELECT s.key AS currency, (s.value ->> 'net')::numeric AS amount,
           coalesce(d.state ->> 'confirmed', '[]') <> '[]' AS is_matched
      FROM documents d CROSS JOIN LATERAL json_each(d.state -> 'sums') s
     WHERE d.collection = 'batch' AND ($3::text IS NULL OR d.state ->> 'source' = $3)
       AND ($4::text IS NULL OR d.state ->> 'psp' = $4)
       AND $7::text IS NULL AND $8::text IS NULL AND $9::text IS NULL
       AND {batch_days}
), linked AS (
    SELECT d.state -> 'record' AS record, k.kind || ':' || k.value AS subject, k.rule
      FROM documents d
     CROSS JOIN LATERAL (
           SELECT split_part(v, ':', 1) AS kind, substr(v, strpos(v, ':') + 1) AS value, 'forced' AS rule
             FROM json_array_elements_text(d.state -> 'forced') v
            UNION ALL
           SELECT split_part(v, ':', 1), substr(v, strpos(v, ':') + 1), '1'
             FROM json_array_elements_text(d.state -> 'named') v WHERE d.state -> 'forced' IS NULL
            UNION ALL
           SELECT split_part(d.state ->> 'matched', ':', 1),
                  substr(d.state ->> 'matched', strpos(d.state ->> 'matched', ':') + 1), '2'
            WHERE d.state ->> 'matched' IS NOT NULL AND d.state -> 'forced' IS NULL
              AND d.state -> 'named' IS NULL
           ) k
     WHERE d.collection = 'bank_line' AND {bank_days}
), banked AS (
    SELECT d.state -> 'record' ->> 'currency' AS currency,
           (d.state -> 'record' ->> 'amount')::numeric AS amount,
           coalesce(d.state ->> 'matched', d.state ->> 'ignored', d.state ->> 'named', d.state ->> 'forced')
           IS NOT NULL AS is_matched
      FROM documents d
     WHERE d.collection = 'bank_line' AND $7::text IS NULL AND $8::text IS NULL AND $9::text IS NULL
       AND ($3::text IS NULL OR EXISTS (
            SELECT FROM linked k
             WHERE k.record ->> 'line_id' = d.id AND starts_with(k.subject, 'batch:' || $3 || '/')))
       AND {bank_days}
)""".format(
    batch_days=DAYS.format(day="(SELECT max(b)::date FROM json_object_keys(s.value -> 'days') b)"),
    bank_days=DAYS.format(day="(d.state -> 'record' ->> 'value_date')::date"),
)

SIDE: Final = """
SELECT '{side}' AS side, NULL AS rule, currency, count(*) AS count, sum(amount) AS amount,
       count(*) FILTER (WHERE is_matched) AS matched_count,
       coalesce(sum(amount) FILTER (WHERE is_matched), 0) AS matched_amount
  FROM {table} GROUP BY currency"""

SIDES: Final = f"""
WITH {ITEMS}, {BANK}
{SIDE.format(side="expected", table="expected")}
 UNION ALL {SIDE.format(side="settled", table="(SELECT *, gross AS amount FROM settled) s")}
 UNION ALL {
    SIDE.format(
        side="settled_net",
        table="(SELECT settle_currency AS currency, net AS amount, is_matched FROM settled) s",
    )
}
 UNION ALL {SIDE.format(side="batches", table="batches")}
 UNION ALL {SIDE.format(side="banked", table="banked")}
 UNION ALL
SELECT 'A', rule, currency, count(*), sum(gross), 0, 0
  FROM settled WHERE is_matched GROUP BY rule, currency
 UNION ALL
SELECT CASE WHEN starts_with(subject, 'payout:') THEN 'C' ELSE 'B' END,
       CASE WHEN rule = 'forced' THEN rule
            WHEN starts_with(subject, 'payout:') THEN 'C' || rule ELSE 'B' || rule END,
       record ->> 'currency', count(*), sum((record ->> 'amount')::numeric), 0, 0
  FROM linked
 WHERE $7::text IS NULL AND $8::text IS NULL AND $9::text IS NULL
   AND ($3::text IS NULL OR starts_with(subject, 'batch:' || $3 || '/'))
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
"""

MISMATCHES: Final = f"""
chosen AS (
    SELECT m.*, mismatch_fact_on(m.explanation, m.detected_at) AS fact_on,
           age_bucket(business_days_between(mismatch_fact_on(m.explanation, m.detected_at), $1::date)) AS age,
           abs(coalesce(m.expected_amount, 0) - coalesce(m.actual_amount, 0)) AS stake
      FROM mismatches_open_at($1::date, $2::timestamptz) m
     WHERE ($3::text IS NULL
            OR ((m.psp = $4 OR m.psp IS NULL OR $4 IS NULL) AND (
                (m.psp = $4 AND NOT jsonb_path_exists(m.explanation, '$.inputs.**.source'))
                OR jsonb_path_exists(m.explanation, '$.inputs.**.source ? (@ == $source)',
                                     jsonb_build_object('source', $3::text)))))
       AND ($7::text IS NULL OR m.merchant_id = $7) AND ($8::text IS NULL OR m.payment_id = $8)
       AND ($9::text IS NULL OR jsonb_path_exists(m.explanation, '$.inputs.** ? (@ == $invoice)',
                                                  jsonb_build_object('invoice', $9::text)))
       AND {DAYS.format(day="mismatch_fact_on(m.explanation, m.detected_at)")}
)"""

OPEN: Final = f"""
WITH {MISMATCHES}
SELECT category, severity, age, currency, count(*) AS count, sum(stake) AS at_stake
  FROM chosen GROUP BY category, severity, age, currency ORDER BY category, severity, age, currency
"""

LARGEST: Final = f"""
WITH {MISMATCHES}
SELECT id, category, severity, status, age, fact_on, merchant_id, payment_id, batch_id, currency,
       expected_amount, actual_amount
  FROM chosen ORDER BY stake DESC, id LIMIT MOST
"""

NEWS: Final = f"""
WITH {MISMATCHES},
now_open AS (SELECT id FROM chosen),
then_open AS (SELECT id FROM ({{then}}) earlier),
came AS (SELECT id FROM now_open EXCEPT SELECT id FROM then_open),
went AS (SELECT id FROM then_open EXCEPT SELECT id FROM now_open)
SELECT (SELECT count(*) FROM came) AS opened, (SELECT count(*) FROM went) AS resolved,
       (SELECT array_agg(id ORDER BY id) FROM came) AS opened_ids,
       (SELECT array_agg(id ORDER BY id) FROM went) AS resolved_ids
""".format(
    then="SELECT id FROM ("
    + MISMATCHES.strip()
    .removeprefix("chosen AS (")
    .removesuffix(")")
    .replace("$2::timestamptz", "$10::timestamptz")
    + ") chosen_then"
)

PREVIOUS: Final = """
WITH own AS (SELECT state FROM documents WHERE collection = 'run' AND id = $1 AND key = $1)
SELECT d.id AS run_id, (d.state -> 'report')::text AS report,
       d.state ->> 'schedule_id' IS NOT NULL AS scheduled
  FROM documents d
 WHERE d.collection = 'run' AND d.state ->> 'status' = 'done' AND d.id IS DISTINCT FROM $1
   AND CASE WHEN (SELECT state ->> 'schedule_id' FROM own) IS NULL
            THEN d.state ->> 'schedule_id' IS NULL AND (d.state -> 'scope')::text = $2
            ELSE d.state ->> 'schedule_id' = (SELECT state ->> 'schedule_id' FROM own) END
 ORDER BY (d.state ->> 'finished_at')::timestamptz DESC LIMIT 1
"""

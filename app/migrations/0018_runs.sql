-- Why: reconciliation runs and their schedules; closing of periods; and what the books and the mismatches were
-- as of a day. A close is a position per lane, so the day a transaction is posted on follows from its offset: no
-- column has to be written on the hot path, and a closed period cannot change.

CREATE TABLE runs PARTITION OF documents FOR VALUES IN ('run');
COMMENT ON TABLE runs IS 'reconciliation runs with their reports; id is the run''s';
-- Lists, newest first.
CREATE INDEX runs_requested ON runs ((state ->> 'requested_at'), id);

CREATE TABLE schedules PARTITION OF documents FOR VALUES IN ('schedule');
COMMENT ON TABLE schedules IS 'when reconciliation runs start by themselves';

CREATE TABLE period_closes PARTITION OF documents FOR VALUES IN ('period_close');
COMMENT ON TABLE period_closes IS 'per lane partition (key) and last closed day (id): the offset of the close';
CREATE TRIGGER period_closes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON period_closes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE period_closes ENABLE ALWAYS TRIGGER period_closes_append_only;

-- What a lane posts at `since` or behind it is on `first_day` at the earliest.
CREATE VIEW open_since AS
SELECT c.topic, c.partition, (c.state ->> 'offset')::bigint + 1 AS since, c.id::date + 1 AS first_day
  FROM documents c WHERE c.collection = 'period_close';

-- The books as they are closed and exported: every transaction with the day it is posted on.
CREATE VIEW ledger_journal AS
SELECT t.id, t.kind, t.merchant_id, t.payment_id, t.occurred_at, t.recorded_at, t.source_topic,
       t.source_partition, t.source_offset, t.reverses, t.number,
       greatest((t.occurred_at AT TIME ZONE 'UTC')::date,
                (SELECT max(o.first_day) FROM open_since o
                  WHERE o.topic = t.source_topic AND o.partition = t.source_partition
                    AND o.since <= t.source_offset)) AS posted_on
  FROM ledger_transactions t;
COMMENT ON VIEW ledger_journal IS
    'transactions and the day each is posted on: its own (UTC), or the first open one where that was closed';

CREATE TABLE period_seals (
    through date NOT NULL,
    account text COLLATE "C" NOT NULL, -- the part before the colon
    currency text COLLATE "C" NOT NULL,
    debit numeric NOT NULL,  -- sums of entries posted up to `through`, minor units
    credit numeric NOT NULL,
    entries bigint NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (through, account, currency)
);
COMMENT ON TABLE period_seals IS
    'the trial balance of a closed period as it was sealed once every lane had closed; verify compares it';
CREATE TRIGGER period_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON period_seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE period_seals ENABLE ALWAYS TRIGGER period_seals_append_only;

INSERT INTO account_kinds (prefix, normal_side) VALUES ('opening', 'credit');

-- The day that a mismatch's own facts name: the last booking or value date, else the object's date.
CREATE FUNCTION mismatch_fact_on(p_explanation jsonb, p_detected_at timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(
        (SELECT max(v #>> '{}')::date
           FROM jsonb_path_query(p_explanation, 'strict $.inputs.**.booked_on ? (@.type() == "string")',
                                 silent => true) v),
        (SELECT max(v #>> '{}')::date
           FROM jsonb_path_query(p_explanation, 'strict $.inputs.**.value_date ? (@.type() == "string")',
                                 silent => true) v),
        (SELECT max((v #>> '{}')::timestamptz AT TIME ZONE 'UTC')::date
           FROM jsonb_path_query(p_explanation, 'strict $.inputs.**.occurred_at ? (@.type() == "string")',
                                 silent => true) v),
        (p_detected_at AT TIME ZONE 'UTC')::date)
$$;

-- Business days (Monday to Friday) after `p_from` up to `p_to`; 0 where `p_to` is not later.
CREATE FUNCTION business_days_between(p_from date, p_to date) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(0, (5 * ((p_to - DATE '2001-01-01') / 7) + least((p_to - DATE '2001-01-01') % 7, 4))
                     - (5 * ((p_from - DATE '2001-01-01') / 7) + least((p_from - DATE '2001-01-01') % 7, 4)))
$$;

CREATE FUNCTION age_bucket(p_days integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_days <= 1 THEN '0-1' WHEN p_days <= 3 THEN '2-3' WHEN p_days <= 7 THEN '4-7'
                WHEN p_days <= 30 THEN '8-30' WHEN p_days <= 90 THEN '31-90' ELSE '>90' END
$$;

-- What was open: of facts up to the day `p_as_of` (null: all), as it was known at `p_known_at` (null: now).
-- Severity, amounts and people's work are the row's own, as they are now.
CREATE FUNCTION mismatches_open_at(p_as_of date, p_known_at timestamptz) RETURNS SETOF mismatches
LANGUAGE sql STABLE AS $$
    SELECT m.* FROM mismatches m
     WHERE (p_as_of IS NULL OR mismatch_fact_on(m.explanation, m.detected_at) <= p_as_of)
       AND CASE WHEN p_known_at IS NULL
           THEN m.status IN ('open', 'assigned', 'investigating', 'pending_approval')
           ELSE (coalesce((m.state ->> 'opened_at')::timestamptz, m.detected_at) <= p_known_at
                 AND (m.status IN ('open', 'assigned', 'investigating', 'pending_approval')
                      OR coalesce((m.state ->> 'closed_at')::timestamptz, m.detected_at) > p_known_at))
             OR EXISTS (SELECT FROM json_array_elements(coalesce(m.state -> 'spells', '[]'::json)) s
                         WHERE (s ->> 0)::timestamptz <= p_known_at AND (s ->> 1)::timestamptz > p_known_at)
           END
$$;

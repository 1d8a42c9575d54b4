-- Why: what leaves the program (calls to PSPs, merchants' webhooks) is asked for by records and kept here until
-- it is done or given up; and a request that was refused says why to whoever asks again.

ALTER TABLE record_keys ADD COLUMN reason text;
COMMENT ON COLUMN record_keys.reason IS 'of a refused record: `code: detail`';

CREATE TABLE effects (
    target text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL, -- of the request: the order of a target's effects
    kind text NOT NULL,
    object text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    status text NOT NULL,
    attempts integer NOT NULL,
    reason text,
    created_at timestamptz NOT NULL,
    next_at timestamptz, -- of the next attempt, while waiting
    deadline_at timestamptz NOT NULL,
    state json NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (id, target)
);
-- The executor asks for what changed since it last looked; versions of a partition only grow.
CREATE INDEX effects_open ON effects (partition, version) WHERE status IN ('ready', 'waiting');
-- What was asked of one target, in order: lists, and the executor's window.
CREATE INDEX effects_of_target ON effects (target, "offset");
-- What was given up, for people.
CREATE INDEX effects_dead ON effects (created_at) WHERE status = 'dead';
COMMENT ON TABLE effects IS 'everything asked of the outside, with its attempts; done by the executor';

ALTER TYPE key_write ADD ATTRIBUTE reason text;
CREATE TYPE effect_write AS (
    target text, id text, "offset" bigint, kind text, object text, seq bigint, status text, attempts integer,
    reason text, created_at timestamptz, next_at timestamptz, deadline_at timestamptz, state json,
    version bigint, seen bigint);

CREATE FUNCTION apply_effects(p_partition integer, p_effects effect_write[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    r effect_write;
BEGIN
    INSERT INTO effects (target, id, partition, "offset", kind, object, seq, status, attempts, reason,
           created_at, next_at, deadline_at, state, version)
    SELECT n.target, n.id, p_partition, n."offset", n.kind, n.object, n.seq, n.status, n.attempts, n.reason,
           n.created_at, n.next_at, n.deadline_at, n.state, n.version
      FROM unnest(p_effects) n WHERE n.seen IS NULL;
    FOREACH r IN ARRAY p_effects LOOP
        CONTINUE WHEN r.seen IS NULL;
        UPDATE effects t SET status = r.status, attempts = r.attempts, reason = r.reason,
               next_at = r.next_at, deadline_at = r.deadline_at, state = r.state, version = r.version
         WHERE t.id = r.id AND t.target = r.target AND t.version = r.seen;
        IF NOT FOUND THEN PERFORM refuse_stale('effect'); END IF;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION read_row(
    p_topic text, p_partition integer, p_kind text, a text, b text, c text,
    OUT state text, OUT version bigint
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    CASE p_kind
    WHEN 'platform' THEN SELECT t.state, t.version INTO state, version FROM platform t
        WHERE t.topic = p_topic AND t.partition = p_partition;
    WHEN 'merchant' THEN SELECT t.state, t.version INTO state, version FROM merchants t
        WHERE t.merchant_id = a;
    WHEN 'payment' THEN SELECT t.state, t.version INTO state, version FROM payments t
        WHERE t.merchant_id = a AND t.id = b;
    WHEN 'payout' THEN SELECT t.state, t.version INTO state, version FROM payouts t
        WHERE t.merchant_id = a AND t.id = b;
    WHEN 'account' THEN SELECT t.balance, t.version INTO state, version FROM accounts t
        WHERE t.account = a AND t.currency = b AND t.lane = p_topic || ':' || p_partition;
    WHEN 'claim' THEN SELECT t.value, t.version INTO state, version FROM claims t
        WHERE t.topic = p_topic AND t.key = a AND t.claim = b;
    WHEN 'parked' THEN SELECT t.state, t.version INTO state, version FROM parked t
        WHERE t.topic = p_topic AND t.key = a AND t.subject = b;
    WHEN 'timer' THEN SELECT t.record, t.version INTO state, version FROM timers t
        WHERE t.topic = p_topic AND t.key = a AND t.kind = b AND t.subject = c;
    WHEN 'item' THEN SELECT t.state, t.version INTO state, version FROM items t
        WHERE t.psp = a AND t.identity = b AND t.kind = c;
    WHEN 'mismatch' THEN SELECT t.state, t.version INTO state, version FROM mismatches t
        WHERE t.id = a;
    WHEN 'effect' THEN SELECT t.state, t.version INTO state, version FROM effects t
        WHERE t.target = a AND t.id = b;
    END CASE;
END $$;

-- As in 0006 and 0007, with effects and reasons: a function with other arguments is another one.
DROP FUNCTION apply_batch;
DROP FUNCTION load_rows;

CREATE FUNCTION apply_batch(
    p_topic text, p_partition integer, p_first bigint, p_next bigint, p_counts integer[],
    p_keys key_write[], p_dead_letters dead_letter_write[], p_gone row_gone[], p_reads row_read[],
    p_platform platform_write[], p_merchants merchant_write[], p_payments payment_write[],
    p_payouts payout_write[], p_accounts account_write[], p_claims claim_write[], p_parked parked_write[],
    p_timers timer_write[], p_items item_write[], p_mismatches mismatch_write[],
    p_effects effect_write[],
    p_transactions transaction_write[], p_entries entry_write[], p_outbox bytea
) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    UPDATE positions SET next_offset = p_next, updated_at = clock_timestamp()
     WHERE topic = p_topic AND partition = p_partition AND next_offset = p_first AND halted_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'position of %:% is not % or it is halted', p_topic, p_partition, p_first
            USING ERRCODE = 'TS001';
    END IF;
    INSERT INTO batches VALUES (p_topic, p_partition, p_first, p_next - 1,
        p_counts[1] + p_counts[2] + p_counts[3] + p_counts[4] + p_counts[5] + p_counts[6] + p_counts[7],
        p_counts[1], p_counts[2], p_counts[3], p_counts[4], p_counts[5], p_counts[6], p_counts[7]);
    IF cardinality(p_reads) > 0 THEN PERFORM check_reads(p_topic, p_partition, p_reads); END IF;
    IF cardinality(p_keys) > 0 THEN
        INSERT INTO record_keys (topic, partition, "offset", key, id, content_hash, outcome, reason)
        SELECT p_topic, p_partition, n."offset", n.key, n.id, n.content_hash, n.outcome, n.reason
          FROM unnest(p_keys) n;
    END IF;
    IF cardinality(p_dead_letters) > 0 THEN
        INSERT INTO dead_letters (topic, partition, "offset", reason, payload, key)
        SELECT p_topic, p_partition, n."offset", n.reason, n.payload, n.key FROM unnest(p_dead_letters) n;
    END IF;
    IF cardinality(p_platform) + cardinality(p_merchants) > 0 THEN
        PERFORM apply_configuration(p_topic, p_partition, p_platform, p_merchants);
    END IF;
    IF cardinality(p_accounts) > 0 THEN
        PERFORM apply_accounts(p_topic || ':' || p_partition, p_accounts);
    END IF;
    IF cardinality(p_payments) > 0 THEN PERFORM apply_payments(p_payments); END IF;
    IF cardinality(p_payouts) > 0 THEN PERFORM apply_payouts(p_payouts); END IF;
    IF cardinality(p_claims) > 0 THEN PERFORM apply_claims(p_topic, p_partition, p_claims); END IF;
    IF cardinality(p_parked) > 0 THEN PERFORM apply_parked(p_topic, p_partition, p_parked); END IF;
    IF cardinality(p_timers) > 0 THEN PERFORM apply_timers(p_topic, p_partition, p_timers); END IF;
    IF cardinality(p_items) > 0 THEN PERFORM apply_items(p_items); END IF;
    IF cardinality(p_mismatches) > 0 THEN PERFORM apply_mismatches(p_mismatches); END IF;
    IF cardinality(p_effects) > 0 THEN PERFORM apply_effects(p_partition, p_effects); END IF;
    IF cardinality(p_gone) > 0 THEN PERFORM apply_gone(p_topic, p_gone); END IF;
    IF cardinality(p_transactions) > 0 THEN
        INSERT INTO ledger_transactions (id, kind, merchant_id, payment_id, occurred_at, recorded_at,
               source_topic, source_partition, source_offset, reverses)
        SELECT n.id, n.kind, n.merchant_id, n.payment_id, n.occurred_at, n.recorded_at,
               p_topic, p_partition, n.source_offset, n.reverses FROM unnest(p_transactions) n;
        INSERT INTO ledger_entries (transaction_id, seq, account, direction, amount, currency, balance_after)
        SELECT n.transaction_id, n.seq, n.account, n.direction, n.amount, n.currency, n.balance_after
          FROM unnest(p_entries) n;
    END IF;
    IF p_outbox <> '' THEN
        INSERT INTO outbox (topic, partition, first_offset, payload)
        VALUES (p_topic, p_partition, p_first, p_outbox);
    END IF;
END $$;

CREATE FUNCTION load_rows(
    p_topic text, p_partition integer, p_platform boolean,
    p_merchants text[],
    p_payment_merchants text[], p_payments text[],
    p_payout_merchants text[], p_payouts text[],
    p_accounts text[], p_currencies text[],
    p_claim_keys text[], p_claims text[],
    p_parked_keys text[], p_parked text[],
    p_timer_keys text[], p_timer_kinds text[], p_timers text[],
    p_item_psps text[], p_items text[], p_item_kinds text[],
    p_mismatches text[],
    p_effect_targets text[], p_effects text[]
) RETURNS TABLE (kind text, i bigint, state text, number bigint, version bigint) LANGUAGE plpgsql STABLE
ROWS 1000
-- Each row by its whole key, as in 0006: OFFSET 0 keeps the planner from turning the join around.
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF p_platform THEN RETURN QUERY
        SELECT 'platform', 1::bigint, t.state::text, NULL::bigint, t.version FROM platform t
         WHERE t.topic = p_topic AND t.partition = p_partition;
    END IF;
    IF cardinality(p_merchants) > 0 THEN RETURN QUERY
        SELECT 'merchant', r.i, t.state::text, NULL::bigint, t.version
          FROM unnest(p_merchants) WITH ORDINALITY r(a, i)
         CROSS JOIN LATERAL (SELECT * FROM merchants t WHERE t.merchant_id = r.a OFFSET 0) t;
    END IF;
    IF cardinality(p_payments) > 0 THEN RETURN QUERY
        SELECT 'payment', r.i, t.state::text, NULL::bigint, t.version
          FROM unnest(p_payment_merchants, p_payments) WITH ORDINALITY r(a, b, i)
         CROSS JOIN LATERAL (
               SELECT * FROM payments t WHERE t.id = r.b AND t.merchant_id = r.a OFFSET 0) t;
    END IF;
    IF cardinality(p_payouts) > 0 THEN RETURN QUERY
        SELECT 'payout', r.i, t.state::text, NULL::bigint, t.version
          FROM unnest(p_payout_merchants, p_payouts) WITH ORDINALITY r(a, b, i)
         CROSS JOIN LATERAL (
               SELECT * FROM payouts t WHERE t.id = r.b AND t.merchant_id = r.a OFFSET 0) t;
    END IF;
    IF cardinality(p_accounts) > 0 THEN RETURN QUERY
        SELECT 'account', r.i, NULL::text, t.balance, t.version
          FROM unnest(p_accounts, p_currencies) WITH ORDINALITY r(a, b, i)
         CROSS JOIN LATERAL (
               SELECT * FROM accounts t WHERE t.account = r.a AND t.currency = r.b AND t.lane = p_topic || ':' || p_partition OFFSET 0) t;
    END IF;
    IF cardinality(p_claims) > 0 THEN RETURN QUERY
        SELECT 'claim', r.i, t.value, NULL::bigint, t.version
          FROM unnest(p_claim_keys, p_claims) WITH ORDINALITY r(a, b, i)
         CROSS JOIN LATERAL (
               SELECT * FROM claims t WHERE t.claim = r.b AND t.key = r.a AND t.topic = p_topic OFFSET 0) t;
    END IF;
    IF cardinality(p_parked) > 0 THEN RETURN QUERY
        SELECT 'parked', r.i, t.state::text, NULL::bigint, t.version
          FROM unnest(p_parked_keys, p_parked) WITH ORDINALITY r(a, b, i)
         CROSS JOIN LATERAL (
               SELECT * FROM parked t WHERE t.subject = r.b AND t.key = r.a AND t.topic = p_topic OFFSET 0) t;
    END IF;
    IF cardinality(p_timers) > 0 THEN RETURN QUERY
        SELECT 'timer', r.i, t.record, (extract(epoch FROM t.due_at) * 1000)::bigint, t.version
          FROM unnest(p_timer_keys, p_timer_kinds, p_timers) WITH ORDINALITY r(a, b, c, i)
         CROSS JOIN LATERAL (
               SELECT * FROM timers t WHERE t.subject = r.c AND t.key = r.a AND t.kind = r.b AND t.topic = p_topic OFFSET 0) t;
    END IF;
    IF cardinality(p_items) > 0 THEN RETURN QUERY
        SELECT 'item', r.i, t.state::text, NULL::bigint, t.version
          FROM unnest(p_item_psps, p_items, p_item_kinds) WITH ORDINALITY r(a, b, c, i)
         CROSS JOIN LATERAL (
               SELECT * FROM items t WHERE t.identity = r.b AND t.kind = r.c AND t.psp = r.a OFFSET 0) t;
    END IF;
    IF cardinality(p_mismatches) > 0 THEN RETURN QUERY
        SELECT 'mismatch', r.i, t.state::text, NULL::bigint, t.version
          FROM unnest(p_mismatches) WITH ORDINALITY r(a, i)
         CROSS JOIN LATERAL (SELECT * FROM mismatches t WHERE t.id = r.a OFFSET 0) t;
    END IF;
    IF cardinality(p_effects) > 0 THEN RETURN QUERY
        SELECT 'effect', r.i, t.state::text, NULL::bigint, t.version
          FROM unnest(p_effect_targets, p_effects) WITH ORDINALITY r(a, b, i)
         CROSS JOIN LATERAL (SELECT * FROM effects t WHERE t.id = r.b AND t.target = r.a OFFSET 0) t;
    END IF;
END $$;

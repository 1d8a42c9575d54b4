-- Why: what a lane asks beside its commit, each in one round trip whatever kinds of rows it is about.

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
    p_mismatches text[]
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
END $$;

CREATE FUNCTION known_ids(p_topic text, p_keys text[], p_ids text[])
RETURNS TABLE (i bigint, content_hash bytea) LANGUAGE plpgsql STABLE ROWS 1000
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
        SELECT r.i, t.content_hash FROM unnest(p_keys, p_ids) WITH ORDINALITY r(a, b, i)
         CROSS JOIN LATERAL (
               SELECT * FROM record_keys t WHERE t.id = r.b AND t.key = r.a AND t.topic = p_topic OFFSET 0) t;
END $$;

-- Losing these two on a crash costs a repeat that consumers drop; waiting for the disk would cost each batch.
CREATE FUNCTION outbox_done(p_topic text, p_partition integer, p_first_offsets bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    DELETE FROM outbox
     WHERE topic = p_topic AND partition = p_partition AND first_offset = ANY (p_first_offsets);
END $$;

CREATE FUNCTION take_due_timers(
    p_topics text[], p_partitions integer[], p_now timestamptz, p_limit integer, p_refire interval
) RETURNS TABLE (topic text, partition integer, key text, kind text, subject text, due_at timestamptz,
                 record text) LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    FOR topic, partition, key, kind, subject, due_at, record IN
        SELECT d.topic, d.partition, d.key, d.kind, d.subject, d.due_at, d.record
          FROM unnest(p_topics, p_partitions) r(a, b)
         CROSS JOIN LATERAL (
               SELECT t.topic, t.partition, t.key, t.kind, t.subject, t.due_at, t.record FROM timers t
                WHERE t.topic || ':' || t.partition::text = r.a || ':' || r.b::text AND t.due_at <= p_now
                  AND (t.fired_at IS NULL OR t.fired_at <= p_now - p_refire)
                -- A row in another's hands is being moved or deleted: never wait for it.
                ORDER BY t.due_at LIMIT p_limit FOR UPDATE SKIP LOCKED) d
         ORDER BY d.due_at, d.topic, d.partition, d.key, d.subject LIMIT p_limit
    LOOP
        UPDATE timers t SET fired_at = p_now
         WHERE t.subject = take_due_timers.subject AND t.key = take_due_timers.key
           AND t.kind = take_due_timers.kind AND t.topic = take_due_timers.topic;
        RETURN NEXT;
    END LOOP;
END $$;

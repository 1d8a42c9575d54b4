-- Why: the commit itself; 0004 says how it is meant.
--
-- Plans are made once per session, often while the tables are still empty: then any plan looks good, and one
-- that walks a whole index per row would be kept. So `apply_batch` (and what it calls) may only look rows up
-- by key, one by one.

CREATE FUNCTION apply_subjects(
    p_topic text, p_partition integer, p_platform platform_write[], p_merchants merchant_write[],
    p_payouts payout_write[], p_parked parked_write[], p_items item_write[], p_mismatches mismatch_write[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    added integer;
    changed integer;
    now_ms bigint := extract(epoch FROM clock_timestamp()) * 1000;
BEGIN
    IF cardinality(p_platform) > 0 THEN
        INSERT INTO platform (topic, partition, state, version)
        SELECT p_topic, p_partition, r.state, r.version FROM unnest(p_platform) r WHERE r.seen IS NULL;
        GET DIAGNOSTICS added = ROW_COUNT;
        UPDATE platform t SET state = r.state, version = r.version FROM unnest(p_platform) r
         WHERE t.topic = p_topic AND t.partition = p_partition AND t.version = r.seen;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF added + changed <> cardinality(p_platform) THEN PERFORM refuse_stale('platform'); END IF;
    END IF;
    IF cardinality(p_merchants) > 0 THEN
        INSERT INTO merchants (merchant_id, name, configured, settlement_currency, negative_limit, state, version)
        SELECT r.merchant_id, r.name, r.configured, r.settlement_currency, r.negative_limit, r.state, r.version
          FROM unnest(p_merchants) r WHERE r.seen IS NULL;
        GET DIAGNOSTICS added = ROW_COUNT;
        UPDATE merchants t SET name = r.name, configured = r.configured,
               settlement_currency = r.settlement_currency, negative_limit = r.negative_limit,
               state = r.state, version = r.version
          FROM unnest(p_merchants) r WHERE t.merchant_id = r.merchant_id AND t.version = r.seen;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF added + changed <> cardinality(p_merchants) THEN PERFORM refuse_stale('merchants'); END IF;
    END IF;
    IF cardinality(p_payouts) > 0 THEN
        INSERT INTO payouts (merchant_id, id, status, amount, currency, bank_fee, psp_payout_id, state, version)
        SELECT r.merchant_id, r.id, r.status, r.amount, r.currency, r.bank_fee, r.psp_payout_id, r.state,
               r.version
          FROM unnest(p_payouts) r WHERE r.seen IS NULL;
        GET DIAGNOSTICS added = ROW_COUNT;
        UPDATE payouts t SET status = r.status, amount = r.amount, currency = r.currency,
               bank_fee = r.bank_fee, psp_payout_id = r.psp_payout_id, state = r.state, version = r.version
          FROM unnest(p_payouts) r
         WHERE t.id = r.id AND t.merchant_id = r.merchant_id AND t.version = r.seen;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF added + changed <> cardinality(p_payouts) THEN PERFORM refuse_stale('payouts'); END IF;
    END IF;
    IF cardinality(p_parked) > 0 THEN
        INSERT INTO parked (topic, partition, key, subject, records, state, version)
        SELECT p_topic, p_partition, r.key, r.subject, r.records, r.state, r.version
          FROM unnest(p_parked) r WHERE r.seen IS NULL;
        GET DIAGNOSTICS added = ROW_COUNT;
        UPDATE parked t SET records = r.records, state = r.state, version = r.version
          FROM unnest(p_parked) r
         WHERE t.subject = r.subject AND t.key = r.key AND t.topic = p_topic AND t.version = r.seen;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF added + changed <> cardinality(p_parked) THEN PERFORM refuse_stale('parked'); END IF;
    END IF;
    IF cardinality(p_items) > 0 THEN
        INSERT INTO items (psp, identity, kind, merchant_id, payment_id, currency, expected_gross, lines,
                           lines_gross, state, version)
        SELECT r.psp, r.identity, r.kind, r.merchant_id, r.payment_id, r.currency, r.expected_gross, r.lines,
               r.lines_gross, r.state, r.version
          FROM unnest(p_items) r WHERE r.seen IS NULL;
        GET DIAGNOSTICS added = ROW_COUNT;
        UPDATE items t SET merchant_id = r.merchant_id, payment_id = r.payment_id, currency = r.currency,
               expected_gross = r.expected_gross, lines = r.lines, lines_gross = r.lines_gross,
               state = r.state, version = r.version
          FROM unnest(p_items) r
         WHERE t.identity = r.identity AND t.kind = r.kind AND t.psp = r.psp AND t.version = r.seen;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF added + changed <> cardinality(p_items) THEN PERFORM refuse_stale('items'); END IF;
    END IF;
    IF cardinality(p_mismatches) > 0 THEN
        INSERT INTO mismatches (id, leg, category, severity, status, merchant_id, psp, payment_id, batch_id,
               currency, expected_amount, actual_amount, detected_at, detected_after_ms, due_at, explanation,
               owner_topic, owner_key, state, version)
        SELECT r.id, r.leg, r.category, r.severity, r.status, r.merchant_id, r.psp, r.payment_id, r.batch_id,
               r.currency, r.expected_amount, r.actual_amount, r.detected_at,
               greatest(now_ms - r.append_ms, 0), r.due_at, r.explanation, r.owner_topic, r.owner_key,
               r.state, r.version
          FROM unnest(p_mismatches) r WHERE r.seen IS NULL;
        GET DIAGNOSTICS added = ROW_COUNT;
        -- Opened again: detected anew. Otherwise the first detection stands.
        UPDATE mismatches t SET severity = r.severity, status = r.status, currency = r.currency,
               expected_amount = r.expected_amount, actual_amount = r.actual_amount,
               detected_after_ms = CASE WHEN t.detected_at = r.detected_at THEN t.detected_after_ms
                                        ELSE greatest(now_ms - r.append_ms, 0) END,
               detected_at = r.detected_at, due_at = r.due_at, explanation = r.explanation,
               merchant_id = r.merchant_id, psp = r.psp, payment_id = r.payment_id, batch_id = r.batch_id,
               state = r.state, version = r.version
          FROM unnest(p_mismatches) r WHERE t.id = r.id AND t.version = r.seen;
        GET DIAGNOSTICS changed = ROW_COUNT;
        IF added + changed <> cardinality(p_mismatches) THEN PERFORM refuse_stale('mismatches'); END IF;
    END IF;
END $$;

CREATE FUNCTION apply_timers(p_topic text, p_partition integer, p_timers timer_write[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    added integer;
    changed integer;
    blind integer;
BEGIN
    INSERT INTO timers (topic, partition, key, kind, subject, due_at, record, version)
    SELECT p_topic, p_partition, r.key, r.kind, r.subject, r.due_at, r.record, r.version
      FROM unnest(p_timers) r WHERE r.seen IS NULL;
    GET DIAGNOSTICS added = ROW_COUNT;
    INSERT INTO timers (topic, partition, key, kind, subject, due_at, record, version)
    SELECT p_topic, p_partition, r.key, r.kind, r.subject, r.due_at, r.record, r.version
      FROM unnest(p_timers) r WHERE r.seen = -1
        ON CONFLICT (subject, key, kind, topic) DO UPDATE
       SET due_at = excluded.due_at, record = excluded.record, version = excluded.version,
           partition = excluded.partition, fired_at = NULL;
    GET DIAGNOSTICS blind = ROW_COUNT;
    UPDATE timers t SET due_at = r.due_at, record = r.record, version = r.version, fired_at = NULL
      FROM unnest(p_timers) r
     WHERE t.subject = r.subject AND t.key = r.key AND t.kind = r.kind AND t.topic = p_topic
       AND t.version = r.seen;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF added + blind + changed <> cardinality(p_timers) THEN PERFORM refuse_stale('timers'); END IF;
END $$;

CREATE FUNCTION apply_batch(
    p_topic text, p_partition integer, p_first bigint, p_next bigint, p_counts integer[],
    p_keys key_write[], p_dead_letters dead_letter_write[], p_gone row_gone[], p_reads row_read[],
    p_platform platform_write[], p_merchants merchant_write[], p_payments payment_write[],
    p_payouts payout_write[], p_accounts account_write[], p_claims claim_write[], p_parked parked_write[],
    p_timers timer_write[], p_items item_write[], p_mismatches mismatch_write[],
    p_transactions transaction_write[], p_entries entry_write[], p_outbox bytea
) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_material = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    own_lane text := p_topic || ':' || p_partition;
    added integer;
    changed integer;
BEGIN
    UPDATE positions SET next_offset = p_next, updated_at = clock_timestamp()
     WHERE topic = p_topic AND partition = p_partition AND next_offset = p_first AND halted_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'position of % is not % or it is halted', own_lane, p_first USING ERRCODE = 'TS001';
    END IF;
    INSERT INTO batches VALUES (p_topic, p_partition, p_first, p_next - 1,
        p_counts[1] + p_counts[2] + p_counts[3] + p_counts[4] + p_counts[5] + p_counts[6] + p_counts[7],
        p_counts[1], p_counts[2], p_counts[3], p_counts[4], p_counts[5], p_counts[6], p_counts[7]);
    IF cardinality(p_reads) > 0 THEN PERFORM check_reads(p_topic, p_partition, p_reads); END IF;
    INSERT INTO record_keys (topic, partition, "offset", key, id, content_hash, outcome)
    SELECT p_topic, p_partition, r."offset", r.key, r.id, r.content_hash, r.outcome FROM unnest(p_keys) r;
    IF cardinality(p_dead_letters) > 0 THEN
        INSERT INTO dead_letters (topic, partition, "offset", reason, payload, key)
        SELECT p_topic, p_partition, r."offset", r.reason, r.payload, r.key FROM unnest(p_dead_letters) r;
    END IF;
    IF cardinality(p_accounts) > 0 THEN
        UPDATE accounts t SET balance = r.balance, version = r.version FROM unnest(p_accounts) r
         WHERE t.account = r.account AND t.currency = r.currency AND t.lane = own_lane AND t.version = r.seen;
        GET DIAGNOSTICS changed = ROW_COUNT;
        INSERT INTO accounts (account, currency, lane, balance, version)
        SELECT r.account, r.currency, own_lane, r.balance, r.version
          FROM unnest(p_accounts) r WHERE r.seen IS NULL;
        GET DIAGNOSTICS added = ROW_COUNT;
        IF added + changed <> cardinality(p_accounts) THEN PERFORM refuse_stale('accounts'); END IF;
    END IF;
    IF cardinality(p_payments) > 0 THEN
        INSERT INTO payments (merchant_id, id, status, dispute_status, settlement_status, amount,
               captured_amount, refunded_amount, disputed_amount, currency, psp, psp_payment_id, flags, state,
               version)
        SELECT r.merchant_id, r.id, r.status, r.dispute_status, r.settlement_status, r.amount,
               r.captured_amount, r.refunded_amount, r.disputed_amount, r.currency, r.psp, r.psp_payment_id,
               r.flags, r.state, r.version
          FROM unnest(p_payments) r WHERE r.seen IS NULL;
        GET DIAGNOSTICS added = ROW_COUNT;
        IF added < cardinality(p_payments) THEN
            UPDATE payments t SET status = r.status, dispute_status = r.dispute_status,
                   settlement_status = r.settlement_status, amount = r.amount,
                   captured_amount = r.captured_amount, refunded_amount = r.refunded_amount,
                   disputed_amount = r.disputed_amount, currency = r.currency, psp = r.psp,
                   psp_payment_id = r.psp_payment_id, flags = r.flags, state = r.state, version = r.version
              FROM unnest(p_payments) r
             WHERE t.id = r.id AND t.merchant_id = r.merchant_id AND t.version = r.seen;
            GET DIAGNOSTICS changed = ROW_COUNT;
            IF added + changed <> cardinality(p_payments) THEN PERFORM refuse_stale('payments'); END IF;
        END IF;
    END IF;
    IF cardinality(p_claims) > 0 THEN
        INSERT INTO claims (topic, partition, key, claim, value, version)
        SELECT p_topic, p_partition, r.key, r.claim, r.value, r.version
          FROM unnest(p_claims) r WHERE r.seen IS NULL;
        GET DIAGNOSTICS added = ROW_COUNT;
        IF added < cardinality(p_claims) THEN
            UPDATE claims t SET value = r.value, version = r.version FROM unnest(p_claims) r
             WHERE t.claim = r.claim AND t.key = r.key AND t.topic = p_topic AND t.version = r.seen;
            GET DIAGNOSTICS changed = ROW_COUNT;
            IF added + changed <> cardinality(p_claims) THEN PERFORM refuse_stale('claims'); END IF;
        END IF;
    END IF;
    IF cardinality(p_gone) > 0 THEN PERFORM apply_gone(p_topic, p_gone); END IF;
    IF cardinality(p_timers) > 0 THEN PERFORM apply_timers(p_topic, p_partition, p_timers); END IF;
    PERFORM apply_subjects(p_topic, p_partition, p_platform, p_merchants, p_payouts, p_parked, p_items,
                           p_mismatches);
    IF cardinality(p_transactions) > 0 THEN
        INSERT INTO ledger_transactions (id, kind, merchant_id, payment_id, occurred_at, recorded_at,
               source_topic, source_partition, source_offset, reverses)
        SELECT r.id, r.kind, r.merchant_id, r.payment_id, r.occurred_at, r.recorded_at,
               p_topic, p_partition, r.source_offset, r.reverses FROM unnest(p_transactions) r;
        INSERT INTO ledger_entries (transaction_id, seq, account, direction, amount, currency, balance_after)
        SELECT r.transaction_id, r.seq, r.account, r.direction, r.amount, r.currency, r.balance_after
          FROM unnest(p_entries) r;
    END IF;
    IF p_outbox <> '' THEN
        INSERT INTO outbox (topic, partition, first_offset, payload)
        VALUES (p_topic, p_partition, p_first, p_outbox);
    END IF;
END $$;

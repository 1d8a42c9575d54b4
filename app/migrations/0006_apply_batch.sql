-- Why: the commit itself; 0004 says how it is meant.
--
-- Plans are made once per session, often while the tables are still empty or tiny: then any plan looks good,
-- and one that walks a whole index per row would be kept. So nothing here leaves the planner a choice: new
-- rows are inserted as sets, and a row to change is looked up by its whole primary key, one by one.

CREATE FUNCTION apply_configuration(
    p_topic text, p_partition integer, p_platform platform_write[], p_merchants merchant_write[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p platform_write;
    m merchant_write;
BEGIN
    FOREACH p IN ARRAY p_platform LOOP
        IF p.seen IS NULL THEN
            INSERT INTO platform (topic, partition, state, version)
            VALUES (p_topic, p_partition, p.state, p.version);
        ELSE
            UPDATE platform t SET state = p.state, version = p.version
             WHERE t.topic = p_topic AND t.partition = p_partition AND t.version = p.seen;
            IF NOT FOUND THEN PERFORM refuse_stale('platform'); END IF;
        END IF;
    END LOOP;
    FOREACH m IN ARRAY p_merchants LOOP
        IF m.seen IS NULL THEN
            INSERT INTO merchants (merchant_id, name, configured, settlement_currency, negative_limit, state,
                                   version)
            VALUES (m.merchant_id, m.name, m.configured, m.settlement_currency, m.negative_limit, m.state,
                    m.version);
        ELSE
            UPDATE merchants t SET name = m.name, configured = m.configured,
                   settlement_currency = m.settlement_currency, negative_limit = m.negative_limit,
                   state = m.state, version = m.version
             WHERE t.merchant_id = m.merchant_id AND t.version = m.seen;
            IF NOT FOUND THEN PERFORM refuse_stale('merchant'); END IF;
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION apply_accounts(p_lane text, p_accounts account_write[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r account_write;
BEGIN
    INSERT INTO accounts (account, currency, lane, balance, version)
    SELECT n.account, n.currency, p_lane, n.balance, n.version FROM unnest(p_accounts) n WHERE n.seen IS NULL;
    FOREACH r IN ARRAY p_accounts LOOP
        CONTINUE WHEN r.seen IS NULL;
        UPDATE accounts t SET balance = r.balance, version = r.version
         WHERE t.account = r.account AND t.currency = r.currency AND t.lane = p_lane AND t.version = r.seen;
        IF NOT FOUND THEN PERFORM refuse_stale('account'); END IF;
    END LOOP;
END $$;

CREATE FUNCTION apply_payments(p_payments payment_write[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    added integer;
    r payment_write;
BEGIN
    INSERT INTO payments (merchant_id, id, status, dispute_status, settlement_status, amount, captured_amount,
           refunded_amount, disputed_amount, currency, psp, psp_payment_id, flags, state, version)
    SELECT n.merchant_id, n.id, n.status, n.dispute_status, n.settlement_status, n.amount, n.captured_amount,
           n.refunded_amount, n.disputed_amount, n.currency, n.psp, n.psp_payment_id, n.flags, n.state,
           n.version
      FROM unnest(p_payments) n WHERE n.seen IS NULL;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added = cardinality(p_payments) THEN RETURN; END IF;
    FOREACH r IN ARRAY p_payments LOOP
        CONTINUE WHEN r.seen IS NULL;
        UPDATE payments t SET status = r.status, dispute_status = r.dispute_status,
               settlement_status = r.settlement_status, amount = r.amount,
               captured_amount = r.captured_amount, refunded_amount = r.refunded_amount,
               disputed_amount = r.disputed_amount, currency = r.currency, psp = r.psp,
               psp_payment_id = r.psp_payment_id, flags = r.flags, state = r.state, version = r.version
         WHERE t.id = r.id AND t.merchant_id = r.merchant_id AND t.version = r.seen;
        IF NOT FOUND THEN PERFORM refuse_stale('payment'); END IF;
    END LOOP;
END $$;

CREATE FUNCTION apply_payouts(p_payouts payout_write[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r payout_write;
BEGIN
    INSERT INTO payouts (merchant_id, id, status, amount, currency, bank_fee, psp_payout_id, state, version)
    SELECT n.merchant_id, n.id, n.status, n.amount, n.currency, n.bank_fee, n.psp_payout_id, n.state, n.version
      FROM unnest(p_payouts) n WHERE n.seen IS NULL;
    FOREACH r IN ARRAY p_payouts LOOP
        CONTINUE WHEN r.seen IS NULL;
        UPDATE payouts t SET status = r.status, amount = r.amount, currency = r.currency,
               bank_fee = r.bank_fee, psp_payout_id = r.psp_payout_id, state = r.state, version = r.version
         WHERE t.id = r.id AND t.merchant_id = r.merchant_id AND t.version = r.seen;
        IF NOT FOUND THEN PERFORM refuse_stale('payout'); END IF;
    END LOOP;
END $$;

CREATE FUNCTION apply_claims(p_topic text, p_partition integer, p_claims claim_write[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    added integer;
    r claim_write;
BEGIN
    INSERT INTO claims (topic, partition, key, claim, value, version)
    SELECT p_topic, p_partition, n.key, n.claim, n.value, n.version
      FROM unnest(p_claims) n WHERE n.seen IS NULL;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added = cardinality(p_claims) THEN RETURN; END IF;
    FOREACH r IN ARRAY p_claims LOOP
        CONTINUE WHEN r.seen IS NULL;
        UPDATE claims t SET value = r.value, version = r.version
         WHERE t.claim = r.claim AND t.key = r.key AND t.topic = p_topic AND t.version = r.seen;
        IF NOT FOUND THEN PERFORM refuse_stale('claim'); END IF;
    END LOOP;
END $$;

CREATE FUNCTION apply_parked(p_topic text, p_partition integer, p_parked parked_write[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    r parked_write;
BEGIN
    INSERT INTO parked (topic, partition, key, subject, records, state, version)
    SELECT p_topic, p_partition, n.key, n.subject, n.records, n.state, n.version
      FROM unnest(p_parked) n WHERE n.seen IS NULL;
    FOREACH r IN ARRAY p_parked LOOP
        CONTINUE WHEN r.seen IS NULL;
        UPDATE parked t SET records = r.records, state = r.state, version = r.version
         WHERE t.subject = r.subject AND t.key = r.key AND t.topic = p_topic AND t.version = r.seen;
        IF NOT FOUND THEN PERFORM refuse_stale('parked'); END IF;
    END LOOP;
END $$;

CREATE FUNCTION apply_timers(p_topic text, p_partition integer, p_timers timer_write[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    r timer_write;
BEGIN
    INSERT INTO timers (topic, partition, key, kind, subject, due_at, record, version)
    SELECT p_topic, p_partition, n.key, n.kind, n.subject, n.due_at, n.record, n.version
      FROM unnest(p_timers) n WHERE n.seen IS NULL;
    INSERT INTO timers (topic, partition, key, kind, subject, due_at, record, version)
    SELECT p_topic, p_partition, n.key, n.kind, n.subject, n.due_at, n.record, n.version
      FROM unnest(p_timers) n WHERE n.seen = -1
        ON CONFLICT (subject, key, kind, topic) DO UPDATE
       SET due_at = excluded.due_at, record = excluded.record, version = excluded.version,
           partition = excluded.partition, fired_at = NULL;
    FOREACH r IN ARRAY p_timers LOOP
        CONTINUE WHEN r.seen IS NULL OR r.seen = -1;
        UPDATE timers t SET due_at = r.due_at, record = r.record, version = r.version, fired_at = NULL
         WHERE t.subject = r.subject AND t.key = r.key AND t.kind = r.kind AND t.topic = p_topic
           AND t.version = r.seen;
        IF NOT FOUND THEN PERFORM refuse_stale('timer'); END IF;
    END LOOP;
END $$;

CREATE FUNCTION apply_items(p_items item_write[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r item_write;
BEGIN
    INSERT INTO items (psp, identity, kind, merchant_id, payment_id, currency, expected_gross, lines,
                       lines_gross, state, version)
    SELECT n.psp, n.identity, n.kind, n.merchant_id, n.payment_id, n.currency, n.expected_gross, n.lines,
           n.lines_gross, n.state, n.version
      FROM unnest(p_items) n WHERE n.seen IS NULL;
    FOREACH r IN ARRAY p_items LOOP
        CONTINUE WHEN r.seen IS NULL;
        UPDATE items t SET merchant_id = r.merchant_id, payment_id = r.payment_id, currency = r.currency,
               expected_gross = r.expected_gross, lines = r.lines, lines_gross = r.lines_gross,
               state = r.state, version = r.version
         WHERE t.identity = r.identity AND t.kind = r.kind AND t.psp = r.psp AND t.version = r.seen;
        IF NOT FOUND THEN PERFORM refuse_stale('item'); END IF;
    END LOOP;
END $$;

CREATE FUNCTION apply_mismatches(p_mismatches mismatch_write[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_ms bigint := extract(epoch FROM clock_timestamp()) * 1000;
    r mismatch_write;
BEGIN
    INSERT INTO mismatches (id, leg, category, severity, status, merchant_id, psp, payment_id, batch_id,
           currency, expected_amount, actual_amount, detected_at, detected_after_ms, due_at, explanation,
           owner_topic, owner_key, state, version)
    SELECT n.id, n.leg, n.category, n.severity, n.status, n.merchant_id, n.psp, n.payment_id, n.batch_id,
           n.currency, n.expected_amount, n.actual_amount, n.detected_at, greatest(now_ms - n.append_ms, 0),
           n.due_at, n.explanation, n.owner_topic, n.owner_key, n.state, n.version
      FROM unnest(p_mismatches) n WHERE n.seen IS NULL;
    FOREACH r IN ARRAY p_mismatches LOOP
        CONTINUE WHEN r.seen IS NULL;
        -- Opened again: detected anew. Otherwise the first detection stands.
        UPDATE mismatches t SET severity = r.severity, status = r.status, merchant_id = r.merchant_id,
               psp = r.psp, payment_id = r.payment_id, batch_id = r.batch_id, currency = r.currency,
               expected_amount = r.expected_amount, actual_amount = r.actual_amount,
               detected_after_ms = CASE WHEN t.detected_at = r.detected_at THEN t.detected_after_ms
                                        ELSE greatest(now_ms - r.append_ms, 0) END,
               detected_at = r.detected_at, due_at = r.due_at, explanation = r.explanation,
               state = r.state, version = r.version
         WHERE t.id = r.id AND t.version = r.seen;
        IF NOT FOUND THEN PERFORM refuse_stale('mismatch'); END IF;
    END LOOP;
END $$;

CREATE FUNCTION apply_batch(
    p_topic text, p_partition integer, p_first bigint, p_next bigint, p_counts integer[],
    p_keys key_write[], p_dead_letters dead_letter_write[], p_gone row_gone[], p_reads row_read[],
    p_platform platform_write[], p_merchants merchant_write[], p_payments payment_write[],
    p_payouts payout_write[], p_accounts account_write[], p_claims claim_write[], p_parked parked_write[],
    p_timers timer_write[], p_items item_write[], p_mismatches mismatch_write[],
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
        INSERT INTO record_keys (topic, partition, "offset", key, id, content_hash, outcome)
        SELECT p_topic, p_partition, n."offset", n.key, n.id, n.content_hash, n.outcome FROM unnest(p_keys) n;
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

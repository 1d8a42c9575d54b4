-- Why: state of a lane that is looked up by its key and otherwise read as it stands (batches, audit entries,
-- schedules, alerts). Each collection is a partition, so a table of its own with its own indexes and guards;
-- a new one needs neither another argument of `apply_batch` nor another copy of it.

CREATE TABLE documents (
    collection text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL, -- the owner lane's record key, where it has one
    id text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    state json NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (collection, id, key)
) PARTITION BY LIST (collection);
COMMENT ON TABLE documents IS 'state of the lanes in collections: one partition each (app/store/collections.py)';

CREATE TYPE document_write AS (
    collection text, key text, id text, state json, version bigint, seen bigint);

CREATE FUNCTION apply_documents(p_topic text, p_partition integer, p_documents document_write[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    r document_write;
    v_made bigint;
BEGIN
    INSERT INTO documents (collection, key, id, topic, partition, state, version)
    SELECT n.collection, n.key, n.id, p_topic, p_partition, n.state, n.version
      FROM unnest(p_documents) n WHERE n.seen IS NULL
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_made = ROW_COUNT;
    IF v_made < (SELECT count(*) FROM unnest(p_documents) n WHERE n.seen IS NULL) THEN
        PERFORM refuse_stale('document');
    END IF;
    FOREACH r IN ARRAY p_documents LOOP
        CONTINUE WHEN r.seen IS NULL;
        UPDATE documents t SET state = r.state, version = r.version
         WHERE t.collection = r.collection AND t.id = r.id AND t.key = r.key AND t.version = r.seen;
        IF NOT FOUND THEN PERFORM refuse_stale('document'); END IF;
    END LOOP;
END $$;

-- A further form of the function of 0011: what it does, and the documents, in one transaction.
CREATE FUNCTION apply_batch(
    p_topic text, p_partition integer, p_first bigint, p_next bigint, p_counts integer[],
    p_keys key_write[], p_dead_letters dead_letter_write[], p_gone row_gone[], p_reads row_read[],
    p_platform platform_write[], p_merchants merchant_write[], p_payments payment_write[],
    p_payouts payout_write[], p_accounts account_write[], p_claims claim_write[], p_parked parked_write[],
    p_timers timer_write[], p_items item_write[], p_mismatches mismatch_write[],
    p_effects effect_write[],
    p_transactions transaction_write[], p_entries entry_write[], p_outbox bytea,
    p_documents document_write[]
) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM apply_batch(p_topic, p_partition, p_first, p_next, p_counts, p_keys, p_dead_letters, p_gone,
        p_reads, p_platform, p_merchants, p_payments, p_payouts, p_accounts, p_claims, p_parked, p_timers,
        p_items, p_mismatches, p_effects, p_transactions, p_entries, p_outbox);
    IF cardinality(p_documents) > 0 THEN
        PERFORM apply_documents(p_topic, p_partition, p_documents);
    END IF;
END $$;

CREATE FUNCTION load_documents(p_collections text[], p_keys text[], p_ids text[])
RETURNS TABLE (kind text, i bigint, state text, number bigint, version bigint) LANGUAGE plpgsql STABLE
ROWS 100
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF cardinality(p_ids) > 0 THEN RETURN QUERY
        SELECT 'document', r.n, t.state::text, NULL::bigint, t.version
          FROM unnest(p_collections, p_keys, p_ids) WITH ORDINALITY r(a, b, c, n)
         CROSS JOIN LATERAL (
               SELECT * FROM documents t
                WHERE t.collection = r.a AND t.id = r.c AND t.key = r.b OFFSET 0) t;
    END IF;
END $$;

-- The row that a decision has read, and rows that it deletes, know documents as well.
ALTER FUNCTION read_row(text, integer, text, text, text, text) RENAME TO read_row_0011;
CREATE FUNCTION read_row(
    p_topic text, p_partition integer, p_kind text, a text, b text, c text,
    OUT state text, OUT version bigint
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_kind = 'document' THEN
        SELECT t.state, t.version INTO state, version FROM documents t
         WHERE t.collection = a AND t.key = b AND t.id = c;
    ELSE
        SELECT o.state, o.version INTO state, version
          FROM read_row_0011(p_topic, p_partition, p_kind, a, b, c) o;
    END IF;
END $$;

ALTER FUNCTION apply_gone(text, row_gone[]) RENAME TO apply_gone_0004;
CREATE FUNCTION apply_gone(p_topic text, p_rows row_gone[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r row_gone;
BEGIN
    PERFORM apply_gone_0004(
        p_topic, coalesce((SELECT array_agg(n) FROM unnest(p_rows) n WHERE n.kind <> 'document'), '{}'));
    FOREACH r IN ARRAY p_rows LOOP
        CONTINUE WHEN r.kind <> 'document';
        DELETE FROM documents t
         WHERE t.collection = r.a AND t.id = r.c AND t.key = r.b AND t.version = r.seen;
        IF NOT FOUND THEN PERFORM refuse_stale(r.kind); END IF;
    END LOOP;
END $$;

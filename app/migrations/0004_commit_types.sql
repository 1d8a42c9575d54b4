-- Why: a batch is committed by ONE call. A worker that is paused in the middle then holds no lock across
-- round trips, and nothing between the position's compare-and-swap and the commit can be left out.
--
-- `seen` is the version a decision was made on: null means there was no row, -1 means any (timers only).
-- A row that is not as seen makes the whole batch fail with TS002; a position that is elsewhere with TS001.
-- New rows are inserted plainly: an existing one raises unique_violation, which is cheaper than asking first.

CREATE TYPE key_write AS ("offset" bigint, key text, id text, content_hash bytea, outcome text);
CREATE TYPE dead_letter_write AS ("offset" bigint, reason text, payload bytea, key bytea);
CREATE TYPE platform_write AS (state json, version bigint, seen bigint);
CREATE TYPE merchant_write AS (
    merchant_id text, name text, configured boolean, settlement_currency text, negative_limit bigint,
    state json, version bigint, seen bigint);
CREATE TYPE payment_write AS (
    merchant_id text, id text, status text, dispute_status text, settlement_status text, amount bigint,
    captured_amount bigint, refunded_amount bigint, disputed_amount bigint, currency text, psp text,
    psp_payment_id text, flags text[], state json, version bigint, seen bigint);
CREATE TYPE payout_write AS (
    merchant_id text, id text, status text, amount bigint, currency text, bank_fee bigint,
    psp_payout_id text, state json, version bigint, seen bigint);
CREATE TYPE account_write AS (account text, currency text, balance bigint, version bigint, seen bigint);
CREATE TYPE claim_write AS (key text, claim text, value text, version bigint, seen bigint);
CREATE TYPE parked_write AS (
    key text, subject text, records integer, state json, version bigint, seen bigint);
CREATE TYPE timer_write AS (
    key text, kind text, subject text, due_at timestamptz, record text, version bigint, seen bigint);
CREATE TYPE item_write AS (
    psp text, identity text, kind text, merchant_id text, payment_id text, currency text,
    expected_gross bigint, lines integer, lines_gross bigint, state json, version bigint, seen bigint);
CREATE TYPE mismatch_write AS (
    id text, leg text, category text, severity text, status text, merchant_id text, psp text,
    payment_id text, batch_id text, currency text, expected_amount bigint, actual_amount bigint,
    detected_at timestamptz, append_ms bigint, due_at timestamptz, explanation jsonb, owner_topic text,
    owner_key text, state json, version bigint, seen bigint);
CREATE TYPE row_gone AS (kind text, a text, b text, c text, seen bigint);
CREATE TYPE row_read AS (kind text, a text, b text, c text, state text, version bigint);
CREATE TYPE transaction_write AS (
    id text, kind text, merchant_id text, payment_id text, occurred_at timestamptz, recorded_at timestamptz,
    source_offset bigint, reverses text);
CREATE TYPE entry_write AS (
    transaction_id text, seq integer, account text, direction entry_direction, amount bigint, currency text,
    balance_after bigint);

CREATE FUNCTION refuse_stale(p_what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% changed under the decision', p_what USING ERRCODE = 'TS002';
END $$;

CREATE FUNCTION read_row(
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
    END CASE;
END $$;

CREATE FUNCTION apply_gone(p_topic text, p_rows row_gone[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r row_gone;
BEGIN
    FOREACH r IN ARRAY p_rows LOOP
        CASE r.kind
        WHEN 'timer' THEN DELETE FROM timers t
            WHERE t.subject = r.c AND t.key = r.a AND t.kind = r.b AND t.topic = p_topic
              AND (t.version = r.seen OR r.seen = -1);
        WHEN 'parked' THEN DELETE FROM parked t
            WHERE t.subject = r.b AND t.key = r.a AND t.topic = p_topic AND t.version = r.seen;
        WHEN 'claim' THEN DELETE FROM claims t
            WHERE t.claim = r.b AND t.key = r.a AND t.topic = p_topic AND t.version = r.seen;
        WHEN 'item' THEN DELETE FROM items t
            WHERE t.identity = r.b AND t.kind = r.c AND t.psp = r.a AND t.version = r.seen;
        END CASE;
        IF NOT FOUND AND r.seen <> -1 THEN PERFORM refuse_stale(r.kind); END IF;
    END LOOP;
END $$;

CREATE FUNCTION check_reads(p_topic text, p_partition integer, p_reads row_read[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM unnest(p_reads) r
          LEFT JOIN LATERAL (
               SELECT t.balance, t.version FROM accounts t
                WHERE t.account = r.a AND t.currency = r.b AND t.lane = p_topic || ':' || p_partition
               OFFSET 0) t ON true
         WHERE r.kind = 'account'
           AND (t.version IS DISTINCT FROM r.version OR t.balance IS DISTINCT FROM r.state::bigint)
    ) OR EXISTS (
        SELECT FROM unnest(p_reads) r
         CROSS JOIN LATERAL read_row(p_topic, p_partition, r.kind, r.a, r.b, r.c) t
         WHERE r.kind <> 'account'
           AND (t.version IS DISTINCT FROM r.version OR t.state IS DISTINCT FROM r.state)
    ) THEN
        PERFORM refuse_stale('a row that was read');
    END IF;
END $$;

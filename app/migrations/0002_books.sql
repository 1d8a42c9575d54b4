-- Why: the books, and their guards in the database itself. No program, not ours either, can post an
-- unbalanced transaction, add to one that stands, or change what was posted: a correction is a reversal.

CREATE TYPE entry_direction AS ENUM ('debit', 'credit');

CREATE TABLE account_kinds (
    prefix text COLLATE "C" PRIMARY KEY,
    normal_side entry_direction NOT NULL
);
COMMENT ON TABLE account_kinds IS 'the side on which accounts grow, by the part of the name before the colon';
INSERT INTO account_kinds (prefix, normal_side) VALUES
    ('m_pend', 'credit'), ('m_avail', 'credit'), ('m_hold', 'credit'),
    ('psp_recv', 'debit'), ('transit', 'debit'), ('bank', 'debit'), ('reserve', 'debit'),
    ('disp_recv', 'debit'), ('fxpos', 'debit'), ('suspense', 'debit'),
    ('split_transit', 'credit'), ('payout_transit', 'credit'), ('unapplied', 'credit'),
    ('plat_fee', 'credit'), ('fee_recovery', 'credit'),
    ('psp_fee', 'debit'), ('psp_tax', 'debit'), ('disp_fee', 'debit'), ('payout_fee', 'debit'),
    ('disp_loss', 'debit'), ('write_off', 'debit'), ('fee_variance', 'debit'), ('fx_gl', 'debit');

CREATE TABLE accounts (
    account text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    lane text COLLATE "C" NOT NULL, -- 'topic:partition'; platform accounts have a row in each
    balance bigint NOT NULL,        -- minor units, on the account's normal side
    version bigint NOT NULL,        -- source offset of the last change
    PRIMARY KEY (account, currency, lane)
) WITH (fillfactor = 60); -- the hottest rows there are: updates must stay on their page
COMMENT ON TABLE accounts IS 'balances; an account of several lanes is the sum of its rows';

CREATE TABLE ledger_transactions (
    id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    merchant_id text COLLATE "C",
    payment_id text COLLATE "C",
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    source_topic text COLLATE "C" NOT NULL,
    source_partition integer NOT NULL,
    source_offset bigint NOT NULL,
    reverses text COLLATE "C",
    number bigint NOT NULL GENERATED ALWAYS AS IDENTITY (CACHE 64)
);
COMMENT ON COLUMN ledger_transactions.number IS 'order of booking in this database, for lists; not in an export';
-- Lists, newest first: of everything, and of one merchant (who sees only its own).
CREATE UNIQUE INDEX ledger_transactions_number ON ledger_transactions (number);
CREATE INDEX ledger_transactions_merchant ON ledger_transactions (merchant_id, number)
    WHERE merchant_id IS NOT NULL;
-- What was posted for one payment.
CREATE INDEX ledger_transactions_payment ON ledger_transactions (payment_id) WHERE payment_id IS NOT NULL;
-- `verify` proves ranges of offsets; rows come in offset order per lane.
CREATE INDEX ledger_transactions_source ON ledger_transactions USING brin (source_offset)
    WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE ledger_entries (
    transaction_id text COLLATE "C" NOT NULL,
    seq integer NOT NULL,
    account text COLLATE "C" NOT NULL,
    direction entry_direction NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0), -- minor units
    currency text COLLATE "C" NOT NULL,
    balance_after bigint NOT NULL,             -- of this lane's row of the account
    PRIMARY KEY (transaction_id, seq)
);

-- All entries of a transaction come in one INSERT and are numbered from 1 without a gap. A later INSERT for
-- the same transaction either begins at 1 again, which the primary key refuses, or does not, which this
-- refuses: so nothing already there has to be looked up.
CREATE FUNCTION guard_new_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    broken record;
BEGIN
    SELECT transaction_id, currency,
           sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END) AS difference
      INTO broken FROM new_entries GROUP BY transaction_id, currency
    HAVING sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction % does not balance in %: debits - credits = %',
            broken.transaction_id, broken.currency, broken.difference USING ERRCODE = 'TS003';
    END IF;
    SELECT transaction_id INTO broken FROM new_entries GROUP BY transaction_id
    HAVING min(seq) <> 1 OR max(seq) <> count(*) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger transaction %: its entries must come in one INSERT, numbered from 1',
            broken.transaction_id USING ERRCODE = 'TS003';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entries_guard AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION guard_new_entries();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused; post a reversal', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'TS003';
END $$;
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transactions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ALWAYS: they hold in sessions that set session_replication_role as well.
ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER ledger_entries_guard;
ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER ledger_entries_append_only;
ALTER TABLE ledger_transactions ENABLE ALWAYS TRIGGER ledger_transactions_append_only;

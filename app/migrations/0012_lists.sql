-- Why: merchants and staff list payments, payouts and refunds, newest first. When a row was first written is
-- this database's own moment: a replay writes another, and no rule reads it.

ALTER TABLE payments ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE payouts ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();

-- Of everybody, and of one merchant. None of these columns ever changes, so updates stay as cheap as they were.
-- The lanes find rows by (id, merchant_id) with plans that are made while tables are empty: no other index may
-- look right for that. So these have no id, and the merchant under a collation that only lists ask for.
CREATE INDEX payments_created ON payments (created_at);
CREATE INDEX payments_of_merchant ON payments (merchant_id COLLATE "POSIX", created_at);
CREATE INDEX payouts_created ON payouts (created_at);
CREATE INDEX payouts_of_merchant ON payouts (merchant_id COLLATE "POSIX", created_at);

-- Refunds are few among what the ledger has.
CREATE INDEX ledger_refunds ON ledger_transactions (number) WHERE kind = 'refund';
CREATE INDEX ledger_refunds_of_merchant ON ledger_transactions (merchant_id, number) WHERE kind = 'refund';

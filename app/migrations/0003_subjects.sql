-- Why: what the lanes' rules keep. `state` is the document the rules read and write; the columns beside it
-- are taken from it for people, lists and checks. Nothing but a lane's commit writes here.

CREATE TABLE merchants (
    merchant_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    configured boolean NOT NULL, -- false: only seen on a fact, runs on the platform's default plan
    settlement_currency text,
    negative_limit bigint NOT NULL,
    state json NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 80);

CREATE TABLE payments (
    merchant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    status text NOT NULL,
    dispute_status text NOT NULL,
    settlement_status text NOT NULL,
    amount bigint NOT NULL,
    captured_amount bigint NOT NULL,
    refunded_amount bigint NOT NULL,
    disputed_amount bigint NOT NULL,
    currency text NOT NULL,
    psp text NOT NULL,
    psp_payment_id text,
    flags text[] NOT NULL,
    state json NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (id, merchant_id) -- found by id alone as well: staff need not know the merchant
) WITH (fillfactor = 90);

CREATE TABLE payouts (
    merchant_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    status text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    bank_fee bigint NOT NULL,
    psp_payout_id text,
    state json NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (id, merchant_id)
) WITH (fillfactor = 80);
-- `verify` compares payout_transit with the payouts in flight, which are few.
CREATE INDEX payouts_in_flight ON payouts (merchant_id) WHERE status = 'started';

CREATE TABLE items (
    psp text COLLATE "C" NOT NULL,
    identity text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    merchant_id text,
    payment_id text,
    currency text,
    expected_gross bigint, -- null: no expectation yet
    lines integer NOT NULL,
    lines_gross bigint NOT NULL,
    state json NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (identity, kind, psp)
) WITH (fillfactor = 80); -- one side comes first, the other changes the row
COMMENT ON TABLE items IS 'one object of a PSP: what we expect it to settle and what it settled (leg A)';

CREATE TABLE mismatches (
    id text COLLATE "C" PRIMARY KEY,
    leg text NOT NULL,
    category text NOT NULL,
    severity text NOT NULL,
    status text NOT NULL,
    merchant_id text COLLATE "C",
    psp text,
    payment_id text COLLATE "C",
    batch_id text,
    currency text,
    expected_amount bigint,
    actual_amount bigint,
    detected_at timestamptz NOT NULL,
    detected_after_ms bigint, -- from the second side's append until this row's commit
    due_at timestamptz NOT NULL,
    explanation jsonb NOT NULL,
    owner_topic text NOT NULL,
    owner_key text NOT NULL,
    state json NOT NULL,
    version bigint NOT NULL
) WITH (fillfactor = 80);
-- Lists, newest first: of all, and of one merchant.
CREATE INDEX mismatches_detected ON mismatches (detected_at, id);
CREATE INDEX mismatches_merchant ON mismatches (merchant_id, detected_at, id) WHERE merchant_id IS NOT NULL;

-- Why: what operators look at. Workers open no port: their figures are rows which the web process serves.

CREATE TABLE workers (
    worker_id text PRIMARY KEY,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    rss_bytes bigint NOT NULL,
    lanes text[] NOT NULL,   -- 'topic:partition' it owns
    figures jsonb NOT NULL   -- lane -> its counters
) WITH (fillfactor = 20);

CREATE TABLE api_keys (
    id text PRIMARY KEY,               -- public part of the key
    key_hash bytea NOT NULL,           -- keyed BLAKE2b of the secret part
    role text NOT NULL,
    merchant_id text COLLATE "C",      -- set: sees only its own
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    CHECK ((role = 'merchant') = (merchant_id IS NOT NULL))
);

CREATE TABLE verify_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    complete boolean NOT NULL,         -- everything from offset 0, not only what came since the last run
    ok boolean NOT NULL,
    checks jsonb NOT NULL              -- invariant -> its figures
);

-- What `verify` has proven so far, so that the next run looks at what came since.
CREATE TABLE proven_positions (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);
CREATE TABLE proven_balances (
    account text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    lane text COLLATE "C" NOT NULL,
    balance bigint NOT NULL,
    PRIMARY KEY (account, currency, lane)
) WITH (fillfactor = 80);

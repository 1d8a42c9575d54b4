-- Why: what every lane needs, whatever its rules: the position that makes a batch count once, what became
-- of each record, records that could not be read, output that is not published yet, timers, waiting facts.
--
-- Texts that are keys use the collation "C": ids are compared as bytes, which is quick and never changes
-- with the operating system. In keys the most selective column comes first, so that one comparison decides.

CREATE TABLE positions (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0 CHECK (next_offset >= 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    halted_at timestamptz,
    halted_reason text,
    leased_to text,           -- the worker that catches up in its owner's stead
    leased_until timestamptz,
    PRIMARY KEY (topic, partition),
    CHECK ((halted_at IS NULL) = (halted_reason IS NULL))
) WITH (fillfactor = 20); -- updated by every batch: room for the new version on the same page
COMMENT ON TABLE positions IS 'per lane: the first offset that is not committed, and whether it is halted';

CREATE TABLE strikes (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    count integer NOT NULL,
    reason text NOT NULL,
    last_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, "offset")
);
COMMENT ON TABLE strikes IS 'fail-stops per offset; the third halts the partition';

CREATE TABLE batches (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    last_offset bigint NOT NULL,
    records integer NOT NULL,
    applied integer NOT NULL,
    duplicate integer NOT NULL,
    refused integer NOT NULL,
    ignored integer NOT NULL,
    parked integer NOT NULL,
    forwarded integer NOT NULL,
    dead_letter integer NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, first_offset),
    CHECK (last_offset >= first_offset),
    CHECK (records = applied + duplicate + refused + ignored + parked + forwarded + dead_letter),
    CHECK (records BETWEEN 0 AND last_offset - first_offset + 1) -- fewer: transaction markers have offsets too
);
COMMENT ON TABLE batches IS 'one row per committed batch: which offsets, and what became of their records';

CREATE TABLE record_keys (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    content_hash bytea NOT NULL,
    outcome text NOT NULL,
    PRIMARY KEY (id, key, topic)
);
COMMENT ON TABLE record_keys IS 'one row per record that was neither duplicate, forwarded nor dead letter';
-- `verify` counts ranges of offsets. Rows come in offset order, so a few bytes per 32 pages do.
CREATE INDEX record_keys_offset ON record_keys USING brin ("offset")
    WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE dead_letters (
    id text COLLATE "C" NOT NULL
        GENERATED ALWAYS AS (topic || ':' || partition::text || ':' || "offset"::text) STORED,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    reason text NOT NULL,
    payload bytea NOT NULL,
    key bytea, -- the Kafka key as it came, for a redrive
    status text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'redriven', 'discarded')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    redriven_at timestamptz,
    PRIMARY KEY (topic, partition, "offset")
);
CREATE UNIQUE INDEX dead_letters_id ON dead_letters (id);
COMMENT ON TABLE dead_letters IS 'records that could not be decided, byte for byte';

CREATE TABLE outbox (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition, first_offset)
);
-- A row lives for milliseconds: compressing it would cost more than it saves.
ALTER TABLE outbox ALTER COLUMN payload SET STORAGE EXTERNAL;
COMMENT ON TABLE outbox IS 'one row per batch: what it publishes to Kafka; deleted once acknowledged';

CREATE TABLE timers (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    key text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    due_at timestamptz NOT NULL,
    record text NOT NULL,
    fired_at timestamptz,
    version bigint NOT NULL,
    PRIMARY KEY (subject, key, kind, topic)
) WITH (fillfactor = 80); -- firing marks the row in place
-- The owner of a partition asks for what is due in it, several times a second.
-- On an expression, so that no look-up by key can ever be planned through it.
CREATE INDEX timers_due ON timers ((topic || ':' || partition::text), due_at);
COMMENT ON TABLE timers IS 'records to produce when they are due; the transaction that takes one deletes it';

CREATE TABLE parked (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    key text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    records integer NOT NULL,
    state json NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (subject, key, topic)
);
COMMENT ON TABLE parked IS 'facts that came before their parent, waiting for it';

CREATE TABLE claims (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    key text COLLATE "C" NOT NULL,
    claim text COLLATE "C" NOT NULL,
    value text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (claim, key, topic)
);
COMMENT ON TABLE claims IS 'which of our objects a foreign id or a semantic key belongs to';

CREATE TABLE platform (
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    state json NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);
COMMENT ON TABLE platform IS 'the platform''s configuration in force, per lane partition';

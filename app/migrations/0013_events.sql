-- Why: merchants and staff list events. These lie on payments.events, for thirty days; this is a projection of that
-- log, written by the workers beside their lanes. Nothing is decided by it, and it is no part of the books.

CREATE TABLE events (
    id text COLLATE "C" PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL, -- what `seq` counts about: payment/…, payout/…, request/…, merchant
    seq bigint NOT NULL,
    type text NOT NULL,
    payment_id text COLLATE "C",
    occurred_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL, -- when the broker appended it: the same however often it is read
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    body json NOT NULL -- byte for byte as it is in the log
);
-- Of everybody, of one merchant, of one payment. Many events share a millisecond: the place in the log orders them.
CREATE INDEX events_created ON events (created_at, partition, "offset");
CREATE INDEX events_of_merchant ON events (merchant_id, created_at, partition, "offset");
CREATE INDEX events_of_payment ON events (payment_id, merchant_id, created_at) WHERE payment_id IS NOT NULL;
COMMENT ON TABLE events IS 'what lies on payments.events, for lists; a projection, not compared by replay';

CREATE TABLE event_positions (
    partition integer PRIMARY KEY,
    next_offset bigint NOT NULL DEFAULT 0,
    lost bigint NOT NULL DEFAULT 0 -- offsets that the log no longer held, and records that nobody could read
);
COMMENT ON TABLE event_positions IS 'how far payments.events is in the table events';

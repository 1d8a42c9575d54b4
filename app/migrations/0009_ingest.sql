-- Why: files that people hand in. What was read, what it added up to, and every row that could not be read
-- with its reason and its text: one bad row must not stop the rest, and must not be lost either.

CREATE TABLE files (
    sha256 bytea NOT NULL,
    source text COLLATE "C" NOT NULL,
    name text NOT NULL,                -- as it was called when it came
    size_bytes bigint NOT NULL,
    description bytea NOT NULL,        -- hash of the source's description that it was last read by
    status text NOT NULL CHECK (status IN ('started', 'done', 'quarantined')),
    reason text,                       -- why it was quarantined whole
    rows bigint NOT NULL DEFAULT 0,
    sent bigint NOT NULL DEFAULT 0,
    ignored bigint NOT NULL DEFAULT 0,
    quarantined bigint NOT NULL DEFAULT 0,
    sums json NOT NULL DEFAULT '{}',   -- currency -> name -> minor units
    started_at timestamptz NOT NULL,
    finished_at timestamptz,           -- null while it is under way, or was cut off
    PRIMARY KEY (sha256, source)
);
COMMENT ON TABLE files IS 'files that were ingested; the same file of a source is the same row';

CREATE TABLE quarantined_rows (
    sha256 bytea NOT NULL,
    source text COLLATE "C" NOT NULL,
    row_number bigint NOT NULL,        -- counts from 1, without the header
    line bigint,                       -- its first line in the file, where the format has lines
    reason text NOT NULL,
    raw text NOT NULL,
    seen_at timestamptz NOT NULL,      -- started_at of the run that met it last
    PRIMARY KEY (sha256, source, row_number),
    FOREIGN KEY (sha256, source) REFERENCES files ON DELETE CASCADE
);
COMMENT ON TABLE quarantined_rows IS 'rows of ingested files that could not be read';

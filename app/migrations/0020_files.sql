-- Why: files are also handed in over HTTP and read in the background. Whoever asks sees how far that has come, who
-- handed the file in, and what it came to in full; a reader that died is told by its last sign of life.

ALTER TABLE files DROP CONSTRAINT files_status_check;
ALTER TABLE files ADD CONSTRAINT files_status_check
    CHECK (status IN ('started', 'done', 'quarantined', 'failed'));
ALTER TABLE files ADD COLUMN stage text;               -- what is being done, while it is under way
ALTER TABLE files ADD COLUMN stage_done bigint NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN stage_total bigint NOT NULL DEFAULT 0;   -- 0: not known
ALTER TABLE files ADD COLUMN beat_at timestamptz;      -- last sign of life of a reader in the background
ALTER TABLE files ADD COLUMN handed_in_by text;        -- of whoever sent it over HTTP
ALTER TABLE files ADD COLUMN report json;              -- what it came to, as `ingest --json` says it

COMMENT ON COLUMN files.status IS 'failed: reading stopped for a reason outside of the file; the same file may be handed in again';

CREATE INDEX files_newest ON files (started_at DESC, sha256 DESC, source DESC);

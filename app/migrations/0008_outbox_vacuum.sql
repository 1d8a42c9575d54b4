-- Why: the outbox's rows live for milliseconds and are large: at full load their dead pages grow by a
-- gigabyte a minute. They are to be found free again soon, without the vacuum's usual pauses, and without
-- giving the file's end back to the system, which would lock the table against the lanes.

ALTER TABLE outbox SET (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_cost_delay = 0,
    vacuum_truncate = off,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 20000,
    toast.autovacuum_vacuum_cost_delay = 0, toast.vacuum_truncate = off);

-- Why: what people were told, and what is still open of it; the alerts lane's state, and what its page lists.

CREATE TABLE alerts PARTITION OF documents FOR VALUES IN ('alert');
-- Lists begin with what was told last; times are ISO texts in UTC.
CREATE INDEX alerts_by_told_at ON alerts ((state ->> 'told_at') COLLATE "C", id) WHERE state ->> 'told_at' IS NOT NULL;
-- The observer of the program's own state looks at what is open.
CREATE INDEX alerts_of_conditions ON alerts (id) WHERE state -> 'key' ->> 'kind' = 'condition';
COMMENT ON TABLE alerts IS 'one row per alert key: what people were told of it, and how many are open';

CREATE TABLE alert_windows PARTITION OF documents FOR VALUES IN ('alert_window') WITH (fillfactor = 50);
COMMENT ON TABLE alert_windows IS 'the latest openings of each (psp, category), from which groups are formed';

CREATE TABLE alert_members PARTITION OF documents FOR VALUES IN ('alert_member');
COMMENT ON TABLE alert_members IS 'open mismatches and the alerts that count them; gone when they are resolved';

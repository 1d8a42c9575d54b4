-- Why: what people do to mismatches is kept in chains that nobody can change afterwards, not the owner of the
-- database's tables either. A chain is one mismatch's: id = {mismatch id}/{number}, so its order is that of ids.

CREATE TABLE audit PARTITION OF documents FOR VALUES IN ('audit');
COMMENT ON TABLE audit IS 'actions on mismatches, each with the hash of the one before; append-only';

-- Lists, newest first, of everything and of one person.
CREATE INDEX audit_latest ON audit ((state ->> 'at') DESC, id DESC);
CREATE INDEX audit_actor ON audit ((state ->> 'actor'), (state ->> 'at') DESC, id DESC);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit is append-only: % refused', TG_OP USING ERRCODE = 'TS003';
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
-- Statements on `documents` fire that table's statement triggers only: rows have to be guarded here as well.
CREATE TRIGGER audit_rows_append_only BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_append_only;
ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_rows_append_only;

-- Who works on what, and what waits for approval.
CREATE INDEX mismatches_assignee ON mismatches ((state ->> 'assignee'), due_at, id)
    WHERE status IN ('open', 'assigned', 'investigating', 'pending_approval');

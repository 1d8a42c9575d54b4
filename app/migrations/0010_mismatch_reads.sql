-- Why: finance looks at open mismatches in four orders, and searches by ids. Open ones are few and closed
-- ones stay for ever, so the orders are indexed for the open ones only; the newest of all have an index.
-- The expressions are those of app/store/mismatch_filters.py, to the letter.

CREATE INDEX mismatches_open_detected ON mismatches (detected_at, id)
    WHERE status IN ('open', 'assigned', 'investigating', 'pending_approval');
CREATE INDEX mismatches_open_severity ON mismatches (
    (CASE severity WHEN 'CRITICAL' THEN 4 WHEN 'HIGH' THEN 3 WHEN 'MEDIUM' THEN 2 ELSE 1 END), detected_at, id)
    WHERE status IN ('open', 'assigned', 'investigating', 'pending_approval');
CREATE INDEX mismatches_open_amount ON mismatches (
    (abs(coalesce(expected_amount, 0) - coalesce(actual_amount, 0))), detected_at, id)
    WHERE status IN ('open', 'assigned', 'investigating', 'pending_approval');
CREATE INDEX mismatches_open_due ON mismatches (due_at, id)
    WHERE status IN ('open', 'assigned', 'investigating', 'pending_approval');

-- What an id begins with. The owner's key without its PSP is the PSP's own id of the object.
CREATE INDEX mismatches_payment ON mismatches (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX mismatches_batch ON mismatches (batch_id COLLATE "C") WHERE batch_id IS NOT NULL;
CREATE INDEX mismatches_identity ON mismatches ((substr(owner_key, strpos(owner_key, ':') + 1)) COLLATE "C");

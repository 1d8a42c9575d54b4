-- Why: the banking lane keeps bank lines and settlement batches, what finds them by name or amount, and which
-- payments a batch settles. One table each; people and `verify` read lines and batches by these expressions.

CREATE TABLE bank_lines PARTITION OF documents FOR VALUES IN ('bank_line');
COMMENT ON TABLE bank_lines IS 'bank lines, what they posted and whom they belong to; key: the account';
CREATE INDEX bank_lines_newest ON bank_lines ((state -> 'record' ->> 'value_date') DESC, key, id);

CREATE TABLE settlement_batches PARTITION OF documents FOR VALUES IN ('batch');
COMMENT ON TABLE settlement_batches IS 'settlement batches at the account they are paid to; id: source/batch';
CREATE INDEX settlement_batches_name ON settlement_batches ((state ->> 'batch_id'));

CREATE TABLE batch_pages PARTITION OF documents FOR VALUES IN ('batch_page');
COMMENT ON TABLE batch_pages IS 'which objects of payments a batch settles; id: source/batch/page';

CREATE TABLE bank_names PARTITION OF documents FOR VALUES IN ('bank_name');
COMMENT ON TABLE bank_names IS 'names of batches and payouts that remittance texts are looked up in; id: the name';

CREATE TABLE bank_weeks PARTITION OF documents FOR VALUES IN ('bank_week');
COMMENT ON TABLE bank_weeks IS 'names in the texts of bank lines, by week of the value date';

CREATE TABLE bank_open PARTITION OF documents FOR VALUES IN ('bank_open');
COMMENT ON TABLE bank_open IS 'what no name paired in its window, by currency and span of days';

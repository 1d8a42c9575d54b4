-- Why: people page through batches and bank lines, newest first, and look for a batch's references and payments.

CREATE INDEX settlement_batches_newest ON settlement_batches (((state ->> 'heard_ms')::bigint) DESC, key, id);

-- Why: payouts at the bank accounts that they leave, compared with bank lines (leg C).

CREATE TABLE bank_payouts PARTITION OF documents FOR VALUES IN ('bank_payout');
COMMENT ON TABLE bank_payouts IS 'payouts as they announced themselves to their bank account (key), and the bank lines found for them; id: merchant/payout';

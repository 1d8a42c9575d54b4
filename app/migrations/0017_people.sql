-- Why: people of staff sign in, and a session has to be revocable at once: so it is a row, by the hash of its token.
-- And merchants read through a role that sees one merchant's rows: a handler that forgets its filter shows nothing.

CREATE TABLE people (
    id text COLLATE "C" PRIMARY KEY,    -- derived from issuer and subject: the same after every sign-in
    issuer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    name text NOT NULL,                 -- as the identity provider said last
    role text NOT NULL,
    first_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (issuer, subject)
);
COMMENT ON TABLE people IS 'who of staff has ever signed in; the identity provider has everything else';

CREATE TABLE sessions (
    id text COLLATE "C" PRIMARY KEY,    -- public part of the token
    token_hash bytea NOT NULL,          -- keyed BLAKE2b of the whole token
    sign_in bytea NOT NULL UNIQUE,      -- hash of the sign-in that made it: each makes one session
    person_id text COLLATE "C" NOT NULL REFERENCES people,
    role text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(), -- to the minute
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_because text,                 -- signed_out, signed_in_again, revoked
    address text NOT NULL,
    agent text NOT NULL,
    CHECK ((ended_at IS NULL) = (ended_because IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX sessions_person ON sessions (person_id, created_at);
CREATE INDEX sessions_expired ON sessions (expires_at);
COMMENT ON TABLE sessions IS 'sessions of people in the browser';

-- The role that merchants read through. Roles belong to the whole server: another database may have made it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tallystick_merchant') THEN
        CREATE ROLE tallystick_merchant NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, 'tallystick_merchant', 'SET') THEN
        EXECUTE format('GRANT tallystick_merchant TO %I WITH INHERIT FALSE, SET TRUE', current_user);
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the database role tallystick_merchant is missing, and % may not make it', current_user
            USING HINT = 'as an administrator: CREATE ROLE tallystick_merchant NOLOGIN; '
                         'GRANT tallystick_merchant TO ' || quote_ident(current_user);
END $$;

CREATE FUNCTION merchant_in_scope() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT current_setting('tallystick.merchant_id', true) $$;
COMMENT ON FUNCTION merchant_in_scope IS 'whose rows this transaction may see; null or empty: nobody''s';

-- Two policies each: everybody else sees what they were granted, as before; the merchants' role its own rows only.
-- Nothing is forced upon the owner, so the lanes' statements stay what they were.
DO $$
DECLARE
    r record;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO tallystick_merchant', current_schema());
    FOR r IN SELECT * FROM (VALUES
        ('merchants', 'merchant_id = merchant_in_scope()'),
        ('payments', 'merchant_id = merchant_in_scope()'),
        ('payouts', 'merchant_id = merchant_in_scope()'),
        ('mismatches', 'merchant_id = merchant_in_scope()'),
        ('events', 'merchant_id = merchant_in_scope()'),
        ('ledger_transactions', 'merchant_id = merchant_in_scope()'),
        ('ledger_entries', $q$account IN ('m_pend:' || merchant_in_scope(), 'm_avail:' || merchant_in_scope(),
                                          'm_hold:' || merchant_in_scope())$q$),
        ('accounts', $q$account IN ('m_pend:' || merchant_in_scope(), 'm_avail:' || merchant_in_scope(),
                                    'm_hold:' || merchant_in_scope())$q$),
        ('claims', $q$topic = 'payments.commands' AND key = merchant_in_scope()$q$),
        ('effects', $q$starts_with(target, 'webhook:' || merchant_in_scope() || '/')$q$)
    ) AS t (name, own) LOOP
        EXECUTE format('GRANT SELECT ON %I TO tallystick_merchant', r.name);
        EXECUTE format('CREATE POLICY everybody ON %I USING (true) WITH CHECK (true)', r.name);
        EXECUTE format('CREATE POLICY own_merchant ON %I AS RESTRICTIVE TO tallystick_merchant USING (%s)',
                       r.name, r.own);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', r.name);
    END LOOP;
END $$;

-- Roles and privileges of the keystore (design 4 and 6).
--
-- Run as the administrator, connected to the empty database that KEYSTORE_URL will name; in
-- production that is another server than the main database's. Running it again changes nothing.
-- Roles are made without a password and cannot log in until you give them one.

DO $$
DECLARE
    missing text;
BEGIN
    FOR missing IN
        SELECT wanted FROM unnest(ARRAY['migrator', 'sealer', 'destroyer']) wanted
        WHERE wanted NOT IN (SELECT rolname FROM pg_roles)
    LOOP
        EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', missing);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'keystore_owner') THEN
        CREATE ROLE keystore_owner NOLOGIN NOINHERIT;
    END IF;

    EXECUTE format('ALTER DATABASE %I OWNER TO keystore_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO migrator, sealer, destroyer', current_database());
    EXECUTE format('ALTER ROLE sealer IN DATABASE %I SET transaction_timeout = %L', current_database(), '30s');
    EXECUTE format('ALTER ROLE destroyer IN DATABASE %I SET transaction_timeout = %L', current_database(), '30s');
END
$$;

GRANT keystore_owner TO migrator WITH INHERIT FALSE, SET TRUE, ADMIN FALSE;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO keystore_owner;
GRANT USAGE ON SCHEMA public TO sealer, destroyer;

ALTER DEFAULT PRIVILEGES FOR ROLE keystore_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

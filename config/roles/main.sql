-- Roles and privileges of the main database (design 4).
--
-- Run as the administrator, connected to the empty database that DATABASE_URL will name; running
-- it again changes nothing. Roles are made without a password and cannot log in until you give
-- them one (psql: \password app). What each may do with a table stands in the migrations.

DO $$
DECLARE
    missing text;
BEGIN
    FOR missing IN
        SELECT wanted FROM unnest(ARRAY['migrator', 'app', 'sequencer', 'eraser', 'auditor']) wanted
        WHERE wanted NOT IN (SELECT rolname FROM pg_roles)
    LOOP
        EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', missing);
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'owner') THEN
        CREATE ROLE owner NOLOGIN NOINHERIT;
    END IF;

    EXECUTE format('ALTER DATABASE %I OWNER TO owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO migrator, app, sequencer, eraser, auditor', current_database()
    );
    -- A forgotten transaction holds back the log's vacuum and an erasure's lock (design 5).
    EXECUTE format('ALTER ROLE app IN DATABASE %I SET transaction_timeout = %L', current_database(), '30s');
    EXECUTE format('ALTER ROLE eraser IN DATABASE %I SET transaction_timeout = %L', current_database(), '30s');
END
$$;

-- The migrator owns nothing and acts as owner only by SET ROLE, so that every table is owner's.
GRANT owner TO migrator WITH INHERIT FALSE, SET TRUE, ADMIN FALSE;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO owner;
GRANT USAGE ON SCHEMA public TO app, sequencer, eraser, auditor;

-- A transaction that somebody forgot holds back vacuum, and the service must warn of it; yet its
-- logins may not read the sessions of others, in which statements stand with their values. So a
-- function of the owner's tells them one role and one age.
GRANT pg_read_all_stats TO owner WITH INHERIT TRUE, SET FALSE, ADMIN FALSE;

CREATE OR REPLACE FUNCTION public.ledger_oldest_transaction(OUT role name, OUT age interval)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT usename, clock_timestamp() - xact_start FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
      AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
    UNION ALL
    SELECT owner, clock_timestamp() - prepared FROM pg_prepared_xacts
    WHERE database = current_database()
    ORDER BY 2 DESC LIMIT 1
$$;
ALTER FUNCTION public.ledger_oldest_transaction() OWNER TO owner;
REVOKE ALL ON FUNCTION public.ledger_oldest_transaction() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.ledger_oldest_transaction()
    TO migrator, app, sequencer, eraser, auditor;

-- PostgreSQL lets everybody call a new function; a SECURITY DEFINER one would be open to all.
ALTER DEFAULT PRIVILEGES FOR ROLE owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

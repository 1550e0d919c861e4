-- Functions of the ledger. Each has a fixed search_path, so that no caller's objects are called.

-- Refuse UPDATE, DELETE or TRUNCATE: the table is append-only.
CREATE FUNCTION ledger_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the table is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'MU001';
END $$;

-- Refuse another value in any of the columns named as arguments.
CREATE FUNCTION ledger_refuse_new_value() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    before jsonb := to_jsonb(OLD);
    after jsonb := to_jsonb(NEW);
BEGIN
    FOR i IN 0 .. TG_NARGS - 1 LOOP
        IF before -> TG_ARGV[i] IS DISTINCT FROM after -> TG_ARGV[i] THEN
            RAISE EXCEPTION 'column % of % is frozen', TG_ARGV[i], TG_TABLE_NAME
                USING ERRCODE = 'MU002';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;

-- Refuse to replace a value that is set, in any of the columns named as arguments.
CREATE FUNCTION ledger_refuse_second_value() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    before jsonb := to_jsonb(OLD);
    after jsonb := to_jsonb(NEW);
BEGIN
    FOR i IN 0 .. TG_NARGS - 1 LOOP
        IF before -> TG_ARGV[i] <> 'null'::jsonb
           AND before -> TG_ARGV[i] IS DISTINCT FROM after -> TG_ARGV[i] THEN
            RAISE EXCEPTION 'column % of % is set once', TG_ARGV[i], TG_TABLE_NAME
                USING ERRCODE = 'MU002';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;

-- First argument: the column. The others: its legal moves 'from>to', and '>start' for inserts.
CREATE FUNCTION ledger_refuse_transition() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    before text := '';
    after text := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        before := to_jsonb(OLD) ->> TG_ARGV[0];
        IF before = after THEN
            RETURN NEW;
        END IF;
    END IF;
    IF NOT (before || '>' || after) = ANY (TG_ARGV[1:]) THEN
        RAISE EXCEPTION '% of % cannot go from % to %', TG_ARGV[0], TG_TABLE_NAME,
            CASE before WHEN '' THEN 'nothing' ELSE before END, after
            USING ERRCODE = 'MU003';
    END IF;
    RETURN NEW;
END $$;

-- Digest of a row's columns: their jsonb text without nulls (so that a nullable column can be
-- added and old digests hold) and without the pointer to the record.
CREATE FUNCTION ledger_columns_digest(columns jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public AS $$
    SELECT 'sha256:' || encode(sha256(convert_to(
        coalesce(jsonb_object_agg(key, value), '{}')::text, 'UTF8')), 'hex')
    FROM jsonb_each(columns) WHERE value <> 'null'::jsonb AND key <> 'record'
$$;

-- Lock live scopes in the order of their ids; as owner, since the lock wants UPDATE and the
-- application has none. Waits for a destruction under way and then refuses.
CREATE FUNCTION ledger_lock_scopes(p_scopes uuid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    locked bigint;
BEGIN
    SELECT count(*) INTO locked FROM (
        SELECT 1 FROM public.ledger_scope
        WHERE id = ANY (p_scopes) AND state = 'live' ORDER BY id FOR KEY SHARE
    ) AS live;
    IF locked <> cardinality(p_scopes) THEN
        RAISE EXCEPTION 'a key scope is gone or being destroyed' USING ERRCODE = 'MU004';
    END IF;
END $$;
REVOKE ALL ON FUNCTION ledger_lock_scopes(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_lock_scopes(uuid[]) TO app, eraser;

-- Write one record with its segments, and queue it. `p_rest` is the
-- canonical body behind its first member "at", which sorts first; `p_at` NULL means now, cut.
CREATE FUNCTION ledger_append(
    p_log text, p_uuid uuid, p_at text, p_cut text, p_rest bytea,
    p_scopes text[], p_ciphertexts bytea[],
    OUT record_id bigint, OUT log_id smallint, OUT at text
) LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    SELECT id INTO log_id FROM public.ledger_log WHERE name = p_log;
    IF log_id IS NULL THEN
        RAISE EXCEPTION 'no log is called %', p_log USING ERRCODE = 'MU005';
    END IF;
    at := coalesce(p_at, to_char(
        date_trunc(p_cut, clock_timestamp() AT TIME ZONE 'UTC'), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
    INSERT INTO public.ledger_record (uuid, log_id, body)
        VALUES (p_uuid, ledger_append.log_id,
                convert_to('{"at":"' || ledger_append.at || '",', 'UTF8') || p_rest)
        RETURNING id INTO record_id;
    INSERT INTO public.ledger_pending (record_id) VALUES (ledger_append.record_id);
    INSERT INTO public.ledger_segment (record_id, position, scopes, ciphertext)
        SELECT ledger_append.record_id, s.n - 1, s.scopes::uuid[], s.ciphertext
        FROM unnest(p_scopes, p_ciphertexts) WITH ORDINALITY AS s (scopes, ciphertext, n);
END $$;

-- The first of an append's round trips to this database: lock live scopes, point the rows at the
-- record to come, and tell the clock and the rows' digests. The update locks each row: unlocked,
-- another could change it between its digest and the commit, and the newest record would tell of
-- older columns. A row that is not there has no digest.
CREATE FUNCTION ledger_lock(
    p_scopes uuid[], p_tables text[], p_ids uuid[], p_records uuid[],
    OUT now timestamptz, OUT digests text[]
) LANGUAGE plpgsql SET search_path = pg_catalog, public
SET timezone = 'UTC' SET bytea_output = 'hex' AS $$
DECLARE
    digest text;
BEGIN
    now := clock_timestamp();
    PERFORM ledger_lock_scopes(p_scopes);
    FOR i IN 1 .. cardinality(p_tables) LOOP
        EXECUTE format(
            'UPDATE public.%I t SET record = $1 WHERE id = $2 '
            'RETURNING ledger_columns_digest(to_jsonb(t))', p_tables[i]
        ) INTO digest USING p_records[i], p_ids[i];
        digests := array_append(digests, digest);
    END LOOP;
END $$;

-- Give out ids for records that will be copied in, with the id of their log and the clock; as
-- owner, since the application may not touch the sequence.
CREATE FUNCTION ledger_reserve(
    p_log text, p_count integer, OUT log_id smallint, OUT now timestamptz, OUT ids bigint[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    SELECT id INTO log_id FROM public.ledger_log WHERE name = p_log;
    IF log_id IS NULL THEN
        RAISE EXCEPTION 'no log is called %', p_log USING ERRCODE = 'MU005';
    END IF;
    now := clock_timestamp();
    ids := ARRAY(
        SELECT nextval(pg_get_serial_sequence('public.ledger_record', 'id'))
        FROM generate_series(1, p_count));
END $$;
REVOKE ALL ON FUNCTION ledger_reserve(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_reserve(text, integer) TO app, eraser;

-- The owner's default privileges give nobody EXECUTE; triggers need none.
GRANT EXECUTE ON FUNCTION ledger_lock(uuid[], text[], uuid[], uuid[]) TO app, eraser;
GRANT EXECUTE ON FUNCTION
    ledger_append(text, uuid, text, text, bytea, text[], bytea[]) TO app, eraser;
GRANT EXECUTE ON FUNCTION ledger_columns_digest(jsonb)
    TO app, eraser, auditor;

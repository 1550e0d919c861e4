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

-- Whether somebody may still need a checkpoint: it is newer than the last offer but one, carries
-- something of others, encloses a report, or is the first to tell of a record about keys.
CREATE FUNCTION ledger_is_needed(p_checkpoint bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT c.size >= coalesce((
            SELECT k.size FROM public.ledger_offer o JOIN public.ledger_checkpoint k
                ON k.id = o.checkpoint_id
            WHERE o.incarnation_id = c.incarnation_id ORDER BY o.id DESC OFFSET 1 LIMIT 1), 0)
        OR EXISTS (SELECT 1 FROM public.ledger_offer WHERE checkpoint_id = c.id)
        OR EXISTS (SELECT 1 FROM public.ledger_cosignature WHERE checkpoint_id = c.id)
        OR EXISTS (SELECT 1 FROM public.ledger_timestamp WHERE checkpoint_id = c.id)
        OR EXISTS (SELECT 1 FROM public.ledger_issuedreport r
            WHERE r.incarnation_id = c.incarnation_id AND c.size IN (r.first, r."end"))
        OR EXISTS (SELECT 1 FROM public.ledger_keyrecord r
            WHERE r.incarnation_id = c.incarnation_id AND r.index < c.size AND NOT EXISTS (
                SELECT 1 FROM public.ledger_checkpoint e
                WHERE e.incarnation_id = c.incarnation_id AND e.size > r.index AND e.size < c.size))
    FROM public.ledger_checkpoint c WHERE c.id = p_checkpoint
$$;
REVOKE ALL ON FUNCTION ledger_is_needed(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_is_needed(bigint) TO sequencer;

-- Refuse to delete a checkpoint that somebody may still need, and that it was anchored.
CREATE FUNCTION ledger_refuse_thinning() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    checkpoint bigint := to_jsonb(OLD) ->> (
        CASE TG_TABLE_NAME WHEN 'ledger_anchored' THEN 'checkpoint_id' ELSE 'id' END);
BEGIN
    IF public.ledger_is_needed(checkpoint) THEN
        RAISE EXCEPTION 'checkpoint % is needed: it cannot be thinned out', checkpoint
            USING ERRCODE = 'MU001';
    END IF;
    RETURN OLD;
END $$;

-- Digest of a row's columns: their jsonb text without nulls (so that a nullable column can be
-- added and old digests hold) and without the pointer to the record. Not in SQL, which would be
-- planned anew with each statement.
CREATE FUNCTION ledger_row_digest(p_row anyelement) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public
SET timezone = 'UTC' SET bytea_output = 'hex' AS $$
BEGIN
    RETURN (
        SELECT 'sha256:' || encode(sha256(convert_to(
            coalesce(jsonb_object_agg(key, value), '{}')::text, 'UTF8')), 'hex')
        FROM jsonb_each(to_jsonb(p_row)) WHERE value <> 'null'::jsonb AND key <> 'record');
END $$;

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
    -- Before the id is drawn: whoever has an id has a transaction that others see in progress,
    -- so that the sequencer knows when no smaller one can come any more.
    PERFORM pg_current_xact_id();
    at := coalesce(p_at, to_char(
        date_trunc(p_cut, clock_timestamp() AT TIME ZONE 'UTC'), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'));
    INSERT INTO public.ledger_record (uuid, log_id, body)
        VALUES (p_uuid, ledger_append.log_id,
                convert_to('{"at":"' || ledger_append.at || '",', 'UTF8') || p_rest)
        RETURNING id INTO record_id;
    INSERT INTO public.ledger_pending (record_id) VALUES (ledger_append.record_id);
    IF cardinality(p_scopes) > 0 THEN
        INSERT INTO public.ledger_segment (record_id, position, scopes, ciphertext)
            SELECT ledger_append.record_id, s.n - 1, s.scopes::uuid[], s.ciphertext
            FROM unnest(p_scopes, p_ciphertexts) WITH ORDINALITY AS s (scopes, ciphertext, n);
    END IF;
END $$;

-- Give out ids for records that will be copied in, and queue those; with the id of their log and
-- the clock. As owner, since the application may not touch the sequence.
CREATE FUNCTION ledger_reserve(
    p_log text, p_count integer, OUT log_id smallint, OUT now timestamptz, OUT ids bigint[]
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    SELECT id INTO log_id FROM public.ledger_log WHERE name = p_log;
    IF log_id IS NULL THEN
        RAISE EXCEPTION 'no log is called %', p_log USING ERRCODE = 'MU005';
    END IF;
    now := clock_timestamp();
    PERFORM pg_current_xact_id();  -- as in ledger_append
    ids := ARRAY(
        SELECT nextval('public.ledger_record_id_seq')
        FROM generate_series(1, p_count));
    INSERT INTO public.ledger_pending (record_id) SELECT unnest(ids);
END $$;
REVOKE ALL ON FUNCTION ledger_reserve(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_reserve(text, integer) TO app, eraser;

-- Attach a table as the partition of `p_parent` for ids from `p_first` up to `p_end`. Triggers
-- for rows come from the parent; one against TRUNCATE each partition needs for itself.
CREATE FUNCTION ledger_attach(p_parent text, p_name text, p_first bigint, p_end bigint)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%s) TO (%s)',
        p_parent, p_name, p_first, p_end);
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON public.%I FOR EACH STATEMENT '
        'EXECUTE FUNCTION ledger_refuse_change()', p_name || '_no_truncate', p_name);
    EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER %I',
        p_name, p_name || '_no_truncate');
    IF p_parent = 'ledger_record' THEN
        EXECUTE format('CREATE UNIQUE INDEX %I ON public.%I (uuid)', p_name || '_uuid', p_name);
    END IF;
END $$;

-- Make partitions, each for `p_width` ids, until `p_ahead` lie ahead of the newest id; tell how
-- many were made. As owner: the sequencer calls it, and may make no other tables.
CREATE FUNCTION ledger_extend(p_width bigint, p_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    made integer := 0;
    newest bigint;
    starts bigint;
    parent text;
    name text;
BEGIN
    LOCK TABLE public.ledger_partition IN SHARE ROW EXCLUSIVE MODE;
    SELECT last_value INTO newest FROM public.ledger_record_id_seq;
    LOOP
        SELECT coalesce(max(p."end"), 1) INTO starts FROM public.ledger_partition p;
        EXIT WHEN starts > newest + p_width * p_ahead;
        FOREACH parent IN ARRAY ARRAY['ledger_record', 'ledger_segment'] LOOP
            name := format('%s_%s', parent, starts);
            EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS '
                'INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION)', name, parent);
            -- Empty bodies are those that lie in the archive: here are none.
            IF parent = 'ledger_record' THEN
                EXECUTE format('ALTER TABLE public.%I ADD CHECK (body <> %L)', name, '');
            END IF;
            PERFORM public.ledger_attach(parent, name, starts, starts + p_width);
        END LOOP;
        INSERT INTO public.ledger_partition (first, "end") VALUES (starts, starts + p_width);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION ledger_extend(bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_extend(bigint, integer) TO sequencer;
GRANT SELECT ON SEQUENCE ledger_record_id_seq TO sequencer, app, eraser, auditor;

-- Take the records of a partition out of the database, once its archive is on record: a table
-- with their ids, and without the bodies that the archive holds, takes its place. Records about a
-- log's keys keep theirs, and so does what lies in no full tile of the archive. The old table
-- stays, as ledger_detached_<first>. As owner: the eraser calls it.
CREATE FUNCTION ledger_detach(p_first bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    old text := format('ledger_record_%s', p_first);
    kept text := format('ledger_kept_%s', p_first);
    p_end bigint;
    gone bigint;
BEGIN
    SELECT p."end" INTO p_end FROM public.ledger_partition p JOIN public.ledger_archive a
        ON a.partition_id = p.first WHERE p.first = p_first AND a.state = 'copied';
    IF p_end IS NULL THEN
        RAISE EXCEPTION 'no archive of these records is on record' USING ERRCODE = 'MU006';
    END IF;
    EXECUTE format('LOCK TABLE public.%I IN SHARE MODE', old);
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS)', kept, old);
    EXECUTE format($query$
        INSERT INTO public.%I (id, uuid, log_id, body)
        SELECT r.id, r.uuid, r.log_id,
            CASE WHEN l.index > 0 AND l.index < t.size AND k.index IS NULL THEN '' ELSE r.body END
        FROM public.%I r LEFT JOIN public.ledger_leaf l ON l.record_id = r.id
        LEFT JOIN public.ledger_keyrecord k USING (incarnation_id, index)
        LEFT JOIN (public.ledger_archivedtree t JOIN public.ledger_archive a
            ON a.id = t.archive_id AND a.partition_id = %s)
            ON t.incarnation_id = l.incarnation_id
        $query$, kept, old, p_first);
    EXECUTE format('SELECT count(*) FROM public.%I WHERE body = %L', kept, '') INTO gone;
    -- So that attaching it need not read it again.
    EXECUTE format('ALTER TABLE public.%I ADD CHECK (id >= %s AND id < %s), ADD PRIMARY KEY (id)',
        kept, p_first, p_end);
    EXECUTE format('ALTER TABLE public.ledger_record DETACH PARTITION public.%I', old);
    EXECUTE format('ALTER TABLE public.%I RENAME TO %I', old, 'ledger_detached_' || p_first);
    EXECUTE format('ALTER INDEX public.%I RENAME TO %I',
        old || '_uuid', 'ledger_detached_' || p_first || '_uuid');
    EXECUTE format('ALTER TABLE public.%I RENAME TO %I', kept, old);
    PERFORM public.ledger_attach('ledger_record', old, p_first, p_end);
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION ledger_detach(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_detach(bigint) TO eraser;

-- Drop the old table of records that left the database.
CREATE FUNCTION ledger_drop(p_first bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    EXECUTE format('DROP TABLE public.%I', 'ledger_detached_' || p_first);
END $$;
REVOKE ALL ON FUNCTION ledger_drop(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_drop(bigint) TO eraser;

-- The owner's default privileges give nobody EXECUTE; triggers need none.
GRANT EXECUTE ON FUNCTION
    ledger_append(text, uuid, text, text, bytea, text[], bytea[]) TO app, eraser;
GRANT EXECUTE ON FUNCTION ledger_row_digest(anyelement) TO app, eraser, auditor;

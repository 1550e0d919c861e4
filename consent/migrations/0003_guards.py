"""What PostgreSQL itself refuses: frozen terms, illegal moves, plans that nobody approved."""

from django.db import migrations

from ledger import guards

# A request is carried out only under a plan that two people stand for, whoever writes the SQL.
REFUSE_UNAPPROVED = """
CREATE FUNCTION consent_refuse_unapproved() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.state IN ('plan_approved', 'executing', 'closed_fulfilled')
       AND OLD.state IS DISTINCT FROM NEW.state
       AND NOT EXISTS (
           SELECT FROM public.consent_plan
           WHERE request_id = NEW.id AND state = 'approved' AND approved_by_id <> planned_by_id)
    THEN
        RAISE EXCEPTION 'request % has no plan that two people stand for', NEW.id
            USING ERRCODE = 'MU003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_privacyrequest_unapproved
    BEFORE INSERT OR UPDATE ON consent_privacyrequest
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_unapproved();
ALTER TABLE consent_privacyrequest ENABLE ALWAYS TRIGGER consent_privacyrequest_unapproved;
"""
DROP_UNAPPROVED = """
DROP TRIGGER consent_privacyrequest_unapproved ON consent_privacyrequest;
DROP FUNCTION consent_refuse_unapproved();
"""

# When an answer was set aside, and for how long, is history: it grows and never changes.
SUSPENSIONS = """
ALTER TABLE consent_grant ADD CONSTRAINT grant_suspensions_fit_state CHECK (
    cardinality(suspended_at) - cardinality(resumed_at) BETWEEN 0 AND 1
    AND (state <> 'suspended' OR cardinality(suspended_at) > cardinality(resumed_at))
    AND (state <> 'given' OR cardinality(suspended_at) = cardinality(resumed_at)));
CREATE FUNCTION consent_refuse_rewriting() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.suspended_at IS NOT DISTINCT FROM OLD.suspended_at
       AND NEW.resumed_at IS NOT DISTINCT FROM OLD.resumed_at THEN
        RETURN NEW;
    END IF;
    -- One moment at a time, with the move that it is of, and none before the last.
    IF (OLD.state = 'given' AND NEW.state = 'suspended'
        AND NEW.resumed_at = OLD.resumed_at
        AND NEW.suspended_at = OLD.suspended_at || NEW.suspended_at[cardinality(NEW.suspended_at)]
        AND NEW.suspended_at[cardinality(NEW.suspended_at)]
            >= greatest(OLD.given_at, OLD.resumed_at[cardinality(OLD.resumed_at)])) IS NOT TRUE
       AND (OLD.state = 'suspended' AND NEW.state = 'given'
        AND NEW.suspended_at = OLD.suspended_at
        AND NEW.resumed_at = OLD.resumed_at || NEW.resumed_at[cardinality(NEW.resumed_at)]
        AND NEW.resumed_at[cardinality(NEW.resumed_at)]
            >= OLD.suspended_at[cardinality(OLD.suspended_at)]) IS NOT TRUE THEN
        RAISE EXCEPTION 'when % was suspended is history', NEW.id USING ERRCODE = 'MU002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_grant_history BEFORE UPDATE ON consent_grant
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_rewriting();
ALTER TABLE consent_grant ENABLE ALWAYS TRIGGER consent_grant_history;
"""
DROP_SUSPENSIONS = """
DROP TRIGGER consent_grant_history ON consent_grant;
DROP FUNCTION consent_refuse_rewriting();
ALTER TABLE consent_grant DROP CONSTRAINT grant_suspensions_fit_state;
"""

# People in some versions whose consent to what the version is for no longer stands: they said
# yes once and it is over, they say no now, or they asked to be erased. In sets, not item by item.
STANDING = """
CREATE FUNCTION consent_not_standing(asked uuid[]) RETURNS TABLE (subject_id uuid)
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT DISTINCT p.subject_id FROM (
        SELECT DISTINCT d.subject_id, v.uses, coalesce(m.into_id, d.subject_id) AS head
        FROM public.consent_datasetversion v
        JOIN public.consent_item i ON i.version_id = v.id
        JOIN public.consent_depiction d ON d.item_id = i.id
        LEFT JOIN public.consent_merge m ON m.subject_id = d.subject_id AND m.parted_at IS NULL
        WHERE v.id = ANY(asked) AND i.aside = '') p
    CROSS JOIN LATERAL (
        SELECT array_agg(u) FILTER (WHERE g.state = 'given' AND g.valid_from <= statement_timestamp()
                AND (g.valid_until IS NULL OR g.valid_until > statement_timestamp())
                AND (g.power_until IS NULL OR g.power_until > statement_timestamp())) AS allowed,
            array_agg(u) AS ever
        FROM public.consent_grant g CROSS JOIN LATERAL unnest(g.uses) u
        WHERE g.subject_id IN (
            SELECT p.head UNION ALL SELECT m.subject_id FROM public.consent_merge m
            WHERE m.into_id = p.head AND m.parted_at IS NULL) AND g."right" = 'likeness' AND g.given_at IS NOT NULL) yes
    CROSS JOIN LATERAL (
        SELECT array_agg(u) AS refused
        FROM public.consent_grant g CROSS JOIN LATERAL unnest(g.refused) u
        WHERE g.subject_id IN (
            SELECT p.head UNION ALL SELECT m.subject_id FROM public.consent_merge m
            WHERE m.into_id = p.head AND m.parted_at IS NULL) AND g."right" = 'likeness'
            AND g.state IN ('given', 'suspended', 'refused', 'expired')) no
    WHERE EXISTS (SELECT FROM unnest(p.uses) u
            WHERE u = ANY(yes.ever) AND (u = ANY(yes.allowed)) IS NOT TRUE)
        OR p.uses::text[] && no.refused::text[]
        OR EXISTS (SELECT FROM public.consent_privacyrequest r
            WHERE r.subject_id IN (
            SELECT p.head UNION ALL SELECT m.subject_id FROM public.consent_merge m
            WHERE m.into_id = p.head AND m.parted_at IS NULL) AND r.kind = 'erasure'
                AND r.restricted_at IS NOT NULL
                AND r.state NOT IN ('closed_refused', 'closed_withdrawn'))
$$;
CREATE FUNCTION consent_is_stopped(asked uuid[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT EXISTS (SELECT FROM public.consent_impactdecision
        WHERE node = ANY(asked) AND decision = 'stop_use')
$$;
GRANT EXECUTE ON FUNCTION consent_not_standing(uuid[]), consent_is_stopped(uuid[])
    TO app, eraser, auditor;
"""
DROP_STANDING = """
DROP FUNCTION consent_is_stopped(uuid[]);
DROP FUNCTION consent_not_standing(uuid[]);
"""

# A case is no further than its lines are, and gets none once it was assessed.
CASES = """
CREATE FUNCTION consent_refuse_unsettled() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.state <> OLD.state AND EXISTS (
        SELECT FROM public.consent_impactdecision WHERE case_id = NEW.id
        AND (NEW.state = 'decided' AND state = 'open' OR NEW.state = 'done' AND state <> 'done'))
    THEN
        RAISE EXCEPTION 'case % has lines that are not settled', NEW.id USING ERRCODE = 'MU003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_impactcase_unsettled BEFORE UPDATE ON consent_impactcase
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_unsettled();
ALTER TABLE consent_impactcase ENABLE ALWAYS TRIGGER consent_impactcase_unsettled;
CREATE FUNCTION consent_refuse_late_line() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    -- Whoever receives something before the case is done is told too.
    IF NOT EXISTS (SELECT FROM public.consent_impactcase WHERE id = NEW.case_id
        AND (state = 'open' OR NEW.kind = 'recipient' AND state <> 'done'))
    THEN
        RAISE EXCEPTION 'case % was assessed already', NEW.case_id USING ERRCODE = 'MU003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_impactdecision_late BEFORE INSERT ON consent_impactdecision
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_late_line();
ALTER TABLE consent_impactdecision ENABLE ALWAYS TRIGGER consent_impactdecision_late;
"""
DROP_CASES = """
DROP TRIGGER consent_impactcase_unsettled ON consent_impactcase;
DROP FUNCTION consent_refuse_unsettled();
DROP TRIGGER consent_impactdecision_late ON consent_impactdecision;
DROP FUNCTION consent_refuse_late_line();
"""

# Who is one person, flat: everybody counts as themself or as a head who counts as themself.
MERGES = """
CREATE FUNCTION consent_selves(people uuid[], ever boolean) RETURNS uuid[]
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    WITH heads AS (
        SELECT unnest(people) AS id
        UNION
        SELECT m.into_id FROM public.consent_merge m
        WHERE m.subject_id = ANY (people) AND (ever OR m.parted_at IS NULL)
    ), selves AS (
        SELECT id FROM heads
        UNION
        SELECT m.subject_id FROM public.consent_merge m JOIN heads ON m.into_id = heads.id
        WHERE ever OR m.parted_at IS NULL
    ) SELECT array_agg(id) FROM selves
$$;
GRANT EXECUTE ON FUNCTION consent_selves(uuid[], boolean) TO app, eraser, auditor;
CREATE FUNCTION consent_refuse_deep_merge() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.parted_at IS NOT NULL THEN
        RETURN NEW;
    END IF;
    -- Two merges at once see each other: whoever comes second waits here, and looks afterwards.
    PERFORM FROM public.consent_subject WHERE id IN (NEW.subject_id, NEW.into_id)
        ORDER BY id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT FROM public.consent_merge
        WHERE parted_at IS NULL AND id <> NEW.id
          AND (subject_id = NEW.into_id OR into_id = NEW.subject_id))
    THEN
        RAISE EXCEPTION 'a merge leads into a head and from nobody who is one'
            USING ERRCODE = 'MU003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_merge_flat BEFORE INSERT OR UPDATE ON consent_merge
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_deep_merge();
ALTER TABLE consent_merge ENABLE ALWAYS TRIGGER consent_merge_flat;
"""
DROP_MERGES = """
DROP TRIGGER consent_merge_flat ON consent_merge;
DROP FUNCTION consent_refuse_deep_merge();
DROP FUNCTION consent_selves(uuid[], boolean);
"""


# A campaign is over when nobody in it is left to be asked or dealt with.
CAMPAIGNS = """
CREATE FUNCTION consent_refuse_forgetting() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.state = 'closed' AND OLD.state <> 'closed'
       AND EXISTS (SELECT FROM public.consent_campaignerrand WHERE campaign_id = NEW.id)
    THEN
        RAISE EXCEPTION 'campaign % has people left to be dealt with', NEW.id
            USING ERRCODE = 'MU003';
    END IF;
    IF OLD.begun_at IS NOT NULL AND NEW.closes_at < OLD.closes_at THEN
        RAISE EXCEPTION 'letters of campaign % name a later day', NEW.id USING ERRCODE = 'MU002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_campaign_forgetting BEFORE UPDATE ON consent_campaign
    FOR EACH ROW EXECUTE FUNCTION consent_refuse_forgetting();
ALTER TABLE consent_campaign ENABLE ALWAYS TRIGGER consent_campaign_forgetting;
"""
DROP_CAMPAIGNS = """
DROP TRIGGER consent_campaign_forgetting ON consent_campaign;
DROP FUNCTION consent_refuse_forgetting();
"""

# What a frozen version holds is fixed: nothing comes in, and nothing is set aside, but in a draft.
MEMBERSHIP = """
CREATE FUNCTION consent_refuse_membership() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT version_id, intake_id FROM changed) AS touched
        LEFT JOIN public.consent_datasetversion v ON v.id = touched.version_id
        LEFT JOIN public.consent_intake i
            ON i.id = touched.intake_id AND i.version_id = touched.version_id
        WHERE v.state IS DISTINCT FROM 'draft' OR i.id IS NULL)
    THEN
        RAISE EXCEPTION 'the items of a version that is no draft are fixed'
            USING ERRCODE = 'MU002';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION consent_refuse_aside() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF OLD.aside <> '' OR NOT EXISTS (
        SELECT FROM public.consent_datasetversion
        WHERE id = NEW.version_id AND state = 'draft')
    THEN
        RAISE EXCEPTION 'whether % is a member is settled', NEW.id USING ERRCODE = 'MU002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_item_membership AFTER INSERT ON consent_item
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION consent_refuse_membership();
ALTER TABLE consent_item ENABLE ALWAYS TRIGGER consent_item_membership;
CREATE TRIGGER consent_item_aside BEFORE UPDATE ON consent_item
    FOR EACH ROW WHEN (OLD.aside IS DISTINCT FROM NEW.aside)
    EXECUTE FUNCTION consent_refuse_aside();
ALTER TABLE consent_item ENABLE ALWAYS TRIGGER consent_item_aside;
"""
DROP_MEMBERSHIP = """
DROP TRIGGER consent_item_aside ON consent_item;
DROP TRIGGER consent_item_membership ON consent_item;
DROP FUNCTION consent_refuse_aside();
DROP FUNCTION consent_refuse_membership();
"""

# Nothing is frozen that nobody looked at, unless somebody answers for that.
UNVETTED = """
CREATE FUNCTION consent_refuse_unvetted() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    came bigint; mark bigint; looked record; waived record;
BEGIN
    -- As services.gate counts them: what was made from items here came in with those.
    SELECT count(*), coalesce(bit_xor(uuid_hash_extended(i.id, 0)), 0) INTO came, mark
        FROM public.consent_item i JOIN public.consent_intake n ON n.id = i.intake_id
        WHERE i.version_id = NEW.id AND n.form <> 'anonymised';
    SELECT * INTO looked FROM public.consent_vetting
        WHERE version_id = NEW.id AND state = 'done' ORDER BY ordered_at DESC LIMIT 1;
    SELECT * INTO waived FROM public.consent_vettingwaiver
        WHERE version_id = NEW.id ORDER BY waived_at DESC LIMIT 1;
    IF NEW.vetted AND (looked.seen_count, looked.seen_mark) IS DISTINCT FROM (came, mark)
        OR NOT NEW.vetted AND (
            (waived.seen_count, waived.seen_mark) IS DISTINCT FROM (came, mark)
            OR waived.waived_at <= looked.done_at)
    THEN
        RAISE EXCEPTION 'version % was neither vetted nor waived', NEW.id USING ERRCODE = 'MU003';
    END IF;
    -- Which licences a finding is about is sealed: of those the service asks alone.
    IF EXISTS (
        SELECT FROM public.consent_vettingfinding f
        WHERE f.vetting_id = looked.id AND f.state = 'open' AND f.severity <> 'note'
            AND (NEW.vetted AND f.code IN ('empty', 'group_short') OR EXISTS (
                SELECT FROM public.consent_flagged g JOIN public.consent_item i ON i.id = g.item_id
                WHERE g.vetting_id = f.vetting_id AND g.code = f.code AND i.aside = ''
                    AND (g.code <> 'near_duplicates' OR g.place > 0))))
    THEN
        RAISE EXCEPTION 'nobody has settled what was found in version %', NEW.id
            USING ERRCODE = 'MU003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER consent_datasetversion_unvetted
    BEFORE INSERT OR UPDATE ON consent_datasetversion
    FOR EACH ROW WHEN (NEW.state = 'frozen') EXECUTE FUNCTION consent_refuse_unvetted();
ALTER TABLE consent_datasetversion ENABLE ALWAYS TRIGGER consent_datasetversion_unvetted;
"""
DROP_UNVETTED = """
DROP TRIGGER consent_datasetversion_unvetted ON consent_datasetversion;
DROP FUNCTION consent_refuse_unvetted();
"""

# Work queues and lists to work off: no part of the record.
QUEUE = "SELECT, INSERT, UPDATE, DELETE"

TABLES = (
    "account",
    "project",
    "membership",
    "subject",
    "identifier",
    "searchkey",
    "merge",
    "scan",
    "scanmatch",
    "serving",
    "notice",
    "campaign",
    "grant",
    "representation",
    "givenby",
    "evidence",
    "answerpaper",
    "releaseimport",
    "oldrelease",
    "title",
    "observation",
    "signalfinding",
    "sourceobservation",
    "dataset",
    "datasetversion",
    "derivation",
    "source",
    "intake",
    "item",
    "depiction",
    "entity",
    "tie",
    "privacyrequest",
    "plan",
    "step",
    "package",
    "impactcase",
    "impactdecision",
    "recipient",
    "delivery",
    "vetting",
    "vettingfinding",
    "vettingwaiver",
    "anonymisation",
    "groupdeclaration",
)

# What holds between two people.
SPELL = ("id", "recorded_at", "starts_at", "ends_at", "evidence_id")
FROZEN = {
    "account": ("id", "kind", "scope_id", "proposed_by_id"),
    "project": ("id", "code"),
    "membership": ("id", "account_id", "role", "project_id", "proposed_by_id"),
    "subject": ("id", "handle", "scope_id", "registered_at"),
    "identifier": ("id", "subject_id", "kind", "since"),
    "scan": ("id", "scope_id", "ordered_by_id", "reason", "kinds", "least", "ordered_at"),
    "scanmatch": ("id", "scan_id", "subject_id", "kind", "likeness"),
    "serving": (
        *("id", "subject_id", "notice_id", "channel", "capacity"),
        *("served_at", "recorded_at"),
    ),
    "merge": ("id", "subject_id", "into_id", "reason", "merged_by_id", "merged_at"),
    "searchkey": ("id", "identifier_id", "form"),
    "notice": ("id", "code", "version", "language", "title", "text", "digest", "published_at"),
    "campaign": (
        *("id", "notice_id", "code", "uses", "territories", "projects", "silence", "reminders"),
        *("remind_after_days", "prepared_by_id", "prepared_at"),
    ),
    "grant": ("id", "subject_id", "opened_at", "supersedes_id", "renews_id", "campaign_id"),
    "representation": (*SPELL, "subject_id", "representative_id", "capacity"),
    "observation": ("id", "subject_id", "source", "place", "raw", "seen_at"),
    "signalfinding": ("id", "observation_id", "signal", "standing", "code", "uses"),
    "sourceobservation": (
        *("id", "origin_id", "source", "reach", "said", "file_id", "index", "place", "content"),
        *("seen_at", "recorded_at"),
    ),
    "givenby": ("id", "grant_id", "representation_id"),
    "evidence": ("id", "grant_id", "kind", "media_type", "digest", "file_id", "added_at"),
    "releaseimport": (
        *("id", "scope_id", "notice_id", "brought_by_id", "fingerprint", "line_count"),
        "received_at",
    ),
    "oldrelease": (
        *("id", "grant_id", "importing_id", "ordinal", "stated", "scopes", "mark", "papers"),
    ),
    "answerpaper": ("id", "grant_id", "kind", "told", "file_id", "issued_at"),
    "title": (*SPELL, "origin_id", "holder_id", "right", "exclusive"),
    "dataset": ("id", "project_id", "code"),
    "datasetversion": ("id", "dataset_id", "number", "uses", "profile", "opened_at"),
    "derivation": ("id", "version_id", "origin_id", "descent"),
    "source": ("id", "project_id", "code", "provenance", "address", "opened_at"),
    "intake": ("id", "project_id", "version_id", "source_id", "form", "fingerprint", "received_at"),
    "item": (
        *("id", "version_id", "intake_id", "ordinal", "commitment", "opening", "fingerprint"),
        *("file_id", "scopes", "people", "licence", "legal_basis", "media_type", "width", "height"),
    ),
    "depiction": ("id", "item_id", "subject_id"),
    "entity": ("id", "project_id", "kind", "index", "name"),
    "tie": ("id", "intake_id", "relation", "earlier_id", "later_id"),
    "privacyrequest": ("id", "scope_id", "kind", "channel", "profile", "received_at"),
    "plan": ("id", "request_id", "number", "digest", "planned_by_id", "planned_at"),
    "step": ("id", "plan_id", "ordinal", "action", "holding", "planned"),
    "package": ("id", "request_id", "paper", "file_id", "made_at"),
    "impactcase": ("id", "scope_id", "cause", "opened_at", "due_at"),
    "impactdecision": ("id", "case_id", "kind", "node"),
    # Who they are and where to tell them may be set right, on the record.
    "recipient": ("id", "code", "named_at"),
    "delivery": ("id", "recipient_id", "project_id", "kind", "how", "delivered_at"),
    "vetting": ("id", "version_id", "ordered_by_id", "ordered_at", "detector", "hasher", "near"),
    "vettingfinding": ("id", "vetting_id", "code", "severity", "count", "detail", "mark"),
    "vettingwaiver": (
        *("id", "version_id", "reason", "waived_by_id", "waived_at", "seen_count", "seen_mark"),
    ),
    "anonymisation": (
        *("id", "original_id", "result_id", "method", "tool", "detector", "margin", "regions"),
        *("faces", "done_at"),
    ),
    "groupdeclaration": ("id", "version_id", "groups", "declared_by_id", "declared_at"),
}

# The terms of an answer, from the moment on in which it is given.
TERMS = (
    *("notice_id", "right", "basis", "mode", "uses", "refused", "media", "territories"),
    *("recipients", "families", "barred_themes", "assurance", "method", "remedy", "capacity"),
    *("power_until", "signed_on", "valid_from", "valid_until", "given_at"),
)

# What is said of a version when it is frozen, and of an intake when it has been read.
FROZEN_FROM = {
    "campaign": (("prepared", "running", "paused"), ("closes_at",)),
    "datasetversion": (
        ("draft",),
        (
            *(
                "digest",
                "member_count",
                "house_root",
                "house_places",
                "house_count",
                "frozen_at",
                "vetted",
            ),
            "weighed_at",
        ),
    ),
    "intake": (
        ("received", "reading"),
        # Not its bytes, nor whose keys they lie under: an erasure takes those away.
        ("read_to", "read_at"),
    ),
}

SET_ONCE = {
    "entity": ("version_id",),
    "account": ("approved_by_id",),
    "membership": ("approved_by_id",),
    "identifier": ("until",),
    "merge": ("parted_at", "parted_by_id"),
    "releaseimport": ("closed_at",),
    "scan": ("done_at", "people", "identifiers", "unreadable", "matched"),
    "campaign": ("begun_at", "closing_at", "closed_at", "answers"),
    "grant": ("ended_at",),
    "representation": ("ended_at",),
    "title": ("ended_at",),
    "privacyrequest": ("closed_at", "restricted_at"),
    "plan": ("approved_by_id", "approved_at"),
    "step": ("before", "after", "done_at"),
    "impactcase": (
        *("found_items", "found_versions", "found_models", "found_runs", "found_outputs"),
        *("found_recipients", "assessed_at", "done_at"),
    ),
    "impactdecision": ("evidence", "channel", "done_at"),
    "vetting": ("done_at", "members", "looked", "compared", "seen_count", "seen_mark"),
    "vettingfinding": ("decided_by_id", "decided_at", "reason"),
}

ENDS = ("withdrawn", "revoked", "expired", "invalidated", "superseded")
GRANT_MOVES = {
    *(("draft", after) for after in ("requested", "given", "lapsed")),
    *(("requested", after) for after in ("given", "refused", "deferred", "lapsed")),
    *(("deferred", after) for after in ("requested", "given", "refused", "lapsed")),
    ("refused", "withdrawn"),
    *(("given", after) for after in (*ENDS, "suspended", "renewed")),
    *(("suspended", after) for after in (*ENDS, "given")),
}
CAMPAIGN_MOVES = {
    *(("prepared", after) for after in ("running", "dropped")),
    *(("running", after) for after in ("paused", "closing")),
    *(("paused", after) for after in ("running", "closing")),
    ("closing", "closed"),
}
BECOMING_MEMBER = {("proposed", "active"), ("proposed", "ended"), ("active", "ended")}
MOVES = {
    "account": (BECOMING_MEMBER, {"proposed"}),
    "membership": (BECOMING_MEMBER, {"proposed"}),
    "campaign": (CAMPAIGN_MOVES, {"prepared"}),
    "grant": (GRANT_MOVES, {"draft", "requested", "given"}),
    "datasetversion": ({("draft", "frozen"), ("draft", "abandoned")}, {"draft"}),
    "intake": (
        {("received", "reading"), ("reading", "read"), ("reading", "unreadable")},
        {"received", "reading"},
    ),
    "releaseimport": ({("open", "closed")}, {"open"}),
    "scan": ({("ordered", "done")}, {"ordered"}),
    "plan": ({("proposed", "approved"), ("proposed", "void"), ("approved", "void")}, {"proposed"}),
    "step": ({("pending", "done")}, {"pending"}),
    "impactcase": (
        {("open", "assessed"), ("assessed", "decided"), ("decided", "done")},
        {"open"},
    ),
    "impactdecision": ({("open", "decided"), ("decided", "done")}, {"open"}),
    "vetting": ({("ordered", "done"), ("ordered", "failed")}, {"ordered"}),
    # Accepted at once when the vetting before found the same and somebody accepted it.
    "vettingfinding": (
        {("open", "accepted"), ("open", "settled"), ("accepted", "settled")},
        {"open", "accepted"},
    ),
    "privacyrequest": (
        {
            ("received", "planned"),
            ("planned", "plan_approved"),
            ("plan_approved", "planned"),
            ("plan_approved", "received"),
            ("plan_approved", "executing"),
            ("executing", "blocked"),
            ("blocked", "executing"),
            ("executing", "verifying"),
            ("verifying", "closed_fulfilled"),
            # Until something has been carried out, a request can end otherwise.
            *(
                (before, after)
                for before in ("received", "planned", "plan_approved")
                for after in ("closed_refused", "closed_withdrawn")
            ),
        },
        {"received"},
    ),
}


class Migration(migrations.Migration):
    dependencies = [("consent", "0002_tables"), ("ledger", "0002_guards")]

    operations = [
        *(guards.domain_table(f"consent_{table}") for table in TABLES),
        *(guards.no_truncate(f"consent_{table}") for table in TABLES),
        *(guards.frozen(f"consent_{table}", columns) for table, columns in FROZEN.items()),
        guards.frozen("consent_grant", TERMS, unless=("draft", "requested", "deferred")),
        # What was wrong is emptied, and cannot come back.
        guards.emptied_only("consent_identifier", "value"),
        guards.emptied_only("consent_searchkey", "key"),
        guards.emptied_only("consent_scan", "terms"),
        guards.emptied_only("consent_scan", "why"),
        guards.emptied_only("consent_delivery", "node"),
        guards.emptied_only("consent_delivery", "model"),
        guards.emptied_only("consent_delivery", "handed_by_id"),
        migrations.RunSQL(MERGES, DROP_MERGES),
        migrations.RunSQL(SUSPENSIONS, DROP_SUSPENSIONS),
        guards.frozen(
            "consent_impactdecision",
            ("decision", "reason", "decided_at", "due_at"),
            unless=("open", "decided"),
        ),
        migrations.RunSQL(STANDING, DROP_STANDING),
        migrations.RunSQL(CASES, DROP_CASES),
        *(
            guards.frozen(f"consent_{table}", columns, unless=states)
            for table, (states, columns) in FROZEN_FROM.items()
        ),
        migrations.RunSQL(MEMBERSHIP, DROP_MEMBERSHIP),
        migrations.RunSQL(CAMPAIGNS, DROP_CAMPAIGNS),
        migrations.RunSQL(UNVETTED, DROP_UNVETTED),
        guards.insert_only("consent_versionpage"),
        *(
            guards.grant(f"consent_{table}", app=QUEUE, eraser=QUEUE, auditor="SELECT")
            for table in (
                "errand",
                "reading",
                "quarantined",
                "linkerrand",
                "askingerrand",
                "campaignerrand",
                "scanerrand",
                "vettingerrand",
                "flagged",
                "releaseline",
                "releaseerrand",
                "scanarchive",
                "broughtscan",
                "portallink",
                "portalvisit",
            )
        ),
        *(guards.set_once(f"consent_{table}", columns) for table, columns in SET_ONCE.items()),
        *(
            guards.transitions(f"consent_{table}", "state", pairs, initial=initial)
            for table, (pairs, initial) in MOVES.items()
        ),
        migrations.RunSQL(REFUSE_UNAPPROVED, DROP_UNAPPROVED),
    ]

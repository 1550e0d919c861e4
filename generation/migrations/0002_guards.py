"""What PostgreSQL itself refuses: rewritten requests, illegal moves, changed decisions."""

from django.db import migrations

from generation.states import (
    OUTPUT_TRANSITIONS,
    RUN_TRANSITIONS,
    TRAINING_TRANSITIONS,
    CaseState,
    ModelState,
    OutputState,
    PolicyState,
    RunState,
    TrainingState,
)
from ledger import guards

# Nobody trains on what was stopped, nor, unless two people stand for it, on a version that
# depicts somebody whose consent has ended or that an impact case still concerns.
REFUSE_TRAINING = """
CREATE FUNCTION generation_refuse_training() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    used uuid[] := ARRAY(SELECT version_id FROM public.generation_traininginput
        WHERE training_id = NEW.id);
BEGIN
    IF NEW.state <> 'authorised' OR OLD.state = 'authorised' THEN
        RETURN NEW;
    END IF;
    IF cardinality(used) = 0 OR public.consent_is_stopped(used)
        OR EXISTS (SELECT FROM public.consent_datasetversion
            WHERE id = ANY(used) AND state <> 'frozen')
    THEN
        RAISE EXCEPTION 'training % uses no frozen version, or a stopped one', NEW.id
            USING ERRCODE = 'MU003';
    END IF;
    IF NOT EXISTS (SELECT FROM public.generation_trainingoverride WHERE training_id = NEW.id
            AND proposed_by_id IS NOT NULL AND approved_by_id <> proposed_by_id)
        AND (EXISTS (SELECT FROM public.consent_not_standing(used))
            OR EXISTS (SELECT FROM public.consent_impactdecision
                WHERE node = ANY(used) AND decision IS DISTINCT FROM 'keep'))
    THEN
        RAISE EXCEPTION 'training % uses withdrawn items, and no two people stand for it', NEW.id
            USING ERRCODE = 'MU003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER generation_trainingrun_consent BEFORE UPDATE ON generation_trainingrun
    FOR EACH ROW EXECUTE FUNCTION generation_refuse_training();
ALTER TABLE generation_trainingrun ENABLE ALWAYS TRIGGER generation_trainingrun_consent;
CREATE FUNCTION generation_refuse_new_input() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.generation_trainingrun
        WHERE id = NEW.training_id AND state = 'proposed')
    THEN
        RAISE EXCEPTION 'training % is no longer proposed', NEW.training_id
            USING ERRCODE = 'MU003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER generation_traininginput_late BEFORE INSERT ON generation_traininginput
    FOR EACH ROW EXECUTE FUNCTION generation_refuse_new_input();
ALTER TABLE generation_traininginput ENABLE ALWAYS TRIGGER generation_traininginput_late;
CREATE FUNCTION generation_refuse_stopped() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF NEW.state = 'allowed' AND public.consent_is_stopped(ARRAY[NEW.model_id]) THEN
        RAISE EXCEPTION 'the model of run % was stopped', NEW.id USING ERRCODE = 'MU003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER generation_run_stopped BEFORE INSERT OR UPDATE OF state ON generation_run
    FOR EACH ROW EXECUTE FUNCTION generation_refuse_stopped();
ALTER TABLE generation_run ENABLE ALWAYS TRIGGER generation_run_stopped;
"""
DROP_TRAINING = """
DROP TRIGGER generation_trainingrun_consent ON generation_trainingrun;
DROP FUNCTION generation_refuse_training();
DROP TRIGGER generation_traininginput_late ON generation_traininginput;
DROP FUNCTION generation_refuse_new_input();
DROP TRIGGER generation_run_stopped ON generation_run;
DROP FUNCTION generation_refuse_stopped();
"""

# What a statement did to the number of runs and outputs of each model; see ``Tally``.
COUNTS = """
CREATE FUNCTION generation_tally_runs() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.generation_tally (model_id, runs, outputs)
            SELECT model_id, count(*), 0 FROM changed GROUP BY model_id;
    ELSE
        INSERT INTO public.generation_tally (model_id, runs, outputs)
            SELECT model_id, -count(*), 0 FROM changed GROUP BY model_id;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION generation_tally_outputs() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.generation_tally (model_id, runs, outputs)
            SELECT r.model_id, 0, count(*) FROM changed c
            JOIN public.generation_run r ON r.id = c.run_id GROUP BY r.model_id;
    ELSE
        INSERT INTO public.generation_tally (model_id, runs, outputs)
            SELECT r.model_id, 0, -count(*) FROM changed c
            JOIN public.generation_run r ON r.id = c.run_id GROUP BY r.model_id;
    END IF;
    RETURN NULL;
END $$;
"""
DROP_COUNTS = """
DROP FUNCTION generation_tally_runs();
DROP FUNCTION generation_tally_outputs();
"""


def _counted(table: str) -> migrations.RunSQL:
    """Keep the tally of ``table``, a statement at a time."""
    create, drop = [], []
    for event, rows in (("INSERT", "NEW"), ("DELETE", "OLD")):
        trigger = f"generation_{table}_tally_{event.lower()}"
        create.append(
            f"CREATE TRIGGER {trigger} AFTER {event} ON generation_{table}"
            f" REFERENCING {rows} TABLE AS changed"
            f" FOR EACH STATEMENT EXECUTE FUNCTION generation_tally_{table}s()"
        )
        create.append(f"ALTER TABLE generation_{table} ENABLE ALWAYS TRIGGER {trigger}")
        drop.append(f"DROP TRIGGER {trigger} ON generation_{table}")
    return migrations.RunSQL(";\n".join(create), ";\n".join(drop))


TABLES = (
    "modelversion",
    "policy",
    "run",
    "rundepiction",
    "output",
    "case",
    "decision",
    "trainingrun",
    "traininginput",
    "trainingoverride",
)

FROZEN = {
    "modelversion": (
        "id",
        "name",
        "version",
        "files",
        "files_digest",
        "effective_digest",
        "configuration_digest",
        "dataset_version_id",
        "registered_at",
    ),
    "policy": ("id", "number", "text", "digest", "published_at"),
    "run": (
        "id",
        "project_id",
        "model_id",
        "policy_id",
        "instance",
        "sequence",
        "scopes",
        "prompt",
        "parameters",
        "reasons",
        "codes",
        "requested_at",
    ),
    "rundepiction": ("id", "subject_id"),
    "output": (
        "id",
        "run_id",
        "place",
        "format",
        "width",
        "height",
        "received_id",
        "received_at",
    ),
    "case": ("id", "run_id", "output_id", "policy_id", "codes", "severity", "opened_at"),
    "decision": ("id", "case_id", "policy_id", "outcome", "reason", "note", "decided_at"),
    "trainingrun": (
        "id",
        "project_id",
        "purpose",
        "configuration_digest",
        "people",
        "items",
        "codes",
        "proposed_at",
    ),
    "traininginput": ("id", "training_id", "version_id"),
    "trainingoverride": ("id", "training_id", "reason", "proposed_at"),
}

SET_ONCE = {
    "run": ("details", "failure", "ended_at"),
    "trainingrun": ("model_id", "authorised_at", "ended_at"),
    "trainingoverride": ("approved_at",),
    "output": (
        "marked_id",
        "delivered_digest",
        "manifest_id",
        "delivered_index",
        "manifest_index",
        "released_at",
    ),
}

MOVES = {
    "modelversion": ({(ModelState.REGISTERED, ModelState.RETIRED)}, {ModelState.REGISTERED}),
    "policy": ({(PolicyState.ACTIVE, PolicyState.RETIRED)}, {PolicyState.ACTIVE}),
    "run": (RUN_TRANSITIONS, {RunState.ALLOWED, RunState.REFUSED, RunState.HELD}),
    "trainingrun": (TRAINING_TRANSITIONS, {TrainingState.PROPOSED}),
    "output": (OUTPUT_TRANSITIONS, {OutputState.RECEIVED}),
    "case": ({(CaseState.OPEN, CaseState.DECIDED)}, {CaseState.OPEN}),
}


class Migration(migrations.Migration):
    dependencies = [("generation", "0001_initial"), ("ledger", "0002_guards")]

    operations = [
        *(guards.domain_table(f"generation_{table}") for table in TABLES),
        *(guards.no_truncate(f"generation_{table}") for table in TABLES),
        *(guards.frozen(f"generation_{table}", columns) for table, columns in FROZEN.items()),
        *(guards.set_once(f"generation_{table}", columns) for table, columns in SET_ONCE.items()),
        *(
            guards.transitions(f"generation_{table}", "state", pairs, initial=initial)
            for table, (pairs, initial) in MOVES.items()
        ),
        guards.domain_table("generation_job"),
        guards.grant(
            "generation_tally",
            app="SELECT, INSERT, DELETE",
            eraser="SELECT, INSERT, DELETE",
            auditor="SELECT",
        ),
        migrations.RunSQL(COUNTS, DROP_COUNTS),
        migrations.RunSQL(REFUSE_TRAINING, DROP_TRAINING),
        *(_counted(table) for table in ("run", "output")),
    ]

"""What PostgreSQL itself refuses: rewritten requests, illegal moves, changed decisions."""

from django.db import migrations

from generation.states import (
    OUTPUT_TRANSITIONS,
    RUN_TRANSITIONS,
    CaseState,
    ModelState,
    OutputState,
    PolicyState,
    RunState,
)
from ledger import guards

TABLES = (
    "modelversion",
    "policy",
    "run",
    "rundepiction",
    "output",
    "case",
    "decision",
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
}

SET_ONCE = {
    "run": ("details", "failure", "ended_at"),
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
    ]

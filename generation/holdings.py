"""What generation holds of people: runs that depict them, the images, the cases and decisions.

A run of several people ends with the first of them who is erased, since everything in it is
sealed under all their keys together. The others keep the bare fact that they were depicted once,
without the run. People who only acted (clients, officers) are cut out of rows that stay.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet

from consent.models import Delivery, Given
from generation.models import (
    Case,
    Decision,
    Output,
    Run,
    RunDepiction,
    TrainingOverride,
    TrainingRun,
)
from ledger.holdings import HOLDINGS, Holding
from ledger.models import Recorded, SealedFile
from ledger.vault import Keys

Scopes = Sequence[UUID]


def _find_runs(scopes: Scopes) -> QuerySet[Run]:
    return Run.objects.filter(scopes__overlap=list(scopes))


def _export_run(run: Run, keys: Keys) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "project": str(run.project),
        "model": str(run.model),
        "state": run.state,
        "prompt": keys.open(run, "prompt").decode(),
        "parameters": orjson.loads(keys.open(run, "parameters")),
        "reasons": orjson.loads(keys.open(run, "reasons")),
        "details": orjson.loads(keys.open(run, "details")) if run.details else {},
        "requested_at": run.requested_at.isoformat(),
    }


def _cut_client(scopes: Scopes) -> list[Recorded]:
    """Take an erased client out of runs that are not its own but of the people in them."""
    runs = Run.objects.filter(client__scope__in=scopes).exclude(scopes__overlap=list(scopes))
    return _empty(list(runs), "client_id")


def _find_depictions(scopes: Scopes) -> QuerySet[RunDepiction]:
    return RunDepiction.objects.filter(subject__scope__in=scopes)


def _export_depiction(depiction: RunDepiction, _keys: Keys) -> dict[str, Any]:
    return {"id": str(depiction.pk), "run": str(depiction.run_id or "")}


def _cut_run(scopes: Scopes) -> list[Recorded]:
    """Cut the others who were in the runs that end now."""
    others = RunDepiction.objects.filter(run__scopes__overlap=list(scopes))
    return _empty(list(others.exclude(subject__scope__in=scopes)), "run_id")


def _find_outputs(scopes: Scopes) -> QuerySet[Output]:
    return Output.objects.filter(run__scopes__overlap=list(scopes)).select_related("run")


def _cut_deliveries(scopes: Scopes) -> list[Recorded]:
    """Leave deliveries without the output: that something was given stands, not what."""
    outputs = _find_outputs(scopes).values_list("pk", flat=True)
    deliveries = Delivery.objects.filter(kind=Given.OUTPUT, node__in=outputs)
    return _empty(list(deliveries), "node", "model")


def _export_output(output: Output, keys: Keys) -> dict[str, Any]:
    sealed = ("presigned_digest", "pixel_digest", "delivered_digest")
    return {
        "id": str(output.pk),
        "run": str(output.run_id),
        "state": output.state,
        "width": output.width,
        "height": output.height,
        "received_at": output.received_at.isoformat(),
        "signals": orjson.loads(keys.open(output, "signals")) if output.signals else [],
        **{
            column: f"sha256:{keys.open(output, column).hex()}"
            for column in sealed
            if getattr(output, column)
        },
        **({"manifest": keys.open(output, "manifest_id").decode()} if output.manifest_id else {}),
    }


def _files(outputs: QuerySet[Output]) -> list[SealedFile]:
    rows = outputs.select_related("received", "marked")
    return [file for row in rows for file in (row.received, row.marked) if file is not None]


def _find_cases(scopes: Scopes) -> QuerySet[Case]:
    mine = Q(run__scopes__overlap=list(scopes)) | Q(output__run__scopes__overlap=list(scopes))
    return Case.objects.filter(mine).select_related("run", "output__run")


def _export_case(case: Case, _keys: Keys) -> dict[str, Any]:
    return {
        "id": str(case.pk),
        "about": case.target.value,
        "severity": case.severity,
        "reasons": list(case.codes),
        "state": case.state,
        "opened_at": case.opened_at.isoformat(),
    }


def _cut_lease(scopes: Scopes) -> list[Recorded]:
    return _empty(list(Case.objects.filter(leased_to__scope__in=scopes)), "leased_to_id")


def _find_decisions(scopes: Scopes) -> QuerySet[Decision]:
    return Decision.objects.filter(case__in=_find_cases(scopes)).select_related(
        "case__run", "case__output__run"
    )


def _export_decision(decision: Decision, keys: Keys) -> dict[str, Any]:
    return {
        "id": str(decision.pk),
        "case": str(decision.case_id),
        "outcome": decision.outcome,
        "reason": decision.reason,
        "note": keys.open(decision, "note").decode() if decision.note else "",
        "decided_at": decision.decided_at.isoformat(),
    }


def _cut_decider(scopes: Scopes) -> list[Recorded]:
    decisions = Decision.objects.filter(decider__scope__in=scopes)
    return _empty(list(decisions), "decider_id")


def _cut_trainers(scopes: Scopes) -> list[Recorded]:
    """Take erased accounts out of trainings and overrides, which speak of nobody else."""
    runs = TrainingRun.objects.filter(proposed_by__scope__in=scopes)
    proposed = TrainingOverride.objects.filter(proposed_by__scope__in=scopes)
    cut = [*_empty(list(runs), "proposed_by_id"), *_empty(list(proposed), "proposed_by_id")]
    approved = TrainingOverride.objects.filter(approved_by__scope__in=scopes)
    return [*cut, *_empty(list(approved), "approved_by_id")]


def _empty(rows: Sequence[Recorded], *columns: str) -> list[Recorded]:
    for row in rows:
        for column in columns:
            setattr(row, column, None)
        row.save(update_fields=[column.removesuffix("_id") for column in columns])
    return list(rows)


# In the order in which rows refer to each other: erasure goes through them from the last.
HOLDINGS.register(Holding("runs", _find_runs, _export_run, relink=_cut_client))
HOLDINGS.register(Holding("run depictions", _find_depictions, _export_depiction, relink=_cut_run))
HOLDINGS.register(Holding("outputs", _find_outputs, _export_output, _files, _cut_deliveries))
HOLDINGS.register(Holding("cases", _find_cases, _export_case, relink=_cut_lease))
HOLDINGS.register(Holding("decisions", _find_decisions, _export_decision, relink=_cut_decider))
HOLDINGS.register(
    Holding(
        "trainings",
        lambda _scopes: TrainingRun.objects.none(),
        lambda _row, _keys: {},
        relink=_cut_trainers,
    )
)

"""What it takes to tell what came of one person, in a small graph and in a large one."""

from collections.abc import Iterator, Mapping
from functools import partial
from statistics import median
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models

from bench.installation import as_superuser
from bench.lines import Line, line, seconds
from consent.lineage import Node, find_impact
from consent.models import (
    Dataset,
    DatasetVersion,
    Delivery,
    Depiction,
    Intake,
    Item,
    Project,
    Recipient,
    Subject,
)
from generation.models import ModelVersion, Output, Policy, Run, RunDepiction
from ledger.models import Scope, SealedFile

SMALL, LARGE = 10_000, 1_000_000
_VERSIONS, _MODELS, _PEOPLE, _PER_RUN, _RECIPIENTS = 200, 50, 1_000, 4, 20
# The person measured: as many items in as many versions in either graph, and so on to the models.
_THEIR_ITEMS, _THEIR_RUNS = 400, 40
_ROUNDS = 15
_OF = f"the same person in a graph of {SMALL:,} items and {SMALL:,} outputs, each delivered"
_PERSON = UUID(int=1)


def impact_million() -> Iterator[Line]:
    """Impact of a person who is in every version, so that all models and outputs are reached."""
    _lay_out()
    taken = {}
    have = 0
    for size in (SMALL, LARGE):
        _grow(have, size)
        have = size
        impact = find_impact(Node("subject", _PERSON))
        assert impact.counts["version"] == _VERSIONS
        assert impact.counts["model"] == _MODELS
        assert impact.counts["item"] == _THEIR_ITEMS
        assert impact.counts["recipient"] == _RECIPIENTS
        assert impact.counts["output"] == size
        find = partial(find_impact, Node("subject", _PERSON))
        taken[size] = [seconds(find) for _ in range(_ROUNDS)]
    middle = [median(taken[size]) for size in (LARGE, SMALL)]
    yield line("impact_million", "s", middle[:1], middle[1:], of=_OF, must="<= 3")


def _lay_out() -> None:
    """Make what is alike in both graphs: people, versions, models, recipients."""
    _fill(Scope, _PEOPLE, id=_id("n"))
    _fill(Subject, _PEOPLE, id=_id("n"), scope_id=_id("n"), handle="'P' || n")
    _fill(Project, 1, id=_id("n"), code="'bench'")
    _fill(Dataset, 1, id=_id("n"), project_id=_id("1"), code="'bench'")
    version = {"dataset_id": _id("1"), "number": "n", "uses": "'{train}'::varchar[]"}
    # Only drafts take items in, each from an import of its own.
    _fill(DatasetVersion, _VERSIONS, id=_id("n"), state="'draft'", **version)
    _fill(Intake, _VERSIONS, id=_id("n"), project_id=_id("1"), version_id=_id("n"))
    trained = {"dataset_version_id": _id(f"1 + n % {_VERSIONS}"), "name": "'model ' || n"}
    _fill(ModelVersion, _MODELS, id=_id("n"), **trained)
    _fill(Recipient, _RECIPIENTS, id=_id("n"), code="'recipient-' || n")
    _fill(Policy, 1, id=_id("n"), number="1")
    _fill(SealedFile, 1, id=_id("n"))


def _grow(have: int, size: int) -> None:
    """Add items up to ``size``, spread over the versions, and outputs, spread over the models.

    Each output is given to somebody, those of a model to each recipient in turn.
    """
    of = _id(f"1 + n % {_VERSIONS}")
    item = {"version_id": of, "intake_id": of, "ordinal": "n", "file_id": _id("1")}
    _fill(Item, size, have, id=_id("n"), licence="'CC0-1.0'", **item)
    # The first items show the person measured; the others show somebody else each.
    whose = f"CASE WHEN n <= {_THEIR_ITEMS} THEN 1 ELSE 2 + n % {_PEOPLE - 1} END"
    _fill(Depiction, size, have, item_id=_id("n"), subject_id=_id(whose))
    run = {"model_id": _model_of("n"), "project_id": _id("1"), "policy_id": _id("1")}
    asked = {"state": "'allowed'", "authorised_until": "now()"}
    _fill(Run, size // _PER_RUN, have // _PER_RUN, id=_id("n"), sequence="n", **run, **asked)
    whose = f"CASE WHEN n <= {_THEIR_RUNS} THEN 1 ELSE 2 + n % {_PEOPLE - 1} END"
    depicted = {"run_id": _id("n"), "subject_id": _id(whose)}
    _fill(RunDepiction, size // _PER_RUN, have // _PER_RUN, **depicted)
    run_of = f"(1 + (n - 1) / {_PER_RUN})"
    made = {"run_id": _id(run_of), "place": f"n % {_PER_RUN}"}
    _fill(Output, size, have, id=_id("n"), received_id=_id("1"), **made)
    given = {"kind": "'output'", "how": "'upload'", "node": _id("n"), "project_id": _id("1")}
    given |= {"model": _model_of(run_of)}
    in_turn = f"1 + n / {_MODELS * _PER_RUN} % {_RECIPIENTS}"
    _fill(Delivery, size, have, recipient_id=_id(in_turn), **given)
    # Autovacuum and the worker's folding, which a service has had time for.
    for table in (Item, Depiction, Run, RunDepiction, Output, Delivery):
        as_superuser(f"VACUUM ANALYZE {table._meta.db_table}")


def _model_of(run: str) -> str:
    """Return SQL for the model of a run, by its number."""
    return _id(f"1 + {run} % {_MODELS}")


def _fill(model: type[models.Model], until: int, after: int = 0, /, **said: Any) -> None:
    """Insert rows n = after + 1 … until: columns as ``said`` in SQL, the others any valid value."""
    columns: dict[str, str] = {
        str(field.column): said.pop(field.attname, None) or _any(field)
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField)
    }
    assert not said, f"{model.__name__} has no column {', '.join(said)}"
    names, values = ", ".join(f'"{name}"' for name in columns), ", ".join(columns.values())
    as_superuser(
        f"INSERT INTO {model._meta.db_table} ({names})"  # noqa: S608
        f" SELECT {values} FROM generate_series({after + 1}, {until}) n"
    )


def _any(field: Any) -> str:
    if field.null:
        return "NULL"
    if isinstance(field.default, int):
        return str(field.default)
    if field.choices and field.blank:
        return "''"
    if field.choices:
        known = [code for code, _ in field.choices]
        return f"'{field.default if field.default in known else known[0]}'"
    for kind, value in _VALUES.items():
        if isinstance(field, kind):
            return value
    raise TypeError(f"no value is known for {field}")


def _id(number: str) -> str:
    """Return SQL for the id made of a number, so that rows find each other by counting."""
    return f"lpad(to_hex({number}), 32, '0')::uuid"


_VALUES: Mapping[type, str] = {
    ArrayField: "'{}'",
    models.UUIDField: "gen_random_uuid()",
    models.BinaryField: "sha256(n::text::bytea)",
    models.DateTimeField: "now()",
    models.BooleanField: "FALSE",
    models.IntegerField: "1",
    models.CharField: "'x'",
    models.TextField: "'[]'",
}

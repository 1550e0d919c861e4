"""Many records in one transaction, and in one request."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client

from consent.models import Project
from consent.roles import RoleCode
from consent.services import issue_credentials
from ledger import batchviews, vault
from ledger.errors import (
    FactsRefused,
    KindNotOpen,
    OffTheRecord,
    RecordTooLarge,
    ScopeGone,
    UnknownLog,
)
from ledger.kinds import NoFacts
from ledger.leaf import parse_body
from ledger.models import HOUSE_SCOPE, Leaf, Log, Pending, Record, RequestKey, Segment
from ledger.record_kinds import EVENT_REPORTED, LOG_OPENED
from ledger.services import Draft, Unsealed, append_many
from ledger.services.bulk import CHUNK
from ledger.services.reporting import Event
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.consent.factories import House, open_house
from tests.ledger.acts import THING_TESTED, Tries, about, person, record

pytestmark = pytest.mark.django_db(transaction=True)


def _drafts(number: int, *segments: Unsealed) -> Iterator[Draft]:
    return (Draft(THING_TESTED, Tries(tries=tries), segments) for tries in range(number))


def _append(*drafts: Draft, log: str = "default") -> list[UUID]:
    with transaction.atomic():
        return append_many(drafts, log=log)


def test_records_of_several_chunks_get_their_places_in_order(
    log: Log, sequence: Callable[[], int]
) -> None:
    sequence()
    with transaction.atomic():
        written = append_many(_drafts(CHUNK + 5))
    assert sequence() == CHUNK + 5
    placed = Leaf.objects.filter(index__gt=0).order_by("index")
    assert list(placed.values_list("record__uuid", flat=True)) == written
    assert verify_log(log).findings == []


def test_bulk_writes_the_same_body_as_append(log: Log) -> None:
    alone = record(tries=7)
    (bulk,) = _append(Draft(THING_TESTED, Tries(tries=7)))
    one, other = (parse_body(Record.objects.get(uuid=each).body) for each in (alone.uuid, bulk))
    assert (one.kind, one.facts, one.commitments) == (other.kind, other.facts, other.commitments)


def test_segments_in_bulk_open_and_are_padded_like_others(
    log: Log, sequence: Callable[[], int]
) -> None:
    whose = person()
    said = [about(whose, n="1"), about(whose, n="2"), about(HOUSE_SCOPE, n="3")]
    (uuid,) = _append(Draft(THING_TESTED, Tries(tries=1), said))
    stored = Segment.objects.filter(record__uuid=uuid).order_by("position")
    opened = [
        vault.keys(one.scopes).open_segment(
            one.scopes, uuid, one.position, "thing.tested", one.ciphertext
        )
        for one in stored
    ]
    assert sorted(one.role for one in opened) == ["padding", "subject", "subject", "subject"]
    sequence()
    verdict = verify_log(log)
    assert (verdict.findings, dict(verdict.segments)) == ([], {"open": 3, "padding": 1})


def test_rows_told_of_in_bulk_point_at_their_newest_record(
    log: Log, sequence: Callable[[], int]
) -> None:
    with transaction.atomic():
        rows = [Project(code=f"bulk-{number}") for number in range(3)]
        Project.objects.bulk_create(rows)
        drafts = [
            Draft(THING_TESTED, Tries(tries=n), [Unsealed("house", rows=(row,))])
            for n, row in enumerate([*rows, rows[0]])
        ]
        written = append_many(drafts)
    told = [written[3], written[1], written[2]]
    assert [row.record for row in rows] == told
    assert [Project.objects.get(pk=row.pk).record for row in rows] == told
    sequence()
    assert verify_log(log).findings == []


def test_bulk_outside_a_transaction_is_refused(log: Log) -> None:
    with pytest.raises(OffTheRecord, match="records were appended outside a transaction"):
        append_many(_drafts(1))


@pytest.mark.parametrize(
    ("last", "error", "complaint"),
    [
        (Draft(THING_TESTED, NoFacts()), FactsRefused, "are NoFacts, wanted Tries"),
        (
            Draft(THING_TESTED, Tries(tries=1), [about(HOUSE_SCOPE)] * 257),
            RecordTooLarge,
            "has 257 segments, at most 256",
        ),
        (Draft(THING_TESTED, Tries(tries=1), [about(uuid4())]), ScopeGone, "gone or being"),
    ],
)
def test_one_refused_record_leaves_none(
    log: Log, last: Draft, error: type[Exception], complaint: str
) -> None:
    before = Record.objects.count(), Pending.objects.count(), Segment.objects.count()
    with pytest.raises(error, match=complaint), transaction.atomic():
        append_many([*_drafts(CHUNK), last])
    assert (Record.objects.count(), Pending.objects.count(), Segment.objects.count()) == before


def test_bulk_into_an_unknown_log_is_refused(log: Log) -> None:
    with pytest.raises(UnknownLog, match="no log has that name"):
        _append(*_drafts(1), log="elsewhere")


def test_application_cannot_write_a_record_over_another(log: Log) -> None:
    from django.db import IntegrityError

    written = record()
    with pytest.raises(IntegrityError, match="duplicate key"), transaction.atomic():
        append_many(_drafts(1), uuids=iter([written.uuid]))


def test_kind_that_a_service_writes_is_not_open_to_programs() -> None:
    with pytest.raises(KindNotOpen, match=r"log\.opened is written by the service itself"):
        Event.of(LOG_OPENED.name, {}, {})


# The API ----------------------------------------------------------------------------------------


@pytest.fixture
def house(db: None, log: Log) -> House:
    return open_house()


@pytest.fixture
def post(house: House) -> Callable[..., Any]:
    """``post(lines, key=…)`` sends a batch as a program that may."""
    token = _token(house, "records:write")

    def send(body: bytes, key: str = "once", token: str = token) -> Any:
        return Client(raise_request_exception=False).generic(
            "POST",
            "/api/v1/records:batch",
            body,
            content_type="application/x-ndjson",
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": key},
        )

    return send


def _token(house: House, scope: str, role: RoleCode = RoleCode.GENERATOR) -> str:
    program = house.client("A program", role)
    credentials = issue_credentials(actor=house.ada, account_id=program.pk)
    asked = {
        "grant_type": "client_credentials",
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret,
        "scope": scope,
    }
    return str(Client().post("/oauth/token/", asked).json()["access_token"])


def _lines(*values: object) -> bytes:
    return b"\n".join(json.dumps(value).encode() for value in values)


def _event(topic: str = "training", **more: Any) -> dict[str, Any]:
    return {"kind": "event.reported", "facts": {"topic": topic}, **more}


def test_batch_becomes_records_that_name_their_program(
    log: Log, sequence: Callable[[], int], post: Callable[..., Any]
) -> None:
    answer = post(_lines(_event(), _event("delivery", payload={"shelf": "b"})))
    assert answer.status_code == 201, answer.content
    uuids = [UUID(text) for text in answer.json()["records"]]
    bodies = [parse_body(Record.objects.get(uuid=uuid).body) for uuid in uuids]
    assert [body.facts for body in bodies] == [{"topic": "training"}, {"topic": "delivery"}]
    one = Segment.objects.get(record__uuid=uuids[1])
    opened = vault.keys(one.scopes).open_segment(
        one.scopes, uuids[1], 0, EVENT_REPORTED.name, one.ciphertext
    )
    assert (opened.role, opened.payload["said"]) == ("actor", {"shelf": "b"})
    assert opened.payload["account"]
    sequence()
    assert verify_log(log).findings == []


def test_repeated_batch_is_answered_alike_and_recorded_once(post: Callable[..., Any]) -> None:
    first, again = post(_lines(_event(), _event())), post(_lines(_event(), _event()))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert Record.objects.filter(uuid__in=first.json()["records"]).count() == 2
    assert _reported() == 2


def test_used_key_with_another_batch_is_refused(post: Callable[..., Any]) -> None:
    post(_lines(_event()))
    answer = post(_lines(_event("access")))
    assert (answer.status_code, answer.json()["type"]) == (422, "IdempotencyConflict")


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"kind": "run.authorised", "facts": {}}, "line 3: run.authorised is written by the"),
        ({"kind": "log.opened", "facts": {}}, "line 3: log.opened is written by the service"),
        ({"kind": "never.heard", "facts": {}}, "line 3: no kind is called 'never.heard'"),
        ({"kind": "event.reported", "facts": {"topic": "Ada"}}, "line 3: facts of event.reported"),
        ({"kind": "event.reported"}, "line 3: a line is an object with kind, facts"),
        (_event(person="x"), "line 3: a line is an object with kind, facts"),
        (_event(payload=[]), "line 3: payload is not of the JSON type"),
        (_event(payload={"Big": 1}), "line 3: key does not match"),
        ([], "line 3: a line is an object"),
    ],
)
def test_wrong_line_is_named_and_nothing_is_recorded(
    post: Callable[..., Any], wrong: object, complaint: str
) -> None:
    answer = post(_lines(_event(), _event(), wrong, _event()))
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["line"]) == (422, "LineRefused", 3)
    assert problem["detail"].startswith(complaint)
    assert (_reported(), RequestKey.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"kind": ', "line 1: the body is no JSON"),
        (b"\n" + _lines(_event()), "line 1: the body is no JSON"),
        (b'{"kind":"a.b","kind":"a.b","facts":{}}', "line 1: a JSON object has the same name"),
        (b'{"kind":"a.b","facts":{"n":1.5}}', "line 1: a number has a fraction"),
        (b"\xff\n", "line 1: the body is not UTF-8"),
        (b" " * 65_537, "line 1: a line has at most 65536 bytes"),
    ],
)
def test_hostile_line_is_refused(post: Callable[..., Any], body: bytes, complaint: str) -> None:
    answer = post(body)
    assert (answer.status_code, answer.json()["detail"][: len(complaint)]) == (422, complaint)


def test_empty_batch_is_refused(post: Callable[..., Any]) -> None:
    answer = post(b"")
    assert (answer.status_code, answer.json()["type"]) == (422, "BatchRefused")


def test_one_line_too_many_is_refused(
    post: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batchviews, "MAX_LINES", 2)
    assert post(_lines(_event(), _event())).status_code == 201
    answer = post(_lines(_event(), _event(), _event()), key="other")
    assert (answer.status_code, answer.json()["line"]) == (422, 3)


def test_key_is_asked_for(post: Callable[..., Any]) -> None:
    answer = post(_lines(_event()), key="")
    assert (answer.status_code, answer.json()["type"]) == (400, "ParseError")


@pytest.mark.parametrize(
    ("scope", "role"),
    [("records:read", RoleCode.GENERATOR), ("records:write", RoleCode.DATA_SCIENTIST)],
)
def test_batch_needs_scope_and_role(
    house: House, post: Callable[..., Any], scope: str, role: RoleCode
) -> None:
    answer = post(_lines(_event()), token=_token(house, scope, role))
    assert (answer.status_code, _reported()) == (403, 0)


def test_another_media_type_is_refused(house: House) -> None:
    headers = {"Authorization": f"Bearer {_token(house, 'records:write')}"}
    answer = Client().post("/api/v1/records:batch", {}, "application/json", headers=headers)
    assert answer.status_code == 415


def test_erased_program_reports_nothing(
    house: House, post: Callable[..., Any], acting_as: ActingAs
) -> None:
    from ledger.models import Scope

    with acting_as("eraser"):
        Scope.objects.filter(retention="staff").update(state="destroying")
    answer = post(_lines(_event()))
    assert (answer.status_code, answer.json()["type"], _reported()) == (410, "ScopeGone", 0)


def _reported() -> int:
    return sum(
        parse_body(body).kind == EVENT_REPORTED.name
        for body in Record.objects.values_list("body", flat=True)
    )

"""What shows an answer: several pieces, never replaced, opened on the record."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client

from consent import mediatypes, services, tasks
from consent.errors import NotPermitted, TermsRefused
from consent.models import Account, Evidence, Grant
from consent.models.consents import GrantQuerySet
from consent.moment import database_now
from consent.roles import RoleCode
from consent.services import Piece
from consent.services.evidence import MAX_PIECES
from consent.uses import EvidenceKind, Use
from ledger.keystore.keys import destroy_keys
from tests.conftest import ActingAs
from tests.consent.factories import (
    House,
    answer,
    body_of,
    consent_of,
    openings_of,
    publish,
    register,
)
from tests.consent.test_admin import browser, do, row_url
from tests.consent.test_api import of_person, problem

pytestmark = pytest.mark.django_db(transaction=True)
FORM, SCAN = b"%PDF-1.7 an invented form", b"\xff\xd8\xff an invented scan"


def shown(officer: Account, *content: bytes) -> Grant:
    return services.give(
        actor=officer,
        subject_id=register(officer).pk,
        notice_id=publish(officer).pk,
        answer=answer(Use.TRAIN, Use.EVALUATE),
        evidence=[Piece(one) for one in content],
    )


def listed(officer: Account, grant: Grant) -> list[str]:
    record = services.read_record(reader=officer, grant_id=grant.pk)
    return [one["muniment:digest"] for one in record["muniment:evidence"]]


def digest(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (FORM, "application/pdf"),
        (SCAN, "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WAVE", "audio/wav"),
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"<html><script>", mediatypes.OTHER),
        (b"", mediatypes.OTHER),
    ],
)
def test_a_paper_is_what_its_bytes_say(content: bytes, media_type: str) -> None:
    assert mediatypes.media_type_of(content) == media_type


def test_more_may_be_added_on_the_record_beside_what_is_there(officer: Account) -> None:
    grant = shown(officer, FORM)
    given = grant.record
    services.add_evidence(
        actor=officer, grant_id=grant.pk, evidence=[Piece(SCAN, EvidenceKind.SCAN)]
    )
    grant.refresh_from_db()
    assert grant.record != given
    assert body_of(grant).kind == "grant.evidenced"
    roles = sorted(opening.role for opening in openings_of(grant))
    assert roles == ["actor", "evidence", "subject"]
    assert listed(officer, grant) == [digest(FORM), digest(SCAN)]


def test_what_is_left_of_an_answer_is_shown_by_what_showed_the_whole(officer: Account) -> None:
    grant = shown(officer, FORM)
    rest = services.withdraw(actor=officer, grant_id=grant.pk, uses=[Use.TRAIN])
    assert rest.pk != grant.pk
    assert listed(officer, rest) == [digest(FORM)]


@pytest.mark.parametrize(
    ("pieces", "complaint"),
    [
        ([], "nothing to add"),
        ([Piece(b"")], "evidence has 0 bytes"),
        ([Piece(b"x")] * (MAX_PIECES + 1), "21 pieces of evidence came, at most 20"),
    ],
)
def test_evidence_that_cannot_be_is_refused(
    officer: Account, pieces: list[Piece], complaint: str
) -> None:
    grant = consent_of(officer, register(officer))
    with pytest.raises(TermsRefused, match=complaint):
        services.add_evidence(actor=officer, grant_id=grant.pk, evidence=pieces)
    assert not Evidence.objects.exists()


@pytest.mark.parametrize("column", ["kind", "media_type", "digest", "file_id", "grant_id"])
def test_no_piece_is_replaced_by_anybody(officer: Account, column: str) -> None:
    shown(officer, FORM)
    others = {"digest": "'\\x00'", "kind": "'scan'", "media_type": "'image/png'"}
    value = others.get(column, "gen_random_uuid()")
    with (
        pytest.raises(DatabaseError, match=column),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE consent_evidence SET {column} = {value}")


def test_nobody_opens_evidence_who_may_not(house: House, officer: Account) -> None:
    grant = shown(officer, FORM)
    scientist = house.account("Kim", RoleCode.MANAGER)
    piece = Evidence.objects.of(grant).get()
    with pytest.raises(NotPermitted):
        services.read_evidence(reader=scientist, piece=piece)
    address = f"/admin/consent/grant/evidence/{piece.pk}/"
    assert browser(scientist).get(address).status_code == 403
    assert problem(of_person(scientist).get(f"evidence/{piece.pk}"))[0] == 403


def test_several_files_come_by_one_form_and_are_opened_from_the_answers_page(
    officer: Account,
) -> None:
    client, grant = browser(officer), consent_of(officer, register(officer))
    files = [SimpleUploadedFile(f"Ida Invented {n}.pdf", FORM + bytes([n])) for n in (1, 2)]
    done = do(client, grant, "evidence", {"kind": "scan", "evidence": files})
    assert done.status_code == 302
    page = client.get(row_url(grant)).content.decode()
    first, _ = Evidence.objects.of(grant)
    address = f"/admin/consent/grant/evidence/{first.pk}/"
    assert address in page
    assert "Ida" not in page
    opened = client.get(address)
    assert opened.content == FORM + bytes([1])
    assert opened["Content-Disposition"].startswith("attachment")
    assert client.get(address.replace(str(first.pk), str(grant.pk))).status_code == 404


def test_evidence_is_added_listed_and_fetched_by_api(officer: Account) -> None:
    grant = consent_of(officer, register(officer))
    client = Client()
    client.force_login(officer)

    def post(kind: str, key: str) -> Any:
        return client.post(
            f"/api/v1/grants/{grant.pk}/evidence?kind={kind}",
            SCAN,
            content_type="application/octet-stream",
            headers={"Idempotency-Key": key},
        )

    first = post("recording", "key-1")
    assert first.status_code == 201, first.content
    (piece,) = first.json()
    assert (piece["kind"], piece["media_type"], piece["size"]) == (
        "recording", "image/jpeg", len(SCAN),
    )  # fmt: skip
    assert post("recording", "key-1").json() == first.json()
    assert problem(post("letter", "key-1")) == (422, "IdempotencyConflict")
    api = of_person(officer)
    assert api.get(f"grants/{grant.pk}/evidence").json() == first.json()
    assert api.get(f"evidence/{piece['id']}").content == SCAN


def test_expiry_goes_on_behind_an_erased_person(
    officer: Account, monkeypatch: pytest.MonkeyPatch, acting_as: ActingAs
) -> None:
    soon = answer(valid_until=database_now() + timedelta(milliseconds=900))
    grants = [consent_of(officer, register(officer), soon) for _ in range(2)]
    # Between finding the answers and marking them, the keys of one person go.
    erased = min(grants, key=lambda grant: grant.pk)
    overdue = Grant.objects.filter(pk__in=[grant.pk for grant in grants]).order_by("pk")
    monkeypatch.setattr(GrantQuerySet, "overdue", lambda *_: overdue)
    time.sleep(1)
    with acting_as("eraser"):
        destroy_keys(erased.scope_ids())
    tasks.expire_grants()
    states = dict(Grant.objects.values_list("pk", "state"))
    assert states.pop(erased.pk) == "given"
    assert list(states.values()) == ["expired"]


def test_a_receipt_lists_what_was_added_since(
    officer: Account, sequence: Callable[[], int]
) -> None:
    grant = shown(officer, FORM)
    sequence()
    before = services.issue_receipt(actor=officer, grant_id=grant.pk)
    services.add_evidence(actor=officer, grant_id=grant.pk, evidence=[Piece(SCAN)])
    sequence()
    after = services.issue_receipt(actor=officer, grant_id=grant.pk)
    contents = [services.read_paper(reader=officer, paper=paper) for paper in (before, after)]
    counts = [
        len(json.loads(one or b"")["muniment:record"]["muniment:evidence"]) for one in contents
    ]
    assert counts == [1, 2]

"""Who somebody is, on screens and over the API. All people are invented."""

from typing import Any

import pytest

from consent import tasks
from consent.models import Account, Identifier, Merge, Scan, Serving, Subject
from tests.conftest import ActingAs
from tests.consent.factories import publish, register
from tests.consent.test_admin import browser, do, list_url, offered, row_url
from tests.consent.test_api import of_person, problem

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_officer_adds_corrects_and_ends_what_a_person_is_known_by(officer: Account) -> None:
    subject, client = register(officer, "Cloe Invented", email=None), browser(officer)
    phone = {"kind": "phone", "value": "030 901820", "region": "de"}
    assert do(client, subject, "know", phone).status_code == 302
    refused = do(client, subject, "know", {**phone, "value": "no number"}).content.decode()
    assert "Phone number is malformed" in refused
    name = subject.identifiers.get(kind="name")
    do(client, name, "correct", {"value": "Cleo Invented"})
    do(client, Identifier.objects.get(kind="phone"), "end")
    closed = client.get(row_url(subject)).content.decode()
    assert "Cleo Invented" not in closed
    opened = client.get(f"{row_url(subject)}?names=1").content.decode()
    assert all(text in opened for text in ("Cleo Invented", "+4930901820", "corrected", "until"))
    assert "Cloe" not in opened
    assert offered(client, name) == set()


def test_a_search_shows_who_was_found_how_and_what_was_searched(officer: Account) -> None:
    keep = register(officer, "Zoë Müller", email=None)
    other = register(officer, "Wilhelmina Other", email=None)
    client = browser(officer)
    said = {"handle": other.handle.lower(), "reason": "the same passport"}
    assert do(client, keep, "merge", said).status_code == 302
    page = do(
        client, Subject, "search", {"term": "OTHER, wilhelmina", "kind": "name"}
    ).content.decode()
    assert keep.handle in page
    assert f"registered as {other.handle} too" in page
    assert "sounds alike" in page
    assert f"{other.handle} counts as {keep.handle}" in client.get(row_url(keep)).content.decode()
    assert do(client, Merge.objects.get(), "part").status_code == 302
    assert "counted as" in client.get(row_url(other)).content.decode()
    assert offered(client, Merge.objects.get()) == set()


def test_a_search_of_everybody_answers_also_that_nobody_is_here(
    officer: Account, acting_as: ActingAs
) -> None:
    subject, client = register(officer, "Cleo Invented"), browser(officer)
    why = {"reason": "privacy_request", "why": "asked for a copy"}
    assert "at least one thing" in do(client, Scan, "order", why).content.decode()
    for name in ("Kleo Invented", "Absalom Nowhere"):
        do(client, Scan, "order", {**why, "name": name})
    found, none = Scan.objects.order_by("ordered_at")
    assert "Waiting for the worker" in client.get(row_url(found)).content.decode()
    with acting_as("eraser"):
        for scan in (found, none):
            tasks.carry_out_scan(str(scan.pk))
    page = client.get(row_url(found)).content.decode()
    assert (subject.handle in page, "1 person is similar" in page, "Kleo" in page) == (
        True, True, False
    )  # fmt: skip
    page = client.get(f"{row_url(none)}?names=1").content.decode()
    assert "Nobody similar is here" in page
    assert "1 person was compared by name, other name" in page
    assert all(text in page for text in ("Absalom Nowhere", "asked for a copy"))
    assert "done" in client.get(f"{list_url(Scan)}?names=1").content.decode()


def test_a_notice_that_reached_somebody_stands_beside_their_answers(officer: Account) -> None:
    subject, notice, client = register(officer), publish(officer), browser(officer)
    said = {"notice": str(notice.pk), "channel": "letter", "capacity": "guardian"}
    assert do(client, subject, "serve", said).status_code == 302
    page = client.get(row_url(subject)).content.decode()
    assert "release 1 (en)" in page
    assert "to a guardian" in page
    assert client.get(row_url(Serving.objects.get())).status_code == 200


def test_the_api_knows_people_by_several_things(officer: Account) -> None:
    api = of_person(officer)
    others = [{"kind": "phone", "value": "030 901820", "region": "DE"}]
    made = api.post("subjects", {"name": "Cleo Invented", "others": others}).json()
    added = api.post(f"subjects/{made['id']}/identifiers", {"kind": "alias", "value": "C"}, "k1")
    assert (added.status_code, set(added.json())) == (
        201, {"id", "subject", "kind", "since", "until", "record"}
    )  # fmt: skip
    path = f"identifiers/{added.json()['id']}"
    right = api.post(f"{path}/correct", {"kind": "alias", "value": "Cee"}, "k2").json()
    ended = api.post(f"identifiers/{right['id']}/end", {}, "k3")
    assert ended.json()["until"] is not None
    found = api.post("subjects/search", {"term": "+4930901820", "kind": "phone"}, key=None).json()
    assert found["matches"][0]["form"] == "e164"
    assert found["searched"] == [{"kind": "phone", "form": "e164"}]
    wrong = api.post("subjects/search", {"term": "x", "kind": "phone"}, key=None)
    assert problem(wrong) == (422, "TermsRefused")


def test_the_api_merges_parts_serves_and_scans(officer: Account, acting_as: ActingAs) -> None:
    api, keep, other = of_person(officer), register(officer), register(officer, "Kleo Invented")
    said = {"other": str(other.pk), "reason": "the same passport"}
    made = api.post(f"subjects/{keep.pk}/merge", said, "k1")
    assert (made.status_code, made.json()["into"]) == (201, str(keep.pk))
    assert problem(api.post(f"subjects/{keep.pk}/merge", said, "k2")) == (409, "WrongState")
    assert api.post(f"merges/{made.json()['id']}/part", {}, "k3").json()["parted_at"]
    served = api.post(
        "servings",
        {"subject": str(keep.pk), "notice": str(publish(officer).pk), "channel": "email"},
        "k4",
    )
    assert (served.status_code, served.json()["language"]) == (201, "en")
    terms = [{"kind": "name", "value": "Cleo Inventt"}]
    asked = {"terms": terms, "reason": "casework", "why": "a letter without a handle"}
    scan = api.post("scans", asked, "k5")
    assert (scan.status_code, scan.json()["state"]) == (202, "ordered")
    with acting_as("eraser"):
        tasks.carry_out_scan(scan.json()["id"])
    answer: dict[str, Any] = api.get(f"scans/{scan.json()['id']}").json()
    assert (answer["people"], answer["matched"], answer["state"]) == (2, 2, "done")
    assert {match["handle"] for match in answer["matches"]} == {keep.handle, other.handle}
    assert "Cleo" not in str(answer)

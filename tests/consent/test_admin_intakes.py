import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from consent import services
from consent.models import Account, Dataset, DatasetVersion, Intake, Source
from consent.services import Arrival
from consent.uses import Form
from ledger.models import Record
from tests.conftest import ActingAs
from tests.consent.factories import register
from tests.consent.test_admin import browser, do, list_url, row_url
from tests.consent.test_datasets import dataset as dataset
from tests.consent.test_datasets import scientist as scientist
from tests.consent.test_intakes import table

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def draft(officer: Account, dataset: Dataset) -> DatasetVersion:
    client = browser(officer)
    done = do(client, dataset, "begin", {"uses": ["train"], "profile": "strict/1"})
    assert done.status_code == 302, done.content
    return DatasetVersion.objects.get()


def bring(officer: Account, draft: DatasetVersion, acting_as: ActingAs, content: bytes) -> Intake:
    said = {"form": "manifest", "file": SimpleUploadedFile("table.csv", content), "source": ""}
    assert do(browser(officer), draft, "bring", said).status_code == 302
    intake = Intake.objects.order_by("-received_at")[0]
    with acting_as("eraser"):
        return services.read_intake(intake.pk)


def page_of(officer: Account, row: Any) -> str:
    return browser(officer).get(row_url(row)).content.decode()


def test_a_draft_is_filled_set_right_and_frozen_on_screens(
    officer: Account, draft: DatasetVersion, acting_as: ActingAs
) -> None:
    assert "Nothing has come into this draft yet." in page_of(officer, draft)
    content = table({}, {"license": "as we like"}, {"license": "as we like"}, {})
    intake = bring(officer, draft, acting_as, content)
    page = page_of(officer, intake)
    assert "2 items of 4 were kept out" in page
    assert "We do not know this licence" in page
    said = {"reason": "licence_unknown", "licence": "CC-BY-4.0"}
    assert do(browser(officer), intake, "repair", said).status_code == 302
    assert "Nothing: every item was let in" in page_of(officer, intake)
    refused = do(browser(officer), draft, "freeze").content.decode()
    assert "Nobody has vetted the version" in refused
    said = {"reason": "Looked at by an invented agency."}
    assert do(browser(officer), draft, "waive", said).status_code == 302
    assert "May be frozen without vetting" in page_of(officer, draft)
    assert do(browser(officer), draft, "freeze").status_code == 302
    draft.refresh_from_db()
    assert (draft.state, draft.member_count, draft.vetted) == ("frozen", 4, False)
    assert "Frozen without vetting" in page_of(officer, draft)
    for act in ("bring", "freeze", "waive", "abandon"):
        assert f"/do/{act}/" not in page_of(officer, draft)


def test_what_waits_is_downloaded_and_turned_away(
    officer: Account, draft: DatasetVersion, acting_as: ActingAs
) -> None:
    intake = bring(officer, draft, acting_as, table({"license": ""}, {}))
    errors: Any = browser(officer).get(row_url(intake).replace("/change/", "/errors/"))
    lines = b"".join(errors.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert "No licence is stated." in lines[1]
    assert do(browser(officer), intake, "drop", {"reason": ""}).status_code == 302
    intake.refresh_from_db()
    assert intake.dropped_count == 1


def test_somebody_who_is_named_is_said_to_be_a_person(
    officer: Account, draft: DatasetVersion, acting_as: ActingAs
) -> None:
    cleo = register(officer)
    intake = bring(officer, draft, acting_as, table({"depicts": "Cleo I."}))
    said = {"reason": "person_unknown", "name": "Cleo I.", "person": "S-0000-0000"}
    refused = do(browser(officer), intake, "repair", said).content.decode()
    assert "Nobody has this handle" in refused
    assert do(browser(officer), intake, "repair", said | {"person": cleo.handle}).status_code == 302
    assert intake.quarantined.get().reasons == ["consent_missing"]


def test_columns_are_given_another_meaning(
    officer: Account, draft: DatasetVersion, acting_as: ActingAs
) -> None:
    intake = bring(officer, draft, acting_as, table({}).replace(b"url,", b"where,"))
    assert intake.item_count == 0
    before = openings()
    page = browser(officer).get(row_url(intake).replace("/change/", "/do/columns/"))
    assert "where" in page.content.decode()
    assert openings() == before + 1
    columns = ["location", "sha256", "licence", "legal_basis", "depicts", "width", "height"]
    said = {f"column_{place}": meaning for place, meaning in enumerate(columns)}
    assert do(browser(officer), intake, "columns", said).status_code == 302
    again = Intake.objects.order_by("-received_at")[0]
    with acting_as("eraser"):
        assert services.read_intake(again.pk).item_count == 1


def test_names_of_people_in_a_first_row_are_shown_on_the_record_only(
    officer: Account, draft: DatasetVersion, acting_as: ActingAs
) -> None:
    intake = bring(officer, draft, acting_as, b"Eve Invented,CC0-1.0\nFay Invented,CC0-1.0\n")
    assert "Eve" not in page_of(officer, intake)
    before = openings()
    assert "Eve Invented" in page_of_act(officer, intake, "columns").content.decode()
    assert openings() == before + 1


def test_columns_that_are_gone_are_told_of_in_a_sentence(
    officer: Account, draft: DatasetVersion, acting_as: ActingAs
) -> None:
    content = table({"depicts": register(officer).handle})
    intake = bring(officer, draft, acting_as, content)
    columns = ["location", "location", "licence", "legal_basis", "depicts", "width", "height"]
    said = {f"column_{place}": meaning for place, meaning in enumerate(columns)}
    refused = do(browser(officer), intake, "columns", said)
    assert "Two columns mean location." in refused.content.decode()
    services.receive(
        actor=officer, arrival=Arrival(Form.MANIFEST, draft.pk), content=io.BytesIO(table({}))
    )
    unread = Intake.objects.order_by("-received_at")[0]
    answer = page_of_act(officer, unread, "columns")
    assert answer.redirect_chain == [(row_url(unread), 302)]
    assert "Its columns are not known" in answer.content.decode()


def page_of_act(officer: Account, row: Any, act: str) -> Any:
    return browser(officer).get(row_url(row).replace("/change/", f"/do/{act}/"), follow=True)


def openings() -> int:
    bodies = Record.objects.values_list("body", flat=True)
    return sum(b"values.disclosed" in bytes(body) for body in bodies)


def test_what_cannot_be_read_says_why(
    officer: Account, draft: DatasetVersion, acting_as: ActingAs
) -> None:
    page = page_of(officer, bring(officer, draft, acting_as, b"PAR1 and nothing"))
    assert "It cannot be read" in page
    assert "Nothing of the file was kept" in page


def test_sources_and_data_sets_are_opened_on_screens(officer: Account, dataset: Dataset) -> None:
    client = browser(officer)
    said = {"project": str(dataset.project_id), "code": "archive"}
    more = {"provenance": "licensed", "address": "https://archive.example"}
    assert do(client, Source, "open", said | more).status_code == 302
    assert do(client, Dataset, "open", said).status_code == 302
    assert "archive" in client.get(list_url(Source)).content.decode()
    assert "archive" in client.get(list_url(Dataset)).content.decode()

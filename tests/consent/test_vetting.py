"""Vetting a draft, from the look at it to freezing it. The astronaut is scikit-image's, a NASA
portrait; everybody named is invented."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from PIL import Image

from consent import services, tasks
from consent.admin.acts import row_url
from consent.errors import AlreadyKnown, GateClosed, NotPermitted, TermsRefused, WrongState
from consent.importers.folder import Folder
from consent.members import read_opening
from consent.models import (
    Account,
    Anonymisation,
    Dataset,
    DatasetVersion,
    Flagged,
    Item,
    PrivacyRequest,
    RequestKind,
    Vetting,
    VettingErrand,
    VettingFinding,
)
from consent.models.errands import LeaseLost
from consent.moment import database_now
from consent.roles import RoleCode
from consent.services import gate, vetting
from consent.uses import Masking, Use
from consent.vetting.duplicates import find_near
from consent.vetting.faces import Box, detector
from consent.vetting.gate import Verdict
from consent.vetting.masking import read_picture
from consent.vetting.representativeness import read_lines
from ledger import vault
from ledger.models import HOUSE_SCOPE, Log
from ledger.services import open_file
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.consent.factories import House, body_of, consent_of, freeze_unvetted, register
from tests.consent.test_admin import browser
from tests.consent.test_api import of_person, of_program, problem
from tests.consent.test_datasets import dataset as dataset
from tests.consent.test_datasets import described, fill, plain
from tests.consent.test_datasets import scientist as scientist
from tests.consent.test_requests import approve, receive, state_of
from tests.consent.test_requests import carry_out as carry_out

pytestmark = pytest.mark.django_db(transaction=True)
Bring = Callable[..., Folder]


def written(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    data = pytest.importorskip("skimage.data")
    return Image.fromarray(np.asarray(data.astronaut()))


@pytest.fixture
def draft(scientist: Account, dataset: Dataset) -> DatasetVersion:
    return services.open_version(actor=scientist, dataset_id=dataset.pk)


@pytest.fixture
def bring(
    scientist: Account, draft: DatasetVersion, tmp_path: Path, acting_as: ActingAs
) -> Callable[..., None]:
    def run(*files: Any, into: DatasetVersion | None = None) -> None:
        folder = tmp_path / f"brought-{into or draft}-{len(files)}-{files[0][0].path}"
        folder.mkdir()
        with acting_as("eraser"):
            source = fill(folder, files)
            services.bring_folder(actor=scientist, version_id=(into or draft).pk, source=source)

    return run


def vet(actor: Account, version: DatasetVersion) -> Vetting:
    ordered = services.vet_version(actor=actor, version_id=version.pk)
    tasks.carry_out_vetting(str(ordered.pk))
    ordered.refresh_from_db()
    return ordered


def counts(done: Vetting) -> dict[str, int]:
    return {one.code: one.count for one in done.findings.all()}


def finding(done: Vetting, code: str) -> VettingFinding:
    return done.findings.get(code=code)


def test_a_draft_is_looked_at_and_what_is_found_stands_against_freezing_it(
    scientist: Account, draft: DatasetVersion, bring: Any, portrait: Image.Image, log: Log,
    sequence: Callable[[], int], acting_as: ActingAs,
) -> None:  # fmt: skip
    face = written(portrait)
    alike = written(portrait.resize((300, 300)), "JPEG", quality=70)
    bring(
        (described("one.png", face), face),
        (described("two.jpg", alike, licence="LicenseRef-Studio"), alike),
        plain("red"),
    )
    done = vet(scientist, draft)
    assert (done.state, done.verdict) == ("done", "after_decisions")
    assert (done.members, done.looked, done.compared) == (3, 3, 2)
    assert counts(done) == {
        "face_without_person": 2,
        "near_duplicates": 1,
        "licence_own": 1,
        "not_compared": 1,
        "groups_not_declared": 0,
    }
    assert body_of(done).facts == {"items": 3, "verdict": "after_decisions"}
    with pytest.raises(GateClosed, match="2 pictures have more faces than people"):
        services.freeze_version(actor=scientist, version_id=draft.pk)
    one = Flagged.objects.filter(code="face_without_person").select_related("item")[0]
    assert b'"boxes"' in vault.keys([HOUSE_SCOPE]).open(one, "detail")
    assert (
        services.set_aside_items(actor=scientist, finding_id=finding(done, "near_duplicates").pk)
        == 1
    )
    services.accept_finding(
        actor=scientist, finding_id=finding(done, "face_without_person").pk, reason="A statue."
    )
    own = finding(done, "licence_own")
    if own.state == "open":
        services.accept_finding(actor=scientist, finding_id=own.pk, reason="Read it.")
    frozen = services.freeze_version(actor=scientist, version_id=draft.pk)
    assert frozen.member_count == 2
    sequence()
    with acting_as("eraser"):
        assert verify_log(log).findings == []


def test_what_was_accepted_stays_accepted_while_nothing_changed(
    scientist: Account, draft: DatasetVersion, bring: Any
) -> None:
    bring(plain("red", licence="LicenseRef-Studio"))
    first = finding(vet(scientist, draft), "licence_own")
    services.accept_finding(actor=scientist, finding_id=first.pk, reason="Read it.")
    again = vet(scientist, draft)
    row = finding(again, "licence_own")
    assert (again.verdict, row.state, row.decided_by) == ("may", "accepted", scientist)
    assert row.reason
    assert vault.keys([HOUSE_SCOPE]).open(row, "reason") == b"Read it."
    bring(plain("blue", licence="LicenseRef-Studio"))
    with pytest.raises(WrongState, match="came in or was declared since"):
        services.freeze_version(actor=scientist, version_id=draft.pk)
    assert finding(vet(scientist, draft), "licence_own").state == "open"


def test_licences_that_forbid_the_use_block_with_or_without_vetting(
    scientist: Account, dataset: Dataset, bring: Any
) -> None:
    uses = [Use.TRAIN, Use.COMMERCIAL]
    draft = services.open_version(actor=scientist, dataset_id=dataset.pk, uses=uses)
    bring(plain("red", licence="CC-BY-NC-4.0"), plain("blue"), into=draft)
    with pytest.raises(GateClosed, match="forbids commercial use"):
        freeze_unvetted(scientist, draft)
    done = vet(scientist, draft)
    assert done.verdict == "not"
    blocking = finding(done, "licence_non_commercial")
    with pytest.raises(WrongState, match="cannot be accepted"):
        services.accept_finding(actor=scientist, finding_id=blocking.pk, reason="Never mind.")
    assert services.set_aside_items(actor=scientist, finding_id=blocking.pk) == 1
    blocking.refresh_from_db()
    assert blocking.state == "settled"
    frozen = services.freeze_version(actor=scientist, version_id=draft.pk)
    assert frozen.member_count == 1


def test_nothing_is_frozen_that_nobody_looked_at_unless_somebody_answers_for_it(
    house: House, officer: Account, scientist: Account, draft: DatasetVersion, bring: Any
) -> None:
    said = {"version_id": draft.pk}
    bring(plain("red"))
    with pytest.raises(WrongState, match="nobody has vetted the version"):
        services.freeze_version(actor=scientist, **said)
    with pytest.raises(NotPermitted, match=r"consent\.waive_vetting"):
        services.waive_vetting(actor=scientist, **said, reason="It is late.")
    with pytest.raises(TermsRefused, match="reason has 1 characters"):
        services.waive_vetting(actor=officer, **said, reason=" ")
    waiver = services.waive_vetting(actor=officer, **said, reason="Looked at by an agency.")
    assert body_of(waiver).kind == "vetting.waived"
    assert vault.keys([HOUSE_SCOPE]).open(waiver, "reason") == b"Looked at by an agency."
    bring(plain("blue"))
    with pytest.raises(WrongState, match="nobody has vetted the version"):
        services.freeze_version(actor=scientist, **said)
    services.waive_vetting(actor=officer, **said, reason="Looked at by an agency.")
    frozen = services.freeze_version(actor=scientist, **said)
    assert frozen.vetted is False
    assert body_of(frozen).facts["vetted"] is False
    page = browser(officer).get(row_url(frozen)).content.decode()
    assert "Frozen without vetting" in page
    assert "agency" not in page
    assert (
        "Looked at by an agency."
        in browser(officer).get(row_url(frozen) + "?reason=1").content.decode()
    )
    told = b"".join(
        services.export_version(
            actor=officer, version_id=frozen.pk, form=services.ExportForm.CROISSANT
        )
    )
    assert b"Nobody vetted it" in told


def test_a_waiver_does_not_outweigh_what_was_found(
    officer: Account, scientist: Account, draft: DatasetVersion, bring: Any
) -> None:
    bring(plain("red", licence="LicenseRef-Studio"))
    waiver: dict[str, Any] = {"actor": officer, "version_id": draft.pk, "reason": "No time."}
    services.waive_vetting(**waiver)
    done = vet(scientist, draft)
    with pytest.raises(GateClosed, match="licences of your own"):
        services.freeze_version(actor=scientist, version_id=draft.pk)
    with pytest.raises(WrongState, match="vetted as it is"):
        services.waive_vetting(**waiver)
    own = finding(done, "licence_own")
    services.accept_finding(actor=scientist, finding_id=own.pk, reason="Read it.")
    frozen = services.freeze_version(actor=scientist, version_id=draft.pk)
    assert (frozen.vetted, body_of(frozen).facts["vetted"]) == (True, True)


def test_postgresql_freezes_nothing_unvetted(scientist: Account, draft: DatasetVersion) -> None:
    frozen = "state = 'frozen', digest = '\\x00', frozen_at = now()"
    for vetted in ("true", "false"):
        with (
            pytest.raises(DatabaseError, match="neither vetted nor waived"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE consent_datasetversion SET {frozen}, vetted = {vetted}")
    draft.refresh_from_db()
    assert draft.state == "draft"


def test_groups_that_are_short_wait_for_somebody(
    scientist: Account, draft: DatasetVersion, bring: Any
) -> None:
    bring(plain("red"))
    vet(scientist, draft)
    services.declare_groups(
        actor=scientist, version_id=draft.pk, groups=read_lines("age: old; 1; 40\nage: young; 9")
    )
    with pytest.raises(WrongState, match="declared since"):
        services.freeze_version(actor=scientist, version_id=draft.pk)
    done = vet(scientist, draft)
    short = finding(done, "group_short")
    assert gate.detail_of(short) == {"age: old": 100}
    with pytest.raises(WrongState, match="about the whole version"):
        services.set_aside_items(actor=scientist, finding_id=short.pk)
    with pytest.raises(TermsRefused, match="reason"):
        services.accept_finding(actor=scientist, finding_id=short.pk, reason=" ")
    services.accept_finding(actor=scientist, finding_id=short.pk, reason="More come in May.")
    with pytest.raises(WrongState, match="accepted already"):
        services.accept_finding(actor=scientist, finding_id=short.pk, reason="Again.")
    assert services.freeze_version(actor=scientist, version_id=draft.pk).state == "frozen"


@pytest.mark.parametrize("method", sorted(Masking))
def test_people_without_consent_are_made_unrecognisable(
    officer: Account, scientist: Account, draft: DatasetVersion, bring: Any, method: Masking,
    portrait: Image.Image, log: Log, sequence: Callable[[], int], acting_as: ActingAs,
) -> None:  # fmt: skip
    cleo = register(officer)
    grant = consent_of(officer, cleo)
    exif = Image.Exif()
    exif[0x010E] = "Cleo Invented"
    face = written(portrait, exif=exif)
    bring((described("cleo.png", face, cleo.handle), face), plain("red"))
    services.withdraw(actor=officer, grant_id=grant.pk)
    done = vet(scientist, draft)
    assert counts(done)["consent_missing"] == 1
    before = Item.objects.get(people=1)
    with acting_as("eraser"):
        made = services.anonymise_items(
            actor=scientist, version_id=draft.pk, item_ids=[before.pk], method=method
        )
    (after,), note = made.items, Anonymisation.objects.get()
    assert (note.original, note.result, note.method) == (before, after, method)
    assert (note.faces, note.regions, note.detector) == (1, 1, vetting.DETECTOR)
    before.refresh_from_db()
    assert (before.aside, after.people, after.scopes) == ("anonymised", 0, [HOUSE_SCOPE])
    assert after.file
    content = open_file(after.file)
    assert b"Invented" not in content
    assert detector().find(read_picture(content)) == []
    member, _ = read_opening(vault.keys([HOUSE_SCOPE]).open(after, "opening"))
    assert (member.depicts, member.location, member.licence) == ((), "", "CC0-1.0")
    assert finding(done, "consent_missing").state == "settled"
    frozen = services.freeze_version(actor=scientist, version_id=draft.pk)
    assert (frozen.member_count, frozen.house_count) == (2, 2)
    sequence()
    with acting_as("eraser"):
        assert verify_log(log).findings == []


def test_a_picture_that_cannot_be_made_so_is_left_and_told(
    officer: Account, scientist: Account, draft: DatasetVersion, bring: Any
) -> None:
    cleo = register(officer)
    consent_of(officer, cleo)
    file, content = plain("red")
    bring((described("red.png", content, cleo.handle), content))
    item = Item.objects.get()
    said: dict[str, Any] = {"actor": scientist, "version_id": draft.pk, "method": Masking.MASK}
    made = services.anonymise_items(**said, item_ids=[item.pk])
    assert made.items == ()
    assert "mark the regions by hand" in made.refused[item.pk]
    assert Item.objects.count() == 1
    made = services.anonymise_items(
        **said, item_ids=[item.pk], regions={item.pk: [Box(0, 0, 4, 4)]}
    )
    assert (len(made.items), made.refused) == (1, {})
    with pytest.raises(WrongState, match="no members"):
        services.anonymise_items(**said, item_ids=[item.pk])
    with pytest.raises(TermsRefused, match="wanted 1 to"):
        services.anonymise_items(**said, item_ids=[])
    assert file.path == "red.png"


def test_boxes_and_masks_go_with_the_person(
    officer: Account, approver: Account, scientist: Account, draft: DatasetVersion, bring: Any,
    portrait: Image.Image, carry_out: Callable[[PrivacyRequest], None],
) -> None:  # fmt: skip
    cleo = register(officer)
    consent_of(officer, cleo)
    two = Image.new("RGB", (1024, 512))
    two.paste(portrait, (0, 0))
    two.paste(portrait, (512, 0))
    content = written(two)
    bring((described("two.png", content, cleo.handle), content))
    done = vet(scientist, draft)
    flagged = Flagged.objects.select_related("item").get(code="face_without_person")
    assert flagged.scope_ids() == (cleo.scope_id,)
    services.anonymise_items(
        actor=scientist,
        version_id=draft.pk,
        item_ids=[flagged.item_id],
        method=Masking.MASK,
    )
    request = receive(officer, cleo, RequestKind.ERASURE)
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    carry_out(request)
    assert state_of(request) == "verifying"
    assert not Flagged.objects.filter(vetting=done).exists()
    assert not Anonymisation.objects.exists()
    assert [item.people for item in Item.objects.all()] == [0]


def test_a_vetting_whose_worker_dies_again_and_again_is_given_up(
    scientist: Account, draft: DatasetVersion, bring: Any
) -> None:
    bring(plain("red"))
    ordered = services.vet_version(actor=scientist, version_id=draft.pk)
    with pytest.raises(WrongState, match="being vetted already"):
        services.vet_version(actor=scientist, version_id=draft.pk)
    with pytest.raises(WrongState, match="wait until that is done"):
        services.freeze_version(actor=scientist, version_id=draft.pk)
    VettingErrand.objects.update(attempts=vetting.MOST_ATTEMPTS)
    tasks.sweep_vettings()
    tasks.carry_out_vetting(str(ordered.pk))
    ordered.refresh_from_db()
    assert (ordered.state, VettingErrand.objects.count()) == ("failed", 0)
    with pytest.raises(WrongState, match="given up"):
        services.freeze_version(actor=scientist, version_id=draft.pk)
    assert vet(scientist, draft).state == "done"


def test_a_vetting_of_what_is_no_draft_any_more_is_given_up(
    scientist: Account, draft: DatasetVersion
) -> None:
    ordered = services.vet_version(actor=scientist, version_id=draft.pk)
    services.abandon_version(actor=scientist, version_id=draft.pk)
    tasks.carry_out_vetting(str(ordered.pk))
    ordered.refresh_from_db()
    assert ordered.state == "failed"


def test_a_folder_comes_into_a_draft_once(
    scientist: Account, draft: DatasetVersion, tmp_path: Path
) -> None:
    source = fill(tmp_path, [plain("red")])
    brought = services.bring_folder(actor=scientist, version_id=draft.pk, source=source)
    assert (brought.intake.item_count, brought.refused) == (1, ())
    with pytest.raises(AlreadyKnown):
        services.bring_folder(actor=scientist, version_id=draft.pk, source=source)


def test_what_is_held_for_evaluation_is_not_trained_on_unseen(
    scientist: Account, dataset: Dataset, draft: DatasetVersion, bring: Any
) -> None:
    held = services.open_version(actor=scientist, dataset_id=dataset.pk, uses=[Use.EVALUATE])
    bring(plain("red"), into=held)
    freeze_unvetted(scientist, held)
    bring(plain("red"), plain("blue"))
    assert counts(vet(scientist, draft))["held_for_evaluation"] == 1


def test_an_empty_draft_must_not_be_frozen(scientist: Account, draft: DatasetVersion) -> None:
    done = vet(scientist, draft)
    assert (done.verdict, counts(done)["empty"]) == ("not", 0)


def test_only_who_may_freeze_may_vet(
    house: House, scientist: Account, draft: DatasetVersion, bring: Any
) -> None:
    bring(plain("red", licence="LicenseRef-Studio"))
    row = finding(vet(scientist, draft), "licence_own")
    auditor = house.account("Anna", RoleCode.AUDITOR)
    acts: list[Callable[[], object]] = [
        lambda: services.vet_version(actor=auditor, version_id=draft.pk),
        lambda: services.accept_finding(actor=auditor, finding_id=row.pk, reason="Fine."),
        lambda: services.set_aside_items(actor=auditor, finding_id=row.pk),
        lambda: services.declare_groups(actor=auditor, version_id=draft.pk, groups=[]),
        lambda: services.anonymise_items(
            actor=auditor, version_id=draft.pk, item_ids=[], method=Masking.MASK
        ),
    ]
    for act in acts:
        with pytest.raises(NotPermitted, match=r"consent\.freeze_version"):
            act()


def test_what_was_found_stands_whoever_writes_the_sql(
    scientist: Account, draft: DatasetVersion, bring: Any
) -> None:
    bring(plain("red", licence="LicenseRef-Studio"))
    vet(scientist, draft)
    for change in (
        "UPDATE consent_vetting SET state = 'ordered'",
        "UPDATE consent_vetting SET near = 0",
        "UPDATE consent_vetting SET looked = 9",
        "UPDATE consent_vettingfinding SET count = 0",
        "UPDATE consent_vettingfinding SET state = 'accepted'",
        "DELETE FROM consent_vettingfinding",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


def test_the_page_says_the_verdict_and_acts_settle_it(
    house: House, draft: DatasetVersion, bring: Any, portrait: Image.Image
) -> None:
    both = house.account("Bea", RoleCode.OFFICER, RoleCode.DATA_SCIENTIST)
    face = written(portrait)
    bring((described("one.png", face, licence="LicenseRef-Studio"), face))
    client = browser(both)
    client.post(reverse("admin:consent_datasetversion_act", args=[draft.pk, "vet"]))
    done = Vetting.objects.get()
    tasks.carry_out_vetting(str(done.pk))
    page = client.get(row_url(done)).content.decode()
    assert Verdict.AFTER_DECISIONS.sentence in page
    assert "1 picture has more faces than people" in page
    assert "<img" not in page.partition("What was found")[2]
    seen = client.get(row_url(done) + "?pictures=face_without_person").content.decode()
    assert "data:image/jpeg" in seen

    def do(act: str, **said: Any) -> str:
        url = reverse("admin:consent_vetting_act", args=[done.pk, act])
        return client.post(url, said, follow=True).content.decode()

    own = finding(done, "licence_own")
    do("accept", finding=str(own.pk), reason="Read it with counsel.")
    faces = finding(done, "face_without_person")
    assert "1 pictures were replaced" in do("anonymise", finding=str(faces.pk), method="pixelate")
    do("declare", groups="age: over 60; 1; 20\nage: under 60; 9; 80")
    page = client.get(row_url(done) + "?reasons=1").content.decode()
    assert "Read it with counsel." in page
    assert "age, over 60: 1 pictures, 10.0 % of 20.0 % wanted" in page
    assert "vet it again" in page
    assert "Line 1 is not of the form" in do("declare", groups="nonsense")


def test_a_draft_is_vetted_by_the_api(
    scientist: Account, dataset: Dataset, draft: DatasetVersion, bring: Any
) -> None:
    bring(plain("red", licence="LicenseRef-Studio"))
    api, place = of_person(scientist), f"datasets/{dataset.pk}/versions/{draft.pk}/vetting"
    assert problem(api.get(place)) == (404, "Unknown")
    ordered = api.post(place, {})
    assert (ordered.status_code, ordered.json()["progress"]) == (202, {"seen": 0, "total": 0})
    assert api.post(place, {}).json()["id"] == ordered.json()["id"]
    assert problem(api.post(place, {}, key="key-2")) == (409, "WrongState")
    tasks.carry_out_vetting(ordered.json()["id"])
    said = api.get(place).json()
    assert (said["verdict"], said["is_fresh"], said["members"]) == ("after_decisions", True, 1)
    own = next(one for one in said["findings"] if one["code"] == "licence_own")
    assert (own["count"], own["detail"]) == (1, {"LicenseRef-Studio": 1})
    accept = f"{place}/findings/{own['id']}/accept"
    assert api.post(accept, {"reason": ""}, key="key-3").status_code == 400
    done = api.post(accept, {"reason": "Read it."}, key="key-4")
    assert (done.status_code, done.json()["state"]) == (200, "accepted")
    assert api.get(place).json()["verdict"] == "may"
    frozen = api.post(f"datasets/{dataset.pk}/versions/{draft.pk}/freeze", {}, key="key-5")
    assert (frozen.status_code, frozen.json()["vetted"]) == (200, True), frozen.content
    other = f"datasets/{uuid4()}/versions/{draft.pk}/vetting"
    assert problem(api.get(other)) == (404, "Unknown")


def test_a_program_vets_settles_and_freezes_but_waives_nothing(
    house: House, officer: Account, scientist: Account, dataset: Dataset, tmp_path: Path
) -> None:
    program = house.client("pipeline", RoleCode.DATA_SCIENTIST)
    api = of_program(house, program, "datasets:write datasets:read")
    versions = f"datasets/{dataset.pk}/versions"
    made = api.post(versions, {"uses": ["train", "commercial"]})
    assert (made.status_code, made.json()["state"], made.json()["vetted"]) == (201, "draft", None)
    version, place = made.json()["id"], f"{versions}/{made.json()['id']}"
    files = [plain("red", licence="CC-BY-NC-4.0"), plain("blue")]
    services.bring_folder(actor=scientist, version_id=version, source=fill(tmp_path, files))
    assert problem(api.post(f"{place}/freeze", {}, key="key-2")) == (409, "WrongState")
    reason = {"reason": "In a hurry."}
    assert problem(api.post(f"{place}/vetting/waive", reason, key="key-3")) == (403, "NotPermitted")
    ordered = api.post(f"{place}/vetting", {}, key="key-4").json()
    tasks.carry_out_vetting(ordered["id"])
    assert problem(api.post(f"{place}/freeze", {}, key="key-5")) == (409, "GateClosed")
    found = api.get(f"{place}/vetting").json()["findings"]
    (blocking,) = (one for one in found if one["severity"] == "blocks")
    aside = f"{place}/vetting/findings/{blocking['id']}/set-aside"
    assert api.post(aside, {}, key="key-6").json()["state"] == "settled"
    frozen = api.post(f"{place}/freeze", {}, key="key-7").json()
    assert (frozen["state"], frozen["vetted"], frozen["committed"]) == ("frozen", True, 1)
    second = f"{versions}/{api.post(versions, {}, key='key-8').json()['id']}"
    waived = of_person(officer).post(f"{second}/vetting/waive", reason, key="key-9")
    assert (waived.status_code, "reason" in waived.json()) == (201, False)
    assert api.post(f"{second}/abandon", {}, key="key-10").json()["state"] == "abandoned"


def test_a_waiver_forgets_nothing_that_a_vetting_found(
    officer: Account, scientist: Account, draft: DatasetVersion, bring: Any, portrait: Image.Image
) -> None:
    waiver: dict[str, Any] = {"actor": officer, "version_id": draft.pk, "reason": "No time."}
    face = written(portrait)
    bring((described("one.png", face), face))
    services.waive_vetting(**waiver)
    done = vet(scientist, draft)
    services.declare_groups(actor=scientist, version_id=draft.pk, groups=read_lines("age: old; 1"))
    with pytest.raises(WrongState, match="declared since"):
        services.freeze_version(actor=scientist, version_id=draft.pk)
    services.waive_vetting(**waiver)
    with pytest.raises(GateClosed, match="more faces than people"):
        services.freeze_version(actor=scientist, version_id=draft.pk)
    bring(plain("red"))
    services.waive_vetting(**waiver)
    with pytest.raises(GateClosed, match="more faces than people"):
        services.freeze_version(actor=scientist, version_id=draft.pk)
    services.set_aside_items(actor=scientist, finding_id=finding(done, "face_without_person").pk)
    frozen = services.freeze_version(actor=scientist, version_id=draft.pk)
    assert (frozen.member_count, frozen.vetted) == (1, False)


def test_a_worker_that_lost_its_lease_writes_nothing_more(
    scientist: Account, draft: DatasetVersion, bring: Any, portrait: Image.Image,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    face = written(portrait)
    bring((described("one.png", face), face))
    ordered = services.vet_version(actor=scientist, version_id=draft.pk)
    slow = services.lease_vetting(ordered.pk)
    assert slow
    quick: list[VettingErrand] = []

    def overtaken(*said: Any) -> Any:
        if not quick:
            VettingErrand.objects.update(due_at=database_now())
            leased = services.lease_vetting(ordered.pk)
            assert leased
            quick.append(leased)
        return find_near(*said)

    monkeypatch.setattr("consent.vetting.duplicates.find_near", overtaken)
    with pytest.raises(LeaseLost):
        services.carry_out_vetting(slow)
    services.put_off(slow)
    assert services.lease_vetting(ordered.pk) is None
    done = services.carry_out_vetting(quick[0])
    assert (done.state, counts(done)["face_without_person"]) == ("done", 1)
    with pytest.raises(LeaseLost):
        services.carry_out_vetting(slow)
    assert Flagged.objects.filter(code="face_without_person").count() == 1


def test_postgresql_freezes_nothing_as_vetted_that_changed_or_waits(
    officer: Account, scientist: Account, draft: DatasetVersion, bring: Any, portrait: Image.Image
) -> None:
    def freeze(vetted: str, why: str) -> None:
        frozen = "state = 'frozen', digest = '\\x00', frozen_at = now()"
        with (
            pytest.raises(DatabaseError, match=why),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE consent_datasetversion SET {frozen}, vetted = {vetted}")

    face = written(portrait)
    bring((described("one.png", face), face))
    waiver: dict[str, Any] = {"actor": officer, "version_id": draft.pk, "reason": "No time."}
    services.waive_vetting(**waiver)
    vet(scientist, draft)
    freeze("true", "nobody has settled")
    freeze("false", "neither vetted nor waived")
    bring(plain("red"))
    freeze("true", "neither vetted nor waived")
    services.waive_vetting(**waiver)
    freeze("false", "nobody has settled")

import csv
import io
import itertools
import json
from collections.abc import Callable
from typing import Any
from uuid import RFC_4122

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from consent import services
from consent.errors import NotPermitted, TermsRefused, WrongState
from consent.members import read_opening
from consent.models import (
    Account,
    Dataset,
    DatasetVersion,
    Depiction,
    Intake,
    IntakeState,
    Item,
    Quarantined,
    Reading,
    VersionState,
)
from consent.moment import database_now
from consent.repair import Repair
from consent.roles import RoleCode
from consent.services import Arrival, datasets, errands, intakes
from consent.uses import Form, Use
from ledger import vault
from ledger.holdings import HOLDINGS
from ledger.models import HOUSE_SCOPE, Log, Record, Retention, SealedFile
from ledger.sealing import SEAL_BYTES
from ledger.services import files, open_file, open_scope, store_file, write_stream
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.consent.factories import House, answer, consent_of, freeze_unvetted, register
from tests.consent.test_api import Api, of_person
from tests.consent.test_datasets import dataset as dataset
from tests.consent.test_datasets import scientist as scientist
from tests.ledger.forging import forge

HEAD = "url,sha256,license,legal_basis,depicts,width,height\n"
Bring = Callable[..., Intake]


def row(number: int, **changes: str) -> str:
    cells = {
        "url": f"https://pictures.example/{number}.jpg",
        "sha256": f"{number:064x}",
        "license": "CC0-1.0",
        "legal_basis": "public_domain",
        "depicts": "",
        "width": "640",
        "height": "480",
    }
    return ",".join((cells | changes).values()) + "\n"


def digest(number: int) -> str:
    return f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC834D1B54A32D192ED03:064x}"[-64:]


def table(*rows: dict[str, str]) -> bytes:
    return (
        HEAD + "".join(row(n, **{"sha256": digest(n)} | said) for n, said in enumerate(rows, 1))
    ).encode()


@pytest.fixture
def draft(scientist: Account, dataset: Dataset) -> DatasetVersion:
    return services.open_version(actor=scientist, dataset_id=dataset.pk)


@pytest.fixture
def bring(scientist: Account, draft: DatasetVersion, acting_as: ActingAs) -> Bring:
    def run(content: bytes, **said: object) -> Intake:
        arrival = Arrival(**{"form": Form.MANIFEST, "version_id": draft.pk} | said)  # type: ignore[arg-type]
        intake, _ = services.receive(actor=scientist, arrival=arrival, content=io.BytesIO(content))
        with acting_as("eraser"):
            return services.read_intake(intake.pk)

    return run


pytestmark = pytest.mark.django_db(transaction=True)


def reasons(intake: Intake) -> list[list[str]]:
    return [one.reasons for one in intake.quarantined.order_by("ordinal")]


def test_a_table_is_read_frozen_and_found_whole(
    scientist: Account, draft: DatasetVersion, bring: Bring, log: Log,
    sequence: Callable[[], int], acting_as: ActingAs,
) -> None:  # fmt: skip
    content = table({}, {}, {"license": "as we like"})
    intake = bring(content)
    assert (intake.state, intake.item_count, intake.read_to) == (IntakeState.READ, 2, 3)
    assert reasons(intake) == [["licence_unknown"]]
    assert intake.file
    assert open_file(intake.file) == content
    version = freeze_unvetted(scientist, draft)
    assert (version.state, version.member_count, version.house_count) == ("frozen", 2, 2)
    item = Item.objects.order_by("ordinal")[0]
    member, _ = read_opening(vault.keys([HOUSE_SCOPE]).open(item, "opening"))
    assert (member.location, member.width) == ("https://pictures.example/1.jpg", 640)
    assert (item.licence, item.file, item.record) == ("CC0-1.0", None, None)
    sequence()
    with acting_as("eraser"):
        assert verify_log(log).findings == []


def test_what_shows_people_lies_under_their_keys_with_the_original(
    officer: Account, bring: Bring
) -> None:
    cleo, dan = register(officer, "Cleo"), register(officer, "Dan")
    consent_of(officer, cleo)
    intake = bring(
        table({"depicts": cleo.handle}, {"depicts": dan.handle}, {"depicts": "Eve Invented"}, {})
    )
    assert reasons(intake) == [["consent_missing"], ["person_unknown"]]
    both = sorted([cleo.scope_id, dan.scope_id])
    assert (intake.scopes, intake.file and intake.file.scopes) == (both, both)
    assert Item.objects.get(people=1).scopes == [cleo.scope_id]
    owners = [one.scopes for one in Quarantined.objects.order_by("ordinal")]
    assert owners == [[dan.scope_id], [HOUSE_SCOPE]]
    assert SealedFile.objects.count() == 1


def test_consent_that_comes_later_lets_in_what_waited(
    officer: Account, scientist: Account, bring: Bring
) -> None:
    cleo = register(officer)
    intake = bring(table({"depicts": cleo.handle}))
    assert intake.item_count == 0
    consent_of(officer, cleo)
    done = services.repair(
        actor=scientist, intake_id=intake.pk, reason="consent_missing", said=Repair()
    )
    assert (done.items, done.waiting) == (1, 0)


def test_consent_that_was_taken_back_meanwhile_sets_aside(
    officer: Account, scientist: Account, draft: DatasetVersion, bring: Bring
) -> None:
    cleo = register(officer)
    grant = consent_of(officer, cleo, answer(Use.TRAIN))
    bring(table({"depicts": cleo.handle}, {}))
    services.withdraw(actor=officer, grant_id=grant.pk)
    version = freeze_unvetted(scientist, draft)
    assert (version.member_count, version.items.count()) == (1, 2)
    assert Item.objects.get(people=1).aside == "consent_missing"


def test_many_are_set_aside_page_by_page(
    officer: Account, scientist: Account, draft: DatasetVersion, bring: Bring,
    monkeypatch: pytest.MonkeyPatch, log: Log, sequence: Callable[[], int], acting_as: ActingAs,
) -> None:  # fmt: skip
    monkeypatch.setattr(datasets, "_SET_ASIDE", 2)
    monkeypatch.setattr(datasets, "_ROWS_OF_SEGMENT", 1)
    cleo = register(officer)
    grant = consent_of(officer, cleo, answer(Use.TRAIN))
    bring(table(*[{"depicts": cleo.handle}] * 5, {}))
    services.withdraw(actor=officer, grant_id=grant.pk)
    with CaptureQueriesContext(connection) as ran:
        version = freeze_unvetted(scientist, draft)
    assert (version.member_count, Item.objects.filter(aside="consent_missing").count()) == (1, 5)
    wide = 'SELECT DISTINCT "consent_item"'
    assert not [one["sql"] for one in ran.captured_queries if one["sql"].startswith(wide)]
    bodies = [bytes(body) for body in Record.objects.values_list("body", flat=True)]
    pages = [json.loads(body)["facts"]["items"] for body in bodies if b"items.set_aside" in body]
    assert pages == [2, 2, 1]
    sequence()
    with acting_as("eraser"):
        assert verify_log(log).findings == []


FILLER = "digest_placeholder"
REPAIRS = [
    ({"license": "as we like"}, "licence_unknown", Repair(licence="CC-BY-4.0")),
    ({"legal_basis": ""}, "basis_missing", Repair(legal_basis="own_work")),
    (
        {"sha256": "0" * 64},
        "digest_placeholder",
        Repair(accepted=frozenset({"digest_placeholder"})),
    ),
    ({"depicts": "nobody"}, "person_unknown", Repair(people={"nobody": None})),
]


@pytest.mark.parametrize(("fault", "reason", "said"), REPAIRS)
def test_many_are_set_right_at_once(
    scientist: Account, bring: Bring, fault: dict[str, str], reason: str, said: Repair
) -> None:
    intake = bring(table(fault, {}, fault))
    assert reasons(intake) == [[reason], [reason]]
    done = services.repair(actor=scientist, intake_id=intake.pk, reason=reason, said=said)
    assert (done.items, done.waiting) == (2, 0)
    intake.refresh_from_db()
    assert intake.item_count == 3


def test_what_nothing_settles_still_waits_with_what_is_left(
    scientist: Account, bring: Bring
) -> None:
    intake = bring(table({"license": "", "legal_basis": ""}))
    assert reasons(intake) == [["licence_missing", "basis_missing"]]
    done = services.repair(
        actor=scientist, intake_id=intake.pk, reason="licence_missing", said=Repair("CC0-1.0")
    )
    assert (done.items, reasons(intake)) == (0, [["basis_missing"]])
    assert services.drop(actor=scientist, intake_id=intake.pk) == 1
    intake.refresh_from_db()
    assert (intake.dropped_count, reasons(intake)) == (1, [])


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (Repair(licence="as we like"), "give its SPDX identifier"),
        (Repair(legal_basis="mood"), "legal basis must be one of"),
        (Repair(accepted=frozenset({"licence_unknown"})), "nobody can take this as it is"),
    ],
)
def test_what_cannot_settle_it_is_refused(
    scientist: Account, bring: Bring, said: Repair, message: str
) -> None:
    intake = bring(table({"license": "as we like"}))
    with pytest.raises(TermsRefused, match=message):
        services.repair(actor=scientist, intake_id=intake.pk, reason="licence_unknown", said=said)


def test_the_errors_come_as_a_table_that_is_read_again(
    scientist: Account, draft: DatasetVersion, bring: Bring
) -> None:
    intake = bring(table({"license": "=cmd|calc"}, {}))
    written = b"".join(services.write_errors(reader=scientist, intake_id=intake.pk))
    lines = list(csv.DictReader(io.StringIO(written.decode())))
    assert [(line["place"], line["reasons"]) for line in lines] == [("1", "licence_unknown")]
    assert lines[0]["licence"] == "'=cmd|calc"
    assert lines[0]["what_to_do"].startswith("We do not know this licence")
    mended = written.replace(b"'=cmd|calc", b"CC0-1.0")
    again = bring(mended)
    assert (again.state, again.item_count, reasons(again)) == (IntakeState.READ, 1, [])
    assert draft.items.count() == 2


def test_what_waits_loses_nothing_on_its_way_through_a_table(
    scientist: Account, draft: DatasetVersion, bring: Bring
) -> None:
    content = table({"license": "as we like", "url": "@pictures/1.jpg"}).decode()
    head, line = content.splitlines()
    intake = bring(f"{head},X-Robots-Tag,nsfw\n{line},index,-0.1\n".encode())
    written = b"".join(services.write_errors(reader=scientist, intake_id=intake.pk))
    again = bring(written.replace(b"as we like", b"CC0-1.0"))
    item = again.items.get()
    member, _ = read_opening(vault.keys([HOUSE_SCOPE]).open(item, "opening"))
    assert member.location == "@pictures/1.jpg"
    assert (member.signals, member.flags) == ((("X-Robots-Tag", "index"),), (("nsfw", "-0.1"),))
    assert list(services.remarks(again).doubts) == []


def test_the_same_file_comes_once(scientist: Account, draft: DatasetVersion, bring: Bring) -> None:
    first = bring(table({}))
    again, is_repeated = services.receive(
        actor=scientist, arrival=Arrival(Form.MANIFEST, draft.pk), content=io.BytesIO(table({}))
    )
    assert (again.pk, is_repeated, SealedFile.objects.count()) == (first.pk, True, 1)


def test_a_picture_comes_into_a_version_once(bring: Bring) -> None:
    bring(table({}))
    # Of a table that is brought again most is there: nothing of it is copied first.
    again = bring(table({}, {}))
    assert (again.item_count, reasons(again)) == (1, [["picture_repeated"]])


def test_a_picture_that_came_before_keeps_nothing_else_of_its_chunk_out(
    officer: Account, scientist: Account, draft: DatasetVersion, bring: Bring, log: Log,
    monkeypatch: pytest.MonkeyPatch, sequence: Callable[[], int], acting_as: ActingAs,
) -> None:  # fmt: skip
    cleo = register(officer)
    consent_of(officer, cleo)
    hers = {"depicts": cleo.handle}
    same = {"sha256": digest(2)}
    monkeypatch.setattr(intakes, "CHUNK", 3)
    # The second chunk brings a picture of the first again, the third brings it twice.
    content = table({}, hers, {}, hers, hers | same, {}, same | {"url": "b"}, {}, same)
    intake = bring(content)
    waiting = intake.quarantined.order_by("ordinal")
    assert [(one.ordinal, one.reasons) for one in waiting] == [
        (ordinal, ["picture_repeated"]) for ordinal in (5, 7, 9)
    ]
    people = Item.objects.order_by("ordinal").values_list("ordinal", "people")
    assert list(people) == [(1, 0), (2, 1), (3, 0), (4, 1), (6, 0), (8, 0)]
    assert (intake.item_count, intake.house_count) == (6, 4)
    assert Depiction.objects.count() == 2
    freeze_unvetted(scientist, draft)
    sequence()
    with acting_as("eraser"):
        assert verify_log(log).findings == []


def test_items_of_a_chunk_have_ids_in_the_order_of_their_places(bring: Bring) -> None:
    bring(table(*[{}] * 9))
    ids = list(Item.objects.order_by("ordinal").values_list("pk", flat=True))
    assert ids == sorted(ids)
    assert {(pk.version, pk.variant) for pk in ids} == {(7, RFC_4122)}


def test_reading_goes_on_where_it_was_cut_off(
    bring: Bring, monkeypatch: pytest.MonkeyPatch, acting_as: ActingAs
) -> None:
    monkeypatch.setattr(intakes, "CHUNK", 2)
    taken: list[object] = []
    take = intakes.take

    def die_after_two(intake_id: object, chunk: list[object]) -> None:
        if len(taken) == 2:
            raise KeyboardInterrupt
        take(intake_id, chunk)  # type: ignore[arg-type]
        taken.append(chunk)

    monkeypatch.setattr(intakes, "take", die_after_two)
    with pytest.raises(KeyboardInterrupt):
        bring(table(*[{}] * 7))
    intake = Intake.objects.get()
    assert (intake.state, intake.read_to, intake.item_count) == (IntakeState.READING, 4, 4)
    monkeypatch.setattr(intakes, "take", take)
    with acting_as("eraser"):
        intake = services.read_intake(intake.pk)
    assert (intake.state, intake.item_count, Item.objects.count()) == (IntakeState.READ, 7, 7)


UNREADABLE = [
    (b"PAR1 and then nothing", "manifest"),
    (b"{not json", "croissant"),
    (b"\xff\xfe\0\0", "prov"),
    (b'{"url": "a"}\n', "dps"),
]


@pytest.mark.parametrize(("content", "form"), UNREADABLE)
def test_what_cannot_be_read_is_said_and_not_kept(
    bring: Bring, draft: DatasetVersion, content: bytes, form: str
) -> None:
    intake = bring(content, form=Form(form))
    assert (intake.state, intake.file) == (IntakeState.UNREADABLE, None)
    assert services.remarks(intake).trouble
    assert SealedFile.objects.count() == 0


def test_a_reader_that_dies_again_and_again_is_not_sent_again(
    scientist: Account, draft: DatasetVersion, acting_as: ActingAs
) -> None:
    services.receive(
        actor=scientist, arrival=Arrival(Form.MANIFEST, draft.pk), content=io.BytesIO(table({}))
    )
    errand = Reading.objects.get()
    errand.attempts = intakes.MOST_ATTEMPTS + 1
    with acting_as("eraser"):
        assert services.read_leased(errand).state == IntakeState.UNREADABLE
    assert not Reading.objects.exists()


def test_nothing_is_frozen_while_something_is_read(
    scientist: Account, draft: DatasetVersion
) -> None:
    services.receive(
        actor=scientist, arrival=Arrival(Form.MANIFEST, draft.pk), content=io.BytesIO(table({}))
    )
    with pytest.raises(WrongState, match="wait until it is read"):
        freeze_unvetted(scientist, draft)


def test_nothing_comes_into_what_is_no_draft(
    scientist: Account, draft: DatasetVersion, bring: Bring
) -> None:
    bring(table({}))
    freeze_unvetted(scientist, draft)
    with pytest.raises(WrongState, match="wanted a draft"):
        bring(table({}, {}))
    with pytest.raises(WrongState, match="wanted a draft"):
        services.abandon_version(actor=scientist, version_id=draft.pk)


def test_whoever_may_not_learns_nothing_of_a_version(
    house: House, scientist: Account, draft: DatasetVersion, bring: Bring
) -> None:
    bring(table({}))
    freeze_unvetted(scientist, draft)
    developer = house.account("Dev", RoleCode.DEVELOPER)
    content = io.BytesIO(table({}, {}))
    for act in (
        lambda: services.freeze_version(actor=developer, version_id=draft.pk),
        lambda: services.abandon_version(actor=developer, version_id=draft.pk),
        lambda: services.vet_version(actor=developer, version_id=draft.pk),
        lambda: services.declare_groups(actor=developer, version_id=draft.pk, groups=[]),
        lambda: services.take_in(
            actor=developer, arrival=Arrival(Form.MANIFEST, draft.pk), content=content
        ),
    ):
        with pytest.raises(NotPermitted, match=r"consent\.freeze_version"):
            act()


def test_items_need_a_draft_and_a_role(
    house: House, scientist: Account, draft: DatasetVersion
) -> None:
    with pytest.raises(TermsRefused, match="say into which draft"):
        services.receive(
            actor=scientist,
            arrival=Arrival(Form.MANIFEST, project_id=draft.project_id),
            content=io.BytesIO(b""),
        )
    developer = house.account("Dev", RoleCode.DEVELOPER)
    with pytest.raises(NotPermitted, match=r"consent\.freeze_version"):
        services.receive(
            actor=developer, arrival=Arrival(Form.MANIFEST, draft.pk), content=io.BytesIO(b"")
        )


def test_columns_mean_what_is_said(bring: Bring) -> None:
    content = table({}).replace(b"url,", b"where,")
    assert reasons(bring(content)) == [["location_missing"]]
    assert bring(content, mapping={"where": "location"}).item_count == 1


def test_the_api_takes_a_file_tells_of_it_and_sets_it_right(
    scientist: Account, draft: DatasetVersion, acting_as: ActingAs
) -> None:
    api = of_person(scientist)
    path = f"/api/v1/imports?form=manifest&version={draft.pk}"
    content = table({}, {"license": "as we like"})
    sent = api.client.post(path, content, content_type="text/csv")
    assert (sent.status_code, sent.json()["state"]) == (201, "received")
    assert api.client.post(path, content, content_type="text/csv").status_code == 200
    pk = sent.json()["id"]
    with acting_as("eraser"):
        services.read_intake(Intake.objects.get().pk)
    told = api.get(f"imports/{pk}").json()
    assert told["item_count"] == 1
    assert told["waiting"][0] | {"words": ""} == {
        "reason": "licence_unknown", "items": 1, "acceptable": False, "words": "",
    }  # fmt: skip
    mended = api.post(f"imports/{pk}/repair", {"reason": "licence_unknown", "licence": "MIT"})
    assert mended.json() == {"items": 1, "waiting": 0}
    errors: Any = api.client.get(f"/api/v1/imports/{pk}/errors")
    assert b"".join(errors.streaming_content).count(b"\n") == 1
    assert len(api.get("imports").json()["results"]) == 1
    assert VersionState(DatasetVersion.objects.get().state) == VersionState.DRAFT


def test_too_much_is_refused_before_it_is_kept(
    scientist: Account, draft: DatasetVersion, settings: object
) -> None:
    settings.MUNIMENT_IMPORT_BYTES = 100  # type: ignore[attr-defined]
    path = f"/api/v1/imports?form=manifest&version={draft.pk}"
    client: Client = of_person(scientist).client
    sent = client.post(path, b"x" * 101, content_type="text/csv")
    assert (sent.status_code, sent.json()["type"]) == (413, "BodyTooLarge")


def test_json_of_a_mapping_is_checked(scientist: Account, draft: DatasetVersion) -> None:
    api: Api = of_person(scientist)
    for mapping in ("[", json.dumps({"a": 1}), json.dumps([]), json.dumps({"a": "mood"})):
        path = f"/api/v1/imports?form=manifest&version={draft.pk}"
        sent = api.client.post(f"{path}&mapping={mapping}", b"", content_type="text/csv")
        assert sent.status_code == 400


def test_a_person_named_later_ends_the_original_too(
    officer: Account, scientist: Account, bring: Bring, acting_as: ActingAs
) -> None:
    intake = bring(table({"depicts": "Zed I."}, {}))
    zed = register(officer, "Zed")
    said = Repair(people={"Zed I.": zed.pk})
    services.repair(actor=scientist, intake_id=intake.pk, reason="person_unknown", said=said)
    waiting = Quarantined.objects.get()
    assert (waiting.reasons, waiting.scopes) == (["consent_missing"], [zed.scope_id])
    with acting_as("eraser"):
        errand = services.lease_reading(intake.pk)
        assert errand
        intake = services.read_leased(errand)
    assert intake.file
    assert (intake.scopes, intake.file.scopes) == ([zed.scope_id], [zed.scope_id])
    assert SealedFile.objects.count() == 1


def test_what_was_answered_for_is_not_asked_again(
    officer: Account, scientist: Account, bring: Bring
) -> None:
    cleo = register(officer)
    intake = bring(table({"sha256": "0" * 64, "depicts": cleo.handle}))
    assert reasons(intake) == [[FILLER, "consent_missing"]]
    said = Repair(accepted=frozenset({FILLER}))
    services.repair(actor=scientist, intake_id=intake.pk, reason=FILLER, said=said)
    assert reasons(intake) == [["consent_missing"]]
    consent_of(officer, cleo)
    done = services.repair(
        actor=scientist, intake_id=intake.pk, reason="consent_missing", said=Repair()
    )
    assert (done.items, done.waiting) == (1, 0)


def test_what_broke_off_is_dropped_and_may_come_again(
    scientist: Account, draft: DatasetVersion, bring: Bring, monkeypatch: pytest.MonkeyPatch,
    acting_as: ActingAs,
) -> None:  # fmt: skip
    content = table({}, {})
    broken = bring(content)
    with acting_as("superuser"):
        forge(f"UPDATE consent_intake SET state = 'unreadable' WHERE id = '{broken.pk}'")
    with pytest.raises(WrongState, match="drop it first"):
        freeze_unvetted(scientist, draft)
    services.drop(actor=scientist, intake_id=broken.pk)
    assert not draft.items.filter(aside="").exists()


def test_many_people_in_one_file_seal_it_together(log: Log) -> None:
    scopes = [open_scope(Retention.PERSON).pk for _ in range(300)]
    file = store_file(scopes, b"everybody")
    assert open_file(file) == b"everybody"


@pytest.mark.parametrize("path", ["imports?form=manifest&version={}", "lineage?project=%00"])
def test_an_empty_body_and_odd_words_are_refused_plainly(
    scientist: Account, draft: DatasetVersion, path: str
) -> None:
    client = of_person(scientist).client
    sent = client.post(f"/api/v1/{path.format(draft.pk)}", b"", content_type="text/csv")
    assert sent.status_code in {201, 422}


def test_who_is_erased_while_it_is_read_takes_the_original_along(
    officer: Account, bring: Bring, monkeypatch: pytest.MonkeyPatch, acting_as: ActingAs
) -> None:
    cleo = register(officer)
    close = intakes.finish

    def erase_first(*said: Any) -> Intake:
        holding = next(one for one in HOLDINGS if one.name == "consent.intake")
        assert holding.find([cleo.scope_id]).count() == 1
        with transaction.atomic():
            holding.relink([cleo.scope_id])
        return close(*said)

    monkeypatch.setattr(intakes, "finish", erase_first)
    intake = bring(table({"depicts": cleo.handle}, {}))
    assert (intake.state, intake.file, intake.named) == (IntakeState.READ, None, [])
    assert SealedFile.objects.count() == 0
    assert services.remarks(intake).doubts == ()


class Probe(io.BytesIO):
    """A file that notes whether a transaction is open while it is sealed."""

    def read(self, size: int | None = -1) -> bytes:
        self.met = getattr(self, "met", False) or connection.in_atomic_block
        return super().read(size)


def test_no_transaction_waits_while_bytes_are_sealed(
    scientist: Account, draft: DatasetVersion, officer: Account
) -> None:
    cleo = register(officer)
    said = table({"depicts": cleo.handle})
    content = Probe(said)
    intake = services.take_in(
        actor=scientist, arrival=Arrival(Form.MANIFEST, draft.pk), content=content
    )
    assert (intake.state, intake.scopes, content.met) == ("read", [cleo.scope_id], False)
    assert intake.file
    assert open_file(intake.file) == said


def test_who_is_named_while_bytes_are_sealed_is_among_their_owners(
    officer: Account, scientist: Account, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleo, dan = register(officer, "Cleo"), register(officer, "Dan")
    sealed: list[SealedFile] = []

    def name_meanwhile(owners: Any, content: Any) -> SealedFile:
        if not sealed:
            intake = Intake.objects.get()
            with transaction.atomic():
                intakes.name_people(intake, [dan.pk])
                intake.save(update_fields=["named"])
        sealed.append(write_stream(owners, content))
        return sealed[-1]

    monkeypatch.setattr(intakes, "write_stream", name_meanwhile)
    intake = bring(table({"depicts": cleo.handle}))
    both = sorted([cleo.scope_id, dan.scope_id])
    assert (intake.scopes, intake.file) == (both, sealed[1])
    with pytest.raises(FileNotFoundError):
        open_file(sealed[0])


def test_whoever_reads_at_length_stays_the_one_who_does(
    officer: Account, scientist: Account, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch,
    acting_as: ActingAs,
) -> None:  # fmt: skip
    # The clock leaps on between any two of the file's many pieces.
    monkeypatch.setattr(files, "PIECE", 64)
    monkeypatch.setattr(files, "_STORED", 64 + SEAL_BYTES)
    monkeypatch.setattr(errands, "monotonic", itertools.count(step=1000).__next__)
    content = table({"depicts": register(officer).handle}, *[{}] * 9)
    arrival = Arrival(Form.MANIFEST, draft.pk)
    brought, _ = services.receive(actor=scientist, arrival=arrival, content=io.BytesIO(content))
    others = []

    def at_length(owners: Any, content: Any) -> SealedFile:
        Reading.objects.update(due_at=database_now())
        sealed = write_stream(owners, content)
        others.append(services.lease_reading(brought.pk))
        return sealed

    monkeypatch.setattr(intakes, "write_stream", at_length)
    errand = services.lease_reading(brought.pk)
    assert errand
    with acting_as("eraser"):
        assert services.read_leased(errand).state == "read"
    assert others == [None]


def test_old_bytes_that_cannot_be_deleted_cost_no_new_ones(
    officer: Account, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_file: SealedFile) -> None:
        raise OSError("storage is away")

    monkeypatch.setattr(files, "discard", fail)
    content = table({"depicts": register(officer).handle})
    intake = bring(content)
    assert intake.state == IntakeState.READ
    assert intake.file
    assert open_file(intake.file) == content

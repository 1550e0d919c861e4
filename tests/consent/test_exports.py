"""A frozen version told to outsiders, and read again: by their libraries and by our readers."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import mlcroissant
import prov.model
import pytest
from django.core.management import CommandError, call_command
from openlineage.client.event_v2 import DatasetEvent, RunEvent

from consent import services
from consent.errors import NotPermitted, TermsRefused, WrongState
from consent.exporters.version import trace
from consent.formats import croissant, openlineage
from consent.formats import prov as prov_reader
from consent.formats.described import Relation
from consent.members import read_membership
from consent.models import Account, Dataset, DatasetVersion, Entity, Item, Project, Subject
from consent.roles import RoleCode
from consent.services import Arrival, ExportForm
from consent.uses import Form, Provenance
from ledger.errors import ProofError
from ledger.models import Record
from tests.consent.factories import House, consent_of, freeze_unvetted, picture, register
from tests.consent.test_api import Api, of_person, problem
from tests.consent.test_datasets import dataset as dataset
from tests.consent.test_datasets import described, fill, freeze, plain
from tests.consent.test_datasets import scientist as scientist

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated"),
]


@pytest.fixture
def cleo(officer: Account) -> Subject:
    subject = register(officer)
    consent_of(officer, subject)
    return subject


@pytest.fixture
def version(scientist: Account, dataset: Dataset, cleo: Subject, tmp_path: Path) -> DatasetVersion:
    """A version of three pictures, one of which shows Cleo."""
    portrait = picture("green")
    files = [
        plain("red"),
        plain("blue"),
        (described("cleo.png", portrait, cleo.handle, licence="CC-BY-4.0"), portrait),
    ]
    return freeze(scientist, dataset, fill(tmp_path, files)).version


def export(actor: Any, version: DatasetVersion, form: ExportForm, **said: Any) -> bytes:
    return b"".join(services.export_version(actor=actor, version_id=version.pk, form=form, **said))


def disclosures() -> int:
    bodies = Record.objects.values_list("body", flat=True)
    return sum(b"values.disclosed" in bytes(body) for body in bodies)


@pytest.mark.parametrize("items", [False, True])
def test_croissant_is_accepted_by_the_official_library(
    officer: Account, version: DatasetVersion, *, items: bool
) -> None:
    written = json.loads(export(officer, version, ExportForm.CROISSANT, with_items=items))
    loaded = mlcroissant.Dataset(written).metadata
    assert (loaded.issues.errors, loaded.issues.warnings) == (set(), set())
    assert (loaded.name, loaded.version) == ("faces", "1.0.0")
    assert loaded.creators[0].name == "An Invented Organisation"
    assert len(loaded.distribution) == (3 if items else 1)
    assert written["muniment:digest"] == f"sha256:{version.digest.hex()}"  # type: ignore[union-attr]
    assert written["license"] == "CC-BY-4.0 AND CC0-1.0"


def test_items_are_read_again_as_they_were_committed_to(
    officer: Account, version: DatasetVersion, cleo: Subject
) -> None:
    said = {"with_items": True, "with_people": True}
    reading = croissant.read(export(officer, version, ExportForm.CROISSANT, **said))
    items = {item.location: item for item in reading.items}
    assert set(items) == {"red.png", "blue.png", "cleo.png"}
    assert items["cleo.png"].depicts == (cleo.handle,)
    assert (items["cleo.png"].licence.spdx, items["cleo.png"].legal_basis) == (
        "CC-BY-4.0",
        "consent",
    )
    assert reading.description.rai["dataUseCases"] == ["training a model"]
    assert [doubt for item in items.values() for doubt in item.doubts if not doubt.is_note] == []


def test_people_are_somebody_unless_asked_for_and_every_item_is_on_the_record(
    officer: Account, version: DatasetVersion, cleo: Subject
) -> None:
    before = disclosures()
    text = export(officer, version, ExportForm.CROISSANT, with_items=True).decode()
    assert disclosures() == before + 1
    assert cleo.handle not in text
    assert str(cleo.pk) not in text
    shown = [item.depicts for item in croissant.read(text.encode()).items if item.depicts]
    assert shown == [("?",)]
    export(officer, version, ExportForm.CROISSANT)
    assert disclosures() == before + 1


def test_items_need_the_permission_to_view_them(
    scientist: Account, officer: Account, version: DatasetVersion, house: House
) -> None:
    with pytest.raises(NotPermitted, match="consent.view_item"):
        export(scientist, version, ExportForm.CROISSANT, with_items=True)
    with pytest.raises(TermsRefused, match="ask for items too"):
        export(officer, version, ExportForm.CROISSANT, with_people=True)
    with pytest.raises(TermsRefused, match="only Croissant"):
        export(officer, version, ExportForm.PROV, with_items=True)
    stranger = house.account("Eve", RoleCode.MODERATOR)
    with pytest.raises(NotPermitted, match="view_datasetversion"):
        export(stranger, version, ExportForm.PROV)


def test_a_draft_is_not_told_of(scientist: Account, dataset: Dataset) -> None:
    draft = services.open_version(actor=scientist, dataset_id=dataset.pk)
    with pytest.raises(WrongState, match="wanted a frozen one"):
        export(scientist, draft, ExportForm.PROV)


@pytest.fixture
def next_version(scientist: Account, version: DatasetVersion, tmp_path: Path) -> DatasetVersion:
    """A version that was made from the first, out of a table from a named source."""
    project = version.dataset.project
    source = services.open_source(
        actor=scientist, project_id=project.pk, code="archive", provenance=Provenance.LICENSED
    )
    draft = services.open_version(
        actor=scientist, dataset_id=version.dataset.pk, origins=[version.pk]
    )
    table = tmp_path / "table.csv"
    table.write_text(
        f"url,sha256,license,legal_basis\na.png,{hashlib.sha256(b'a').hexdigest()},CC0-1.0,licence\n"
    )
    arrival = Arrival(Form.MANIFEST, version_id=draft.pk, source_id=source.pk)
    with table.open("rb") as content:
        services.take_in(actor=scientist, arrival=arrival, content=content)
    return freeze_unvetted(scientist, draft)


def test_prov_is_read_again_as_the_same_lineage(
    scientist: Account, next_version: DatasetVersion
) -> None:
    traced = trace(next_version, set(Project.objects.values_list("pk", flat=True)))
    written = export(scientist, next_version, ExportForm.PROV)
    told = prov_reader.read(written).description
    assert {(one.relation, one.source, one.target) for one in told.links} == {
        (one.relation, one.source, one.target) for one in traced.links
    }
    assert {(n.kind, n.ref, n.name, n.digest) for n in told.nodes} == {
        (n.kind, n.ref, n.name, n.digest) for n in traced.nodes
    }
    assert {Relation.DERIVED_FROM, Relation.GENERATED_BY, Relation.USED} <= {
        one.relation for one in told.links
    }


def test_another_library_reads_both_forms_of_prov_as_one(
    scientist: Account, next_version: DatasetVersion
) -> None:
    document = prov.model.ProvDocument.deserialize(
        content=export(scientist, next_version, ExportForm.PROV).decode(), format="json"
    )
    text = export(scientist, next_version, ExportForm.PROV_N).decode()
    named = {str(record.identifier) for record in document.get_records() if record.identifier}
    assert named
    assert all(name in text for name in named)
    assert text.count("wasDerivedFrom(") == 1


def test_openlineage_is_what_its_client_would_send(
    scientist: Account, next_version: DatasetVersion
) -> None:
    lines = export(scientist, next_version, ExportForm.OPENLINEAGE).splitlines()
    told, freezing = (json.loads(line) for line in lines)
    assert DatasetEvent(**_classes(told)).dataset["name"] == _ours(next_version)  # type: ignore[index]
    event = RunEvent(**_classes(freezing))
    assert (event.inputs[0]["name"], event.outputs[0]["name"]) == (  # type: ignore[index]
        _ours(next_version.origins.get().origin),
        _ours(next_version),
    )
    assert datetime.fromisoformat(event.eventTime) == next_version.frozen_at
    assert [openlineage.read(line).doubts for line in lines] == [(), ()]


def test_what_goes_out_and_comes_in_again_is_tied_to_the_same_version(
    scientist: Account, next_version: DatasetVersion
) -> None:
    project = next_version.dataset.project
    for line in export(scientist, next_version, ExportForm.OPENLINEAGE).splitlines():
        services.tell_event(actor=scientist, project_id=project.pk, content=line)
    tied = Entity.objects.filter(version=next_version)
    assert {one.kind for one in tied} == {"dataset"}
    assert Entity.objects.filter(version=next_version.origins.get().origin).exists()


def test_of_other_projects_only_the_address_is_told(
    house: House, next_version: DatasetVersion
) -> None:
    told = trace(next_version, set())
    assert {node.name for node in told.nodes} == {"", "import of manifest", "archive"}


def _ours(version: DatasetVersion) -> str:
    return f"urn:muniment:version:{version.pk}"


def _classes(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "schemaURL"}


class TestProof:
    """One item's membership, alone."""

    def test_it_holds_offline_and_tells_of_one_item_only(
        self, officer: Account, version: DatasetVersion, tmp_path: Path, capsys: Any
    ) -> None:
        for item in version.items.all():
            proof = services.prove_item(actor=officer, version_id=version.pk, item_id=item.pk)
            assert read_membership(proof.as_json()) == proof
            assert proof.verify(f"sha256:{version.digest.hex()}") is None  # type: ignore[union-attr]
            others = version.items.exclude(pk=item.pk).values_list("commitment", flat=True)
            assert not any(one.hex() in proof.as_json().decode() for one in others)
        file = tmp_path / "proof.json"
        file.write_bytes(proof.as_json())
        call_command("verify_item", str(file))
        assert "of 3 of the version" in capsys.readouterr().out

    def test_with_its_opening_it_says_what_was_committed_to_on_the_record(
        self, officer: Account, scientist: Account, version: DatasetVersion
    ) -> None:
        item, before = Item.objects.get(people=1), disclosures()
        asked: dict[str, Any] = {"version_id": version.pk, "item_id": item.pk, "with_opening": True}
        member = services.prove_item(actor=officer, **asked).verify()
        assert member
        assert (member.location, disclosures()) == ("cleo.png", before + 1)
        with pytest.raises(NotPermitted):
            services.prove_item(actor=scientist, **asked)

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"commitment": "00" * 32}, "does not lead"),
            ({"digest": "sha256:" + "00" * 32}, "does not lead"),
            ({"index": 1 << 60}, "index"),
            ({"opening": "00" * 40}, "not what was committed to"),
            ({"size": "3"}, "no proof"),
            ({"path": None}, "no proof"),
            ({"commitment": "zz"}, "no proof"),
        ],
    )
    def test_a_proof_that_was_changed_is_refused(
        self, officer: Account, version: DatasetVersion, change: dict[str, Any], complaint: str
    ) -> None:
        item = version.items.order_by("commitment")[0]
        proof = services.prove_item(actor=officer, version_id=version.pk, item_id=item.pk)
        forged = json.dumps(json.loads(proof.as_json()) | change).encode()
        with pytest.raises(ProofError, match=complaint):
            read_membership(forged).verify()

    def test_the_command_refuses_the_proof_of_another_version(
        self, officer: Account, version: DatasetVersion, tmp_path: Path, capsys: Any
    ) -> None:
        item = version.items.order_by("commitment")[0]
        proof = services.prove_item(actor=officer, version_id=version.pk, item_id=item.pk)
        file = tmp_path / "proof.json"
        file.write_bytes(proof.as_json())
        with pytest.raises(SystemExit, match="1"):
            call_command("verify_item", str(file), digest="sha256:" + "00" * 32)
        assert "REFUSED: the proof is of another version" in capsys.readouterr().out
        with pytest.raises(CommandError, match="No such file"):
            call_command("verify_item", str(tmp_path / "none"))


class TestApi:
    def address(self, version: DatasetVersion, rest: str) -> str:
        return f"datasets/{version.dataset_id}/versions/{version.pk}/{rest}"

    @pytest.mark.parametrize("form", [form.value for form in ExportForm])
    def test_each_form_is_sent_as_a_file(
        self, officer: Account, version: DatasetVersion, form: str
    ) -> None:
        answer = of_person(officer).get(self.address(version, f"export?form={form}"))
        assert (answer.status_code, str(version.pk) in answer["Content-Disposition"]) == (200, True)
        assert str(version.pk).encode() in b"".join(answer.streaming_content).replace(b"%2D", b"-")

    def test_an_item_is_proved(self, officer: Account, version: DatasetVersion) -> None:
        item = version.items.all()[0]
        answer = of_person(officer).get(
            self.address(version, f"items/{item.pk}/proof?opening=true")
        )
        member = read_membership(answer.content).verify()
        assert member
        assert member.location.endswith(".png")

    def test_what_is_not_there_or_not_allowed_is_said(
        self, scientist: Account, officer: Account, version: DatasetVersion, dataset: Dataset
    ) -> None:
        api: Api = of_person(scientist)
        asked = self.address(version, "export?form=croissant&items=true")
        assert problem(api.get(asked)) == (403, "NotPermitted")
        assert api.get(self.address(version, "export?form=csv")).status_code == 400
        wrong = f"datasets/{version.pk}/versions/{version.pk}/export?form=prov"
        assert api.get(wrong).status_code == 404
        assert api.get(self.address(version, f"items/{version.pk}/proof")).status_code == 404


def test_the_command_writes_what_the_service_gives(
    version: DatasetVersion, capsys: Any, log: Any, sequence: Callable[[], int]
) -> None:
    call_command("export_lineage", str(version.pk), format="croissant", items=True)
    assert len(list(croissant.read(capsys.readouterr().out.encode()).items)) == 3
    with pytest.raises(CommandError, match="no data set version has this id"):
        call_command("export_lineage", str(version.dataset_id), format="prov")

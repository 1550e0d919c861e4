import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from consent import services
from consent.errors import (
    AlreadyKnown,
    DescriptionRefused,
    NothingToFreeze,
    NotPermitted,
    PictureRefused,
    TermsRefused,
)
from consent.formats import folder as croissant
from consent.formats.doubts import DoubtCode
from consent.formats.folder import DescribedFile, Description
from consent.importers.folder import Folder
from consent.intake import Fault
from consent.lineage import Node, find_every, find_impact, find_origins
from consent.members import commit, read_opening, split, version_digest
from consent.models import Account, Dataset, DatasetVersion, Item
from consent.roles import RoleCode
from consent.uses import Use
from ledger import vault
from ledger.leaf import parse_body
from ledger.models import HOUSE_SCOPE, Record
from ledger.services import large, open_file
from tests.consent.factories import (
    House,
    answer,
    body_of,
    consent_of,
    freeze_unvetted,
    picture,
    register,
)


@pytest.fixture
def dataset(house: House, scientist: Account) -> Dataset:
    project = services.open_project(actor=house.ada, code="portraits")
    return services.open_dataset(actor=scientist, project_id=project.pk, code="faces")


@pytest.fixture
def scientist(house: House) -> Account:
    return house.account("Dana", RoleCode.DATA_SCIENTIST)


def described(path: str, content: bytes, *people: str, **changes: str) -> DescribedFile:
    basis = "consent" if people else "public_domain"
    digest = hashlib.sha256(content).hexdigest()
    return replace(DescribedFile(path, digest, "CC0-1.0", basis, people), **changes)  # type: ignore[arg-type]


def fill(folder: Path, files: Sequence[tuple[DescribedFile, bytes | None]]) -> Folder:
    """Write a folder of pictures with its description; content None leaves the file out."""
    for file, content in files:
        if content is not None:
            (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.path).write_bytes(content)
    said = Description("Demo", "1", "", tuple(file for file, _ in files))
    written = croissant.write(said, about="Pictures.", date_published="2026-11-20")
    (folder / "croissant.json").write_bytes(written)
    return Folder(folder)


def plain(colour: str, path: str | None = None, **changes: str) -> tuple[DescribedFile, bytes]:
    content = picture(colour)
    return described(path or f"{colour}.png", content, **changes), content


def freeze(actor: Account, dataset: Dataset, source: Folder) -> services.Taken:
    """Take a folder in and freeze what came of it, vetted by nobody."""
    taken = services.take_folder(actor=actor, dataset_id=dataset.pk, source=source)
    if taken.repeated:
        return taken
    return replace(taken, version=freeze_unvetted(actor, taken.version))


def held(version: DatasetVersion) -> list[bytes]:
    return [one for page in version.pages.all() for one in split(page.commitments)]


def test_a_version_commits_to_each_item_and_its_digest_follows(
    scientist: Account, dataset: Dataset, tmp_path: Path
) -> None:
    frozen = freeze(scientist, dataset, fill(tmp_path, [plain("red"), plain("blue")]))
    version = DatasetVersion.objects.get()
    assert frozen.version == version
    commitments = held(version)
    assert version.digest == version_digest(commitments)
    assert (version.house_root, version.house_count) == (version.digest, 2)
    keys = vault.keys([HOUSE_SCOPE])
    for item in version.items.all():
        member, salt = read_opening(keys.open(item, "opening"))
        assert commit(member, salt) == item.commitment
        assert item.commitment in commitments
        assert item.file
        content = open_file(item.file, keys)
        assert hashlib.sha256(content).hexdigest() == member.digest
        assert (item.media_type, item.width, item.height) == ("image/png", 8, 6)
    body = body_of(version)
    assert body.facts == {
        "digest": f"sha256:{version.digest.hex()}", "items": 2, "quarantined": 0,
        "vetted": False,
    }  # fmt: skip


def test_numbers_go_up_by_one(scientist: Account, dataset: Dataset, tmp_path: Path) -> None:
    first = freeze(scientist, dataset, fill(tmp_path, [plain("red")]))
    second = freeze(scientist, dataset, fill(tmp_path, [plain("red"), plain("blue")]))
    assert [first.version.number, second.version.number] == [1, 2]
    assert first.version.digest != second.version.digest


def test_the_same_source_gives_the_same_version(
    scientist: Account, dataset: Dataset, tmp_path: Path
) -> None:
    source = fill(tmp_path, [plain("red")])
    first = freeze(scientist, dataset, source)
    again = freeze(scientist, dataset, source)
    assert (again.version, again.repeated) == (first.version, True)
    assert DatasetVersion.objects.count() == 1


def test_a_picture_of_people_is_sealed_under_all_their_keys(
    officer: Account, scientist: Account, dataset: Dataset, tmp_path: Path
) -> None:
    cleo, dan = register(officer, "Cleo"), register(officer, "Dan")
    for person in (cleo, dan):
        consent_of(officer, person)
    content = picture("red")
    together = described("both.png", content, cleo.handle, str(dan.pk))
    version = freeze(scientist, dataset, fill(tmp_path, [(together, content)])).version
    item = version.items.get()
    assert item.scope_ids() == tuple(sorted([cleo.scope_id, dan.scope_id]))
    assert item.file
    assert item.file.scope_ids() == item.scope_ids()
    original = version.intakes.get().file
    assert original
    assert original.scope_ids() == item.scope_ids()
    assert {d.subject_id for d in item.depictions.all()} == {cleo.pk, dan.pk}


def test_without_consent_to_training_a_person_is_not_frozen(
    officer: Account, scientist: Account, dataset: Dataset, tmp_path: Path
) -> None:
    cleo = register(officer)
    consent_of(officer, cleo, answer(Use.DEPICT))
    portrait = picture("red")
    files = [plain("blue"), (described("cleo.png", portrait, cleo.handle), portrait)]
    frozen = freeze(scientist, dataset, fill(tmp_path, files))
    assert [(r.ordinal, r.fault) for r in frozen.refused] == [(2, Fault.CONSENT_MISSING)]
    assert frozen.version.items.count() == 1
    waiting = frozen.version.intakes.get().quarantined.get()
    assert (waiting.ordinal, waiting.reasons) == (2, ["consent_missing"])
    assert waiting.scopes == [cleo.scope_id]


PICTURE = picture("red")
FAULTY = [
    (described("red.png", PICTURE), None, Fault.FILE_MISSING),
    (described("../red.png", PICTURE), None, Fault.PATH_REFUSED),
    (described("/etc/passwd", PICTURE), None, Fault.PATH_REFUSED),
    (described("a\0b.png", PICTURE), None, Fault.PATH_REFUSED),
    (described("", PICTURE), None, Fault.PATH_REFUSED),
    (described("red.png", PICTURE, sha256=""), PICTURE, DoubtCode.DIGEST_MISSING),
    (described("red.png", b"other"), PICTURE, Fault.DIGEST_DIFFERS),
    (described("red.png", b"GIF89a"), b"GIF89a", Fault.PICTURE_REFUSED),
    (described("red.png", PICTURE[:45]), PICTURE[:45], Fault.PICTURE_REFUSED),
    (described("red.png", PICTURE, licence=""), PICTURE, DoubtCode.LICENCE_MISSING),
    (described("red.png", PICTURE, licence="as we like"), PICTURE, DoubtCode.LICENCE_UNKNOWN),
    (described("red.png", PICTURE, legal_basis=""), PICTURE, DoubtCode.BASIS_MISSING),
    (described("red.png", PICTURE, legal_basis="mood"), PICTURE, DoubtCode.BASIS_UNKNOWN),
    (described("red.png", PICTURE, "S-2222-2222"), PICTURE, Fault.PERSON_UNKNOWN),
    (described("red.png", PICTURE, str(UUID(int=7))), PICTURE, Fault.PERSON_UNKNOWN),
]


@pytest.mark.parametrize(("file", "content", "fault"), FAULTY)
def test_what_is_wrong_with_a_file_is_said(
    scientist: Account,
    dataset: Dataset,
    tmp_path: Path,
    file: DescribedFile,
    content: bytes | None,
    fault: str,
) -> None:
    source = fill(tmp_path, [plain("blue"), (file, content)])
    frozen = freeze(scientist, dataset, source)
    assert [(r.ordinal, r.path, r.fault) for r in frozen.refused] == [(2, file.path, fault)]
    assert [i.licence for i in frozen.version.items.all()] == ["CC0-1.0"]


def test_a_picture_that_comes_twice_or_undescribed_is_quarantined(
    scientist: Account, dataset: Dataset, tmp_path: Path
) -> None:
    source = fill(tmp_path, [plain("red"), plain("red", "copy.png")])
    (tmp_path / "stray.png").write_bytes(picture("blue"))
    frozen = freeze(scientist, dataset, source)
    assert [(r.ordinal, r.fault) for r in frozen.refused] == [
        (2, Fault.PICTURE_REPEATED),
        (3, Fault.UNDESCRIBED),
    ]


@pytest.mark.parametrize("link", ["file", "folder"])
def test_links_lead_nowhere(
    scientist: Account, dataset: Dataset, tmp_path: Path, link: str
) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    for folder in (outside, inside):
        folder.mkdir()
    (outside / "red.png").write_bytes(PICTURE)
    path = "red.png" if link == "file" else "there/red.png"
    source = fill(inside, [plain("blue"), (described(path, PICTURE), None)])
    (inside / path.split("/")[0]).symlink_to(outside / "red.png" if link == "file" else outside)
    assert [r.fault for r in freeze(scientist, dataset, source).refused] == [Fault.PATH_REFUSED]


def test_nothing_admitted_freezes_nothing(
    scientist: Account, dataset: Dataset, tmp_path: Path
) -> None:
    records = Record.objects.count()
    with pytest.raises(NothingToFreeze, match="none of 1 files"):
        freeze(scientist, dataset, fill(tmp_path, [plain("red", licence="")]))
    assert (Item.objects.count(), Record.objects.count()) == (0, records)


def test_a_folder_without_description_is_refused(
    scientist: Account, dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(DescriptionRefused, match=r"no readable croissant\.json"):
        freeze(scientist, dataset, Folder(tmp_path))


def test_a_file_that_changes_meanwhile_stops_the_freezing(
    scientist: Account, dataset: Dataset, tmp_path: Path
) -> None:
    class Changing(Folder):
        def read(self, name: str) -> bytes:
            content = super().read(name)
            (self.path / name).write_bytes(picture("green"))
            return content

    fill(tmp_path, [plain("red")])
    with pytest.raises(PictureRefused, match="changed while the version was being put together"):
        freeze(scientist, dataset, Changing(tmp_path))
    assert not DatasetVersion.objects.exists()


def test_a_version_is_frozen_for_something(
    scientist: Account, dataset: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(TermsRefused, match="uses are empty"):
        services.take_folder(
            actor=scientist, dataset_id=dataset.pk, source=Folder(tmp_path), uses=[]
        )


def test_only_who_may_freezes(house: House, dataset: Dataset, tmp_path: Path) -> None:
    developer = house.account("Dev", RoleCode.DEVELOPER)
    with pytest.raises(NotPermitted, match=r"consent\.freeze_version"):
        freeze(developer, dataset, fill(tmp_path, [plain("red")]))


def test_a_data_set_code_is_taken_once_in_a_project(scientist: Account, dataset: Dataset) -> None:
    said: dict[str, Any] = {"actor": scientist, "project_id": dataset.project_id, "code": "faces"}
    with pytest.raises(AlreadyKnown, match="has a data set of this code"):
        services.open_dataset(**said)


def test_lineage_leads_from_a_grant_to_the_data_set_and_back(
    officer: Account, scientist: Account, dataset: Dataset, tmp_path: Path
) -> None:
    cleo = register(officer)
    grant = consent_of(officer, cleo)
    portrait = picture("red")
    files = [plain("blue"), (described("cleo.png", portrait, cleo.handle), portrait)]
    version = freeze(scientist, dataset, fill(tmp_path, files)).version
    item = version.items.get(depictions__subject=cleo)
    impact = find_impact(Node("grant", grant.pk))
    assert impact.counts == {"dataset": 1, "item": 1, "subject": 1, "version": 1}
    assert (impact.of("version"), impact.of("dataset")) == ([version.pk], [dataset.pk])
    assert impact.hanging == {(Node("version", version.pk), "item"): 1}
    assert [list(find_every(impact, kind)) for kind in ("subject", "item")] == [
        [cleo.pk],
        [item.pk],
    ]
    origins = find_origins(Node("version", version.pk))
    assert origins.counts == {"grant": 1, "item": 2, "subject": 1}
    assert list(find_every(origins, "grant")) == [grant.pk]


def test_a_version_of_many_people_spreads_over_several_records(
    officer: Account, scientist: Account, dataset: Dataset, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(large, "MAX_SEGMENTS", 2)
    people = [register(officer, f"Person {n}") for n in range(4)]
    files = []
    for number, person in enumerate(people):
        consent_of(officer, person)
        portrait = picture(f"#{number:06x}")
        files.append((described(f"{number}.png", portrait, person.handle), portrait))
    version = freeze(scientist, dataset, fill(tmp_path, files)).version
    uuids = {uuid for uuid in version.items.values_list("record", flat=True) if uuid}
    records = Record.objects.filter(uuid__in=uuids)
    kinds = [parse_body(record.body).kind for record in records.order_by("pk")]
    assert set(kinds) <= {"items.admitted", "items.continued"}
    assert len(uuids) > 1

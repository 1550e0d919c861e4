from pathlib import Path

from consent import services
from consent.importers.folder import Folder
from consent.models import Account
from consent.roles import RoleCode
from fixtures.demo.dataset import PHOTOGRAPHS, write_dataset
from fixtures.demo.portraits import draw_portraits
from tests.consent.factories import House, consent_of, register


def test_the_demo_data_set_is_vetted_and_frozen_but_for_what_has_no_licence_or_consent(
    house: House, officer: Account, tmp_path: Path
) -> None:
    portraits = tmp_path / "portraits"
    people = {
        path.stem: register(officer, f"{path.stem.title()} Invented", portrait=path.read_bytes())
        for path in draw_portraits(portraits)
    }
    consent_of(officer, people["mara"])
    depicts = {"mara": people["mara"].handle, "theo": str(people["theo"].pk)}
    folder = write_dataset(tmp_path / "set", portraits, depicts)
    scientist = house.account("Dana", RoleCode.DATA_SCIENTIST)
    project = services.open_project(actor=house.ada, code="demo")
    dataset = services.open_dataset(actor=scientist, project_id=project.pk, code="demo")
    taken = services.take_folder(actor=scientist, dataset_id=dataset.pk, source=Folder(folder))
    assert {r.path: r.fault for r in taken.refused} == {
        "rocket.jpg": "licence_missing",
        "portrait-theo.png": "consent_missing",
    }
    vetted = services.vet_here(actor=scientist, version_id=taken.version.pk)
    assert (vetted.verdict, vetted.looked) == ("may", len(PHOTOGRAPHS) - 1 + 1)
    frozen = services.freeze_version(actor=scientist, version_id=taken.version.pk)
    assert (frozen.member_count, frozen.vetted) == (len(PHOTOGRAPHS) - 1 + 1, True)

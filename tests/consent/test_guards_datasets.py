"""What PostgreSQL refuses of data sets by itself, whoever writes the SQL."""

from pathlib import Path

import pytest
from django.db import DatabaseError

from consent import services
from consent.models import Account, Dataset, DatasetVersion, IntakeState, VersionState
from tests.consent.test_datasets import dataset as dataset
from tests.consent.test_datasets import fill, freeze, plain
from tests.consent.test_datasets import scientist as scientist
from tests.consent.test_guards import GUARDS, run

COPIED = (
    "INSERT INTO consent_item (id, version_id, intake_id, ordinal, commitment, opening, scopes, "
    "people, licence, legal_basis, media_type, aside) SELECT gen_random_uuid(), {version}, "
    "intake_id, ordinal, commitment, opening, scopes, people, licence, legal_basis, media_type, "
    "aside FROM consent_item LIMIT 1"
)


@pytest.fixture
def frozen(scientist: Account, dataset: Dataset, tmp_path: Path) -> DatasetVersion:
    return freeze(scientist, dataset, fill(tmp_path, [plain("red"), plain("blue")])).version


FIXED = [
    (COPIED.format(version="version_id"), "items of a version that is no draft are fixed"),
    (COPIED.format(version="gen_random_uuid()"), "items of a version that is no draft are fixed"),
    ("UPDATE consent_item SET aside = 'removed'", "is settled"),
    ("UPDATE consent_item SET licence = 'MIT'", "column licence of consent_item is frozen"),
    ("UPDATE consent_item SET people = 1", "column people of consent_item is frozen"),
    ("UPDATE consent_versionpage SET root = commitments", "permission denied"),
    ("UPDATE consent_datasetversion SET digest = sha256('')", "digest .* is frozen"),
    ("UPDATE consent_datasetversion SET member_count = 1", "member_count .* is frozen"),
    ("UPDATE consent_datasetversion SET uses = '{evaluate}'", "uses .* is frozen"),
    ("UPDATE consent_intake SET read_to = 9", "read_to .* is frozen"),
    ("UPDATE consent_intake SET form = 'dps'", "form .* is frozen"),
]


@pytest.mark.parametrize(("sql", "refusal"), FIXED)
def test_what_was_frozen_is_fixed(frozen: DatasetVersion, sql: str, refusal: str) -> None:
    with pytest.raises(DatabaseError, match=refusal):
        run(sql)


def test_nothing_comes_into_a_draft_from_an_import_that_is_not_its(
    frozen: DatasetVersion, scientist: Account
) -> None:
    draft = services.open_version(actor=scientist, dataset_id=frozen.dataset_id)
    with pytest.raises(DatabaseError, match="no draft are fixed"):
        run(COPIED.format(version=f"'{draft.pk}'"))


@pytest.mark.parametrize(
    ("table", "states"),
    [("datasetversion", VersionState.values), ("intake", IntakeState.values)],
)
def test_every_illegal_move_of_a_version_or_an_import_is_refused(
    frozen: DatasetVersion, table: str, states: list[str]
) -> None:
    legal = GUARDS.MOVES[table][0]
    before = {"datasetversion": "frozen", "intake": "read"}[table]
    assert not [after for one, after in legal if one == before]
    for after in states:
        if after != before:
            with pytest.raises(DatabaseError, match=f"cannot go from {before} to {after}"):
                run(f"UPDATE consent_{table} SET state = %s", after)


@pytest.mark.parametrize("state", ["frozen", "abandoned"])
def test_no_version_begins_in_the_middle_of_its_life(frozen: DatasetVersion, state: str) -> None:
    with pytest.raises(DatabaseError, match=f"cannot go from nothing to {state}"):
        run(
            "INSERT INTO consent_datasetversion (id, dataset_id, number, state, uses, profile, "
            "opened_at, digest, member_count, house_count, frozen_at) SELECT gen_random_uuid(), "
            "dataset_id, 9, %s, uses, profile, opened_at, digest, 0, 0, frozen_at "
            "FROM consent_datasetversion",
            state,
        )

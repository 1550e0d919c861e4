import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from consent.models import Account, AccountState, Dataset, DatasetVersion
from consent.roles import RoleCode
from tests.consent.factories import House, picture
from tests.consent.test_datasets import fill, plain


def call(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def answers(*arguments: str) -> list[dict[str, object]]:
    lines = call("import_lineage", "--format", "folder", "--json", *arguments).splitlines()
    return [json.loads(line) for line in lines]


FOUNDERS = (
    "--administrator",
    "Ada <ada@house.example>",
    "--administrator",
    "Ben <b@house.example>",
)


@pytest.mark.django_db
def test_open_service_prints_two_ways_in(log: object) -> None:
    lines = call("open_service", *FOUNDERS, "--url", "https://muniment.example/").splitlines()
    accounts = {account.pk for account in Account.objects.filter(state=AccountState.ACTIVE)}
    assert len(accounts) == len(lines) == 2
    assert lines[0].startswith("ada@house.example: https://muniment.example/sign-in/")


def test_open_service_works_once(house: House) -> None:
    with pytest.raises(CommandError, match="the service has accounts"):
        call("open_service", *FOUNDERS)


@pytest.mark.django_db
def test_open_service_wants_names_with_addresses() -> None:
    with pytest.raises(CommandError, match="wanted NAME <ADDRESS>"):
        call("open_service", "--administrator", "ada@house.example")


def test_a_folder_is_imported_by_the_operator(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "My_pictures!"
    folder.mkdir()
    fill(folder, [plain("red"), plain("blue", licence="")])
    (answer,) = answers(str(folder))
    assert answer == {
        "path": str(folder),
        "status": "imported",
        "items": 1,
        "quarantined": 1,
        "reasons": ["blue.png: licence_missing"],
    }
    dataset = Dataset.objects.get()
    assert (dataset.project.code, dataset.code) == ("imports", "my-pictures")


def test_importing_again_changes_nothing(house: House, tmp_path: Path) -> None:
    fill(tmp_path, [plain("red")])
    assert answers(str(tmp_path)) == answers(str(tmp_path))
    assert DatasetVersion.objects.count() == 1


def test_each_path_gets_an_answer(house: House, tmp_path: Path) -> None:
    good, empty, bad, faulty = (tmp_path / name for name in ("good", "empty", "bad", "faulty"))
    for folder in (good, empty, bad, faulty):
        folder.mkdir()
    fill(good, [plain("red")])
    (bad / "croissant.json").write_text("{")
    fill(faulty, [plain("red", licence="")])
    paths = [str(path) for path in (good / "croissant.json", empty, bad, faulty, tmp_path / "none")]
    given = answers(*paths)
    assert [answer["path"] for answer in given] == paths
    assert [answer["status"] for answer in given] == [
        "imported", "unreadable", "unreadable", "quarantined", "unreadable",
    ]  # fmt: skip
    assert Dataset.objects.count() == 2


def test_an_account_imports_into_a_named_data_set_if_it_may(house: House, tmp_path: Path) -> None:
    fill(tmp_path, [plain("red")])
    answers(str(tmp_path))
    house.account("dana", RoleCode.DATA_SCIENTIST)
    house.account("mia", RoleCode.DEVELOPER)
    (tmp_path / "new.png").write_bytes(picture("blue"))
    name = f"imports/{Dataset.objects.get().code}"
    said = ["--dataset", name, str(tmp_path), "--actor"]
    assert answers(*said, "dana@house.example")[0]["quarantined"] == 1
    with pytest.raises(CommandError, match=r"consent\.freeze_version"):
        answers(*said, "mia@house.example")
    with pytest.raises(CommandError, match="no account has that"):
        answers(*said, "nobody@house.example")
    with pytest.raises(CommandError, match="there is no data set imports/other"):
        answers("--dataset", "imports/other", str(tmp_path))


def test_answers_read_well_without_json(house: House, tmp_path: Path) -> None:
    fill(tmp_path, [plain("red"), plain("blue", licence="")])
    said = call("import_lineage", "--format", "croissant", str(tmp_path))
    assert said == f"{tmp_path}: imported, 1 items, 1 quarantined\n  blue.png: licence_missing\n"


def imported(form: str, path: Path) -> dict[str, object]:
    (line,) = call("import_lineage", "--format", form, "--json", str(path)).splitlines()
    answer: dict[str, object] = json.loads(line)
    return answer | {"path": path.name}


TABLE = (
    "url,sha256,license,legal_basis\n"
    f"https://pictures.example/1.jpg,{'1f2e' * 15}abcd,CC0-1.0,public_domain\n"
    f"https://pictures.example/2.jpg,{'3c4d' * 15}abce,as we like,public_domain\n"
)
EVENT = {
    "eventType": "COMPLETE",
    "eventTime": "2026-11-20T15:00:00Z",
    "producer": "https://jobs.example",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    "run": {"runId": "0190f3a5-5a5e-7b3c-9f5e-2f3d1a6b7c8d"},
    "job": {"namespace": "jobs", "name": "resize"},
    "inputs": [{"namespace": "store", "name": "raw"}],
    "outputs": [{"namespace": "store", "name": "small"}],
}
PROV = {
    "entity": {"ex:small": {}, "ex:raw": {}},
    "wasDerivedFrom": {"_:d": {"prov:generatedEntity": "ex:small", "prov:usedEntity": "ex:raw"}},
    "prefix": {"ex": "https://example.com/"},
}


@pytest.mark.parametrize(
    ("form", "content", "expected"),
    [
        ("manifest", TABLE, ("imported", 1, 1, ["item 2: licence_unknown"])),
        ("openlineage", json.dumps(EVENT), ("imported", 1, 0, [])),
        ("prov", json.dumps(PROV), ("imported", 1, 0, [])),
        ("prov", "[]", ("unreadable", 0, 0, None)),
        ("dps", "{}", ("unreadable", 0, 0, None)),
        ("croissant", "{", ("unreadable", 0, 0, None)),
        ("manifest", "PAR1", ("unreadable", 0, 0, None)),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_each_format_gets_an_answer(
    house: House, tmp_path: Path, form: str, content: str,
    expected: tuple[str, int, int, list[str] | None],
) -> None:  # fmt: skip
    path = tmp_path / "what-came"
    path.write_text(content)
    answer = imported(form, path)
    status, items, quarantined, reasons = expected
    assert (answer["status"], answer["items"], answer["quarantined"]) == (
        status, items, quarantined,
    )  # fmt: skip
    said = [one for one in answer["reasons"] if "creator" not in one]  # type: ignore[attr-defined]
    assert said == reasons if reasons is not None else len(said) == 1

"""Old releases by the API, on screens and by the command, and set right by a table."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from consent import services, tasks
from consent.errors import DescriptionRefused
from consent.models import Grant, Notice, ReleaseErrand, ReleaseImport, Subject
from consent.releases.columns import guess, override
from consent.roles import RoleCode
from consent.services.notices import PAPER_ONLY
from ledger.models import Record
from tests.consent.factories import House
from tests.consent.releases.material import (
    CLEO,
    IDA,
    NAMES,
    Drawer,
    only_line,
    paper,
    reasons,
    table,
)
from tests.consent.releases.test_scans import packed
from tests.consent.test_admin import browser, do, offered, row_url
from tests.consent.test_api import of_person

pytestmark = pytest.mark.django_db(transaction=True)
CSV = "text/csv"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are called by the tests themselves, as their role."""
    monkeypatch.setattr(tasks.carry_out_releases, "delay", lambda _: None)


def zipped(*names: str) -> bytes:
    return packed(*((name, paper(name)) for name in names))


def send(drawer: Drawer, path: str, content: bytes, **query: Any) -> Any:
    client = browser(drawer.officer)
    return client.post(f"/api/v1/{path}", content, content_type=CSV, query_params=query)


def waiting_of(drawer: Drawer, importing: ReleaseImport) -> list[dict[str, str]]:
    got = services.write_waiting(reader=drawer.officer, import_id=importing.pk)
    return list(csv.DictReader(io.StringIO(b"".join(got).decode("utf-8-sig"))))


def written(rows: list[dict[str, str]]) -> bytes:
    return table(*rows, names=list(rows[0]))


def repair(drawer: Drawer, importing: ReleaseImport, content: bytes) -> int:
    return services.bring_repaired(
        actor=drawer.officer, import_id=importing.pk, content=io.BytesIO(content)
    )


def test_a_table_is_brought_and_taken_in_by_the_api(drawer: Drawer) -> None:
    said = json.dumps({"day_first": True, "words": [
        {"what": "uses", "word": "All purposes", "means": ["depict"]}]})  # fmt: skip
    lines = table(CLEO | {"uses": "all purposes", "signed": "03/04/2019"}, IDA | {"name": ""})
    brought = send(drawer, "releases", lines, notice=str(drawer.notice.pk), said=said)
    assert brought.status_code == 201, brought.content
    path = f"releases/{brought.json()['id']}"
    assert send(drawer, "releases", lines, notice=str(drawer.notice.pk)).status_code == 200
    assert send(drawer, f"{path}/scans", zipped("1.pdf", "2.pdf", "3.pdf")).status_code == 202
    importing = drawer.work(ReleaseImport.objects.get())
    told = of_person(drawer.officer).get(path).json()
    assert (told["ready"], told["unread"], told["scans_not_named"]) == (1, 0, 1)
    assert told["waiting"] == [
        {
            "reason": "name_missing",
            "words": "It does not say who signed.",
            "lines": 1,
            "acceptable": False,
        }
    ]
    assert of_person(drawer.officer).post(f"{path}/take", {}).status_code == 202
    drawer.work(importing)
    assert Grant.objects.get().uses == ["depict"]
    dropped = of_person(drawer.officer).post(f"{path}/drop", {"reason": "name_missing"})
    assert dropped.json() == {"lines": 1}
    assert of_person(drawer.officer).post(f"{path}/close", {}).json()["state"] == "closed"


def test_who_it_may_be_is_told_by_handle_and_decided(drawer: Drawer, cleo: Subject) -> None:
    importing = drawer.bring(CLEO | {"email": ""}, scans=["1.pdf"])
    api = of_person(drawer.officer)
    (unclear,) = api.get(f"releases/{importing.pk}/unclear").json()
    assert unclear["perhaps"] == [{"subject": str(cleo.pk), "handle": cleo.handle}]
    path = f"release-lines/{unclear['line']['id']}/decide"
    assert api.post(path, {"subject": str(cleo.pk)}).status_code == 200
    assert reasons(drawer.work(importing)) == [[]]


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("releases", b"name,email\ncleo@people.example,x\n", 422),
        ("releases", b"\xff", 422),
        ("releases?said=[]", b"", 400),
        ("releases?said={", b"", 400),
        ('releases?said={"term":"a while"}', b"a,b\nc,d\n", 422),
        ('releases?said={"mapping":{"x":"name"}}', b"a,b\nc,d\n", 422),
    ],
)
def test_what_cannot_be_read_is_refused_by_the_api(
    drawer: Drawer, path: str, content: bytes, status: int
) -> None:
    if content.startswith(b"name"):
        content = content.replace(b"name,email\n", b"")
    answer = send(drawer, path, content)
    assert answer.status_code == status, answer.content
    assert not ReleaseImport.objects.exists()


def test_only_officers_see_imports_of_releases(drawer: Drawer, house: House) -> None:
    importing = drawer.bring(CLEO)
    moderator = house.account("Mo", RoleCode.MODERATOR)
    auditor = house.account("Aud", RoleCode.AUDITOR)
    for path in ("releases", f"releases/{importing.pk}"):
        assert of_person(moderator).get(path).status_code == 403
        assert of_person(auditor).get(path).status_code == 200
    assert of_person(auditor).get(f"releases/{importing.pk}/waiting").status_code == 403
    assert of_person(auditor).get(f"releases/{importing.pk}/unclear").status_code == 403


def test_what_waits_is_set_right_in_a_table_and_brought_back(drawer: Drawer) -> None:
    formula = {"name": "=1+1", "witness": "'t Hooft", "phone": "+49 30 1234567"}
    importing = drawer.bring(CLEO, IDA | formula | {"signed": ""}, scans=["1.pdf", "2.pdf"])
    records = Record.objects.count()
    (row,) = waiting_of(drawer, importing)
    assert Record.objects.count() == records + 1
    assert row["line (leave as it is)"] == "2"
    assert set(row["why it waits"].split()) == {"formula", "signed_missing"}
    assert "It does not say when it was signed." in row["what to do"]
    assert (row["name"], row["witness"]) == ("'=1+1", "''t Hooft")
    right = row | {"name": "Ida Invented", "signed": "2019-04-03"}
    stale = right | {"line (leave as it is)": "1"}
    unknown = right | {"line (leave as it is)": "99"}
    assert repair(drawer, importing, written([right, stale, unknown])) == 1
    assert reasons(drawer.work(importing)) == [[], []]
    assert drawer.take(importing).taken_count == 2


def test_another_table_sets_nothing_right(drawer: Drawer) -> None:
    importing = drawer.bring(CLEO | {"signed": ""})
    with pytest.raises(DescriptionRefused, match="1 columns of the table that came are missing"):
        repair(drawer, importing, table(CLEO))


def test_what_was_decided_of_a_line_is_not_of_another(drawer: Drawer, cleo: Subject) -> None:
    importing = drawer.bring(CLEO | {"email": "", "signed": ""}, scans=["1.pdf"])
    services.decide_line(actor=drawer.officer, line_id=only_line(importing).pk, subject_id=cleo.pk)
    (row,) = waiting_of(drawer, drawer.work(importing))
    repair(drawer, importing, written([row | {"name": "Ida Invented", "signed": "2019-04-03"}]))
    drawer.take(importing)
    assert Grant.objects.get().subject != cleo


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def form(**said: Any) -> dict[str, Any]:
    return {"encoding": "utf-8", "basis": "consent", "remedy": "stop_new_use", **said}


def test_a_table_is_brought_looked_at_and_taken_in_on_screens(drawer: Drawer) -> None:
    client = browser(drawer.officer)
    lines = table(CLEO | {"uses": "all purposes"}, IDA | {"signed": "03/04/2019"})
    said = form(table=upload("t.csv", lines), scans=upload("s.zip", zipped("1.pdf", "2.pdf")))
    assert do(client, ReleaseImport, "bring", said).status_code == 302
    importing = drawer.work(ReleaseImport.objects.get())
    assert importing.notice.code == PAPER_ONLY
    assert offered(client, importing) >= {"columns", "whole", "word", "scans", "close"}
    assert "take" not in offered(client, importing)
    page = client.get(row_url(importing)).content.decode()
    assert "It names a use that we do not know" in page
    assert "Cleo" not in page
    opened = client.get(f"{row_url(importing)}?names=1").content.decode()
    assert "Cleo Invented" in opened
    assert "“all purposes”" in opened
    word = {"what": "uses", "word": "All Purposes", "means": "depict"}
    assert do(client, importing, "word", word).status_code == 302
    assert do(client, importing, "whole", form(day_first="day")).status_code == 302
    assert reasons(drawer.work(importing)) == [[], []]
    assert do(client, importing, "take").status_code == 302
    drawer.work(importing)
    assert Grant.objects.count() == 2
    assert do(client, importing, "close").status_code == 302
    assert "What became of it" in client.get(row_url(drawer.work(importing))).content.decode()


def test_columns_are_set_right_on_a_screen(drawer: Drawer) -> None:
    client = browser(drawer.officer)
    lines = table(CLEO).replace(b"name,", b"who it is,", 1)
    services.bring_releases(
        actor=drawer.officer,
        bringing=services.Bringing(drawer.notice.pk),
        content=io.BytesIO(lines),
    )
    importing = drawer.work(ReleaseImport.objects.get())
    meanings = override(guess(NAMES), {"name": "name"}).values()
    said = {f"column_{place}": meaning.value for place, meaning in enumerate(meanings)}
    assert "name_missing" in only_line(importing).reasons
    assert do(client, importing, "columns", said).status_code == 302
    assert reasons(drawer.work(importing)) == [["scan_absent"]]
    refused = do(client, importing, "columns", said | {"column_1": "name"}).content.decode()
    assert "Two columns mean name" in refused


def test_lines_are_decided_taken_as_they_are_and_turned_away_on_screens(
    drawer: Drawer, cleo: Subject
) -> None:
    client = browser(drawer.officer)
    importing = drawer.bring(
        CLEO | {"email": ""}, IDA | {"scan": "1.pdf"}, IDA | {"signed": ""}, scans=["1.pdf"]
    )
    assert cleo.handle in client.get(row_url(importing)).content.decode()
    who = {"line": f"{importing.lines.get(ordinal=1).pk} person", "handle": cleo.handle}
    assert (
        "Nobody has this handle"
        in do(client, importing, "who", who | {"handle": "S-0000-0000"}).content.decode()
    )
    assert do(client, importing, "who", who).status_code == 302
    assert do(client, importing, "accept", {"reason": "scan_shared"}).status_code == 302
    drawer.work(importing)
    got: Any = client.get(row_url(importing).replace("/change/", "/waiting/"))
    assert len(b"".join(got.streaming_content).splitlines()) == 2
    assert do(client, importing, "drop", {"reason": "signed_missing"}).status_code == 302
    assert reasons(drawer.work(importing)) == [[], []]


def test_a_refused_archive_is_said_on_the_page(drawer: Drawer) -> None:
    importing = drawer.bring(CLEO)
    said = {"scans": upload("s.zip", packed(("../1.pdf", b"x")))}
    page = do(browser(drawer.officer), importing, "scans", said).content.decode()
    assert "The archive has a file whose name leads out of it: it is refused." in page


def test_a_word_that_means_no_code_is_refused_on_the_page(drawer: Drawer) -> None:
    importing = drawer.bring(CLEO)
    said = {"what": "media", "word": "Kino", "means": "cinema"}
    page = do(browser(drawer.officer), importing, "word", said).content.decode()
    assert "1 of these are no codes. There are: broadcast, internal" in page


def run(*said: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("import_releases", *said, "--json", stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def test_the_command_takes_in_a_table_and_a_folder(drawer: Drawer, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "1.pdf").write_bytes(paper("1"))
    (tmp_path / "scans" / "link.pdf").symlink_to("/etc/passwd")
    (tmp_path / "table.csv").write_bytes(table(CLEO, IDA))
    (tmp_path / "said.json").write_text('{"region": "DE"}')
    said = (
        *(str(tmp_path / "table.csv"), "--actor", "Olga@house.example"),
        *("--scans", str(tmp_path / "scans"), "--notice", "paper-form-2015"),
        *("--said", str(tmp_path / "said.json")),
    )
    with drawer.acting_as("eraser"):
        looked = run(*said)
        assert (looked["ready"], looked["taken_count"]) == (1, 0)
        (tmp_path / "more.zip").write_bytes(zipped("2.pdf"))
        taken = run(*said[:3], "--scans", str(tmp_path / "more.zip"), "--take")
    assert (taken["id"], taken["taken_count"]) == (looked["id"], 2)
    assert taken["scans_not_named"] == 0


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (("--actor", "nobody@house.example"), "no account has that e-mail address"),
        (("--notice", "none"), "there is no notice none: publish the text"),
        (("--said", "absent.json"), "is no JSON file"),
        (("--scans", "table.csv"), "no ZIP archive that is whole"),
        (("--encoding", "utf-16"), "no UTF-16|is it a CSV table"),
    ],
)
def test_the_command_says_what_is_wrong(
    drawer: Drawer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: tuple[str, ...],
    complaint: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_bytes(table(CLEO) + b"x")
    with pytest.raises(CommandError, match=complaint):
        call_command("import_releases", "table.csv", "--actor", "Olga@house.example", *said)
    assert drawer.officer


def test_a_worker_that_fails_tries_again(drawer: Drawer, monkeypatch: pytest.MonkeyPatch) -> None:
    importing = drawer.bring(CLEO, scans=["1.pdf"])
    services.take_releases(actor=drawer.officer, import_id=importing.pk)

    def fail(_: Any) -> None:
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(services, "carry_out_releases", fail)
        tasks.carry_out_releases(str(importing.pk))
    errand = ReleaseErrand.objects.get()
    assert (errand.attempts, list(ReleaseErrand.objects.due())) == (1, [])
    ReleaseErrand.objects.update(due_at=importing.received_at)
    assert ReleaseErrand.objects.due() == [importing.pk]
    with drawer.acting_as("eraser"):
        tasks.sweep_releases()
        tasks.carry_out_releases(str(importing.pk))
        tasks.carry_out_releases(str(importing.pk))
    assert Grant.objects.count() == 1


def test_the_notice_of_papers_is_published_once(drawer: Drawer) -> None:
    for line in (CLEO, IDA):
        services.bring_releases(
            actor=drawer.officer, bringing=services.Bringing(), content=io.BytesIO(table(line))
        )
    assert Notice.objects.filter(code=PAPER_ONLY).count() == 1

"""What meets what it was not made with: newer records and bundles, older ones, another schema."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from django.db import connection, connections, transaction

from config.embedded import SUPERUSER
from consent.models import Project
from ledger.errors import LeafError
from ledger.leaf import leaf_bytes, parse_body, parse_leaf
from ledger.models import HOUSE_SCOPE, Leaf, Log, Record
from ledger.services import Draft, Unsealed, append_many
from ledger.verification import integrity, verify_log
from ledger.verifier.cli import main
from tests.databases import CLUSTER, Databases
from tests.ledger.acts import THING_TESTED, Tries, about, record
from tests.ledger.bundles import tampered
from tests.ledger.edits import manifest, report
from tests.ledger.workers import cut_for_workers

KEPT = Path(__file__).parents[2] / "fixtures" / "bundles"
AT = '{"at":"2026-11-20T15:04:00Z",'
# What a later release may write: another version, and a member that none has today.
NEWER = AT + '"facts":{},"kind":"thing.tested","proof":"new","v":2}'
NAMED = "record is of version 2, this software reads 1"

Sequence = Callable[[], int]


# A newer record -----------------------------------------------------------------------------------


def test_newer_record_is_refused_by_its_version_whatever_else_it_holds() -> None:
    with pytest.raises(LeafError, match=NAMED):
        parse_body(NEWER.encode())
    with pytest.raises(LeafError, match=NAMED):
        parse_leaf(leaf_bytes(7, bytes(32), NEWER.encode()))


def _append_newer() -> None:
    """Append a record as a later release of the service would, through the same function."""
    query = "SELECT ledger_append('default', gen_random_uuid(), %s, 'minute', %s, '{}', '{}')"
    with connection.cursor() as cursor:
        cursor.execute(query, ["2026-11-20T15:04:00Z", NEWER.removeprefix(AT).encode()])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("span", [integrity.SPAN, 256])
def test_newer_record_is_named_with_its_place_and_all_others_are_verified(
    log: Log, sequence: Sequence, monkeypatch: pytest.MonkeyPatch, span: int
) -> None:
    sequence()
    record(about(HOUSE_SCOPE, n="1"))
    _append_newer()
    with transaction.atomic():
        append_many(Draft(THING_TESTED, Tries(tries=n)) for n in range(900))
    record(about(HOUSE_SCOPE, n="2"))
    sequence()
    # Cut into more than two spans, they are checked by processes of their own.
    cut_for_workers(monkeypatch, integrity_span=span, openness_span=span)
    verdict = verify_log(log)
    (finding,) = verdict.findings
    assert (finding.code, finding.index) == ("record_malformed", 2)
    assert finding.message == f"the record of leaf 2: {NAMED}"
    assert (verdict.size, verdict.segments["open"]) == (904, 2)


def test_bundle_with_a_newer_record_is_refused_by_its_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "newer.zip").write_bytes(tampered(_put_newer))
    assert main([str(tmp_path / "newer.zip"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [one["index"] for one in found if NAMED in one["detail"]] == [8]


def _put_newer(files: dict[str, bytes]) -> None:
    lines = [json.loads(line) for line in files["leaves.ndjson"].splitlines()]
    for line in lines:
        if line["index"] == 8:
            line["leaf"] = leaf_bytes(8, bytes(32), NEWER.encode()).decode()
    files["leaves.ndjson"] = b"".join(
        json.dumps(line, separators=(",", ":"), sort_keys=True).encode() + b"\n" for line in lines
    )


# Bundles ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        (manifest(v=2), "manifest.json"),
        (manifest(v=2, signers=["new"]), "manifest.json"),
        (report(v=2), "report.json"),
        (report(v=2, language="en"), "report.json"),
    ],
)
def test_newer_bundle_is_refused_by_its_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], edit: Callable[..., None], path: str
) -> None:
    (tmp_path / "newer.zip").write_bytes(tampered(edit))
    assert main([str(tmp_path / "newer.zip")]) == 1
    said = capsys.readouterr().out
    assert said.startswith("REFUSED")
    (line,) = [line for line in said.splitlines() if "version is 2, this verifier reads 1" in line]
    assert path in line


@pytest.mark.parametrize("bundle", sorted(KEPT.glob("*.zip")), ids=lambda path: path.stem)
def test_bundle_of_an_earlier_release_still_verifies(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = bundle.with_suffix(".policy")
    assert main([str(bundle), "--policy", str(policy), "--require", "witness"]) == 0
    assert capsys.readouterr().out.startswith("AUTHENTICATED log.example/default ")


def test_a_bundle_of_the_first_release_is_kept() -> None:
    assert (KEPT / "2026-11.zip").exists()


# The schema ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_column_added_while_a_writer_appends_leaves_old_digests_valid(
    log: Log, sequence: Sequence, databases: Databases
) -> None:
    altered, enough = Event(), Event()

    def write() -> int:
        count = after = 0
        while after < 20:
            after += altered.is_set()
            with transaction.atomic():
                row = Project.objects.create(code=f"live-{count}")
                said = [Unsealed("house", rows=(row,))]
                append_many([Draft(THING_TESTED, Tries(tries=count), said)])
            count += 1
            if count == 20:
                enough.set()
        connections.close_all()
        return count

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        assert enough.wait(60)
        _alter(databases, "ADD COLUMN motto text")
        altered.set()
        count = writing.result(60)
    sequence()
    verdict = verify_log(log)
    assert (verdict.findings, verdict.rows >= count >= 40) == ([], True)
    # The new column counts as soon as anything stands in it.
    row = Project.objects.get(code="live-3")
    _alter(databases, f"ALTER COLUMN motto SET DEFAULT '{row.code}'")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE consent_project SET motto = DEFAULT WHERE id = %s", [row.pk])
    (finding,) = verify_log(log).findings
    assert row.record is not None
    index = Leaf.objects.get(record__uuid=row.record).index
    assert (finding.code, finding.index) == ("row_changed", index)
    assert Record.objects.count() == verdict.size


def _alter(databases: Databases, change: str) -> None:
    with CLUSTER.connect(SUPERUSER, databases.name_of("default")) as administrator:
        administrator.execute(f"ALTER TABLE consent_project {change}".encode())

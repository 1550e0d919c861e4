"""What the demo hands to the person who leaves, and what of them stays: nothing."""

import hashlib
import json
import zipfile
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from config.embedded import KEYSTORE
from ledger.canonical import canonical
from ledger.commitment import Opening
from ledger.leaf import parse_leaf
from ledger.tlogpolicy import Policy
from ledger.tlogproof import TlogProof
from tests.told import Told, is_uuid

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def database(told: Told) -> Iterator[psycopg.Connection]:
    with told.database() as connection:
        yield connection


# The person's papers ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def package(told: Told) -> dict[str, bytes]:
    with zipfile.ZipFile(told.out / "requests" / "export.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def certificate(told: Told) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((told.out / "requests" / "certificate.json").read_bytes())
    return content


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def test_the_package_says_who_the_person_is_and_what_they_allowed(
    told: Told, package: dict[str, bytes]
) -> None:
    name, email, *_ = told.people["mara"]["values"]
    known = {one["kind"]: one["value"] for one in lines(package["data/consent/identifier.jsonl"])}
    (grant,) = lines(package["data/consent/grant.jsonl"])
    assert known == {"name": name, "email": email}
    assert (grant["allowed"], grant["state"]) == (["depict", "distribute", "train"], "withdrawn")


def test_the_package_holds_every_image_of_the_person(told: Told, package: dict[str, bytes]) -> None:
    packed = {content for name, content in package.items() if name.startswith("files/")}
    runs = {run["id"] for run in lines(package["data/runs.jsonl"])}
    own = [image for image in told.story["images"] if image["run"] in runs]
    assert len(own) == 2
    assert {(told.out / image["path"]).read_bytes() for image in own} < packed
    assert (told.out / "portraits" / "mara.png").read_bytes() in packed


def test_the_package_tells_nothing_of_anybody_else(told: Told, package: dict[str, bytes]) -> None:
    everything = b"\0".join(package.values()).decode(errors="replace")
    others = [person for key, person in told.people.items() if key != "mara"]
    assert not [value for person in others for value in person["values"] if value in everything]


def test_the_manifest_of_the_package_lists_every_file_with_its_digest(
    package: dict[str, bytes],
) -> None:
    listed = json.loads(package["manifest.json"])["files"]
    assert {file["path"] for file in listed} == package.keys() - {"manifest.json"}
    for file in listed:
        assert hashlib.sha256(package[file["path"]]).hexdigest() == file["sha256"], file["path"]


def test_every_record_in_the_package_is_proved_under_the_logs_own_keys(
    policy: Policy, package: dict[str, bytes]
) -> None:
    entries = lines(package["ledger/entries.jsonl"])
    assert len(entries) > 10
    for entry in entries:
        leaf = parse_leaf(entry["leaf"].encode())
        proof = TlogProof.parse(package[f"ledger/proofs/{entry['index']}.tlog-proof"])
        proof.verify(leaf.hash)
        assert len(proof.note.verify([key.verifier for key in policy.logs])) == 2
        opening = Opening(entry["kind"], entry["role"], entry["payload"], b64decode(entry["r"]))
        assert leaf.body.commitments[entry["position"]] == opening.commitment


def test_the_certificate_is_canonical_and_names_nobody(
    told: Told, certificate: dict[str, Any]
) -> None:
    written = (told.out / "requests" / "certificate.json").read_bytes()
    assert canonical(certificate) == written
    known = [value for person in told.people.values() for value in person["values"]]
    assert not [value for value in known if value in written.decode()]


def test_the_certificate_counts_what_was_there_and_what_is_left(
    certificate: dict[str, Any],
) -> None:
    steps = {step["what"]: step for step in certificate["steps"]}
    assert {step["after"] for step in steps.values()} == {0}
    for what in ("consent.subject", "consent.grant", "consent.item", "outputs", "runs", "keys"):
        assert steps[what]["before"] > 0, what
    assert (certificate["epoch"], certificate["approved_by_second_person"]) == (1, True)


# What the person leaves in the service ----------------------------------------------------------


def columns_of(database: psycopg.Connection, *types: str) -> list[tuple[str, str]]:
    return database.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND udt_name = ANY(%s)",
        [list(types)],
    ).fetchall()


def count_rows_with(database: psycopg.Connection, value: str) -> int:
    total = 0
    for table, column in columns_of(database, "uuid", "_uuid"):
        query = sql.SQL("SELECT count(*) FROM {} WHERE %s = ANY(ARRAY[{}]::uuid[])")
        found = database.execute(
            query.format(sql.Identifier(table), sql.Identifier(column)), [value]
        ).fetchone()
        total += found[0] if found else 0
    return total


def test_no_row_leads_to_the_erased_person_or_their_runs_and_images(
    told: Told, database: psycopg.Connection, package: dict[str, bytes]
) -> None:
    theirs = {value for value in told.people["mara"]["values"] if is_uuid(value)}
    theirs |= {run["id"] for run in lines(package["data/runs.jsonl"])}
    theirs |= {output["id"] for output in lines(package["data/outputs.jsonl"])}
    theirs |= set(told.story["impact"]["item"])
    assert len(theirs) >= 8
    assert {value: count_rows_with(database, value) for value in theirs} == dict.fromkeys(theirs, 0)


def test_whoever_was_not_erased_is_still_there(told: Told, database: psycopg.Connection) -> None:
    theirs = {value for value in told.people["theo"]["values"] if is_uuid(value)}
    assert all(count_rows_with(database, value) > 0 for value in theirs)


def test_the_keys_of_the_erased_person_are_destroyed(
    told: Told, database: psycopg.Connection
) -> None:
    states = database.execute("SELECT id, state FROM ledger_scope").fetchall()
    destroyed = {scope for scope, state in states if state == "destroyed"}
    assert len(destroyed) == 1
    with told.database(KEYSTORE) as keystore:
        held = {scope for (scope,) in keystore.execute("SELECT scope FROM keystore_datakey")}
        lists = keystore.execute("SELECT count(*) FROM keystore_shredlist").fetchone()
    assert not destroyed & held
    assert {scope for scope, state in states if state == "live"} <= held
    assert lists == (0,)


def test_nothing_is_sealed_under_a_destroyed_key_any_more(database: psycopg.Connection) -> None:
    sealed = 0
    for table, column in columns_of(database, "_uuid"):
        query = sql.SQL(
            "SELECT count(*) FROM {} WHERE {} &&"
            " ARRAY(SELECT id FROM ledger_scope WHERE state = 'destroyed')"
        ).format(sql.Identifier(table), sql.Identifier(column))
        found = database.execute(query).fetchone()
        sealed += found[0] if found else 0
    assert sealed == 0


def test_every_file_that_is_left_belongs_to_a_row(told: Told, database: psycopg.Connection) -> None:
    stored = {path.name for path in (told.home / "files").rglob("*") if path.is_file()}
    rows = {key.hex for (key,) in database.execute("SELECT id FROM ledger_sealedfile")}
    assert stored == rows


def test_each_destroyed_segment_has_its_tombstone(
    told: Told, database: psycopg.Connection, certificate: dict[str, Any]
) -> None:
    segments = next(step for step in certificate["steps"] if step["what"] == "segments")
    found = database.execute("SELECT count(*) FROM ledger_tombstone WHERE epoch = 1").fetchone()
    assert found == (segments["before"],)


def test_the_log_verifies_and_says_what_was_destroyed(told: Told) -> None:
    verified = told.manage("verify_log", "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    verdict = json.loads(verified.stdout)
    assert (verdict["sound"], verdict["openness_checked"]) == (True, True)
    assert verdict["segments"]["destroyed (epoch 1)"] > 0
    assert set(verdict["segments"]) == {"destroyed (epoch 1)", "open", "padding"}


def test_the_auditors_role_verifies_all_but_the_openness(told: Told) -> None:
    verified = told.manage("verify_log", "--json", MUNIMENT_ROLE="auditor")
    verdict = json.loads(verified.stdout.splitlines()[-1])
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert (verdict["sound"], verdict["openness_checked"]) == (True, False)

"""What `make demo` leaves, looked at as an auditor, a recipient of an image and a person would."""

import hashlib
import io
import json
import random
from base64 import b64decode
from pathlib import Path
from typing import Any

import c2pa
import pytest
from defusedxml import ElementTree
from PIL import Image

from generation.marking.pixels import pixel_digest
from generation.marking.xmp import TRAINED_ALGORITHMIC_MEDIA
from ledger.commitment import Opening
from ledger.leaf import parse_leaf
from ledger.note import Checkpoint, Note, SignatureType, Signer
from ledger.reports.archive import write_archive
from ledger.tlogpolicy import LogKey, Policy
from ledger.tlogproof import TlogProof
from ledger.verifier.archive import read_archive
from ledger.verifier.findings import Findings
from ledger.verifier.verify import verify_bundle
from tests.leaks import stages
from tests.told import Told, is_uuid

pytestmark = pytest.mark.slow

# What C2PA 2 and its first trust list ask of a certificate that signs claims; readers list them.
PURPOSES = "1.3.6.1.4.1.62558.2.1\n1.3.6.1.5.5.7.3.36\n1.3.6.1.5.5.7.3.4\n"


def files_of(bundle: Path) -> dict[str, bytes]:
    files = read_archive(bundle.read_bytes(), Findings())
    assert files is not None
    return files


# The report -------------------------------------------------------------------------------------


def test_the_report_verifies_and_says_that_nobody_vouches_for_its_signer(told: Told) -> None:
    verified = told.verify(told.out / "report.zip")
    log = told.story["log"]
    lines = verified.stdout.splitlines()
    assert verified.returncode == 0, verified.stdout
    assert lines[0] == f"CONSISTENT, SIGNER NOT AUTHENTICATED {log['origin']} {log['vkey']}"
    assert lines[1] == "operator's word only"


def test_with_the_policy_from_outside_the_signer_is_authenticated(told: Told) -> None:
    verified = told.verify(told.out / "report.zip", "--policy", "policy")
    lines = verified.stdout.splitlines()
    assert verified.returncode == 0, verified.stdout
    assert lines[0] == f"AUTHENTICATED {told.story['log']['origin']} {told.story['log']['vkey']}"
    assert lines[1] == "operator's word only"


def test_a_program_reads_the_verdict_as_json(told: Told) -> None:
    verified = told.verify(told.out / "report.zip", "--policy", "policy", "--json")
    verdict = json.loads(verified.stdout)
    assert (verdict["consistent"], verdict["authenticated"]) == (True, True)
    assert verdict["findings"] == []
    assert verdict["positions"]["destroyed"] > 0
    assert verdict["positions"].get("missing", 0) == 0


def test_the_report_closes_with_the_last_record_before_it_was_asked_for(told: Told) -> None:
    kinds = [
        parse_leaf(json.loads(line)["leaf"].encode()).body.kind
        for line in files_of(told.out / "report.zip")["leaves.ndjson"].splitlines()
    ]
    assert kinds[0] == "log.opened"
    assert "segments.destroyed" in kinds
    told_kinds = {"notice.published", "grant.given", "grant.withdrawn", "version.frozen"}
    told_kinds |= {"model.registered", "run.authorised", "output.released", "case.decided"}
    assert told_kinds <= set(kinds), told_kinds - set(kinds)


def test_where_a_witness_is_required_the_operators_word_does_not_do(told: Told) -> None:
    assert told.verify(told.out / "report.zip", "--require", "witness").returncode == 1


def test_the_tampered_copy_is_refused_and_the_leaf_is_named(told: Told) -> None:
    verified = told.verify(told.out / "tampered-report.zip", "--policy", "policy")
    assert verified.returncode == 1
    assert verified.stdout.startswith("REFUSED, FINDINGS: ")
    index = first_difference(told.out / "report.zip", told.out / "tampered-report.zip")
    assert f"leaf {index}" in verified.stdout
    assert f"leaf {index}" in " ".join(told.said.split())


def first_difference(one: Path, other: Path) -> int:
    """Return the index of the first leaf in which two bundles differ."""
    pairs = zip(
        files_of(one)["leaves.ndjson"].splitlines(),
        files_of(other)["leaves.ndjson"].splitlines(),
        strict=True,
    )
    return next(int(json.loads(good)["index"]) for good, bad in pairs if good != bad)


def test_keys_of_somebody_else_do_not_authenticate_it(told: Told, tmp_path: Path) -> None:
    origin = told.story["log"]["origin"]
    keys = [
        LogKey(Signer.from_seed(origin, kind, bytes(32)).verifier)
        for kind in (SignatureType.ED25519, SignatureType.MLDSA44)
    ]
    (tmp_path / "policy").write_text(str(Policy(tuple(keys))))
    verified = told.verify(told.out / "report.zip", "--policy", str(tmp_path / "policy"))
    assert verified.returncode == 1


@pytest.mark.parametrize("number", range(4))
def test_one_changed_byte_makes_the_script_refuse(told: Told, tmp_path: Path, number: int) -> None:
    changed = bytearray((told.out / "report.zip").read_bytes())
    place = random.Random(number).randrange(len(changed))
    changed[place] ^= 1 << number
    (tmp_path / "report.zip").write_bytes(changed)
    assert told.verify(tmp_path / "report.zip").returncode == 1, f"byte {place}"


def test_one_changed_byte_in_any_file_of_the_report_is_found(
    told: Told, policy: Policy, tmp_path: Path
) -> None:
    files = files_of(told.out / "report.zip")
    target = tmp_path / "report.zip"
    for number, (name, content) in enumerate(files.items()):
        changed = bytearray(content)
        changed[random.Random(number).randrange(len(content))] ^= 1
        # With sound headers and checksums, as a careful forger would write it.
        target.write_bytes(write_archive(files | {name: bytes(changed)}))
        assert not verify_bundle(target, policy=policy).is_consistent, name


def test_without_what_was_disclosed_the_report_still_verifies(
    told: Told, policy: Policy, tmp_path: Path
) -> None:
    files = files_of(told.out / "report.zip")
    kept = {name: files[name] for name in files if not name.startswith("disclosed/")}
    (tmp_path / "report.zip").write_bytes(write_archive(kept))
    verdict = verify_bundle(tmp_path / "report.zip", policy=policy)
    assert verdict.is_authenticated, verdict.findings
    assert verdict.openings_withheld


# The images -------------------------------------------------------------------------------------


def read_credentials(told: Told, content: bytes) -> dict[str, Any]:
    """Read a C2PA manifest as a stranger would who trusts the root that story.json names."""
    root = (told.out / told.story["c2pa_root"]).read_text()
    context = c2pa.Context.from_dict(
        {
            "version": 1,
            "trust": {"user_anchors": root, "trust_config": PURPOSES},
            "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
        }
    )
    with c2pa.Reader("image/png", io.BytesIO(content), context=context) as reader:
        read: dict[str, Any] = json.loads(reader.json())
    return read


def is_trusted(told: Told, content: bytes) -> bool:
    try:
        return bool(read_credentials(told, content)["validation_state"] == "Trusted")
    except c2pa.C2paError:
        return False


def active_manifest(told: Told, path: Path) -> dict[str, Any]:
    read = read_credentials(told, path.read_bytes())
    manifest: dict[str, Any] = read["manifests"][read["active_manifest"]]
    return manifest


def receipt_of(told: Told, path: Path) -> dict[str, Any]:
    assertions = active_manifest(told, path)["assertions"]
    receipts = (each["data"] for each in assertions if each["label"].endswith("ledger-receipt"))
    found: dict[str, Any] = next(receipts)
    return found


def test_of_seven_runs_five_gave_an_image_and_two_were_refused(told: Told) -> None:
    assert (len(told.story["prompts"]), len(told.images)) == (7, 5)
    assert sorted(told.images) == sorted((told.out / "images").iterdir())


def test_every_image_carries_credentials_that_a_stranger_finds_valid(told: Told) -> None:
    for path in told.images:
        assert is_trusted(told, path.read_bytes()), path.name


def test_every_image_says_in_xmp_and_in_its_manifest_that_it_was_generated(told: Told) -> None:
    for path in told.images:
        content = path.read_bytes()
        xmp = content[content.index(b"XML:com.adobe.xmp") :]
        assert TRAINED_ALGORITHMIC_MEDIA.encode() in xmp[:2000]
        assert TRAINED_ALGORITHMIC_MEDIA in json.dumps(active_manifest(told, path))


def test_no_manifest_names_a_person_a_run_or_a_verdict(told: Told) -> None:
    for path, image in zip(told.images, told.story["images"], strict=True):
        manifest = json.dumps(active_manifest(told, path))
        unwanted = [value for person in told.people.values() for value in person["values"]]
        unwanted += [image["run"], image["output"], "consent", "allowed", "refused"]
        assert not [value for value in unwanted if value in manifest]


def test_one_flipped_bit_invalidates_an_image(told: Told) -> None:
    content = told.images[0].read_bytes()
    for place in (content.index(b"IDAT") + 104, content.index(b"xmpmeta"), len(content) - 14):
        changed = bytearray(content)
        changed[place] ^= 1
        assert not is_trusted(told, bytes(changed)), f"byte {place} of {len(content)}"


def test_every_image_leads_to_the_one_leaf_that_holds_its_digests(
    told: Told, policy: Policy
) -> None:
    for path in told.images:
        receipt = receipt_of(told, path)
        leaf = parse_leaf(receipt["leaf"].encode())
        hashes = tuple(b64decode(node) for node in receipt["proof"])
        note = Note.parse(receipt["checkpoint"])
        TlogProof(receipt["index"], hashes, note).verify(leaf.hash)
        assert len(note.verify([key.verifier for key in policy.logs])) == 2
        assert leaf.body.kind == "output.marked"


def test_two_images_lead_to_two_leaves(told: Told) -> None:
    leaves = {receipt_of(told, path)["index"] for path in told.images}
    assert len(leaves) == len(told.images)


def test_the_opening_in_an_image_holds_the_digests_of_that_image(told: Told) -> None:
    for path in told.images:
        said = receipt_of(told, path)
        opening = said["opening"]
        segment = Opening(
            kind=opening["kind"],
            role=opening["role"],
            payload=opening["payload"],
            r=b64decode(opening["r"]),
        )
        leaf = parse_leaf(said["leaf"].encode())
        assert leaf.body.commitments[opening["position"]] == segment.commitment
        before = hashlib.sha256(stages(path.read_bytes())["with XMP"]).hexdigest()
        assert opening["payload"]["presigned"] == f"sha256:{before}"
        with Image.open(path) as picture:
            assert opening["payload"]["pixels"] == f"sha256:{pixel_digest(picture).hex()}"


# The story, for other programs ------------------------------------------------------------------


def test_the_story_lists_everybody_with_what_is_known_of_them(told: Told) -> None:
    assert told.story["invented"] is True
    assert set(told.people) > {"mara", "theo", "founder", "second_founder", "officer", "auditor"}
    for person in told.people.values():
        name, email, *rest = person["values"]
        assert name.endswith(" Invented")
        assert email.endswith("@people.example")
        assert [value for value in rest if is_uuid(value)]
    assert [key for key, person in told.people.items() if person["erased"]] == ["mara"]
    assert told.story["erased"] == ["mara"]


def test_the_story_lists_each_image_with_its_run_and_each_bundle(told: Told) -> None:
    assert len({image["run"] for image in told.story["images"]}) == len(told.images)
    assert all((told.out / bundle).is_file() for bundle in told.story["bundles"])
    assert (told.out / told.story["c2pa_root"]).read_text().startswith("-----BEGIN CERTIFICATE")


def test_the_story_names_the_log_as_its_own_checkpoint_does(told: Told) -> None:
    log = told.story["log"]
    note = Note.parse(files_of(told.out / "report.zip")["checkpoint"])
    assert log["name"] == "default"
    assert Checkpoint.parse(note.text).origin == log["origin"]
    assert log["vkey"] in (told.out / "policy").read_text()


def test_the_impact_list_named_what_was_made_of_the_person(told: Told) -> None:
    impact = told.story["impact"]
    assert {"item", "version", "model", "run", "output"} <= impact.keys()
    assert {image["output"] for image in told.story["images"]} == set(impact["output"])


def test_the_withdrawal_was_followed_to_what_was_made_before(told: Told) -> None:
    picture = ElementTree.parse(told.out / "impact.svg").getroot()
    assert picture is not None
    said = picture.attrib["aria-label"]
    for found in ("1 item", "1 version", "1 model", f"{len(told.images)} outputs"):
        assert found in said


# What it said -----------------------------------------------------------------------------------


def test_it_told_how_far_it_was_and_ended_with_what_was_proved(told: Told) -> None:
    said = " ".join(told.said.split())
    assert said.count("✓") >= 10
    assert "What was proved in" in said
    assert "AUTHENTICATED" in said
    assert "report.zip, policy" in said


def test_it_said_nothing_else(told: Told) -> None:
    lines_said = [line for line in told.said.splitlines() if line.strip()]
    noise = [line for line in lines_said if "WARNING" in line or "[transformers]" in line]
    assert noise == []

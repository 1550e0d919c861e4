import multiprocessing
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from PIL import Image
from pytest_django import Settings

from generation import c2pa
from generation.claim_profile import ASSURANCE_LEVEL, CLAIM_SIGNING, CLAIMS, CONFORMANCE_POLICY
from generation.errors import MarkRefused, SigningRefused
from generation.marking.manifest import DisclosedModel, Maker, Receipt, build_manifest
from generation.marking.prepare import prepare
from ledger.certificates import ensure_test_credentials, load_credentials
from tests.generation.images import encoded, flipped

LABEL = "example.log.ledger-receipt"
RECEIPT = Receipt("leaf", 7, (b"\1" * 32,), "checkpoint", {"r": "x"})


@pytest.fixture
def keys(settings: Settings, tmp_path: Path) -> Path:
    settings.MUNIMENT_KEYS = tmp_path
    c2pa.ensure_certificates()
    return tmp_path / "c2pa"


def signed(form: str = "PNG", image: Image.Image | None = None) -> tuple[bytes, str]:
    prepared = prepare(encoded(image, form))
    manifest = build_manifest(
        media_type=prepared.media_type,
        maker=Maker("Muniment", "1"),
        model=DisclosedModel("shapes", "1", bytes(32)),
        label=LABEL,
        receipt=RECEIPT,
    )
    return c2pa.sign(prepared.content, prepared.media_type, manifest), prepared.media_type


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_signed_bytes_read_back_as_trusted_with_their_receipt(keys: Path, form: str) -> None:
    marked = c2pa.read_back(*signed(form))
    assert marked.manifest_id.startswith("urn:c2pa:")
    assert marked.assertion(LABEL) == RECEIPT.as_assertion()


def test_all_assertions_are_created_and_no_thumbnail_is_made(keys: Path) -> None:
    assertions = c2pa.read_back(*signed()).manifest["assertions"]
    assert all(each.get("created") for each in assertions)
    assert not any("thumbnail" in each["label"] for each in assertions)


def test_one_flipped_bit_anywhere_in_the_image_or_the_claims_is_refused(keys: Path) -> None:
    content, media_type = signed()
    unprotected = padding_of(content)
    places = [place for place in range(40, len(content), 97) if place not in unprotected]
    assert len(places) > 100
    for place in places:
        with pytest.raises(MarkRefused, match="manifest"):
            c2pa.read_back(flipped(content, place), media_type)


def padding_of(content: bytes) -> range:
    """Return the zeros around the signature, which C2PA itself protects by nothing."""
    longest = max(re.finditer(rb"\0{1000,}", content), key=lambda found: len(found.group()))
    return range(*longest.span())


def test_bytes_after_the_end_are_refused(keys: Path) -> None:
    content, media_type = signed()
    with pytest.raises(MarkRefused, match=r"Invalid: assertion\.dataHash\.mismatch"):
        c2pa.read_back(content + b"\0", media_type)


def test_saving_anew_loses_the_mark(keys: Path) -> None:
    content, media_type = signed()
    with pytest.raises(MarkRefused, match="no manifest"):
        c2pa.read_back(prepare(content).content, media_type)


def test_another_authority_is_not_trusted(keys: Path, settings: Settings) -> None:
    content, media_type = signed()
    settings.MUNIMENT_KEYS = keys.parent / "elsewhere"
    c2pa.ensure_certificates()
    with pytest.raises(MarkRefused, match=r"signingCredential\.untrusted"):
        c2pa.read_back(content, media_type)


def test_manifests_are_seen_and_named_without_trust(keys: Path, settings: Settings) -> None:
    content, media_type = signed()
    manifest_id = c2pa.read_back(content, media_type).manifest_id
    assert c2pa.carries_manifest(content, media_type)
    assert not c2pa.carries_manifest(encoded(), "image/png")
    assert c2pa.find_manifest_id(content + b"\0", media_type) == manifest_id
    assert c2pa.find_manifest_id(encoded(), "image/png") is None


def test_damaged_manifest_still_counts_as_one(keys: Path) -> None:
    content, media_type = signed()
    assert c2pa.carries_manifest(content.replace(b"jumb", b"jumc"), media_type)


def _sign_in_child(queue: "multiprocessing.Queue[str]") -> None:
    queue.put(c2pa.read_back(*signed()).manifest_id)


def test_a_forked_child_makes_its_own_context(keys: Path) -> None:
    signed()
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[str] = context.Queue()
    child = context.Process(target=_sign_in_child, args=(queue,))
    child.start()
    assert queue.get(timeout=20).startswith("urn:c2pa:")
    child.join()


def test_keys_are_readable_by_their_owner_alone_and_named_as_test_keys(keys: Path) -> None:
    modes = {stat.S_IMODE(path.stat().st_mode) for path in keys.iterdir()}
    assert modes == {0o600}
    leaf = x509.load_pem_x509_certificate((keys / "chain.pem").read_bytes())
    assert "test keys" in leaf.subject.rfc4514_string()


def test_leaf_has_the_shape_of_assurance_level_one(keys: Path) -> None:
    leaf = x509.load_pem_x509_certificate((keys / "chain.pem").read_bytes())
    extension = leaf.extensions.get_extension_for_class
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=366)
    assert extension(x509.KeyUsage).critical
    assert extension(x509.KeyUsage).value.content_commitment
    assert CLAIM_SIGNING in extension(x509.ExtendedKeyUsage).value
    policies = extension(x509.CertificatePolicies).value
    assert policies[0].policy_identifier == CONFORMANCE_POLICY
    assert leaf.extensions.get_extension_for_oid(ASSURANCE_LEVEL)
    assert extension(x509.AuthorityInformationAccess)


def test_certificates_are_made_once(keys: Path) -> None:
    before = (keys / "chain.pem").read_bytes()
    c2pa.ensure_certificates()
    assert (keys / "chain.pem").read_bytes() == before


def test_leaf_near_its_end_is_renewed_under_the_same_key(keys: Path) -> None:
    key = (keys / "leaf.key").read_bytes()
    later = datetime.now(UTC) + timedelta(days=350)
    ensure_test_credentials(keys, CLAIMS, now=later)
    assert load_credentials(keys).expires_at > later + timedelta(days=300)
    assert (keys / "leaf.key").read_bytes() == key


def test_foreign_certificates_are_never_renewed(keys: Path) -> None:
    (keys / "root.key").unlink()
    before = (keys / "chain.pem").read_bytes()
    ensure_test_credentials(keys, CLAIMS, now=datetime.now(UTC) + timedelta(days=360))
    assert (keys / "chain.pem").read_bytes() == before


def test_expired_certificate_signs_nothing(settings: Settings, tmp_path: Path) -> None:
    settings.MUNIMENT_KEYS = tmp_path
    ensure_test_credentials(tmp_path / "c2pa", CLAIMS, now=datetime.now(UTC) - timedelta(days=400))
    with pytest.raises(SigningRefused, match="the signing certificate ended at"):
        signed()


def test_wrong_key_signs_nothing(keys: Path, tmp_path: Path) -> None:
    ensure_test_credentials(tmp_path / "other", CLAIMS)
    (tmp_path / "other" / "leaf.key").replace(keys / "leaf.key")
    with pytest.raises(SigningRefused, match="the signer refuses"):
        signed()


def test_key_readable_by_others_signs_nothing(keys: Path) -> None:
    (keys / "leaf.key").chmod(0o644)
    with pytest.raises(SigningRefused, match="has mode 644, wanted 600"):
        signed()


def test_missing_certificates_are_named(settings: Settings, tmp_path: Path) -> None:
    settings.MUNIMENT_KEYS = tmp_path
    with pytest.raises(SigningRefused, match=r"chain\.pem cannot be read: No such file"):
        signed()

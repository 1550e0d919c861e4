"""RFC 3161 tokens by a real authority: what holds under pinned roots, and nothing else."""

import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Name
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from ledger.errors import LedgerError, PeerFalse, PeerMalformed, PeerRefused
from ledger.timestamps import (
    MAX_RESPONSE,
    build_query,
    parse_roots,
    sort_certificates,
    verify_path,
    verify_response,
)
from tests.ledger.authority import OPENSSL, STAMPING, Authority, Party, certify, needs_openssl

pytestmark = needs_openssl
TEXT = "log.example/default\n7\n" + "A" * 43 + "=\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def ask(authority: Authority, text: str = TEXT) -> tuple[bytes, int]:
    query = build_query(text)
    return authority.reply(query.data), query.nonce


def test_token_holds_and_tells_its_time(authority: Authority) -> None:
    response, nonce = ask(authority)
    stamp = verify_response(response, TEXT, authority.roots, nonce=nonce)
    assert abs(stamp.time - datetime.now(UTC)) < timedelta(minutes=1)
    assert stamp.accuracy == timedelta(seconds=1)


def test_time_that_may_be_off_by_more_than_a_day_is_refused(
    authority: Authority, tmp_path: Path
) -> None:
    configured = (tmp_path / "tsa.conf").read_text()
    for seconds, refused in ((86_400, False), (86_401, True), (2**31 - 1, True)):
        (tmp_path / "tsa.conf").write_text(configured.replace("secs:1", f"secs:{seconds}"))
        response, nonce = ask(authority)
        if refused:
            with pytest.raises(PeerFalse, match="may be off by more than a day"):
                verify_response(response, TEXT, authority.roots, nonce=nonce)
        else:
            stamp = verify_response(response, TEXT, authority.roots, nonce=nonce)
            assert stamp.accuracy == timedelta(days=1)


def test_openssl_takes_what_we_keep(authority: Authority, tmp_path: Path) -> None:
    response, _ = ask(authority)
    (tmp_path / "text").write_text(TEXT)
    (tmp_path / "7.tsr").write_bytes(response)
    (tmp_path / "root.pem").write_bytes(authority.root.pem)
    assert OPENSSL is not None
    said = subprocess.run(
        [OPENSSL, "ts", "-verify", "-data", "text", "-in", "7.tsr", "-CAfile", "root.pem"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert b"Verification: OK" in said.stdout


def test_token_holds_under_one_of_several_roots(authority: Authority) -> None:
    response, nonce = ask(authority)
    roots = (certify("other").certificate, *authority.roots, *authority.roots)
    verify_response(response, TEXT, roots, nonce=nonce)


def test_token_with_the_root_inside_holds(authority: Authority) -> None:
    signer = certify("signer", authority.between, purposes=STAMPING)
    authority.equip(signer, authority.between, authority.root)
    response, nonce = ask(authority)
    verify_response(response, TEXT, authority.roots, nonce=nonce)


def test_token_by_a_signer_right_below_the_root_holds(authority: Authority) -> None:
    authority.equip(certify("signer", authority.root, purposes=STAMPING), authority.root)
    response, nonce = ask(authority)
    verify_response(response, TEXT, authority.roots, nonce=nonce)


def test_other_text_other_nonce_other_roots_are_refused(authority: Authority) -> None:
    response, nonce = ask(authority)
    with pytest.raises(PeerFalse, match="Mismatch between messages"):
        verify_response(response, TEXT.replace("7", "8"), authority.roots, nonce=nonce)
    with pytest.raises(PeerFalse, match="Nonce mismatch"):
        verify_response(response, TEXT, authority.roots, nonce=nonce + 1)
    with pytest.raises(PeerFalse, match="Error while verifying certificates"):
        verify_response(response, TEXT, (certify("root").certificate,), nonce=nonce)
    with pytest.raises(PeerFalse, match="no root of a time-stamp authority is pinned"):
        verify_response(response, TEXT, (), nonce=nonce)


def test_injected_certificate_is_refused(authority: Authority) -> None:
    signer = certify("signer", authority.between, purposes=STAMPING)
    authority.equip(signer, authority.between, certify("stranger"))
    response, nonce = ask(authority)
    with pytest.raises(PeerFalse, match="not on its signer's path"):
        verify_response(response, TEXT, authority.roots, nonce=nonce)


def test_second_signer_of_the_same_authority_is_an_injected_certificate(
    authority: Authority,
) -> None:
    signer = certify("signer", authority.between, purposes=STAMPING)
    other = certify("other signer", authority.between, purposes=STAMPING)
    authority.equip(signer, authority.between, other)
    response, nonce = ask(authority)
    with pytest.raises(PeerFalse, match="not on its signer's path"):
        verify_response(response, TEXT, authority.roots, nonce=nonce)


def test_signer_whose_certificate_had_ended_is_refused(authority: Authority) -> None:
    signer = certify("signer", authority.between, purposes=STAMPING, ended=True)
    authority.equip(signer, authority.between)
    response, nonce = ask(authority)
    with pytest.raises(PeerFalse, match="Error while verifying certificates"):
        verify_response(response, TEXT, authority.roots, nonce=nonce)


@pytest.mark.parametrize(
    ("purposes", "is_critical"),
    [((*STAMPING, ExtendedKeyUsageOID.CODE_SIGNING), True), (STAMPING, False)],
    ids=["another purpose too", "not critical"],
)
def test_signer_who_is_not_for_time_stamps_only_is_refused(
    purposes: tuple[Any, ...], is_critical: bool
) -> None:
    # OpenSSL makes no token with such a certificate: its part of the check is asked alone.
    root = certify("root")
    signer = certify("signer", root, purposes=purposes, is_critical=is_critical)
    with pytest.raises(PeerFalse, match="not for time stamps only"):
        verify_path(carried(signer), identity(signer), (root.certificate,))


def test_signer_who_stands_twice_or_not_at_all_is_refused() -> None:
    root = certify("root")
    signer, other = (certify("signer", root, purposes=STAMPING) for _ in range(2))
    for parties in ((signer, signer), (other,), ()):
        with pytest.raises(PeerFalse, match="not carry its signer's certificate, once"):
            verify_path(carried(*parties), identity(signer), (root.certificate,))


def test_path_that_leads_to_no_root_or_is_endless_is_refused() -> None:
    root = certify("root")
    signer = certify("signer", certify("between", root), purposes=STAMPING)
    with pytest.raises(PeerFalse, match="no path leads"):
        verify_path(carried(signer), identity(signer), (root.certificate,))
    with pytest.raises(PeerFalse, match="more than 8 certificates"):
        verify_path(carried(*[root] * 9), identity(signer), (root.certificate,))


def carried(*parties: Party) -> list[bytes]:
    return [party.certificate.public_bytes(Encoding.DER) for party in parties]


def identity(party: Party) -> tuple[Name, int]:
    return party.certificate.issuer, party.certificate.serial_number


def test_token_without_the_way_to_its_root_is_refused(authority: Authority) -> None:
    authority.equip(certify("signer", authority.between, purposes=STAMPING), authority.root)
    response, nonce = ask(authority)
    with pytest.raises(PeerFalse, match="Error while verifying certificates"):
        verify_response(response, TEXT, authority.roots, nonce=nonce)


def test_token_without_certificates_is_refused(authority: Authority) -> None:
    builder = TimestampRequestBuilder().data(TEXT.encode()).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.cert_request(cert_request=False).build()
    with pytest.raises(PeerFalse):
        verify_response(authority.reply(request.as_bytes()), TEXT, authority.roots)


def test_token_over_another_digest_is_refused(authority: Authority) -> None:
    builder = TimestampRequestBuilder().data(TEXT.encode()).hash_algorithm(HashAlgorithm.SHA512)
    request = builder.cert_request(cert_request=True).build()
    with pytest.raises(PeerFalse, match="another digest than SHA-256"):
        verify_response(authority.reply(request.as_bytes()), TEXT, authority.roots)


def test_refusal_of_the_authority_is_told_apart(authority: Authority) -> None:
    response = authority.reply(b"no request")
    with pytest.raises(PeerRefused, match="status 2"):
        verify_response(response, TEXT, authority.roots)


@pytest.mark.parametrize("response", [b"", b"0", b"\x30\x00", b"<html>", b"0" * (MAX_RESPONSE + 1)])
def test_what_is_no_response_is_refused(authority: Authority, response: bytes) -> None:
    with pytest.raises(PeerMalformed):
        verify_response(response, TEXT, authority.roots)


def test_response_cut_short_or_too_long_is_refused(authority: Authority) -> None:
    response, _ = ask(authority)
    for bad in (response[:-1], response[: len(response) // 2], response + b"\0"):
        with pytest.raises(PeerMalformed):
            verify_response(bad, TEXT, authority.roots)


def test_sorting_changes_the_order_of_certificates_only(authority: Authority) -> None:
    response, _ = ask(authority)
    ordered = sort_certificates(response)
    assert (len(ordered), sorted(ordered)) == (len(response), sorted(response))
    assert sort_certificates(ordered) == ordered


@cache
def _one() -> tuple[bytes, Authority]:
    with TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        return ask(authority)[0], authority


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@given(st.data())
def test_changed_byte_never_moves_the_time_or_raises_anything_else(data: st.DataObject) -> None:
    response, authority = _one()
    true = verify_response(response, TEXT, authority.roots)
    changed = bytearray(response)
    place = data.draw(st.integers(0, len(response) - 1))
    changed[place] = data.draw(st.integers(0, 255))
    try:
        stamp = verify_response(bytes(changed), TEXT, authority.roots)
    except LedgerError:
        return
    assert stamp == true


def test_roots_are_read_from_pem() -> None:
    one, other = certify("one"), certify("other")
    roots = parse_roots(one.pem + b"\n" + other.pem)
    assert [root.public_bytes(Encoding.PEM) for root in roots] == [one.pem, other.pem]
    for bad in (b"", b"no PEM", one.pem[:100]):
        with pytest.raises(PeerMalformed, match="roots are not certificates"):
            parse_roots(bad)

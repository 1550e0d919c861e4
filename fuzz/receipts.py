"""Consent receipts: ours, and those of others."""

import json
from collections.abc import Iterator

from consent.errors import ReceiptRefused
from consent.receipts.kantara import Claim, read_kantara
from consent.receipts.signature import multikey
from consent.receipts.verify import Outside, Verdict, verify_receipt
from fuzz.target import Target, expect, require
from tests.consent.receipts.test_kantara import ISSUER, as_jwt, kantara, pem, purpose
from tests.consent.receipts.written import (
    ANOTHER_KEY,
    EVIDENCE,
    KEY,
    NOTICE_TEXT,
    POLICY,
    signed,
    unsigned,
    written,
)

SIGNED = signed()
OUTSIDE = Outside([multikey(KEY.public_key())], POLICY, NOTICE_TEXT, [EVIDENCE])
TOKENS = [as_jwt(kantara()), as_jwt(kantara(purpose(consentType="IMPLICIT")))]


def verify(data: bytes) -> Verdict:
    return verify_receipt(data, OUTSIDE)


def check_verdict(verdict: Verdict, data: bytes) -> None:
    if verdict.is_authenticated:
        expect(json.loads(data.decode("utf-8-sig")), SIGNED, "receipt that nobody signed")
    require(verdict.findings or verdict.is_authenticated, "receipt neither good nor bad")


def read_claim(data: bytes) -> Claim:
    return read_kantara(data, key=pem(ISSUER) if b"." in data[:200] else None)


def check_claim(claim: Claim, data: bytes) -> None:
    expect(read_claim(data), claim, "second reading")
    require(claim.doubts, "receipt of others taken without a word")
    if claim.is_signed:
        said = {token.rpartition(b".")[0] for token in TOKENS}
        require(data.strip().rpartition(b".")[0] in said, "claim that nobody signed")


def receipts() -> Iterator[bytes]:
    yield written(SIGNED)
    yield written(signed(key=ANOTHER_KEY))
    yield written(unsigned())


def claims() -> Iterator[bytes]:
    yield from TOKENS
    yield json.dumps(kantara()).encode()
    yield json.dumps(kantara(services="all", version=None)).encode()


TARGETS = (
    Target("receipt", verify, check_verdict, (), receipts, longest=1 << 15),
    Target("kantara", read_claim, check_claim, (ReceiptRefused,), claims),
)

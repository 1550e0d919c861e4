"""A receipt verifies, says what it rests on, and says which part was changed."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from consent.errors import ReceiptRefused
from consent.receipts.receipt import digest_of
from consent.receipts.record import consent_record
from consent.receipts.signature import multikey, verify_signature
from consent.receipts.verify import Code, Outside, Verdict, verify_receipt
from ledger.note import SignatureType, Signer
from ledger.tlogpolicy import LogKey, Policy
from tests.consent.receipts.written import (
    ANOTHER_KEY,
    EVIDENCE,
    KEY,
    NOTICE_TEXT,
    ORIGIN,
    POLICY,
    columns,
    logged,
    parts,
    signed,
    unsigned,
    written,
)

PUBLIC = multikey(KEY.public_key())
Document = dict[str, Any]


def codes(verdict: Verdict) -> list[Code]:
    return [finding.code for finding in verdict.findings]


def test_receipt_verifies_with_everything_from_outside() -> None:
    outside = Outside([PUBLIC], POLICY, NOTICE_TEXT, [EVIDENCE])
    verdict = verify_receipt(written(signed()), outside)
    assert verdict.findings == []
    assert verdict.headline == f"AUTHENTICATED {PUBLIC}"
    assert verdict.rests_on == f"log {ORIGIN} at size 3, its keys known from outside"
    assert verdict.checked == [
        "signature",
        "content",
        "terms against the log",
        "opening",
        "place in the log",
        "log's signatures",
        "notice",
        "evidence",
    ]


def test_without_keys_from_outside_nobody_is_authenticated() -> None:
    verdict = verify_receipt(written(signed()))
    assert verdict.is_consistent
    assert not verdict.is_authenticated
    assert verdict.headline == f"CONSISTENT, SIGNER NOT AUTHENTICATED {PUBLIC}"
    assert verdict.rests_on.endswith("its keys not known: operator's word only")


def test_a_foreign_key_is_refused() -> None:
    verdict = verify_receipt(written(signed(key=ANOTHER_KEY)), Outside([PUBLIC]))
    assert codes(verdict) == [Code.KEY_FOREIGN]
    assert verdict.headline == "REFUSED, FINDINGS: 1"


def test_a_foreign_log_is_refused() -> None:
    keys = [
        Signer.from_seed(ORIGIN, kind, b"\x55" * 32).verifier
        for kind in (SignatureType.ED25519, SignatureType.MLDSA44)
    ]
    policy = Policy(tuple(LogKey(key) for key in keys))
    assert codes(verify_receipt(written(signed()), Outside(policy=policy))) == [Code.LOG_SIGNATURE]


def test_one_of_the_logs_two_signatures_is_not_enough() -> None:
    policy = Policy(POLICY.logs[:1])
    assert codes(verify_receipt(written(signed()), Outside(policy=policy))) == [Code.LOG_SIGNATURE]


def test_another_notice_and_unknown_evidence_are_found() -> None:
    outside = Outside(notice=NOTICE_TEXT + " ", evidence=[b"another scan"])
    assert codes(verify_receipt(written(signed()), outside)) == [Code.NOTICE, Code.EVIDENCE]


def leaves_of(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each single value in a document."""
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves_of(member, (*way, key))
    else:
        yield way


def changed(document: Document, way: tuple[Any, ...]) -> Document:
    twin: Any = copy.deepcopy(document)
    at = twin
    for key in way[:-1]:
        at = at[key]
    before = at[way[-1]]
    at[way[-1]] = before + 1 if isinstance(before, int) else f"{before}x"
    return dict(twin)


def test_each_changed_value_breaks_the_signature() -> None:
    document = signed()
    ways = [way for way in leaves_of(document) if "@context" not in way]
    assert len(ways) > 100
    for way in ways:
        with pytest.raises(ReceiptRefused):
            verify_signature(changed(document, way))


def test_each_changed_value_is_found_even_when_the_issuer_signs_it_again() -> None:
    document = unsigned()
    unfound = {
        way
        for way in leaves_of(document)
        if "@context" not in way
        and verify_receipt(written(signed(changed(document, way)))).is_consistent
    }
    assert unfound == set()


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        ({"uses": ["train", "fine_tune"]}, Code.ROW),
        ({"valid_until": "2038-11-20T00:00:00+00:00"}, Code.ROW),
        ({"barred_themes": []}, Code.ROW),
        ({"capacity": "guardian"}, Code.ROW),
        ({"evidence_id": "5b0d8f0e-6a11-4c52-8d5e-0c2f6ad3a00a"}, Code.ROW),
        ({"id": "5b0d8f0e-6a11-4c52-8d5e-0c2f6ad3a0ff"}, Code.ROW),
        ({"uses": ["everything"]}, Code.CONTENT),
        ({"media": 7}, Code.CONTENT),
    ],
)
def test_terms_rewritten_throughout_and_signed_again_are_not_those_in_the_log(
    edit: Document, code: Code
) -> None:
    document, row = unsigned(), columns(**edit)
    document["muniment:columns"] = row
    if code is Code.ROW:
        record = consent_record(row, parts())
        document["muniment:recordDigest"] = digest_of(record)
        document["muniment:record"] = {k: v for k, v in record.items() if k != "@context"}
    assert code in codes(verify_receipt(written(signed(document))))


def test_opening_of_another_commitment_is_found() -> None:
    document, row = unsigned(), columns(uses=["train", "fine_tune"])
    other = logged(row)
    document["muniment:opening"] = other.told()
    assert Code.OPENING in codes(verify_receipt(written(signed(document))))


def test_leaf_that_the_checkpoint_does_not_hold_is_found() -> None:
    document, row = unsigned(), columns()
    other = logged(row, by="agent")
    document |= {"muniment:leaf": other.leaf, "muniment:opening": other.told()}
    assert codes(verify_receipt(written(signed(document)))) == [Code.PROOF]


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"a":1,"a":2}', b"\xff", b"{" * 1000, b" " * (1 << 20)],
)
def test_what_is_no_receipt_is_said_to_be_none(data: bytes) -> None:
    assert codes(verify_receipt(data)) == [Code.MALFORMED]


@pytest.mark.parametrize("name", sorted(unsigned()))
@pytest.mark.parametrize(
    "edit", [lambda _: None, lambda _: [], lambda _: {}, lambda _: 7, lambda v: [v]]
)
def test_hostile_types_end_in_findings(name: str, edit: Callable[[Any], Any]) -> None:
    document = unsigned()
    document[name] = edit(document[name])
    assert not verify_receipt(json.dumps(signed(document)).encode()).is_consistent

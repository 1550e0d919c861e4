"""Verify a receipt offline: what holds, what does not, and what the verdict rests on.

Without keys from outside a receipt can only be consistent with itself: whoever wrote it could have
made its key too. The receipt's own key and the log's are two keys, and each counts by itself.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

from consent.errors import DescriptionRefused, ReceiptRefused
from consent.formats.strict_json import parse_object
from consent.receipts.receipt import Logged, consent_receipt
from consent.receipts.record import Parts
from consent.receipts.signature import verify_signature
from ledger.canonical import canonical
from ledger.errors import LedgerError, NoteError
from ledger.leaf import Leaf, parse_leaf
from ledger.note import Checkpoint
from ledger.row_digest import row_digest
from ledger.tlogpolicy import LOG_TYPES, Policy
from ledger.tlogproof import TlogProof

MAX_BYTES = 256 << 10
Seen = TypeVar("Seen")
TABLE, ROLE = "consent_grant", "subject"
NOT_CHECKED = (
    "what became of the answer later: a receipt tells how it stood at its leaf",
    "who the person behind the handle is",
)


class Code(StrEnum):
    """What may be wrong with a receipt. Stable: outsiders match on it."""

    MALFORMED = "receipt.malformed"
    SIGNATURE = "signature.failed"
    KEY_FOREIGN = "key.foreign"
    CONTENT = "content.differs"
    ROW = "row.differs"
    OPENING = "opening.failed"
    LEAF = "leaf.malformed"
    PROOF = "proof.failed"
    LOG_SIGNATURE = "log.unsigned"
    QUORUM = "log.quorum"
    NOTICE = "notice.differs"
    EVIDENCE = "evidence.unknown"


@dataclass(frozen=True)
class Finding:
    """One thing that does not verify, in words."""

    code: Code
    detail: str

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


@dataclass(frozen=True)
class Outside:
    """What the reader holds from elsewhere than the receipt.

    ``keys`` are multikeys of issuers, ``policy`` the log's keys (C2SP tlog-policy), ``notice`` the
    plain text of the notice, ``evidence`` pieces that the receipt should list.
    """

    keys: Collection[str] = ()
    policy: Policy | None = None
    notice: str | None = None
    evidence: Collection[bytes] = ()


@dataclass
class Verdict:
    """What a verification came to; nothing was found wrong when ``findings`` is empty.

    ``key`` signed the receipt, ``checkpoint`` is what its proof ends in; both None where they
    could not be read. ``receipt`` is the parsed document, {} when it is none.
    """

    findings: list[Finding] = field(default_factory=list)
    receipt: dict[str, Any] = field(default_factory=dict)
    key: str | None = None
    is_key_known: bool = False
    checkpoint: Checkpoint | None = None
    is_log_known: bool = False
    checked: list[str] = field(default_factory=list)

    @property
    def is_consistent(self) -> bool:
        """Return whether everything verifies."""
        return not self.findings

    @property
    def is_authenticated(self) -> bool:
        """Return whether it does, by an issuer's key from outside."""
        return self.is_consistent and self.is_key_known

    @property
    def headline(self) -> str:
        """Return line 1: whether all verifies, and who signed."""
        if not self.is_consistent:
            return f"REFUSED, FINDINGS: {len(self.findings)}"
        if self.is_authenticated:
            return f"AUTHENTICATED {self.key}"
        return f"CONSISTENT, SIGNER NOT AUTHENTICATED {self.key}"

    @property
    def rests_on(self) -> str:
        """Return line 2: what it rests on that the answer stands in the log."""
        if self.checkpoint is None:
            return "no log"
        log = f"log {self.checkpoint.origin} at size {self.checkpoint.size}"
        return (
            f"{log}, its keys known from outside"
            if self.is_log_known
            else (f"{log}, its keys not known: operator's word only")
        )


def verify_receipt(data: bytes, outside: Outside | None = None) -> Verdict:
    """Verify the receipt in ``data``. Whatever it holds, the answer is a Verdict."""
    given, verdict = outside or Outside(), Verdict()
    try:
        verdict.receipt = parse_object(data, longest=MAX_BYTES)
    except DescriptionRefused as error:
        detail = str(error).replace("description", "receipt", 1)
        verdict.findings.append(Finding(Code.MALFORMED, detail))
        return verdict
    check = _Check(verdict)
    check.step(Code.SIGNATURE, "signature", lambda: _check_signature(verdict, given))
    logged = check.step(Code.MALFORMED, "", lambda: Logged.of(verdict.receipt))
    check.step(Code.CONTENT, "content", lambda: _check_content(verdict.receipt))
    if logged is not None:
        check.step(Code.ROW, "terms against the log", lambda: _check_row(verdict.receipt, logged))
        leaf = check.step(Code.LEAF, "", lambda: parse_leaf(logged.leaf.encode()))
        if leaf is not None:
            check.step(Code.OPENING, "opening", lambda: _check_opening(leaf, logged))
            check.step(Code.PROOF, "place in the log", lambda: _check_proof(verdict, leaf, logged))
    if given.policy is not None and verdict.checkpoint is not None and logged is not None:
        policy = given.policy
        check.step(
            Code.LOG_SIGNATURE, "log's signatures", lambda: _check_log(verdict, policy, logged)
        )
    if given.notice is not None:
        notice = given.notice
        check.step(Code.NOTICE, "notice", lambda: _check_notice(verdict.receipt, notice))
    for piece in given.evidence:
        check.step(Code.EVIDENCE, "evidence", partial(_check_evidence, verdict.receipt, piece))
    return verdict


class _Check:
    """Runs the steps: each adds a finding, or that it was done."""

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict

    def step(self, code: Code, name: str, run: Callable[[], Seen]) -> Seen | None:
        """Return what ``run`` returns, or None when it found something wrong."""
        try:
            found = run()
        except _Found as error:
            self._verdict.findings.append(error.finding)
        except (ReceiptRefused, LedgerError) as error:
            self._verdict.findings.append(Finding(code, str(error)))
        except (KeyError, TypeError, ValueError, AttributeError):
            self._verdict.findings.append(Finding(code, "a part is missing or of another type"))
        else:
            self._verdict.checked += [name] if name else []
            return found
        return None


class _Found(Exception):
    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.finding = Finding(code, detail)


def _check_signature(verdict: Verdict, given: Outside) -> None:
    verdict.key = verify_signature(verdict.receipt)
    if given.keys and verdict.key not in given.keys:
        raise _Found(Code.KEY_FOREIGN, "signed by a key that is none of those given")
    verdict.is_key_known = bool(given.keys)


def _check_content(receipt: dict[str, Any]) -> None:
    """Write the receipt again from its parts: it may say nothing but what follows from them."""
    again = consent_receipt(
        receipt["muniment:columns"],
        Parts.of(receipt["muniment:record"]),
        Logged.of(receipt),
        receipt_id=receipt["dpv:hasIdentifier"],
        issued_at=receipt["dct:created"],
    )
    said = {name: value for name, value in receipt.items() if name != "proof"}
    if receipt["dct:created"] != receipt["proof"]["created"]:
        raise ReceiptRefused("it says another time of issue than its signature")
    for name in sorted(again.keys() | said.keys()):
        if again.get(name) != said.get(name):
            raise ReceiptRefused(f"{name} does not follow from the answer's columns")


def _check_row(receipt: dict[str, Any], logged: Logged) -> None:
    columns = receipt["muniment:columns"]
    payload: dict[str, Any] = dict(logged.opening.payload)
    rows = payload.get("rows", [payload["row"]] if "row" in payload else [])
    told = [row for row in rows if row["table"] == TABLE and row["id"] == columns["id"]]
    if not told:
        raise ReceiptRefused("the opened segment speaks of another row")
    if told[0]["columns"] != row_digest(columns):
        raise ReceiptRefused("columns are not those that the log tells of")
    if payload.get("notice") != receipt["muniment:record"]["dpv:hasNotice"]["muniment:digest"]:
        raise ReceiptRefused("notice is not the one that the log tells of")


def _check_opening(leaf: Leaf, logged: Logged) -> None:
    opening, position = logged.opening, logged.position
    if type(position) is not int or not 0 <= position < len(leaf.body.commitments):
        raise ReceiptRefused("leaf has no such position")
    if opening.kind != leaf.body.kind or opening.role != ROLE:
        raise ReceiptRefused("opening is of another kind or role")
    if opening.commitment != leaf.body.commitments[position]:
        raise ReceiptRefused("opening is not of this commitment")


def _check_proof(verdict: Verdict, leaf: Leaf, logged: Logged) -> None:
    proof = TlogProof.parse(logged.proof)
    if proof.index != leaf.index:
        raise ReceiptRefused(f"proof is of leaf {proof.index}, wanted {leaf.index}")
    verdict.checkpoint = proof.verify(leaf.hash)


def _check_log(verdict: Verdict, policy: Policy, logged: Logged) -> None:
    assert verdict.checkpoint is not None
    note, log = TlogProof.parse(logged.proof).note, policy.keys_of(verdict.checkpoint.origin)
    witnesses = {witness.verifier: witness.name for witness in policy.witnesses}
    signed = [each.verifier for each in note.verify([*log, *witnesses])]
    if {key.type for key in signed if key in log} != set(LOG_TYPES):
        raise NoteError("checkpoint has not both signatures by the policy's keys of this log")
    if not policy.is_satisfied_by([witnesses[key] for key in signed if key in witnesses]):
        raise _Found(Code.QUORUM, "witnesses do not make the policy's quorum")
    verdict.is_log_known = True


def _check_notice(receipt: dict[str, Any], text: str) -> None:
    notice = receipt["muniment:record"]["dpv:hasNotice"]
    said = {
        "code": notice["muniment:code"],
        "language": notice["dct:language"],
        "text": text,
        "title": notice["dct:title"],
        "version": notice["muniment:version"],
    }
    if notice["muniment:digest"] != f"sha256:{sha256(canonical(said)).hexdigest()}":
        raise ReceiptRefused("the notice given is not the one that was answered")


def _check_evidence(receipt: dict[str, Any], piece: bytes) -> None:
    digest = f"sha256:{sha256(piece).hexdigest()}"
    listed = receipt["muniment:record"]["muniment:evidence"]
    if digest not in [paper["muniment:digest"] for paper in listed]:
        raise ReceiptRefused("a piece of evidence is not among those that the receipt lists")

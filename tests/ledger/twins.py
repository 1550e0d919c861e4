"""Bad twins of the good bundle, each with the findings that any verifier must give, in order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger import strict_base64
from ledger.canonical import canonical
from ledger.leaf import leaf_bytes
from ledger.note import sign_note
from ledger.tlogpolicy import LogKey, Policy
from ledger.verifier.findings import Code, Finding
from ledger.verifier.signatures import Trust
from ledger.verifier.verify import Requirement

from .bundles import ORIGIN, POLICY, SIGNERS, WITNESS, WITNESSED, case, good
from .edits import (
    drop,
    drop_line,
    line,
    manifest,
    move,
    period,
    put,
    report,
    swap_in,
    swap_lines,
)
from .forgeries import (
    MALFORMED_QUERIES,
    STRANGERS,
    bad_signature,
    changed,
    declared_missing,
    epoch_with,
    figure,
    forged_chain,
    forged_leaf,
    issued_as,
    issued_by,
    issued_early,
    issued_under_no_checkpoint,
    kept,
    lied,
    many_figures,
    opened_padding,
    other_checkpoint,
    other_index,
    other_log,
    signed_by,
    signed_on_after,
    since_other_log,
    tombstone_again,
    vouched,
)
from .gatherings import told

Identity = tuple[str, str | None, int | None, int | None, int | None]
B64 = strict_base64.encode(bytes(32))


@dataclass(frozen=True)
class Twin:
    """A bundle, what an auditor demands of it, and the findings, as code and place."""

    name: str
    build: Callable[[], bytes]
    expected: list[Identity]
    demands: Mapping[str, Any] = field(default_factory=dict)


def identity(finding: Finding) -> Identity:
    """Return what every verifier must agree on."""
    return (finding.code, finding.path, finding.line, finding.index, finding.position)


def at(
    code: Code,
    path: str | None = None,
    *,
    line: int | None = None,
    index: int | None = None,
    position: int | None = None,
) -> Identity:
    return (code, path, line, index, position)


ONE_KEY = Policy((LogKey(SIGNERS[0].verifier),))
FOREIGN = Policy(tuple(LogKey(signer.verifier) for signer in STRANGERS))
CP, LEAVES, REPORT = "checkpoint", "leaves.ndjson", "report.json"
OPENINGS, PADDING, STONES = "disclosed/openings.ndjson", "padding.ndjson", "tombstones.ndjson"
PROOF, LEAF = "manifest.tlog-proof", "manifest.leaf"
UNSIGNED = [at(Code.SIGNATURE_MISSING, path) for path in (CP, "checkpoints/2", "checkpoints/9")]
UNSIGNED += [at(Code.MANIFEST_CHECKPOINT, PROOF), at(Code.SIGNATURE_MISSING, PROOF)]

FILES = [
    Twin("file added", changed(put("notes.txt", b"")), [
        at(Code.FILE_UNKNOWN, "notes.txt"), at(Code.FILE_UNLISTED, "notes.txt")]),
    Twin("file removed", changed(drop("report.pdf")), [at(Code.FILE_MISSING, "report.pdf")]),
    Twin("file renamed", changed(move("report.pdf", "report2.pdf")), [
        at(Code.FILE_UNKNOWN, "report2.pdf"), at(Code.FILE_MISSING, "report.pdf"),
        at(Code.FILE_UNLISTED, "report2.pdf")]),
    Twin("file altered", changed(put("README.txt", b"trust me\n")), [
        at(Code.FILE_ALTERED, "README.txt")]),
    Twin("one of two disclosed files removed", changed(drop("disclosed/names.json")), [
        at(Code.FILE_MISSING, "disclosed/names.json")]),
    Twin("proof added", changed(put("proofs/3.tlog-proof", b"")), [
        at(Code.FILE_UNLISTED, "proofs/3.tlog-proof"),
        at(Code.PROOF_MALFORMED, "proofs/3.tlog-proof", index=3)]),
    Twin("manifest removed", changed(drop("manifest.json")), [
        at(Code.FILE_MISSING, "manifest.json")]),
    Twin("what proves the manifest removed",
        changed(drop("manifest.leaf", "manifest.tlog-proof", "manifest.consistency")), [
        at(Code.FILE_MISSING, "manifest.consistency"), at(Code.FILE_MISSING, "manifest.leaf"),
        at(Code.FILE_MISSING, "manifest.tlog-proof")]),
    Twin("manifest of another version", vouched(manifest(v=2)), [
        at(Code.MANIFEST_MALFORMED, "manifest.json")]),
    Twin("manifest without salt", vouched(manifest(salt="")), [
        at(Code.MANIFEST_MALFORMED, "manifest.json")]),
    Twin("manifest lists itself", vouched(manifest(
        files=[{"path": "manifest.json", "sha256": "ab" * 32, "size": 1}])), [
        at(Code.MANIFEST_MALFORMED, "manifest.json")]),
    Twin("manifest lists a file that is not there", vouched(manifest(files=[])), [
        at(Code.FILE_UNLISTED, path) for path in sorted(
            case().files().keys() - {"manifest.json"})]),
]  # fmt: skip

SIGNATURES = [
    Twin("policy malformed", lied(put("policy", b"quorum\n")), [
        at(Code.POLICY_MALFORMED, "policy")]),
    Twin("policy without the second key", lied(put("policy", str(ONE_KEY).encode())), [
        at(Code.POLICY_KEYS, "policy")]),
    Twin("policy of strangers", lied(put("policy", str(FOREIGN).encode())), UNSIGNED),
    Twin("policy from outside without the second key", good, [at(Code.POLICY_OUTSIDE)],
        {"policy": ONE_KEY}),
    Twin("policy from outside of strangers", good, UNSIGNED, {"policy": FOREIGN}),
    Twin("policy that wants a witness, and none has signed", lied(put(
        "policy", str(WITNESSED).encode())), [at(Code.POLICY_QUORUM, CP)]),
    Twin("time stamp of no checkpoint", lied(put("timestamps/7.tsr", b"x")), [
        at(Code.TIMESTAMP_PLACE, "timestamps/7.tsr")]),
    Twin("time stamp by a name that none has", lied(put("timestamps/9", b"x")), [
        at(Code.FILE_UNKNOWN, "timestamps/9")]),
    Twin("trust malformed", lied(put("trust.json", b"{}")), [
        at(Code.TRUST_MALFORMED, "trust.json")]),
    Twin("trust of another version", lied(put("trust.json", b'{"pades":[],"tsa":[],"v":2}')), [
        at(Code.TRUST_MALFORMED, "trust.json")]),
    Twin("trust in a root that the auditor does not trust",
        lied(put("trust.json", b'{"pades":["PEM"],"tsa":[],"v":1}')), [
        at(Code.TRUST_OUTSIDE, "trust.json")], {"trust": Trust(frozenset({"another"}))}),
    Twin("trust in a root for another use than the auditor's",
        lied(put("trust.json", b'{"pades":[],"tsa":["PEM"],"v":1}')), [
        at(Code.TRUST_OUTSIDE, "trust.json")], {"trust": Trust(frozenset({"PEM"}))}),
    Twin("checkpoint malformed", lied(put(CP, b"")), [
        at(Code.CHECKPOINT_MALFORMED, CP)]),
    Twin("checkpoint with an extension line", lied(put("checkpoints/9", str(sign_note(
        f"{ORIGIN}\n9\n{B64}\nmore\n", SIGNERS)).encode())), [
        at(Code.CHECKPOINT_MALFORMED, "checkpoints/9"), at(Code.PERIOD_ENCLOSURE, REPORT)]),
    Twin("checkpoint without Ed25519", signed_by(SIGNERS[1]), [at(Code.SIGNATURE_MISSING, CP)]),
    Twin("checkpoint without ML-DSA", signed_by(SIGNERS[0]), [at(Code.SIGNATURE_MISSING, CP)]),
    Twin("checkpoint by strangers", signed_by(*STRANGERS), [at(Code.SIGNATURE_MISSING, CP)]),
    Twin("checkpoint with a failing signature", bad_signature, [at(Code.SIGNATURE_FAILED, CP)]),
    Twin("checkpoint under another name", lied(move("checkpoints/9", "checkpoints/8")), [
        at(Code.CHECKPOINT_SIZE, "checkpoints/8"),
        at(Code.CHECKPOINT_MISSING, "consistency/9"), at(Code.PERIOD_ENCLOSURE, REPORT)]),
    Twin("checkpoint of another log", lied(put("checkpoints/9", str(
        since_other_log()["since"]).encode())), [
        at(Code.SIGNATURE_MISSING, "checkpoints/9"), at(Code.CHECKPOINT_ORIGIN, "checkpoints/9"),
        at(Code.PERIOD_ENCLOSURE, REPORT)]),
    Twin("checkpoint of a forked root", lied(put("checkpoints/9", str(
        kept(9, root=bytes(32))["since"]).encode())), [
        at(Code.CONSISTENCY_FAILED, "consistency/9"), at(Code.PERIOD_ENCLOSURE, REPORT)]),
    Twin("consistency removed", lied(drop("consistency/2")), [
        at(Code.CONSISTENCY_MISSING, "consistency/2"), at(Code.PERIOD_ENCLOSURE, REPORT)]),
    Twin("consistency malformed", lied(put("consistency/2", b"x\n")), [
        at(Code.CONSISTENCY_MALFORMED, "consistency/2"), at(Code.PERIOD_ENCLOSURE, REPORT)]),
]  # fmt: skip

VKEYS = [signer.verifier.vkey for signer in SIGNERS]
KEYS = [
    Twin("signed on by keys that were replaced", signed_on_after(
        "log_key.rotated", {"keys": [one.verifier.vkey for one in STRANGERS], "replaces": VKEYS}), [
        at(Code.KEY_REPLACED, CP), at(Code.KEY_REPLACED, PROOF)]),
    Twin("signed on by a key that is compromised", signed_on_after(
        "log_key.compromised", {"key": VKEYS[1], "since": "2026-11-20T15:04:00Z"}), [
        at(Code.KEY_COMPROMISED, CP), at(Code.KEY_COMPROMISED, PROOF)]),
]  # fmt: skip

LOG = [
    Twin("report malformed", lied(report(v=2)), [
        at(Code.REPORT_MALFORMED, REPORT),
        *(at(Code.PROOF_MISSING, f"proofs/{n}.tlog-proof", index=n) for n in range(3, 8))]),
    *(Twin(f"report whose positions are {name}", lied(report(
        figures=[], positions={"missing": places, "opened": []})), [
        at(Code.REPORT_MALFORMED, REPORT),
        *(at(Code.PROOF_MISSING, f"proofs/{n}.tlog-proof", index=n) for n in range(3, 8))])
      for name, places in {
          "single numbers": [3], "in disorder": [[4, 0], [3, 0]], "below 0": [[-1, 0]]}.items()),
    Twin("report of another log", lied(report(origin="log.example/other")), [
        at(Code.REPORT_ORIGIN, REPORT)]),
    Twin("period that ends before it begins", lied(period(first=9, end=2)), [
        at(Code.PERIOD_BOUNDS, REPORT),
        *(at(Code.PROOF_MISSING, f"proofs/{n}.tlog-proof", index=n) for n in (1, 3, 4, 5, 6, 7, 9)),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in range(1, 12))]),
    Twin("period that no checkpoint closes", lied(period(closed_by=10)), [
        at(Code.PERIOD_ENCLOSURE, REPORT)]),
    Twin("period that begins before its checkpoint", lied(period(opened_by=9)), [
        at(Code.PERIOD_ENCLOSURE, REPORT)]),
    Twin("leaf line malformed", lied(swap_in(LEAVES, b'{"index":3', b'{"index": 3')), [
        at(Code.LINE_MALFORMED, LEAVES, line=2), at(Code.LEAF_GAP, LEAVES, index=3),
        at(Code.TOMBSTONE_PLACE, STONES, index=3, position=0),
        at(Code.POSITION_PLACE, REPORT, index=3, position=1),
        at(Code.OPENING_PLACE, OPENINGS, index=3, position=1),
        at(Code.POSITION_UNOPENED, REPORT, index=3, position=1),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (1, 5, 6, 8, 11))]),
    Twin("leaf line with a number below 0", lied(line(LEAVES, 8, index=-1)), [
        at(Code.LINE_MALFORMED, LEAVES, line=8),
        at(Code.PROOF_LEAF, "proofs/10.tlog-proof", index=10),
        at(Code.TOMBSTONE_EPOCH, STONES, index=3, position=0),
        at(Code.TOMBSTONE_EPOCH, STONES, index=4, position=1),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (7, 8))]),
    Twin("leaf line with a text for a number", lied(line(LEAVES, 8, index="10")), [
        at(Code.LINE_MALFORMED, LEAVES, line=8),
        at(Code.PROOF_LEAF, "proofs/10.tlog-proof", index=10),
        at(Code.TOMBSTONE_EPOCH, STONES, index=3, position=0),
        at(Code.TOMBSTONE_EPOCH, STONES, index=4, position=1),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (7, 8))]),
    Twin("last line cut off", lied(lambda files: files.update({
        LEAVES: files[LEAVES] + b"x"})), [at(Code.LINE_MALFORMED, LEAVES, line=9)]),
    Twin("leaves out of order", lied(swap_lines(LEAVES)), [
        at(Code.LINE_ORDER, LEAVES, line=2), at(Code.LEAF_GAP, LEAVES, index=2),
        at(Code.PROOF_LEAF, "proofs/2.tlog-proof", index=2),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (1, 5, 7))]),
    Twin("leaf text is none", lied(line(LEAVES, 7, leaf="{}")), [
        at(Code.LEAF_MALFORMED, LEAVES, index=8), at(Code.LEAF_GAP, LEAVES, index=8),
        at(Code.PROOF_LEAF, "proofs/8.tlog-proof", index=8),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (1, 9, 10))]),
    Twin("leaf under another index", lied(line(LEAVES, 8, index=11)), [
        at(Code.LEAF_MALFORMED, LEAVES, index=11),
        at(Code.PROOF_LEAF, "proofs/10.tlog-proof", index=10),
        at(Code.TOMBSTONE_EPOCH, STONES, index=3, position=0),
        at(Code.TOMBSTONE_EPOCH, STONES, index=4, position=1),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (7, 8))]),
    Twin("leaf forged", forged_leaf, [
        at(Code.LEAF_LINK, LEAVES, index=6), at(Code.RANGE_FAILED, LEAVES, index=2)]),
    Twin("chain forged to its end", forged_chain, [
        at(Code.PROOF_FAILED, "proofs/8.tlog-proof", index=8)]),
    Twin("leaf left out of the period", lied(drop_line(LEAVES, 6)), [
        at(Code.LEAF_GAP, LEAVES, index=7),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (1, 4, 7))]),
    Twin("leaf 0 is no beginning", other_log(lambda log: log.append("run.failed", {})), [
        at(Code.LOG_OPENED, LEAVES, index=0)]),
    Twin("leaf 0 opens another log", other_log(lambda log: log.append(
        "log.opened", {"origin": "log.example/other"})), [at(Code.LOG_OPENED, LEAVES, index=0)]),
    Twin("leaf 0 names one of two keys", other_log(lambda log: log.append(
        "log.opened", {"keys": [SIGNERS[0].verifier.vkey], "origin": ORIGIN})), [
        at(Code.LOG_OPENED, LEAVES, index=0)]),
    Twin("leaf 0 names keys as a text", other_log(lambda log: log.append(
        "log.opened", {"keys": SIGNERS[0].verifier.vkey, "origin": ORIGIN})), [
        at(Code.LOG_OPENED, LEAVES, index=0)]),
    Twin("leaf 0 names other keys", other_log(lambda log: log.append(
        "log.opened", {"keys": [WITNESS.verifier.vkey], "origin": ORIGIN})), [
        at(Code.LOG_OPENED, LEAVES, index=0)]),
    Twin("proof malformed", lied(put("proofs/2.tlog-proof", b"\n")), [
        at(Code.PROOF_MALFORMED, "proofs/2.tlog-proof", index=2)]),
    Twin("proof in another checkpoint", other_checkpoint, [
        at(Code.PROOF_CHECKPOINT, "proofs/2.tlog-proof", index=2)]),
    Twin("proof of another leaf", other_index, [
        at(Code.PROOF_FAILED, "proofs/2.tlog-proof", index=2)]),
    Twin("proof of an absent leaf", lied(move("proofs/10.tlog-proof", "proofs/11.tlog-proof")), [
        at(Code.PROOF_LEAF, "proofs/11.tlog-proof", index=11),
        at(Code.PROOF_MISSING, "proofs/10.tlog-proof", index=10)]),
    Twin("proof removed", lied(drop("proofs/8.tlog-proof")), [
        at(Code.PROOF_MISSING, "proofs/8.tlog-proof", index=8)]),
]  # fmt: skip

NO_PARTS: dict[str, Mapping[str, Any]] = {
    "that would be the header": {"part": 1, "parts": 3},
    "behind the last": {"part": 4, "parts": 3},
    "without a number": {"parts": 3},
    "with a text for a number": {"part": "2", "parts": 3},
    "with true for a number": {"part": 2, "parts": True},
    "with a fact too many": {"part": 2, "parts": 3, "people": 600},
    "of a header that is no digest": {"header": "sha256:ab", "part": 2, "parts": 3},
    "of a header that is a number": {"header": 7, "part": 2, "parts": 3},
}
EVENTS = [
    Twin("part between two others missing", told("run", 1, 3, "run"), [
        at(Code.PART_MISSING, LEAVES, index=2)]),
    Twin("part twice", told(1, 2, 2, 3), [at(Code.PART_MISPLACED, LEAVES, index=3)]),
    Twin("parts in disorder", told(1, 3, 2), [
        at(Code.PART_MISPLACED, LEAVES, index=3), at(Code.PART_MISSING, LEAVES, index=1)]),
    Twin("header behind its parts", told(2, 1, 3), [
        at(Code.PART_MISPLACED, LEAVES, index=2), at(Code.PART_MISSING, LEAVES, index=1)]),
    Twin("header missing from a whole log", told("run", 2, 3), [
        at(Code.PART_MISSING, LEAVES, index=2)]),
    Twin("header missing behind older leaves", told("early", "run", 2, 3, first=1), [
        at(Code.PART_MISSING, LEAVES, index=3)]),
    Twin("last part missing before newer leaves", told(1, 2, "late"), [
        at(Code.PART_MISSING, LEAVES, index=1)]),
    Twin("all parts but the header missing", told(1, "run", "late", "run", end=4), [
        at(Code.PART_MISSING, LEAVES, index=1)]),
    Twin("part of another number of parts", told(1, {"part": 2, "parts": 4}, 3), [
        at(Code.PART_MISPLACED, LEAVES, index=2), at(Code.PART_MISSING, LEAVES, index=1)]),
    Twin("part of an event of another noun", told(
        1, 2, {"kind": "club.continued", "part": 3, "parts": 3}, end=4), [
        at(Code.PART_MISPLACED, LEAVES, index=3)]),
    *(Twin(f"part {name}", told(1, 2, 3, facts), [at(Code.PART_MALFORMED, LEAVES, index=4)])
      for name, facts in NO_PARTS.items()),
    *(Twin(f"header of {name}", told({"kind": "crowd.gathered", "parts": parts}), [
        at(Code.PART_MALFORMED, LEAVES, index=1)])
      for name, parts in {
          "one part": 1, "no part": 0, "parts in words": "three", "parts of null": None}.items()),
]  # fmt: skip

POSITIONS = [
    Twin("opening with another payload", lied(line(OPENINGS, 1, payload={"client": "sdk-9"})), [
        at(Code.OPENING_COMMITMENT, OPENINGS, index=3, position=1),
        at(Code.POSITION_UNOPENED, REPORT, index=3, position=1)]),
    Twin("opening of another kind", lied(line(OPENINGS, 1, kind="run.failed")), [
        at(Code.OPENING_COMMITMENT, OPENINGS, index=3, position=1),
        at(Code.POSITION_UNOPENED, REPORT, index=3, position=1)]),
    Twin("opening of no position", lied(line(OPENINGS, 5, position=1)), [
        at(Code.OPENING_PLACE, OPENINGS, index=6, position=1),
        at(Code.POSITION_UNOPENED, REPORT, index=6, position=0)]),
    Twin("opening with short randomness", lied(line(OPENINGS, 1, r="AAAA")), [
        at(Code.LINE_MALFORMED, OPENINGS, line=1),
        at(Code.POSITION_UNOPENED, REPORT, index=3, position=1)]),
    Twin("openings out of order", lied(swap_lines(OPENINGS)), [
        at(Code.LINE_ORDER, OPENINGS, line=2),
        at(Code.POSITION_UNOPENED, REPORT, index=3, position=1)]),
    Twin("opening left out", lied(drop_line(OPENINGS, 5)), [
        at(Code.POSITION_UNOPENED, REPORT, index=6, position=0)]),
    Twin("opening that is not declared", lied(report(
        figures=[], positions={"missing": [], "opened": [[3, 1], [4, 0], [4, 2], [5, 0]]})), [
        at(Code.POSITION_UNDECLARED, OPENINGS, index=6, position=0)]),
    Twin("declared position that is not here", lied(report(
        figures=[], positions={"missing": [[9, 0]], "opened": [
            [3, 1], [4, 0], [4, 2], [5, 0], [6, 0]]})), [
        at(Code.POSITION_PLACE, REPORT, index=9, position=0)]),
    Twin("padding among the openings", opened_padding, [
        at(Code.OPENING_ROLE, OPENINGS, index=4, position=3)]),
    Twin("segment passed off as padding", lied(line(PADDING, 1, position=2)), [
        at(Code.OPENING_COMMITMENT, PADDING, index=4, position=2),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (7,))]),
    Twin("names malformed", lied(put("disclosed/names.json", b"[]")), [
        at(Code.NAMES_MALFORMED, "disclosed/names.json")]),
    Twin("names of another version", lied(put("disclosed/names.json", canonical(
        {"names": [], "salt": B64, "v": 2}))), [
        at(Code.NAMES_MALFORMED, "disclosed/names.json")]),
    Twin("tombstone with another salt", lied(line(STONES, 1, salt=B64)), [
        at(Code.TOMBSTONE_FAILED, STONES, index=3, position=0),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (7, 8))]),
    Twin("tombstone malformed", lied(line(STONES, 1, leaf=-1)), [
        at(Code.LINE_MALFORMED, STONES, line=1),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (7, 8))]),
    Twin("tombstones out of order", lied(swap_lines(STONES)), [
        at(Code.LINE_ORDER, STONES, line=2),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (7, 8))]),
    Twin("tombstone moved to a segment that lives", lied(line(STONES, 1, index=2)), [
        at(Code.TOMBSTONE_FAILED, STONES, index=2, position=0),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (7, 8))]),
    Twin("tombstone of no position", lied(line(STONES, 2, position=7)), [
        at(Code.TOMBSTONE_PLACE, STONES, index=4, position=7),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (7, 8))]),
    Twin("tombstone of no epoch", lied(line(STONES, 1, destroyed=8)), [
        at(Code.TOMBSTONE_EPOCH, STONES, index=3, position=0),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (7, 8))]),
    Twin("epoch whose number is a text", epoch_with(epoch="1"), [
        at(Code.TOMBSTONE_EPOCH, STONES, index=3, position=0),
        at(Code.TOMBSTONE_EPOCH, STONES, index=4, position=1)]),
    Twin("epoch whose root is no digest", epoch_with(root="sha256:ab"), [
        at(Code.TOMBSTONE_EPOCH, STONES, index=3, position=0),
        at(Code.TOMBSTONE_EPOCH, STONES, index=4, position=1)]),
    Twin("epoch with another count", epoch_with(count=3), [
        at(Code.TOMBSTONE_FAILED, STONES, index=3, position=0),
        at(Code.TOMBSTONE_FAILED, STONES, index=4, position=1)]),
    Twin("tombstone used twice", tombstone_again, [
        at(Code.TOMBSTONE_TWICE, STONES, index=4, position=1),
        *(at(Code.FIGURE_DIFFERS, REPORT, line=n) for n in (7, 8))]),
    Twin("destroyed segment declared open", lied(report(
        figures=[], positions={"missing": [], "opened": [
            [3, 0], [3, 1], [4, 0], [4, 2], [5, 0], [6, 0]]})), [
        at(Code.POSITION_TWICE, REPORT, index=3, position=0),
        at(Code.POSITION_UNOPENED, REPORT, index=3, position=0)]),
    Twin("segment missing without cause", lambda: case().build(report(
        figures=[], positions={"missing": [[2, 0]], "opened": [
            [3, 1], [4, 0], [4, 2], [5, 0], [6, 0]]})), [
        at(Code.POSITION_MISSING, REPORT, index=2, position=0)]),
    Twin("segment missing, figures and all", declared_missing, [
        at(Code.POSITION_MISSING, REPORT, index=7, position=0)]),
]  # fmt: skip

FIGURES = [
    Twin("figure that lies", figure(6, op="count"), [at(Code.FIGURE_DIFFERS, REPORT, line=1)]),
    Twin("figure that says true for 1", figure(True, kind="run.failed", op="count"), [
        at(Code.FIGURE_DIFFERS, REPORT, line=1)]),
    Twin("figure of another shape", lied(report(figures=[{}])), [
        at(Code.FIGURE_MALFORMED, REPORT, line=1)]),
    Twin("figure whose label is no text", lied(report(figures=[
        {"label": 1, "name": "x", "query": {"op": "count"}, "value": 7}])), [
        at(Code.FIGURE_MALFORMED, REPORT, line=1)]),
    Twin("more figures than are recomputed", many_figures, [at(Code.FIGURE_TOO_MANY, REPORT)]),
    *(Twin(f"query {name}", figure(0, **query), [at(Code.FIGURE_MALFORMED, REPORT, line=1)])
      for name, query in MALFORMED_QUERIES.items()),
]  # fmt: skip

ISSUE = [
    Twin("manifest's leaf malformed", changed(put(LEAF, b"{}")), [at(Code.MANIFEST_LEAF, LEAF)]),
    Twin("manifest's leaf of another kind",
        changed(put(LEAF, leaf_bytes(12, bytes(32), case().log.leaves[8].split(
            b'"record":')[1][:-1]))), [
        at(Code.MANIFEST_LEAF, LEAF, index=12), at(Code.MANIFEST_PROOF, PROOF, index=12)]),
    Twin("record holds another digest", issued_as({"manifest": f"sha256:{'ab' * 32}"}), [
        at(Code.MANIFEST_DIGEST, LEAF, index=12)]),
    Twin("record holds no digest", issued_as({}), [at(Code.MANIFEST_DIGEST, LEAF, index=12)]),
    Twin("record from before the checkpoint", issued_early, [
        at(Code.MANIFEST_LEAF, LEAF, index=7), at(Code.MANIFEST_EARLY, LEAF, index=7)]),
    Twin("manifest's proof malformed", changed(put(PROOF, b"")), [
        at(Code.MANIFEST_PROOF, PROOF)]),
    Twin("manifest's proof with an extra line", changed(swap_in(
        PROOF, b"index ", b"extra AAAA\nindex ")), [at(Code.MANIFEST_PROOF, PROOF)]),
    Twin("manifest's proof of another index", changed(swap_in(PROOF, b"index 12", b"index 13")), [
        at(Code.MANIFEST_PROOF, PROOF, index=12)]),
    Twin("manifest's proof under no checkpoint", issued_under_no_checkpoint, [
        at(Code.MANIFEST_CHECKPOINT, PROOF), at(Code.MANIFEST_PROOF, PROOF, index=12)]),
    Twin("manifest's checkpoint with a witness besides", issued_by(*SIGNERS, WITNESS), [
        at(Code.MANIFEST_CHECKPOINT, PROOF)]),
    Twin("manifest's checkpoint with its signatures turned round", issued_by(*SIGNERS[::-1]), [
        at(Code.MANIFEST_CHECKPOINT, PROOF)]),
    Twin("manifest's checkpoint with one signature", issued_by(SIGNERS[0]), [
        at(Code.MANIFEST_CHECKPOINT, PROOF), at(Code.SIGNATURE_MISSING, PROOF)]),
    Twin("manifest's consistency malformed", changed(put("manifest.consistency", b"\n")), [
        at(Code.MANIFEST_CONSISTENCY, "manifest.consistency")]),
    Twin("manifest's consistency from elsewhere", changed(put("manifest.consistency", b"")), [
        at(Code.MANIFEST_CONSISTENCY, "manifest.consistency")]),
]  # fmt: skip

DEMANDS = [
    Twin("checkpoint kept from another log", good, [at(Code.SINCE_ORIGIN)], since_other_log()),
    Twin("checkpoint kept, signed by strangers", good, [at(Code.SINCE_SIGNATURE)],
        kept(2, STRANGERS)),
    Twin("checkpoint kept from before all proofs", good, [at(Code.SINCE_UNPROVED)], kept(1)),
    Twin("checkpoint kept of a fork, at a checkpoint", good, [at(Code.SINCE_FORK)],
        kept(9, root=bytes(32))),
    Twin("checkpoint kept of a fork, inside the period", good, [at(Code.SINCE_FORK)],
        kept(5, root=bytes(32))),
    Twin("witness wanted, none known", good, [at(Code.REQUIRE_WITNESS)],
        {"require": [Requirement.WITNESS]}),
    Twin("witness wanted, none signed", good, [
        at(Code.POLICY_QUORUM, CP), at(Code.REQUIRE_WITNESS)],
        {"policy": WITNESSED, "require": [Requirement.WITNESS]}),
    Twin("time-stamp wanted", good, [at(Code.REQUIRE_TIMESTAMP)],
        {"policy": POLICY, "require": [Requirement.TIMESTAMP]}),
]  # fmt: skip

TWINS = [*FILES, *SIGNATURES, *KEYS, *LOG, *EVENTS, *POSITIONS, *FIGURES, *ISSUE, *DEMANDS]

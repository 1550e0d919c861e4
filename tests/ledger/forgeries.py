"""Ways to make a bad bundle: by the operator who lies, and by others who change a good one."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ledger.leaf import leaf_bytes
from ledger.merkle import leaf_hash
from ledger.note import Checkpoint, SignatureType, Signer, sign_note
from ledger.reports.bundle import Earlier, Figure
from ledger.tlogproof import TlogProof
from ledger.verifier.bundle import Place
from ledger.verifier.report import NO_PERIOD

from .bundles import ORIGIN, SIGNERS, Edit, Files, case, tampered
from .edits import lines_of, put, put_lines, report
from .vectors import fixed

STRANGERS = (
    Signer.from_seed(ORIGIN, SignatureType.ED25519, fixed("stranger ed")),
    Signer.from_seed(ORIGIN, SignatureType.MLDSA44, fixed("stranger ml")),
)


MALFORMED_QUERIES: dict[str, dict[str, Any]] = {
    "without op": {},
    "of an unknown op": {"op": "average"},
    "with a key too many": {"op": "count", "where": 1},
    "with a key too few": {"op": "sum"},
    "with a kind that is no text": {"kind": 1, "op": "count"},
    "with an unknown status": {"op": "positions", "status": "lost"},
    "with facts that are a list": {"facts": [], "op": "count"},
    "with a fact that is no scalar": {"facts": {"a": []}, "op": "count"},
    "with a range of three": {"op": "count", "range": [1, 2, 3]},
    "with a range below 0": {"op": "count", "range": [-1, 2]},
}


# The two sorts of twin.


def lied(edit: Edit) -> Callable[[], bytes]:
    """The operator edits the files, then vouches for what they became."""
    return lambda: case().build(edit)


def changed(edit: Edit) -> Callable[[], bytes]:
    """Somebody edits the finished bundle."""
    return lambda: tampered(edit)


def vouched(edit: Edit) -> Callable[[], bytes]:
    """The operator edits the manifest itself and vouches for that."""

    def build() -> bytes:
        files = case().files()
        edit(files)
        return case().vouch(files)

    return build


# Bundles that need more than an edit.


def forged_leaf() -> bytes:
    """A leaf in the middle of the period says something else."""
    it = case()
    data = it.log.leaves[5].replace(b'"images":2', b'"images":9')
    return replace(it, evidence=replace(it.evidence, leaves={**it.evidence.leaves, 5: data})).build(
        report(figures=[])
    )


def forged_chain() -> bytes:
    """A whole tail is rewritten so that each leaf names the one before."""
    it = case()
    log = it.log
    leaves = dict(it.evidence.leaves)
    leaves[4] = leaves[4].replace(b'"allowed"', b'"refused"')
    for index in range(5, 9):
        body = log.leaves[index].split(b'"record":', 1)[1][:-1]
        before = leaves[index - 1]
        leaves[index] = leaf_bytes(index, leaf_hash(before), body)
    return replace(it, evidence=replace(it.evidence, leaves=leaves)).build(report(figures=[]))


def other_checkpoint() -> bytes:
    """A proof ends in an earlier checkpoint than the bundle's."""
    it = case()
    proof = TlogProof(2, tuple(it.log.path(2, 9)), it.log.note(9))
    return it.build(put("proofs/2.tlog-proof", str(proof).encode()))


def other_index() -> bytes:
    """The proof of leaf 8 lies under the name of leaf 2."""

    def edit(files: Files) -> None:
        files["proofs/2.tlog-proof"] = files["proofs/8.tlog-proof"]

    return case().build(edit)


def other_log(first: Callable[[Any], None]) -> Callable[[], bytes]:
    """A log whose leaf 0 was made by ``first``; the report speaks of that leaf alone."""

    def build() -> bytes:
        it = case()
        log = type(it.log)()
        first(log)
        log.append("run.failed", {})
        evidence = replace(
            it.evidence,
            checkpoint=log.note(2),
            leaves={0: log.leaves[0]},
            paths={0: log.path(0, 2)},
            period=NO_PERIOD,
            earlier=(),
            openings=(),
            padding=(),
            tombstones=(),
        )
        return replace(it, log=log, evidence=evidence, figures=[]).build()

    return build


def signed_by(*signers: Signer) -> Callable[[], bytes]:
    """The bundle's checkpoint, in all places, carries the signatures of ``signers``."""

    def build() -> bytes:
        it = case()
        evidence = replace(it.evidence, checkpoint=it.log.note(12, signers))
        return replace(it, evidence=evidence).build()

    return build


def signed_on_after(kind: str, facts: Mapping[str, Any]) -> Callable[[], bytes]:
    """The log says something of its keys, and the keys it speaks of sign on."""

    def build() -> bytes:
        it = case()
        it.log.append(kind, {"origin": ORIGIN, **facts}, hour=16)
        head, said = it.log.note(13), {12: it.log.leaves[12]}
        evidence = replace(
            it.evidence,
            checkpoint=head,
            leaves={**it.evidence.leaves, **said},
            paths={index: it.log.path(index, 13) for index in (*it.evidence.paths, 12)},
            earlier=[Earlier(it.log.note(size), it.log.way(size, 13)) for size in (2, 9)],
        )
        return replace(it, evidence=evidence).build()

    return build


def issued_by(*signers: Signer) -> Callable[[], bytes]:
    """The checkpoint that proves the manifest carries the signatures of ``signers``."""
    return lambda: replace(case(), issuers=signers).build()


def bad_signature() -> bytes:
    it = case()
    stranger, _ = sign_note(it.evidence.checkpoint.text, STRANGERS).signatures
    forged = replace(stranger, key_id=SIGNERS[0].verifier.key_id)
    note = replace(
        it.evidence.checkpoint, signatures=(forged, it.evidence.checkpoint.signatures[1])
    )
    return replace(it, evidence=replace(it.evidence, checkpoint=note)).build()


def issued_as(facts: Mapping[str, Any]) -> Callable[[], bytes]:
    def build() -> bytes:
        it = case()
        return it.vouch(it.files(), facts)

    return build


def issued_under_no_checkpoint() -> bytes:
    """What stands under the manifest's proof is signed, but is no checkpoint."""

    def edit(files: Files) -> None:
        note = sign_note("I was here\n", SIGNERS[:1])
        head = files["manifest.tlog-proof"].decode().partition("\n\n")[0]
        files["manifest.tlog-proof"] = f"{head}\n\n{note}".encode()

    return tampered(edit)


def issued_early() -> bytes:
    """The record that vouches is an old one of the same kind, before the bundle's checkpoint."""
    it = case()

    def edit(files: Files) -> None:
        proof = TlogProof(7, tuple(it.log.path(7, 12)), it.log.note(12))
        files["manifest.leaf"] = it.log.leaves[7]
        files["manifest.tlog-proof"] = str(proof).encode()
        files["manifest.consistency"] = b""

    return tampered(edit)


def declared_missing() -> bytes:
    it = case()
    place = Place(7, 0)
    return replace(it, evidence=replace(it.evidence, missing=[place])).build()


def tombstone_again() -> bytes:
    """One entry of the epoch stands for two positions."""

    def edit(files: Files) -> None:
        first, second = lines_of(files, "tombstones.ndjson")
        entry = {key: first[key] for key in ("destroyed", "leaf", "path", "salt")}
        put_lines(files, "tombstones.ndjson", [first, second | entry])

    return case().build(edit)


def epoch_with(**facts: Any) -> Callable[[], bytes]:
    """The record that closes the epoch states its facts in another way."""

    def build() -> bytes:
        it = case()
        log = it.log
        stated = json.loads(log.leaves[10])["record"]["facts"] | facts
        del log.leaves[10:]
        log.append("segments.destroyed", stated, hour=16)
        log.append("run.failed", {})
        evidence = replace(
            it.evidence,
            checkpoint=log.note(12),
            leaves={**it.evidence.leaves, 10: log.leaves[10]},
            paths={index: log.path(index, 12) for index in (2, 8, 10)},
            earlier=[Earlier(log.note(size), log.way(size, 12)) for size in (2, 9)],
        )
        return replace(it, evidence=evidence, figures=[]).build()

    return build


def opened_padding() -> bytes:
    """The padding's opening lies among the disclosed ones, and nowhere else."""

    def edit(files: Files) -> None:
        openings = lines_of(files, "disclosed/openings.ndjson")
        padding = lines_of(files, "padding.ndjson")
        merged = sorted(openings + padding, key=lambda each: (each["index"], each["position"]))
        put_lines(files, "disclosed/openings.ndjson", merged)

    return case().build(edit)


def figure(value: Any, **query: Any) -> Callable[[], bytes]:
    return lambda: case().build(
        report(figures=[{"label": "", "name": "x", "query": query, "value": value}])
    )


def many_figures() -> bytes:
    it = case()
    return replace(it, figures=[Figure("x", "", {"op": "count"})] * 501).build()


def kept(size: int, signers: Any = SIGNERS, *, root: bytes | None = None) -> dict[str, Any]:
    it = case()
    note = it.log.note(size, signers)
    if root is not None:
        note = sign_note(Checkpoint(ORIGIN, size, root).text, signers)
    return {"since": note}


def since_other_log() -> dict[str, Any]:
    signers = [Signer("log.example/other", each.type, each.key) for each in SIGNERS]
    return {"since": sign_note(Checkpoint("log.example/other", 2, bytes(32)).text, signers)}

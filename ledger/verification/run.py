"""Run all checks on one log, in one snapshot of the database."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from ledger.errors import LedgerError
from ledger.models import Incarnation, Log
from ledger.note import Verifier
from ledger.record_kinds import LOG_ANNOUNCED, LOG_OPENED
from ledger.services.append import DEFAULT_LOG
from ledger.shred_lists import read_lists
from ledger.signing import read_verifiers
from ledger.verification import completeness
from ledger.verification.findings import Aspect, LogVerdict
from ledger.verification.integrity import CHUNK, IntegrityWalk, Placed
from ledger.verification.openness import OpennessCheck

Progress = Callable[[int], None]


def verify_log(log: Log, progress: Progress = lambda _: None) -> LogVerdict:
    """Verify ``log`` from bodies to signed root, its completeness and each segment's openness.

    Reads one snapshot; ``progress`` hears how many leaves are done. Without access to the
    keystore openness is not checked, and the verdict says so. Decrypts in memory only.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Verification of a large log outlasts any application transaction.
            cursor.execute("SET LOCAL transaction_timeout = 0")
        verdict, openness = _verify(log, progress)
    if openness is not None:
        openness.judge_keyless()
    return verdict


def _verify(log: Log, progress: Progress) -> tuple[LogVerdict, OpennessCheck | None]:
    # Read before the snapshot begins and again behind it: a list is kept from before its segments
    # go until after their tombstones commit, so that one of the two readings has it.
    lists = read_lists()
    incarnation = Incarnation.objects.filter(log=log).order_by("-ordinal").first()
    if incarnation is None:
        verdict = LogVerdict(f"{settings.MUNIMENT_ORIGIN}/{log.name}")
        completeness.check_records(log, verdict)
        return verdict, None
    verdict = LogVerdict(incarnation.origin)
    verifiers = _read_verifiers(incarnation, verdict)
    lists = lists and lists | (read_lists() or lists)
    verdict.is_openness_checked = lists is not None
    openness = OpennessCheck(verdict, lists.segments) if lists else None
    walk = IntegrityWalk(incarnation, verifiers, verdict)
    announced = _walk(log, walk, openness, verdict, verifiers, progress)
    completeness.check_anchor(incarnation, verdict, walk.root_at)
    completeness.check_records(log, verdict)
    if log.name == DEFAULT_LOG:
        completeness.check_announcements(verdict, announced)
    if openness and lists:
        openness.finish()
        if log.name == DEFAULT_LOG:
            completeness.check_rows(verdict, openness.rows, lists.rows)
    return verdict, openness


def _walk(
    log: Log,
    walk: IntegrityWalk,
    openness: OpennessCheck | None,
    verdict: LogVerdict,
    verifiers: Sequence[Verifier],
    progress: Progress,
) -> set[str]:
    """Walk the leaves in chunks; return the origins that announcements name."""
    announced = set()
    leaves = iter(walk)
    while chunk := list(islice(leaves, CHUNK)):
        for leaf in chunk:
            _check_place(log, leaf, verdict, verifiers)
            verdict.days[leaf.body.at[:10], leaf.body.kind.partition(".")[0]] += 1
            if leaf.body.kind == LOG_ANNOUNCED.name:
                announced.add(str(leaf.body.facts["origin"]))
        if openness is not None:
            openness.take(chunk)
        progress(len(chunk))
    return announced


def _check_place(
    log: Log, leaf: Placed, verdict: LogVerdict, verifiers: Sequence[Verifier]
) -> None:
    """Check that a record belongs to this log, and that leaf 0 opens it with these keys."""
    integrity = Aspect.INTEGRITY
    if leaf.log_id != log.pk:
        message = f"the record of leaf {leaf.index} belongs to another log"
        verdict.found(integrity, "leaf_misplaced", message, leaf.index)
    if (leaf.index == 0) != (leaf.body.kind == LOG_OPENED.name):
        message = f"leaf {leaf.index} is {leaf.body.kind}: a log opens once, at leaf 0"
        verdict.found(integrity, "opening_misplaced", message, leaf.index)
    if leaf.index == 0 and verifiers:
        keys = {verifier.vkey for verifier in verifiers}
        facts: dict[str, Any] = dict(leaf.body.facts)
        if facts.get("origin") != verdict.origin or set(facts.get("keys", ())) != keys:
            message = "leaf 0 names another origin or other keys than this installation holds"
            verdict.found(integrity, "opening_differs", message, 0)


def _read_verifiers(incarnation: Incarnation, verdict: LogVerdict) -> tuple[Verifier, ...]:
    try:
        verifiers = read_verifiers(incarnation.origin)
    except LedgerError as error:
        verdict.found(Aspect.INTEGRITY, "keys_missing", str(error))
        return ()
    verdict.signers = tuple(verifier.vkey for verifier in verifiers)
    return verifiers

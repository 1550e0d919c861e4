"""Run all checks on one log, in one snapshot of the database."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from ledger.errors import LedgerError, UnknownCheckpoint
from ledger.grounds import read_grounds
from ledger.incarnations import read_predecessors
from ledger.keyhistory import LOG_TYPES, KeyChange, KeyHistory
from ledger.leaf import Body
from ledger.logkeys import read_history
from ledger.models import Incarnation, Log
from ledger.note import Checkpoint as TreeHead
from ledger.record_kinds import LOG_ANNOUNCED, LOG_OPENED, Predecessor
from ledger.services.append import DEFAULT_LOG
from ledger.shred_lists import read_lists
from ledger.signing import read_verifiers
from ledger.verification import completeness
from ledger.verification.findings import Aspect, LogVerdict
from ledger.verification.integrity import check_integrity
from ledger.verification.keys import check_keys
from ledger.verification.openness import OpennessCheck
from ledger.verification.outsiders import check_outsiders
from ledger.verification.parts import Parts
from ledger.verification.spread import Progress
from ledger.verification.times import check_times

# What each origin's anchor held before the snapshot.
Anchored = Mapping[str, TreeHead | None]
Told = tuple[int, Body]


def verify_log(log: Log, progress: Progress = lambda _: None, *, since: int = 0) -> LogVerdict:
    """Verify ``log`` from bodies to signed root, its completeness and each segment's openness.

    Reads one snapshot, on all cores when the log is long. ``progress`` hears how many leaves are
    done, once for integrity and once for openness. Without access to the keystore openness is
    not checked, and the verdict says so. Decrypts in memory only.

    ``since`` is the size of a signed checkpoint to go on from: leaves before it, and rows that
    only they speak of, are not read again. Raises UnknownCheckpoint when there is none,
    VerificationBroken when a process that helps is killed.
    """
    origins = list(log.incarnations.values_list("origin", flat=True))
    before = {origin: completeness.read_anchor(origin) for origin in origins}
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Verification of a large log outlasts any application transaction.
            cursor.execute("SET LOCAL transaction_timeout = 0")
        verdict, openness = _verify(log, before, since, progress)
    if openness is not None:
        openness.judge_keyless()
    return verdict


def _verify(
    log: Log, before: Anchored, since: int, progress: Progress
) -> tuple[LogVerdict, OpennessCheck | None]:
    # Read before the snapshot begins and again behind it: a list is kept from before its segments
    # go until after their tombstones commit, so that one of the two readings has it.
    lists = read_lists()
    lives = list(Incarnation.objects.filter(log=log).order_by("ordinal"))
    if since:
        lives = [_life_with(lives, since)]
    if not lives:
        verdict = LogVerdict(f"{settings.MUNIMENT_ORIGIN}/{log.name}")
        completeness.check_records(log, verdict)
        return verdict, None
    verdict = LogVerdict(lives[-1].origin, since=since)
    verdict.predecessors = _read_predecessors(lives[-1], verdict)
    lists = lists and lists | (read_lists() or lists)
    verdict.is_openness_checked = lists is not None
    parts = Parts(verdict)
    told = [
        leaf
        for life in lives
        for leaf in _verify_incarnation(life, before.get(life.origin), verdict, parts, progress)
    ]
    parts.finish(log)
    completeness.check_records(log, verdict)
    if log.name == DEFAULT_LOG and not since:
        announced = {str(b.facts["origin"]) for _, b in told if b.kind == LOG_ANNOUNCED.name}
        completeness.check_announcements(verdict, announced)
    if lists is None:
        return verdict, None
    openness = _open(lives, told, OpennessCheck(verdict, lists.segments), since, progress)
    if log.name == DEFAULT_LOG:
        completeness.check_rows(verdict, openness.stated, lists.rows, is_whole=not since)
        completeness.check_bindings(verdict, openness.stated, is_whole=not since)
    return verdict, openness


def _verify_incarnation(
    incarnation: Incarnation,
    before: TreeHead | None,
    verdict: LogVerdict,
    parts: Parts,
    progress: Progress,
) -> Iterable[Told]:
    """Verify one life of the log; return leaf 0 and the records about the log itself.

    Lives are read first to last: epochs and rows are told of across them, and what the verdict
    says of origin, size and root is at last the newest's.
    """
    verdict.origin = incarnation.origin
    keys = _read_keys(incarnation, verdict)
    said = {one.origin: one for one in verdict.predecessors}.get(incarnation.origin)
    asked = {before.size} if before else set()
    if said:
        asked |= {said.size, said.anchored_size}
    checked = check_integrity(
        incarnation,
        keys,
        verdict,
        parts,
        since=verdict.since,
        asked=frozenset(asked),
        progress=progress,
    )
    check_times(incarnation, check_outsiders(incarnation, verdict), verdict)
    verdict.rests_on = read_grounds(incarnation, verdict.size)
    for index, body in checked.told.items():
        _check_opening(incarnation, index, body, verdict, keys)
    if not verdict.since:
        check_keys(incarnation, keys, checked.told, verdict)
    if said is None:
        completeness.check_anchor(incarnation, verdict, checked.roots, before)
    else:
        completeness.check_predecessor(said, verdict, checked.roots)
    return checked.told.items()


def _open(
    lives: Sequence[Incarnation],
    told: Iterable[Told],
    openness: OpennessCheck,
    since: int,
    progress: Progress,
) -> OpennessCheck:
    """Classify all segments; the epochs come first, since tombstones are checked against them."""
    for index, body in told:
        openness.note_epoch(body, index)
    openness.note_waiting_epochs()
    for incarnation in lives:
        openness.check(incarnation, since, progress)
    if not since:
        openness.finish()
    return openness


def _life_with(lives: Sequence[Incarnation], since: int) -> Incarnation:
    if not lives or not lives[-1].checkpoints.filter(size=since).exists():
        raise UnknownCheckpoint(f"the log has no checkpoint of size {since} to go on from")
    return lives[-1]


def _check_opening(
    incarnation: Incarnation,
    index: int,
    body: Body,
    verdict: LogVerdict,
    keys: KeyHistory,
) -> None:
    """Check that leaf 0, and it alone, opens the log, and does so with these keys."""
    integrity = Aspect.INTEGRITY
    is_opening = body.kind == LOG_OPENED.name
    if (index == 0) != is_opening and not (is_opening and _is_void(body, incarnation)):
        message = f"leaf {index} is {body.kind}: a log opens once, at leaf 0"
        verdict.found(integrity, "opening_misplaced", message, index)
    if index == 0 and keys.known:
        first = {key.vkey for key in keys.changes[0].keys}
        facts: dict[str, Any] = dict(body.facts)
        if facts.get("origin") != verdict.origin or set(facts.get("keys", ())) != first:
            message = "leaf 0 names another origin or other keys than this installation holds"
            verdict.found(integrity, "opening_differs", message, 0)


def _is_void(body: Body, incarnation: Incarnation) -> bool:
    """Return whether an opening behind leaf 0 only came too late.

    A restored database may have held one in its queue, or a continuation was asked for anew.
    Nobody goes by it: an incarnation is what its leaf 0 says.
    """
    origins = Incarnation.objects.filter(log=incarnation.log_id, ordinal__lte=incarnation.ordinal)
    named = origins.filter(origin=str(body.facts.get("origin")))
    return incarnation.ordinal > 1 and named.exists()


def _read_predecessors(incarnation: Incarnation, verdict: LogVerdict) -> tuple[Predecessor, ...]:
    try:
        return read_predecessors(incarnation)
    except LedgerError as error:
        message = f"leaf 0 cannot be read: {error}"
        verdict.found(Aspect.INTEGRITY, "opening_differs", message, 0)
        return ()


def _read_keys(incarnation: Incarnation, verdict: LogVerdict) -> KeyHistory:
    """Return whose signatures count, by the log's records and by the keys that lie here.

    Where the two contradict each other, the first keys that lie here are held to be the log's.
    """
    try:
        held = read_verifiers(incarnation.origin)
    except LedgerError as error:
        verdict.found(Aspect.INTEGRITY, "keys_missing", str(error))
        return KeyHistory(())
    history = KeyHistory((KeyChange(0, held[: len(LOG_TYPES)]),))
    # Whatever cannot be read of it, the walk over the leaves will name.
    with suppress(LedgerError):
        told = read_history(incarnation)
        history = told if set(told.known) <= set(held) else history
    verdict.signers = tuple(key.vkey for key in history.newest)
    return history

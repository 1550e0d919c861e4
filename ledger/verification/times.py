"""Times: does what each record says of its time agree with the tokens before and behind it?"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from django.conf import settings

from ledger import binary
from ledger.bounds import HOUR, MINUTE, Bounds
from ledger.errors import LeafError, LedgerError
from ledger.kinds import KINDS, Cut
from ledger.leaf import parse_at, parse_body
from ledger.models import Incarnation, Record
from ledger.verification.findings import Aspect, LogVerdict

GRAINS = {Cut.MINUTE: MINUTE, Cut.HOUR: HOUR}
_REPORTED_AT_MOST = 50
# The value of `{"at":"2026-11-20T15:04:00Z",`, which sorts first: the rest need not be read.
_LEAVES = """
    SELECT l.index, r.id, substring(r.body FROM 8 FOR 20) FROM ledger_leaf l
    JOIN ledger_record r ON r.id = l.record_id
    WHERE l.incarnation_id = %s AND l.index >= %s AND r.body <> '' ORDER BY l.index"""


def check_times(incarnation: Incarnation, bounds: Bounds, verdict: LogVerdict) -> None:
    """Compare the time of each leaf behind ``verdict.since`` with ``bounds``.

    Bodies that lie in the archive are not read for this. At most 50 leaves are named.
    """
    if not bounds:
        return
    for count, (index, code, message) in enumerate(_find_false(incarnation, bounds, verdict.since)):
        if count == _REPORTED_AT_MOST:
            message, index = "more leaves than these say times that tokens contradict", None
        verdict.found(Aspect.INTEGRITY, code, message, index)
        if count == _REPORTED_AT_MOST:
            return


def _find_false(
    incarnation: Incarnation, bounds: Bounds, since: int
) -> Iterator[tuple[int | None, str, str]]:
    delay = timedelta(seconds=settings.MUNIMENT_MAX_MERGE_DELAY)
    for index, record, raw in binary.stream(_LEAVES, [incarnation.pk, since]):
        try:
            at = parse_at(raw.decode("ascii", "replace"))
        except LeafError:
            continue  # integrity has named it
        found = bounds.contradict(index, at, MINUTE, delay)
        # Nearly all are as fine as the finest: only of the others is the kind looked up.
        if found and not found.is_ahead:
            found = bounds.contradict(index, at, _grain(record), delay)
        if found:
            code = "time_ahead" if found.is_ahead else "time_behind"
            yield index, code, f"leaf {index} {found}"


def _grain(record: int) -> timedelta:
    with suppress(LedgerError):
        return GRAINS[KINDS.get(parse_body(Record.objects.get(pk=record).body).kind).cut]
    return GRAINS[Cut.HOUR]

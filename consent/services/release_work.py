"""What a worker does for an import of old releases: unpack, read anew, judge, take in.

Each step commits by itself and finds its own place: one that was cut off goes on where it stood.
"""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from consent.errors import NotPermitted
from consent.models import LineStanding, ReleaseErrand, ReleaseImport, ReleaseState, ScanArchive
from consent.moment import database_now
from consent.services.authority import lock
from consent.services.release_judging import judge, settle
from consent.services.release_lines import restate
from consent.services.release_scans import sweep_unwanted, unpack
from consent.services.release_taking import take_some
from ledger.services import destroy_scopes

LEASE = timedelta(minutes=5)
_JUDGED_AT_ONCE = 200


def lease_releases(import_id: UUID) -> ReleaseErrand | None:
    """Take the errand of an import for a while; None when there is none or somebody is at it."""
    return ReleaseErrand.objects.select_related("importing", "taker").lease(import_id, LEASE)


def carry_out_releases(errand: ReleaseErrand) -> None:
    """Unpack, judge, and take in where that is wanted; no transaction may be open.

    Of an import that was closed, destroy what is left, with its key.

    Each step commits by itself: one that was cut off goes on where it stood.
    """
    pk = errand.pk
    if errand.importing.state == ReleaseState.CLOSED:
        # No one person's: it hides nobody among those who were erased.
        destroy_scopes([errand.importing.scope_id], people=0)
        ReleaseErrand.objects.filter(pk=pk).delete()
        return
    sweep_unwanted(errand.importing)
    for archive in ScanArchive.objects.filter(importing=pk).order_by("pk"):
        unpack(archive, lambda: _renew(errand))
    if errand.restate:
        restate(errand.importing, lambda: _renew(errand))
        # Who says something meanwhile moves the errand: then it is all read once more.
        ReleaseErrand.objects.filter(pk=pk, due_at=errand.due_at).update(restate=False)
    while _judge_some(pk):
        _renew(errand)
    if errand.taker:
        try:
            while take_some(pk, errand.taker):
                _renew(errand)
        except NotPermitted:
            # Whoever ordered it may no longer: what is good waits for somebody who may.
            ReleaseErrand.objects.filter(pk=pk).update(taker=None)
    # What somebody said meanwhile moved it: then the errand stays.
    ReleaseErrand.objects.filter(pk=pk, due_at=errand.due_at).delete()


def _renew(errand: ReleaseErrand) -> None:
    """Keep the lease. Raises nothing: whoever lost it finds everything done, or is done twice."""
    due_at = database_now() + LEASE
    if ReleaseErrand.objects.filter(pk=errand.pk, due_at=errand.due_at).update(due_at=due_at):
        errand.due_at = due_at


@transaction.atomic
def _judge_some(import_id: UUID) -> int:
    importing = lock(ReleaseImport.objects.all(), import_id)
    unread = importing.lines.filter(state=LineStanding.UNREAD).select_related("importing")
    lines = list(unread.select_for_update(of=("self",)).order_by("ordinal")[:_JUDGED_AT_ONCE])
    settle(judge(importing, lines))
    return len(lines)

"""What the consent app holds of people: how it is found, told, deleted, or cut loose.

Registered in the order in which rows refer to each other; the ledger deletes in reverse.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from consent import telling
from consent.models import (
    Anonymisation,
    AnswerPaper,
    AskingErrand,
    BroughtScan,
    Delivery,
    Depiction,
    Evidence,
    Flagged,
    GivenBy,
    Grant,
    Identifier,
    ImpactCase,
    ImpactDecision,
    Intake,
    Item,
    Merge,
    Observation,
    OldRelease,
    Package,
    PrivacyRequest,
    Quarantined,
    ReleaseLine,
    Representation,
    Scan,
    ScanArchive,
    ScanMatch,
    SearchKey,
    Serving,
    SignalFinding,
    Subject,
    Title,
)
from ledger.holdings import HOLDINGS, Holding, Scopes
from ledger.models import HOUSE_SCOPE, Recorded, SealedFile
from ledger.services.files import delete_files


def _cut_cases(scopes: Scopes) -> Sequence[Recorded]:
    """Leave cases without their person: what was decided stays, and names nobody."""
    cases = list(ImpactCase.objects.filter(subject__scope__in=scopes))
    for case in cases:
        case.subject = None
        case.save(update_fields=["subject"])
    return cases


def _cut_lines(scopes: Scopes) -> Sequence[Recorded]:
    """Leave lines without the account that owned or decided them."""
    lines = list(
        ImpactDecision.objects.filter(
            Q(owner__scope__in=scopes) | Q(decided_by__scope__in=scopes)
        ).select_related("owner", "decided_by")
    )
    for line in lines:
        line.owner = None if line.owner and line.owner.scope_id in scopes else line.owner
        if line.decided_by and line.decided_by.scope_id in scopes:
            line.decided_by = None
        line.save(update_fields=["owner", "decided_by"])
    return lines


def _cut_handovers(scopes: Scopes) -> Sequence[Recorded]:
    """Leave deliveries without the account that handed over."""
    deliveries = list(Delivery.objects.filter(handed_by__scope__in=scopes))
    for delivery in deliveries:
        delivery.handed_by = None
        delivery.save(update_fields=["handed_by"])
    return deliveries


def _files(*columns: str) -> Any:
    def files(rows: QuerySet) -> list[SealedFile]:
        return list(
            {
                file.pk: file
                for row in rows.select_related(*columns)
                for column in columns
                if (file := getattr(row, column)) is not None
            }.values()
        )

    return files


def _cut_requests(scopes: Scopes) -> Sequence[PrivacyRequest]:
    """Leave requests without their person: what proves the procedure stays, and names nobody."""
    requests = list(PrivacyRequest.objects.filter(subject__scope__in=scopes))
    for request in requests:
        request.subject = None
        request.save(update_fields=["subject"])
    return requests


def _empty_scans(scopes: Scopes) -> Sequence[Recorded]:
    """Empty what was sought where it found the person: it was most likely about them."""
    found = Scan.objects.filter(matches__subject__scope__in=scopes, terms__isnull=False)
    scans = list(found.distinct())
    for scan in scans:
        scan.terms = scan.why = None
        scan.save(update_fields=["terms", "why"])
    return scans


def _lose_original(scopes: Scopes) -> Sequence[Intake]:
    """Leave intakes without what they brought: counts stay, and lead to nobody."""
    intakes = list(Intake.objects.filter(named__overlap=list(scopes)))
    lost = [intake.file for intake in intakes if intake.file]
    for intake in intakes:
        intake.file, intake.scopes, intake.named, intake.remarks = None, [HOUSE_SCOPE], [], b""
        intake.save(update_fields=["file", "scopes", "named", "remarks"])
    # Until it was read to its end it lay under the house's key, where no search by person finds it.
    transaction.on_commit(partial(delete_files, lost))
    return intakes


HOLDINGS.register(
    Holding(
        "consent.subject",
        lambda scopes: Subject.objects.filter(scope__in=scopes),
        telling.export_subject,
        _files("portrait"),
    )
)
# Behind the person only: an erasure goes backwards, so that what finds the data goes last.
HOLDINGS.register(
    Holding(
        "consent.identifier",
        lambda scopes: Identifier.objects.filter(subject__scope__in=scopes).select_related(
            "subject"
        ),
        telling.export_identifier,
    )
)
HOLDINGS.register(
    Holding(
        "consent.searchkey",
        lambda scopes: SearchKey.objects.filter(
            identifier__subject__scope__in=scopes
        ).select_related("identifier__subject"),
        telling.export_search_key,
    )
)
HOLDINGS.register(
    Holding(
        "consent.merge",
        lambda scopes: Merge.objects.filter(
            Q(subject__scope__in=scopes) | Q(into__scope__in=scopes)
        ).select_related("subject", "into"),
        telling.export_merge,
    )
)
HOLDINGS.register(
    Holding(
        "consent.serving",
        lambda scopes: Serving.objects.filter(subject__scope__in=scopes).select_related(
            "subject", "notice"
        ),
        telling.export_serving,
    )
)
HOLDINGS.register(
    Holding(
        "consent.scanmatch",
        lambda scopes: ScanMatch.objects.filter(subject__scope__in=scopes).select_related(
            "subject", "scan"
        ),
        telling.export_scan_match,
        relink=_empty_scans,
    )
)
HOLDINGS.register(
    Holding(
        "consent.grant",
        lambda scopes: Grant.objects.filter(subject__scope__in=scopes).select_related("notice"),
        telling.export_grant,
    )
)
HOLDINGS.register(
    Holding(
        "consent.askingerrand",
        lambda scopes: AskingErrand.objects.filter(grant__subject__scope__in=scopes),
        telling.export_asking,
    )
)
HOLDINGS.register(
    Holding(
        "consent.evidence",
        lambda scopes: Evidence.objects.filter(file__scopes__overlap=list(scopes)).select_related(
            "file"
        ),
        telling.export_evidence,
        _files("file"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.answerpaper",
        lambda scopes: AnswerPaper.objects.filter(grant__subject__scope__in=scopes),
        telling.export_answer_paper,
        _files("file"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.oldrelease",
        lambda scopes: OldRelease.objects.filter(scopes__overlap=list(scopes)),
        telling.export_old_release,
    )
)
HOLDINGS.register(
    Holding("consent.releaseline", ReleaseLine.objects.naming, telling.export_release_line),
)
HOLDINGS.register(
    Holding(
        "consent.broughtscan",
        BroughtScan.objects.claimed_for,
        telling.export_brought_scan,
        _files("file"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.scanarchive",
        # Nobody looked into it yet: it may have the person's scan, so that all of it goes.
        lambda scopes: ScanArchive.objects.filter(
            Q(importing__scope__in=scopes)
            | Q(importing__in=ReleaseLine.objects.naming(scopes).values("importing"))
        ),
        telling.export_scan_archive,
        _files("file"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.representation",
        lambda scopes: Representation.objects.filter(
            Q(subject__scope__in=scopes) | Q(representative__scope__in=scopes)
        ).select_related("subject", "representative"),
        telling.export_spell,
        _files("evidence"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.givenby",
        lambda scopes: GivenBy.objects.filter(
            Q(representation__subject__scope__in=scopes)
            | Q(representation__representative__scope__in=scopes)
        ).select_related("grant", "representation"),
        telling.export_given_by,
    )
)
HOLDINGS.register(
    Holding(
        "consent.title",
        lambda scopes: Title.objects.filter(
            Q(origin__scope__in=scopes) | Q(holder__scope__in=scopes)
        ).select_related("origin", "holder"),
        telling.export_spell,
        _files("evidence"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.observation",
        lambda scopes: Observation.objects.filter(subject__scope__in=scopes),
        telling.export_observation,
    )
)
HOLDINGS.register(
    Holding(
        "consent.signalfinding",
        lambda scopes: SignalFinding.objects.filter(
            observation__subject__scope__in=scopes
        ).select_related("observation"),
        telling.export_finding,
    )
)
HOLDINGS.register(
    Holding(
        "consent.item",
        lambda scopes: Item.objects.filter(people__gt=0, scopes__overlap=list(scopes)),
        telling.export_item,
        _files("file"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.depiction",
        lambda scopes: Depiction.objects.filter(
            item__people__gt=0, item__scopes__overlap=list(scopes)
        ),
        telling.export_depiction,
    )
)
HOLDINGS.register(
    Holding(
        "consent.flagged",
        lambda scopes: Flagged.objects.filter(
            item__people__gt=0, item__scopes__overlap=list(scopes)
        ).select_related("item"),
        telling.export_flagged,
    )
)
HOLDINGS.register(
    Holding(
        "consent.anonymisation",
        lambda scopes: Anonymisation.objects.filter(
            original__people__gt=0, original__scopes__overlap=list(scopes)
        ),
        telling.export_anonymisation,
    )
)
HOLDINGS.register(
    Holding(
        "consent.quarantined",
        lambda scopes: Quarantined.objects.filter(scopes__overlap=list(scopes)),
        telling.export_quarantined,
    )
)
HOLDINGS.register(
    Holding(
        "consent.intake",
        lambda scopes: Intake.objects.filter(named__overlap=list(scopes)).exclude(file=None),
        telling.export_intake,
        # Not its file: what others said of everybody in it is no copy of one person's data.
        relink=_lose_original,
    )
)
HOLDINGS.register(
    Holding(
        "consent.package",
        lambda scopes: Package.objects.filter(file__scopes__overlap=list(scopes)),
        telling.export_package,
        _files("file"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.privacyrequest",
        lambda scopes: PrivacyRequest.objects.filter(subject__scope__in=scopes),
        telling.export_request,
        relink=_cut_requests,
    )
)
HOLDINGS.register(
    Holding(
        "consent.impactcase",
        lambda scopes: ImpactCase.objects.filter(subject__scope__in=scopes),
        telling.export_case,
        relink=lambda scopes: [
            *_cut_cases(scopes),
            *_cut_lines(scopes),
            *_cut_handovers(scopes),
        ],
    )
)

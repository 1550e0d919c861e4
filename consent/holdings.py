"""What the consent app holds of people: how it is found, told, deleted, or cut loose.

Registered in the order in which rows refer to each other; the ledger deletes in reverse.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from consent.models import (
    AnswerPaper,
    Depiction,
    GivenBy,
    Grant,
    Identifier,
    ImpactCase,
    ImpactDecision,
    Intake,
    Item,
    Merge,
    Observation,
    Package,
    PrivacyRequest,
    Quarantined,
    Representation,
    SearchKey,
    SignalFinding,
    Subject,
    Title,
)
from ledger.holdings import HOLDINGS, Holding, Scopes
from ledger.models import HOUSE_SCOPE, Recorded, SealedFile
from ledger.vault import Keys


def _export_subject(subject: Subject, _keys: Keys) -> dict[str, Any]:
    return {"handle": subject.handle, "registered_at": subject.registered_at.isoformat()}


def _export_identifier(identifier: Identifier, keys: Keys) -> dict[str, Any]:
    return {
        "kind": identifier.kind,
        "value": keys.open(identifier, "value").decode() if identifier.value else None,
        "since": _time(identifier.since),
        "until": _time(identifier.until),
    }


def _export_merge(merge: Merge, keys: Keys) -> dict[str, Any]:
    return {
        "registered_as": [merge.subject.handle, merge.into.handle],
        "reason": keys.open(merge, "reason").decode(),
        "merged_at": _time(merge.merged_at),
        "parted_at": _time(merge.parted_at),
    }


def _export_search_key(key: SearchKey, _keys: Keys) -> dict[str, Any]:
    return {"found_by": key.identifier.kind, "form": key.form}


def _export_grant(grant: Grant, _keys: Keys) -> dict[str, Any]:
    return {
        "notice": str(grant.notice),
        "notice_digest": grant.notice.digest.hex(),
        "right": grant.right,
        "basis": grant.basis,
        "mode": grant.mode,
        "allowed": grant.uses,
        "refused": grant.refused,
        "media": grant.media,
        "territories": grant.territories,
        "recipients": grant.recipients,
        "model_families": grant.families,
        "ruled_out": grant.barred_themes,
        "assurance": grant.assurance,
        "method": grant.method,
        "remedy": grant.remedy,
        "given_by": grant.capacity,
        "power_until": _time(grant.power_until),
        "valid_from": _time(grant.valid_from),
        "valid_until": _time(grant.valid_until),
        "opened_at": _time(grant.opened_at),
        "given_at": _time(grant.given_at),
        "suspended_at": [_time(one) for one in grant.suspended_at],
        "resumed_at": [_time(one) for one in grant.resumed_at],
        "state": grant.state,
        "ended_at": _time(grant.ended_at),
    }


def _export_answer_paper(paper: AnswerPaper, _keys: Keys) -> dict[str, Any]:
    return {"paper": paper.kind, "answer": str(paper.grant_id), "issued_at": _time(paper.issued_at)}


def _export_spell(spell: Representation | Title, _keys: Keys) -> dict[str, Any]:
    return {
        "what": spell.capacity if isinstance(spell, Representation) else spell.right,
        "starts_at": _time(spell.starts_at),
        "ends_at": _time(spell.ends_at),
        "ended_at": _time(spell.ended_at),
    }


def _export_given_by(given: GivenBy, _keys: Keys) -> dict[str, Any]:
    return {"given_by": given.representation.capacity, "given_at": _time(given.grant.given_at)}


def _export_observation(seen: Observation, keys: Keys) -> dict[str, Any]:
    return {
        "source": seen.source,
        "place": keys.open(seen, "place").decode(),
        "raw": keys.open(seen, "raw").decode(errors="replace"),
        "seen_at": _time(seen.seen_at),
    }


def _export_finding(found: SignalFinding, _keys: Keys) -> dict[str, Any]:
    return {"signal": found.signal, "says": found.standing, "code": found.code, "uses": found.uses}


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _export_item(item: Item, _keys: Keys) -> dict[str, Any]:
    return {
        "data_set": str(item.version),
        "licence": item.licence,
        "legal_basis": item.legal_basis,
        "media_type": item.media_type,
        "width": item.width,
        "height": item.height,
        "file": str(item.file_id) if item.file_id else None,
        "set_aside": item.aside or None,
    }


def _export_depiction(depiction: Depiction, _keys: Keys) -> dict[str, Any]:
    return {"item": str(depiction.item_id)}


def _export_intake(intake: Intake, _keys: Keys) -> dict[str, Any]:
    return {
        "format": intake.form,
        "data_set": str(intake.version) if intake.version else None,
        "received_at": _time(intake.received_at),
        "file": str(intake.file_id) if intake.file_id else None,
    }


def _export_quarantined(waiting: Quarantined, _keys: Keys) -> dict[str, Any]:
    return {"place": waiting.ordinal, "reasons": waiting.reasons}


def _export_package(package: Package, _keys: Keys) -> dict[str, Any]:
    return {"paper": package.paper, "made_at": package.made_at.isoformat()}


def _export_request(request: PrivacyRequest, _keys: Keys) -> dict[str, Any]:
    return {
        "kind": request.kind,
        "state": request.state,
        "channel": request.channel,
        "identity": request.identity,
        "received_at": request.received_at.isoformat(),
        "due_at": request.due_at.isoformat(),
        "extended": request.extended,
    }


def _export_case(case: ImpactCase, _keys: Keys) -> dict[str, Any]:
    return {
        "cause": case.cause,
        "state": case.state,
        "opened_at": _time(case.opened_at),
        "found": {
            "items": case.found_items,
            "versions": case.found_versions,
            "models": case.found_models,
            "runs": case.found_runs,
            "outputs": case.found_outputs,
        },
        "decisions": [
            {"about": line.kind, "decision": line.decision, "done_at": _time(line.done_at)}
            for line in case.lines.all()
        ],
    }


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


def _lose_original(scopes: Scopes) -> Sequence[Intake]:
    """Leave intakes without what they brought: counts stay, and lead to nobody."""
    intakes = list(Intake.objects.filter(scopes__overlap=list(scopes)))
    for intake in intakes:
        intake.file, intake.scopes, intake.remarks = None, [HOUSE_SCOPE], b""
        intake.save(update_fields=["file", "scopes", "remarks"])
    return intakes


HOLDINGS.register(
    Holding(
        "consent.subject",
        lambda scopes: Subject.objects.filter(scope__in=scopes),
        _export_subject,
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
        _export_identifier,
    )
)
HOLDINGS.register(
    Holding(
        "consent.searchkey",
        lambda scopes: SearchKey.objects.filter(
            identifier__subject__scope__in=scopes
        ).select_related("identifier__subject"),
        _export_search_key,
    )
)
HOLDINGS.register(
    Holding(
        "consent.merge",
        lambda scopes: Merge.objects.filter(
            Q(subject__scope__in=scopes) | Q(into__scope__in=scopes)
        ).select_related("subject", "into"),
        _export_merge,
    )
)
HOLDINGS.register(
    Holding(
        "consent.grant",
        lambda scopes: Grant.objects.filter(subject__scope__in=scopes).select_related("notice"),
        _export_grant,
        _files("evidence"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.answerpaper",
        lambda scopes: AnswerPaper.objects.filter(grant__subject__scope__in=scopes),
        _export_answer_paper,
        _files("file"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.representation",
        lambda scopes: Representation.objects.filter(
            Q(subject__scope__in=scopes) | Q(representative__scope__in=scopes)
        ).select_related("subject", "representative"),
        _export_spell,
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
        _export_given_by,
    )
)
HOLDINGS.register(
    Holding(
        "consent.title",
        lambda scopes: Title.objects.filter(
            Q(origin__scope__in=scopes) | Q(holder__scope__in=scopes)
        ).select_related("origin", "holder"),
        _export_spell,
        _files("evidence"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.observation",
        lambda scopes: Observation.objects.filter(subject__scope__in=scopes),
        _export_observation,
    )
)
HOLDINGS.register(
    Holding(
        "consent.signalfinding",
        lambda scopes: SignalFinding.objects.filter(
            observation__subject__scope__in=scopes
        ).select_related("observation"),
        _export_finding,
    )
)
HOLDINGS.register(
    Holding(
        "consent.item",
        lambda scopes: Item.objects.filter(people__gt=0, scopes__overlap=list(scopes)),
        _export_item,
        _files("file"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.depiction",
        lambda scopes: Depiction.objects.filter(
            item__people__gt=0, item__scopes__overlap=list(scopes)
        ),
        _export_depiction,
    )
)
HOLDINGS.register(
    Holding(
        "consent.quarantined",
        lambda scopes: Quarantined.objects.filter(scopes__overlap=list(scopes)),
        _export_quarantined,
    )
)
HOLDINGS.register(
    Holding(
        "consent.intake",
        lambda scopes: Intake.objects.filter(scopes__overlap=list(scopes)).exclude(file=None),
        _export_intake,
        _files("file"),
        relink=_lose_original,
    )
)
HOLDINGS.register(
    Holding(
        "consent.package",
        lambda scopes: Package.objects.filter(file__scopes__overlap=list(scopes)),
        _export_package,
        _files("file"),
    )
)
HOLDINGS.register(
    Holding(
        "consent.privacyrequest",
        lambda scopes: PrivacyRequest.objects.filter(subject__scope__in=scopes),
        _export_request,
        relink=_cut_requests,
    )
)
HOLDINGS.register(
    Holding(
        "consent.impactcase",
        lambda scopes: ImpactCase.objects.filter(subject__scope__in=scopes),
        _export_case,
        relink=lambda scopes: [*_cut_cases(scopes), *_cut_lines(scopes)],
    )
)

"""How each row that is held of a person is told to them in an export: plain values by name."""

from base64 import b64decode
from datetime import datetime
from typing import Any

import orjson

from consent.models import (
    Anonymisation,
    AnswerPaper,
    AskingErrand,
    BroughtScan,
    Depiction,
    Evidence,
    Flagged,
    GivenBy,
    Grant,
    Identifier,
    ImpactCase,
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
    ScanArchive,
    ScanMatch,
    SearchKey,
    Serving,
    SignalFinding,
    Subject,
    Title,
)
from ledger.vault import Keys


def export_subject(subject: Subject, _keys: Keys) -> dict[str, Any]:
    return {"handle": subject.handle, "registered_at": subject.registered_at.isoformat()}


def export_identifier(identifier: Identifier, keys: Keys) -> dict[str, Any]:
    return {
        "kind": identifier.kind,
        "value": keys.open(identifier, "value").decode() if identifier.value else None,
        "since": _time(identifier.since),
        "until": _time(identifier.until),
    }


def export_merge(merge: Merge, keys: Keys) -> dict[str, Any]:
    return {
        "registered_as": [merge.subject.handle, merge.into.handle],
        "reason": keys.open(merge, "reason").decode(),
        "merged_at": _time(merge.merged_at),
        "parted_at": _time(merge.parted_at),
    }


def export_search_key(key: SearchKey, _keys: Keys) -> dict[str, Any]:
    return {"found_by": key.identifier.kind, "form": key.form}


def export_serving(serving: Serving, _keys: Keys) -> dict[str, Any]:
    return {
        "notice": str(serving.notice),
        "notice_digest": serving.notice.digest.hex(),
        "channel": serving.channel,
        "served_to": serving.capacity,
        "served_at": _time(serving.served_at),
    }


def export_scan_match(match: ScanMatch, _keys: Keys) -> dict[str, Any]:
    return {
        "searched_at": _time(match.scan.done_at),
        "reason": match.scan.reason,
        "found_by": match.kind,
        "likeness_percent": match.likeness,
    }


def export_grant(grant: Grant, _keys: Keys) -> dict[str, Any]:
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
        "signed_on": grant.signed_on.isoformat() if grant.signed_on else None,
        "valid_from": _time(grant.valid_from),
        "valid_until": _time(grant.valid_until),
        "opened_at": _time(grant.opened_at),
        "given_at": _time(grant.given_at),
        "suspended_at": [_time(one) for one in grant.suspended_at],
        "resumed_at": [_time(one) for one in grant.resumed_at],
        "state": grant.state,
        "ended_at": _time(grant.ended_at),
        "asked_to_renew": str(grant.renews_id) if grant.renews_id else None,
        "asked_by_campaign": str(grant.campaign_id) if grant.campaign_id else None,
    }


def export_asking(asking: AskingErrand, _keys: Keys) -> dict[str, Any]:
    return {
        "answer": str(asking.grant_id),
        "asked_because": asking.cause,
        "reached": asking.reach,
        "letters": asking.sent,
    }


def export_evidence(piece: Evidence, keys: Keys) -> dict[str, Any]:
    return {
        "kind": piece.kind,
        "answer": str(piece.grant_id),
        "media_type": piece.media_type,
        "digest": f"sha256:{keys.open(piece, 'digest').hex()}",
        "file": str(piece.file_id),
        "added_at": _time(piece.added_at),
    }


def export_old_release(row: OldRelease, keys: Keys) -> dict[str, Any]:
    """Tell the line of a table that an answer came of, as it came."""
    raw = b64decode(orjson.loads(keys.open(row, "stated"))["raw"])
    return {
        "answer": str(row.grant_id),
        "line": row.ordinal,
        "as_it_came": raw.decode(errors="replace").strip(),
        "brought_at": _time(row.importing.received_at),
    }


def export_release_line(row: ReleaseLine, _keys: Keys) -> dict[str, Any]:
    """Tell of a line that waits: whose it is, is not settled, so that it is not shown."""
    return {"line": row.ordinal, "waits_for": row.reasons, "import": str(row.importing_id)}


def export_brought_scan(row: BroughtScan, _keys: Keys) -> dict[str, Any]:
    return {"scan_in_import": str(row.importing_id)}


def export_scan_archive(row: ScanArchive, _keys: Keys) -> dict[str, Any]:
    return {"archive_in_import": str(row.importing_id)}


def export_answer_paper(paper: AnswerPaper, _keys: Keys) -> dict[str, Any]:
    return {
        "paper": paper.kind,
        "answer": str(paper.grant_id),
        "issued_at": _time(paper.issued_at),
    }


def export_spell(spell: Representation | Title, _keys: Keys) -> dict[str, Any]:
    return {
        "what": spell.capacity if isinstance(spell, Representation) else spell.right,
        "starts_at": _time(spell.starts_at),
        "ends_at": _time(spell.ends_at),
        "ended_at": _time(spell.ended_at),
    }


def export_given_by(given: GivenBy, _keys: Keys) -> dict[str, Any]:
    return {
        "given_by": given.representation.capacity,
        "given_at": _time(given.grant.given_at),
    }


def export_observation(seen: Observation, keys: Keys) -> dict[str, Any]:
    return {
        "source": seen.source,
        "place": keys.open(seen, "place").decode(),
        "raw": keys.open(seen, "raw").decode(errors="replace"),
        "seen_at": _time(seen.seen_at),
    }


def export_finding(found: SignalFinding, _keys: Keys) -> dict[str, Any]:
    return {"signal": found.signal, "says": found.standing, "code": found.code, "uses": found.uses}


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def export_item(item: Item, _keys: Keys) -> dict[str, Any]:
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


def export_depiction(depiction: Depiction, _keys: Keys) -> dict[str, Any]:
    return {"item": str(depiction.item_id)}


def export_intake(intake: Intake, _keys: Keys) -> dict[str, Any]:
    return {
        "format": intake.form,
        "data_set": str(intake.version) if intake.version else None,
        "received_at": _time(intake.received_at),
        "file": str(intake.file_id) if intake.file_id else None,
    }


def export_flagged(flagged: Flagged, keys: Keys) -> dict[str, Any]:
    """Tell what was found in a picture: the sort, and where faces are, in pixels."""
    detail = orjson.loads(keys.open(flagged, "detail")) if flagged.detail else {}
    faces = detail.get("boxes", [])
    return {"item": str(flagged.item_id), "found": flagged.code, "faces": faces}


def export_anonymisation(one: Anonymisation, _keys: Keys) -> dict[str, Any]:
    return {
        "item": str(one.original_id),
        "method": one.method,
        "with": one.tool,
        "faces": one.faces,
        "done_at": _time(one.done_at),
    }


def export_quarantined(waiting: Quarantined, _keys: Keys) -> dict[str, Any]:
    return {"place": waiting.ordinal, "reasons": waiting.reasons}


def export_package(package: Package, _keys: Keys) -> dict[str, Any]:
    return {"paper": package.paper, "made_at": package.made_at.isoformat()}


def export_request(request: PrivacyRequest, _keys: Keys) -> dict[str, Any]:
    return {
        "kind": request.kind,
        "state": request.state,
        "channel": request.channel,
        "identity": request.identity,
        "received_at": request.received_at.isoformat(),
        "due_at": request.due_at.isoformat(),
        "extended": request.extended,
    }


def export_case(case: ImpactCase, _keys: Keys) -> dict[str, Any]:
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

"""Notices, subjects, and what they allow: publish, register, give, withdraw, expire."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from consent import kinds
from consent.errors import TermsRefused, WrongState
from consent.kinds import GrantGiven, GrantWithdrawn, NoticePublished
from consent.models import Account, Grant, GrantState, Notice, Subject
from consent.moment import database_now
from consent.normal import is_email, is_name
from consent.pictures import inspect
from consent.services.authority import by, get, lock, require
from consent.services.projects import check_code
from consent.uses import TERRITORY, Assurance, Medium, Method, Mode, Remedy, Theme, Use
from ledger import vault
from ledger.canonical import canonical
from ledger.kinds import NoFacts
from ledger.models import Retention
from ledger.services import Unsealed, append, open_scope, store_file

LANGUAGE = re.compile(r"[a-z]{2}")
MAX_TITLE = 200
MAX_TEXT = 100_000
MAX_EVIDENCE_BYTES = 10 * 2**20
# Uses that show the person somewhere, so that the answer must say where.
SHOWN = frozenset({Use.DEPICT, Use.DISTRIBUTE, Use.COMMERCIAL})


@dataclass(frozen=True)
class Answer:
    """What a person said to a notice, as it will be frozen."""

    mode: Mode
    assurance: Assurance
    method: Method
    uses: frozenset[Use] = frozenset()
    refused: frozenset[Use] = frozenset()
    media: frozenset[Medium] = frozenset()
    territories: frozenset[str] = frozenset()
    barred_themes: frozenset[Theme] = frozenset()
    remedy: Remedy = Remedy.STOP_NEW_USE
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@transaction.atomic
def publish_notice(*, actor: Account, code: str, language: str, title: str, text: str) -> Notice:
    """Publish the next version of a notice in one language; the text is fixed from then on.

    Raises NotPermitted, TermsRefused.
    """
    require(actor, "consent.publish_notice")
    _check_notice(code, language, title, text)
    versions = Notice.objects.filter(code=code, language=language)
    version = (versions.aggregate(newest=Max("version"))["newest"] or 0) + 1
    said = {"code": code, "language": language, "text": text, "title": title, "version": version}
    digest = hashlib.sha256(canonical(said)).digest()
    notice = Notice(**said, digest=digest, published_at=database_now())
    notice.save(force_insert=True)
    facts = NoticePublished(digest=f"sha256:{digest.hex()}", version=version, language=language)
    append(
        kind=kinds.NOTICE_PUBLISHED,
        facts=facts,
        segments=[Unsealed("notice", notice.scope_ids(), {}, (notice,)), by(actor)],
    )
    return notice


@transaction.atomic
def register_subject(
    *, actor: Account, name: str, email: str | None = None, portrait: bytes | None = None
) -> Subject:
    """Register a person under a random handle and a key of their own.

    The same person may be registered twice; search before. Raises NotPermitted, TermsRefused,
    PictureRefused.
    """
    require(actor, "consent.register_subject")
    if not is_name(name):
        raise TermsRefused("name is empty, too long or has control characters")
    if email is not None and not is_email(email):
        raise TermsRefused("e-mail address is malformed")
    if portrait is not None:
        inspect(portrait)
    subject = _insert_subject(name, email, portrait)
    append(
        kind=kinds.SUBJECT_REGISTERED,
        facts=NoFacts(),
        segments=[Unsealed("subject", subject.scope_ids(), {}, (subject,)), by(actor)],
    )
    return subject


@transaction.atomic
def give(
    *,
    actor: Account,
    subject_id: UUID,
    notice_id: UUID,
    answer: Answer,
    evidence: bytes | None = None,
) -> Grant:
    """Record what a person allows or refuses. It counts from now, or from its term's start.

    Answers stand beside each other; withdraw the old one where the new one is meant to replace
    it. Raises NotPermitted, Unknown, TermsRefused.
    """
    require(actor, "consent.give_grant")
    # Locked, so that no answer comes in while the person is being erased.
    subject = lock(Subject.objects.all(), subject_id)
    notice = get(Notice.objects.all(), notice_id)
    now = database_now()
    _check_answer(answer, now)
    if evidence is not None and not 0 < len(evidence) <= MAX_EVIDENCE_BYTES:
        raise TermsRefused(f"evidence has {len(evidence)} bytes, at most {MAX_EVIDENCE_BYTES}")
    file = store_file(subject.scope_ids(), evidence) if evidence else None
    grant = _grant(subject, notice, answer, now)
    grant.evidence = file
    grant.save(force_insert=True)
    append(
        kind=kinds.GRANT_GIVEN,
        facts=GrantGiven(mode=answer.mode),
        segments=[Unsealed("subject", subject.scope_ids(), {}, (grant,)), by(actor)],
    )
    return grant


@transaction.atomic
def withdraw(
    *, actor: Account, grant_id: UUID, uses: Iterable[Use] = (), method: Method = Method.FORM
) -> Grant:
    """Take back an answer, or only ``uses`` of it; it counts from now on.

    With some uses taken back a new answer with the rest supersedes this one, in the same
    transaction, and is returned; otherwise the withdrawn one is. Raises NotPermitted, Unknown,
    WrongState when it no longer stands, TermsRefused for a use it does not speak of.
    """
    require(actor, "consent.withdraw_grant")
    grant = lock(Grant.objects.select_related("subject", "notice"), grant_id)
    if grant.state != GrantState.GIVEN:
        raise WrongState(f"answer is {grant.state}, wanted given")
    taken = frozenset(map(Use, uses))
    if foreign := taken - {*grant.uses, *grant.refused}:
        raise TermsRefused(f"answer does not speak of {', '.join(sorted(foreign))}")
    rest = _rest(grant, taken) if taken else None
    now = database_now()
    grant.state = GrantState.SUPERSEDED if rest else GrantState.WITHDRAWN
    grant.ended_at = now
    grant.save(update_fields=["state", "ended_at"])
    rows: tuple[Grant, ...] = (grant,)
    if rest:
        rest.given_at = now
        rest.save(force_insert=True)
        rows = (grant, rest)
    said = {"method": method.value, "uses": _values(taken)}
    append(
        kind=kinds.GRANT_WITHDRAWN,
        facts=GrantWithdrawn(partly=rest is not None),
        segments=[Unsealed("subject", grant.scope_ids(), said, rows), by(actor)],
    )
    return rest or grant


@transaction.atomic
def expire(*, grant_id: UUID) -> Grant:
    """Mark an answer whose term is over; decisions know it already. Safe to repeat."""
    grant = lock(Grant.objects.select_related("subject"), grant_id)
    if not Grant.objects.overdue(database_now()).filter(pk=grant_id).exists():
        return grant
    grant.state = GrantState.EXPIRED
    grant.ended_at = max(grant.valid_until or grant.given_at, grant.given_at)
    grant.save(update_fields=["state", "ended_at"])
    append(
        kind=kinds.GRANT_EXPIRED,
        facts=NoFacts(),
        segments=[Unsealed("subject", grant.scope_ids(), {}, (grant,))],
    )
    return grant


def _check_notice(code: str, language: str, title: str, text: str) -> None:
    check_code(code)
    if not LANGUAGE.fullmatch(language):
        raise TermsRefused("language is malformed, wanted two small letters (ISO 639-1)")
    if not 0 < len(title.strip()) <= len(title) <= MAX_TITLE:
        raise TermsRefused(f"title has {len(title)} characters, wanted 1 to {MAX_TITLE}")
    if not 0 < len(text.strip()) <= len(text) <= MAX_TEXT:
        raise TermsRefused(f"text has {len(text)} characters, wanted 1 to {MAX_TEXT}")


def _insert_subject(name: str, email: str | None, portrait: bytes | None) -> Subject:
    subject = Subject(scope=open_scope(Retention.PERSON), registered_at=database_now())
    sealer = vault.keys(subject.scope_ids())
    subject.name = sealer.seal(subject, "name", name.encode())
    subject.name_index = Subject.index_name(name)
    if email:
        subject.email = sealer.seal(subject, "email", email.encode())
        subject.email_index = Subject.index_email(email)
    if portrait:
        subject.portrait = store_file(subject.scope_ids(), portrait)
    subject.save(force_insert=True)
    return subject


def _check_answer(answer: Answer, now: datetime) -> None:
    wanted = {
        Mode.OPT_IN: bool(answer.uses) and not answer.refused,
        Mode.OPT_OUT: bool(answer.refused) and not answer.uses,
        Mode.GRANULAR: bool(answer.uses or answer.refused),
    }
    if not wanted[answer.mode]:
        raise TermsRefused(f"uses do not fit the mode {answer.mode.words}")
    if both := answer.uses & answer.refused:
        raise TermsRefused(f"answer allows and refuses {', '.join(sorted(both))}")
    if answer.uses & SHOWN and not (answer.media and answer.territories):
        raise TermsRefused("answer must name media and territories for what shows the person")
    if malformed := [code for code in answer.territories if not TERRITORY.fullmatch(code)]:
        raise TermsRefused(f"{len(malformed)} territories are malformed, wanted ISO 3166 or WORLD")
    start = answer.valid_from or now
    if answer.valid_until is not None and answer.valid_until <= max(start, now):
        raise TermsRefused("term ends before it begins, or has ended already")


def _grant(subject: Subject, notice: Notice, answer: Answer, now: datetime) -> Grant:
    return Grant(
        subject=subject,
        notice=notice,
        mode=answer.mode.value,
        uses=_values(answer.uses),
        refused=_values(answer.refused),
        media=_values(answer.media),
        territories=sorted(answer.territories),
        barred_themes=_values(answer.barred_themes),
        assurance=answer.assurance.value,
        method=answer.method.value,
        remedy=answer.remedy.value,
        valid_from=answer.valid_from or now,
        valid_until=answer.valid_until,
        given_at=now,
    )


def _values(codes: Iterable[StrEnum]) -> list[str]:
    return sorted(code.value for code in codes)


def _rest(grant: Grant, taken: frozenset[Use]) -> Grant | None:
    """Return the answer that is left without ``taken``, unsaved, or None when nothing is."""
    uses = [use for use in grant.uses if use not in taken]
    refused = [use for use in grant.refused if use not in taken]
    if not uses and not refused:
        return None
    kept = {
        field.attname: getattr(grant, field.attname)
        for field in Grant._meta.concrete_fields
        if field.name not in {"id", "record", "uses", "refused", "state", "ended_at"}
    }
    return Grant(**{**kept, "uses": uses, "refused": refused, "supersedes_id": grant.pk})

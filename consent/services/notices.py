"""Notices: publish the text that people are shown."""

import hashlib
import re

from django.db import connection, transaction
from django.db.models import Max

from consent import kinds
from consent.errors import TermsRefused
from consent.kinds import NoticePublished
from consent.models import Account, Notice
from consent.moment import database_now
from consent.services.authority import by, require
from consent.services.projects import check_code
from ledger.canonical import canonical
from ledger.services import Unsealed, append

LANGUAGE = re.compile(r"[a-z]{2}")
MAX_TITLE = 200
MAX_TEXT = 100_000
# What stands for the text of old papers whose wording nobody has but on the paper itself.
PAPER_ONLY = "paper-only"
PAPER_ONLY_TITLE = "On paper only"
PAPER_ONLY_TEXT = (
    "The wording that was signed stands on the paper alone. What it allows was entered from a "
    "table; the scan of the paper lies with the answer, and it counts where the two differ."
)


@transaction.atomic
def publish_notice(*, actor: Account, code: str, language: str, title: str, text: str) -> Notice:
    """Publish the next version of a notice in one language; the text is fixed from then on.

    Raises NotPermitted, TermsRefused.
    """
    require(actor, "consent.publish_notice")
    _check(code, language, title, text)
    _wait_for_others(code, language)
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
def find_paper_only(*, actor: Account) -> Notice:
    """Return the notice that says so where the wording of old papers is not known.

    Published when it is first needed. Raises NotPermitted.
    """
    known = Notice.objects.filter(code=PAPER_ONLY, language="en").order_by("-version").first()
    return known or publish_notice(
        actor=actor, code=PAPER_ONLY, language="en", title=PAPER_ONLY_TITLE, text=PAPER_ONLY_TEXT
    )


def _wait_for_others(code: str, language: str) -> None:
    """Let one notice of a code and language be published at a time: versions have no gaps."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"notice {code} {language}"]
        )


def _check(code: str, language: str, title: str, text: str) -> None:
    check_code(code)
    if not LANGUAGE.fullmatch(language):
        raise TermsRefused("language is malformed, wanted two small letters (ISO 639-1)")
    if not 0 < len(title.strip()) <= len(title) <= MAX_TITLE:
        raise TermsRefused(f"title has {len(title)} characters, wanted 1 to {MAX_TITLE}")
    if not 0 < len(text.strip()) <= len(text) <= MAX_TEXT:
        raise TermsRefused(f"text has {len(text)} characters, wanted 1 to {MAX_TEXT}")

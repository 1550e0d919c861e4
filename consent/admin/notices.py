"""Notices: the texts that people answer to."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from consent import services
from consent.admin.acts import Act, ActingAdmin, Outcome
from consent.admin.forms import NoticeForm
from consent.models import Account, Notice
from ledger.admin import record_link


def _publish(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    notice = services.publish_notice(actor=actor, **said)
    return Outcome(f"Published as version {notice.version}.", notice)


@admin.register(Notice)
class NoticeAdmin(ActingAdmin):
    """The texts that people answer to."""

    menu_group = "Consent"
    menu_icon = "article"
    empty = "Publish a notice first: people are asked with one."
    list_display = ("title", "code", "version", "language", "published_at", record_link)
    list_filter = ("language", "code")
    fields = (
        "title",
        ("code", "version", "language"),
        "text",
        "published_at",
        "digest_hex",
        record_link,
    )
    ordering = ("code", "-version", "language")
    list_acts = (
        Act(
            "publish",
            "Publish a notice",
            "publish",
            "consent.publish_notice",
            "The text is fixed once it is published, and its digest stands in the log. A notice "
            "of the same code and language becomes its next version.",
            _publish,
            lambda _: NoticeForm,
        ),
    )

    @admin.display(description="SHA-256")
    def digest_hex(self, notice: Notice) -> SafeString:
        return format_html('<code class="mu-code">{}</code>', notice.digest.hex())

"""To whom something was given, and what: recipients and deliveries."""

from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSingleDateWidget

from consent import lineage, services
from consent.admin.acts import Act, ActingAdmin, Outcome, may_view
from consent.admin.forms import one_of, text
from consent.admin.impact import long_text
from consent.admin.lineage import page_url
from consent.lineage import Node
from consent.models import Account, Delivery, Given, Recipient
from consent.uses import Handover
from ledger.admin import record_link
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, disclose

LISTED = 200


def _details() -> forms.CharField:
    help_text = "Sealed. An organisation and its mailbox; never a person's."
    return long_text("Who they are, and where to tell them", help_text)


class RecipientForm(forms.Form):
    """Who receives something."""

    code = text("Code", help_text="Small letters, digits, hyphens; never a person's name.")
    details = _details()


class CorrectionForm(forms.Form):
    """Who they are in full, and from which record that was set right."""

    details = _details()
    seen = forms.UUIDField(widget=forms.HiddenInput())


class DeliveryForm(forms.Form):
    """What was given, how and when."""

    kind = one_of(Given.choices, "What was given")
    node = forms.UUIDField(
        label="Its number", widget=text("").widget, help_text="As it stands in its page's address."
    )
    how = one_of(Handover, "How")
    day = forms.DateField(
        label="On", required=False, widget=UnfoldAdminSingleDateWidget(), help_text="Empty: now."
    )


def _name(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    recipient = services.name_recipient(actor=actor, code=said["code"], details=said["details"])
    return Outcome("Named. Say of each delivery that it went there.", recipient)


def _record(actor: Account, recipient: Recipient, said: dict[str, Any]) -> Outcome:
    day = said["day"]
    services.record_delivery(
        actor=actor,
        what=Node(said["kind"], said["node"]),
        recipient_id=recipient.pk,
        how=Handover(said["how"]),
        delivered_at=datetime.combine(day, time(), UTC) if day else None,
    )
    return Outcome("Recorded: impact cases tell you from now on to tell them.", recipient)


def _correct(actor: Account, recipient: Recipient, said: dict[str, Any]) -> Outcome:
    services.correct_recipient(
        actor=actor, recipient_id=recipient.pk, details=said["details"], seen=said["seen"]
    )
    return Outcome("Set right. What stood before is kept with the record.", recipient)


def _shown(actor: Account, recipient: Recipient) -> dict[str, Any]:
    """Return what is on record, opened for ``actor``, and which record that is."""
    return {"details": _open(actor, recipient), "seen": recipient.record}


def _theirs(account: Account) -> Q:
    theirs = Q(project__in=account.projects_with("consent.view_delivery"))
    return theirs | Q(project=None) if account.has_perm("consent.view_delivery") else theirs


@admin.register(Recipient)
class RecipientAdmin(ActingAdmin):
    """Organisations to which data sets, models and pictures are given."""

    menu_group = "Consent"
    menu_icon = "outbox"
    empty = "Name a recipient before you give something away: then it can be told when that ends."
    list_display = ("code", "named_at", record_link)
    fields = (("code", "named_at"), record_link)
    search_fields = ("code",)
    ordering = ("code", "pk")
    change_form_outer_after_template = "consent/admin/recipient.html"
    list_acts = (
        Act(
            "name",
            "Name a recipient",
            "add",
            "consent.record_delivery",
            "Whoever receives something is told when a permission ends on which it rests.",
            _name,
            lambda _: RecipientForm,
        ),
    )
    row_acts = (
        Act(
            "deliver",
            "Record a delivery",
            "outbox",
            "consent.record_delivery",
            "Says that a data set version, a model or a picture was given to them. It cannot be "
            "taken back.",
            _record,
            lambda _: DeliveryForm,
        ),
        Act(
            "correct",
            "Set right who they are",
            "edit",
            "consent.correct_recipient",
            "Another name, another address: says anew who they are and where to tell them. What "
            "stood before is kept, sealed, with the record. That you read it is recorded too.",
            _correct,
            lambda _: CorrectionForm,
            shown=_shown,
        ),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return may_view(request, "consent.view_recipient", None)

    def _may(self, request: HttpRequest, act: Act, row: Any) -> bool:  # noqa: ARG002
        # A recipient belongs to no project; the service asks of what project the thing is.
        assert isinstance(request.user, Account)
        return request.user.has_perm_anywhere(act.permission)

    def describe(self, request: HttpRequest, row: Recipient) -> dict[str, Any]:
        assert isinstance(request.user, Account)
        deliveries = row.deliveries.filter(_theirs(request.user)).order_by("-delivered_at", "pk")
        may_read = request.user.has_perm_anywhere("consent.record_delivery")
        is_read = "details" in request.GET and may_read
        shown = list(deliveries[:LISTED])
        labels = lineage.name_nodes(Node(one.kind, one.node) for one in shown if one.node)
        return {
            **super().describe(request, row),
            "deliveries": [_tell(one, labels) for one in shown],
            "more": max(deliveries.count() - LISTED, 0),
            "details": _open(request.user, row) if is_read else "",
            "may_read": may_read and not is_read,
        }


@admin.register(Delivery)
class DeliveryAdmin(ActingAdmin):
    """What was given, to whom and when; exports for our own use among them."""

    menu_group = "Consent"
    menu_icon = "local_shipping"
    empty = "What is exported stands here by itself; others are recorded on a recipient's page."
    list_display = ("__str__", "to", "how", "delivered_at", record_link)
    list_filter = ("kind", "how")
    list_select_related = ("recipient",)
    fields = (("kind", "to"), ("how", "delivered_at"), record_link)
    ordering = ("-delivered_at", "pk")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_view(request, "consent.view_delivery", obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        assert isinstance(request.user, Account)
        deliveries: QuerySet[Delivery] = super().get_queryset(request)
        return deliveries.filter(_theirs(request.user))

    @admin.display(description="to", ordering="recipient__code")
    def to(self, delivery: Delivery) -> str:
        return str(delivery.recipient or "our own use")


def _tell(delivery: Delivery, labels: dict[Node, str]) -> dict[str, Any]:
    return {"delivery": delivery, "what": _link(delivery, labels), "how": delivery.get_how_display}


def _link(delivery: Delivery, labels: dict[Node, str]) -> SafeString | str:
    if delivery.node is None:
        return "erased with whoever was in it"
    node = Node(delivery.kind, delivery.node)
    name = labels.get(node, str(node.id)[:8])
    url = page_url(node)
    return format_html('<a class="mu-link" href="{}">{}</a>', url, name) if url else name


def _open(reader: Account, recipient: Recipient) -> str:
    wanted = [Disclosure(recipient, ("details",))]
    reason = DisclosureReason.CASEWORK
    opened: dict[UUID, Any] = dict(disclose(reader=reader.scope_id, reason=reason, wanted=wanted))
    return str(opened[recipient.pk]["details"].decode())

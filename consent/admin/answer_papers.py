"""Papers of an answer on screens: written by an act, fetched on the record."""

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from consent import services
from consent.admin.acts import Act, ActingAdmin, Outcome
from consent.models import Account, AnswerPaper, AnswerPaperKind, Evidence, Grant
from consent.services.evidence import PERMISSION
from ledger.errors import LogContinued, NotYetPublished

FILES = {
    AnswerPaperKind.RECEIPT: ("receipt.jsonld", "application/ld+json"),
    AnswerPaperKind.BUNDLE: ("proof-of-consent.zip", "application/zip"),
}


def _write_receipt(actor: Account, grant: Grant, _said: dict[str, Any]) -> Outcome:
    services.issue_receipt(actor=actor, grant_id=grant.pk)
    return Outcome("The receipt is ready to download below.", grant)


def _write_proof(actor: Account, grant: Grant, _said: dict[str, Any]) -> Outcome:
    services.issue_bundle(actor=actor, grant_id=grant.pk)
    return Outcome("The proof of consent is ready to download below.", grant)


PAPER_ACTS = (
    Act(
        "receipt",
        "Write a receipt",
        "receipt_long",
        PERMISSION,
        "Writes what the person keeps: the answer as it stands now, where to take it back, and "
        "the proof that it is on record, signed. One that was written of it stays.",
        _write_receipt,
    ),
    Act(
        "proof",
        "Write a proof of consent",
        "verified",
        PERMISSION,
        "Puts together everything that shows this answer, for whoever must be convinced without "
        "us: the answer, the text the person read, the list of evidence, and what the records "
        "say of it. Nobody else is named in it.",
        _write_proof,
    ),
)


class PaperAdmin(ActingAdmin):
    """Screens of answers, with their papers."""

    refusals = (*ActingAdmin.refusals, NotYetPublished, LogContinued)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download)
        piece = self.admin_site.admin_view(self.open_evidence)
        own = [
            path("paper/<uuid:pk>/", view, name="consent_grant_paper"),
            path("evidence/<uuid:pk>/", piece, name="consent_grant_evidence"),
        ]
        return [*own, *super().get_urls()]

    def describe(self, request: HttpRequest, row: Grant) -> dict[str, Any]:
        may = request.user.has_perm(PERMISSION)
        papers = row.papers.all() if may else ()
        pieces = Evidence.objects.of(row) if may else ()
        address = "admin:consent_grant_paper"
        return {
            **super().describe(request, row),
            "papers": [(paper, reverse(address, args=[paper.pk])) for paper in papers],
            "evidence": [
                (piece, reverse("admin:consent_grant_evidence", args=[piece.pk]))
                for piece in pieces
            ],
        }

    def open_evidence(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Hand out what shows an answer; who opened it, and when, is on the record first."""
        assert isinstance(request.user, Account)
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        piece = Evidence.objects.select_related("file").filter(pk=pk).first()
        if piece is None:
            raise Http404("there is no such piece of evidence")
        content = services.read_evidence(reader=request.user, piece=piece)
        if content is None:
            raise Http404("it was destroyed with the key of somebody who spoke")
        # Never shown in place: whoever sent it chose the bytes.
        disposition = {"Content-Disposition": f'attachment; filename="evidence-{pk.hex[:8]}"'}
        return HttpResponse(content, content_type=piece.media_type, headers=disposition)

    def download(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Hand out a paper; who fetched it, and when, is on the record first."""
        assert isinstance(request.user, Account)
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        paper = AnswerPaper.objects.select_related("file").filter(pk=pk).first()
        if paper is None:
            raise Http404("there is no such paper")
        content = services.read_paper(reader=request.user, paper=paper)
        if content is None:
            raise Http404("the paper was destroyed with the person's key")
        name, media_type = FILES[AnswerPaperKind(paper.kind)]
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(content, content_type=media_type, headers=disposition)

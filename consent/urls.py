"""Addresses of consent."""

from typing import Any

from django.urls import URLPattern, path
from django.views import View

from consent import services
from consent.campaign_papers import write_unreachable
from consent.views import (
    campaigns,
    datasets,
    deliveries,
    evidence,
    grants,
    impact,
    intakes,
    receipts,
    releases,
    scans,
    sign_in,
    sources,
    subjects,
    vetting,
)

app_name = "consent"

# Moves of an answer with which nothing more is said than that they happen.
MOVES = {
    "send": services.send,
    "defer": services.defer_request,
    "lapse": services.let_lapse,
    "suspend": services.suspend,
    "resume": services.resume,
    "revoke": services.revoke,
    "invalidate": services.invalidate,
}


CAMPAIGN_MOVES = {
    "begin": services.begin_campaign,
    "pause": services.pause_campaign,
    "resume": services.resume_campaign,
    "close": services.close_campaign,
    "drop": services.drop_campaign,
}
# How somebody was reached whom no letter of ours reaches.
QUESTION_MOVES = {
    "returned": services.note_returned,
    "written": services.note_written,
    "again": services.write_again,
}


def _of_campaign(act: str, view: type[View], **options: Any) -> URLPattern:
    address = f"api/v1/campaigns/<uuid:campaign_id>{'/' if act else ''}{act}"
    name = f"campaign-{act.replace('.', '-')}" if act else "campaign"
    return path(address, view.as_view(**options), name=name)


def _of_grant(act: str, view: type[View], **options: Any) -> URLPattern:
    address = f"api/v1/grants/<uuid:grant_id>/{act}"
    return path(address, view.as_view(**options), name=f"grant-{act}")


urlpatterns = [
    path("sign-in/<uuid:account_id>/<str:token>/", sign_in.SignInView.as_view(), name="sign-in"),
    path("api/v1/subjects", subjects.SubjectsView.as_view(), name="subjects"),
    path("api/v1/subjects/search", subjects.SubjectSearchView.as_view(), name="subject-search"),
    path("api/v1/subjects/<uuid:subject_id>", subjects.SubjectView.as_view(), name="subject"),
    path(
        "api/v1/subjects/<uuid:subject_id>/identifiers",
        subjects.IdentifiersView.as_view(),
        name="identifiers",
    ),
    path("api/v1/subjects/<uuid:subject_id>/merge", subjects.MergesView.as_view(), name="merges"),
    path(
        "api/v1/merges/<uuid:merge_id>/part", subjects.MergePartingView.as_view(), name="merge-part"
    ),
    path(
        "api/v1/identifiers/<uuid:identifier_id>/correct",
        subjects.IdentifierCorrectionView.as_view(),
        name="identifier-correct",
    ),
    path(
        "api/v1/identifiers/<uuid:identifier_id>/end",
        subjects.IdentifierEndView.as_view(),
        name="identifier-end",
    ),
    path("api/v1/representations", subjects.RepresentationsView.as_view(), name="representations"),
    path(
        "api/v1/representations/<uuid:representation_id>/end",
        subjects.RepresentationEndView.as_view(),
        name="representation-end",
    ),
    path("api/v1/titles", subjects.TitlesView.as_view(), name="titles"),
    path("api/v1/titles/<uuid:title_id>/end", subjects.TitleEndView.as_view(), name="title-end"),
    path("api/v1/signals", subjects.SignalsView.as_view(), name="signals"),
    path("api/v1/scans", scans.ScansView.as_view(), name="scans"),
    path("api/v1/scans/<uuid:scan_id>", scans.ScanView.as_view(), name="scan"),
    path("api/v1/servings", scans.ServingsView.as_view(), name="servings"),
    path("api/v1/notices", grants.NoticesView.as_view(), name="notices"),
    path("api/v1/grants", grants.GrantsView.as_view(), name="grants"),
    path("api/v1/grants/requests", grants.GrantRequestsView.as_view(), name="grant-requests"),
    path(
        "api/v1/grants/drafts",
        grants.GrantRequestsView.as_view(ask=services.draft),
        name="grant-drafts",
    ),
    path("api/v1/grants/<uuid:grant_id>", grants.GrantView.as_view(), name="grant"),
    _of_grant("answer", grants.GrantAnswerView),
    _of_grant("refuse", grants.GrantRefusalView),
    _of_grant("renew", grants.GrantRenewalView),
    _of_grant("withdraw", grants.GrantWithdrawalView),
    *(_of_grant(act, grants.GrantMoveView, move=move) for act, move in MOVES.items()),
    _of_grant("evidence", evidence.GrantEvidenceView),
    path("api/v1/evidence/<uuid:piece_id>", evidence.EvidenceView.as_view(), name="evidence-piece"),
    _of_grant("record", receipts.GrantRecordView),
    _of_grant("receipt", receipts.GrantReceiptView),
    _of_grant("bundle", receipts.GrantBundleView),
    path("api/v1/receipts/keys", receipts.ReceiptKeysView.as_view(), name="receipt-keys"),
    path(
        "api/v1/receipts/verify",
        receipts.ReceiptVerificationView.as_view(),
        name="receipt-verification",
    ),
    path("api/v1/receipts/import", receipts.ReceiptImportView.as_view(), name="receipt-import"),
    path("api/v1/campaigns", campaigns.CampaignsView.as_view(), name="campaigns"),
    _of_campaign("", campaigns.CampaignView),
    _of_campaign("preview", campaigns.CampaignPreviewView),
    _of_campaign("progress", campaigns.CampaignProgressView),
    _of_campaign("answers.csv", campaigns.CampaignTableView),
    _of_campaign("unreachable.csv", campaigns.CampaignTableView, table=write_unreachable),
    _of_campaign("extend", campaigns.CampaignExtensionView),
    *(
        _of_campaign(act, campaigns.CampaignMoveView, move=move)
        for act, move in CAMPAIGN_MOVES.items()
    ),
    path("api/v1/questions", campaigns.QuestionsView.as_view(), name="questions"),
    *(
        path(
            f"api/v1/questions/<uuid:grant_id>/{act}",
            campaigns.QuestionMoveView.as_view(move=move),
            name=f"question-{act}",
        )
        for act, move in QUESTION_MOVES.items()
    ),
    path("api/v1/decisions", grants.DecisionsView.as_view(), name="decisions"),
    path("api/v1/releases", releases.ReleasesView.as_view(), name="releases"),
    path("api/v1/releases/<uuid:import_id>", releases.ReleaseView.as_view(), name="release"),
    path(
        "api/v1/release-lines/<uuid:line_id>/decide",
        releases.ReleaseDecisionView.as_view(),
        name="release-decide",
    ),
    *(
        path(f"api/v1/releases/<uuid:import_id>/{act}", view.as_view(), name=f"release-{act}")
        for act, view in releases.ACTS.items()
    ),
    path("api/v1/imports", intakes.IntakesView.as_view(), name="imports"),
    path("api/v1/imports/<uuid:intake_id>", intakes.IntakeView.as_view(), name="import"),
    path(
        "api/v1/imports/<uuid:intake_id>/repair",
        intakes.IntakeRepairView.as_view(),
        name="import-repair",
    ),
    path(
        "api/v1/imports/<uuid:intake_id>/errors",
        intakes.IntakeErrorsView.as_view(),
        name="import-errors",
    ),
    path("api/v1/lineage", intakes.LineageView.as_view(), name="lineage"),
    path("api/v1/sources", sources.SourcesView.as_view(), name="sources"),
    path(
        "api/v1/sources/<uuid:source_id>/observations",
        sources.SourceObservationsView.as_view(),
        name="source-observations",
    ),
    path(
        "api/v1/sources/<uuid:source_id>/ask",
        sources.SourceAskingView.as_view(),
        name="source-asking",
    ),
    path("api/v1/datasets", datasets.DatasetsView.as_view(), name="datasets"),
    path(
        "api/v1/datasets/<uuid:dataset_id>/versions",
        datasets.DatasetVersionsView.as_view(),
        name="dataset-versions",
    ),
    path(
        "api/v1/datasets/<uuid:dataset_id>/versions/<uuid:version_id>/freeze",
        datasets.VersionFreezingView.as_view(),
        name="version-freeze",
    ),
    path(
        "api/v1/datasets/<uuid:dataset_id>/versions/<uuid:version_id>/abandon",
        datasets.VersionAbandoningView.as_view(),
        name="version-abandon",
    ),
    path(
        "api/v1/datasets/<uuid:dataset_id>/versions/<uuid:version_id>/vetting/waive",
        vetting.VettingWaiverView.as_view(),
        name="vetting-waive",
    ),
    path(
        "api/v1/datasets/<uuid:dataset_id>/versions/<uuid:version_id>/vetting/findings/"
        "<uuid:finding_id>/set-aside",
        vetting.FindingSettingAsideView.as_view(),
        name="finding-set-aside",
    ),
    path(
        "api/v1/datasets/<uuid:dataset_id>/versions/<uuid:version_id>/vetting",
        vetting.VettingView.as_view(),
        name="vetting",
    ),
    path(
        "api/v1/datasets/<uuid:dataset_id>/versions/<uuid:version_id>/vetting/findings/"
        "<uuid:finding_id>/accept",
        vetting.FindingAcceptanceView.as_view(),
        name="finding-acceptance",
    ),
    path(
        "api/v1/datasets/<uuid:dataset_id>/versions/<uuid:version_id>/export",
        datasets.VersionExportView.as_view(),
        name="version-export",
    ),
    path(
        "api/v1/datasets/<uuid:dataset_id>/versions/<uuid:version_id>/next",
        datasets.NextVersionView.as_view(),
        name="version-next",
    ),
    path(
        "api/v1/datasets/<uuid:dataset_id>/versions/<uuid:version_id>/items/<uuid:item_id>/proof",
        datasets.ItemProofView.as_view(),
        name="item-proof",
    ),
    path("api/v1/recipients", deliveries.RecipientsView.as_view(), name="recipients"),
    path(
        "api/v1/recipients/<uuid:recipient_id>/correct",
        deliveries.RecipientCorrectionView.as_view(),
        name="recipient-correct",
    ),
    path("api/v1/deliveries", deliveries.DeliveriesView.as_view(), name="deliveries"),
    path("api/v1/lineage/impact", impact.LineageView.as_view(), name="lineage"),
    path("api/v1/lineage/graph", impact.LineageGraphView.as_view(), name="lineage-graph"),
    path("api/v1/lineage/leaves", impact.LeavesView.as_view(), name="lineage-leaves"),
    path("api/v1/impact-cases", impact.ImpactCasesView.as_view(), name="impact-cases"),
    path("api/v1/impact-cases/<uuid:case_id>", impact.ImpactCaseView.as_view(), name="impact-case"),
    path(
        "api/v1/impact-cases/<uuid:case_id>/report",
        impact.ImpactReportView.as_view(),
        name="impact-report",
    ),
    path(
        "api/v1/impact-cases/<uuid:case_id>/graph",
        impact.ImpactPictureView.as_view(),
        name="impact-graph",
    ),
    path(
        "api/v1/impact-cases/<uuid:case_id>/close",
        impact.ImpactClosingView.as_view(),
        name="impact-close",
    ),
    path(
        "api/v1/impact-lines/<uuid:line_id>/assign",
        impact.AssignmentView.as_view(),
        name="impact-assign",
    ),
    path(
        "api/v1/impact-lines/<uuid:line_id>/decide",
        impact.MeasureView.as_view(),
        name="impact-decide",
    ),
    path(
        "api/v1/impact-lines/<uuid:line_id>/complete",
        impact.CompletionView.as_view(),
        name="impact-complete",
    ),
]

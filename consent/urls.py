"""Addresses of consent."""

from django.urls import path

from consent import views

app_name = "consent"

urlpatterns = [
    path("sign-in/<uuid:account_id>/<str:token>/", views.SignInView.as_view(), name="sign-in"),
    path("api/v1/subjects", views.SubjectsView.as_view(), name="subjects"),
    path("api/v1/subjects/search", views.SubjectSearchView.as_view(), name="subject-search"),
    path("api/v1/subjects/<uuid:subject_id>", views.SubjectView.as_view(), name="subject"),
    path("api/v1/notices", views.NoticesView.as_view(), name="notices"),
    path("api/v1/grants", views.GrantsView.as_view(), name="grants"),
    path("api/v1/grants/<uuid:grant_id>", views.GrantView.as_view(), name="grant"),
    path(
        "api/v1/grants/<uuid:grant_id>/withdraw",
        views.GrantWithdrawalView.as_view(),
        name="grant-withdraw",
    ),
    path("api/v1/decisions", views.DecisionsView.as_view(), name="decisions"),
    path("api/v1/datasets", views.DatasetsView.as_view(), name="datasets"),
    path(
        "api/v1/datasets/<uuid:dataset_id>/versions",
        views.DatasetVersionsView.as_view(),
        name="dataset-versions",
    ),
]

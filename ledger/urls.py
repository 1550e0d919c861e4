"""Addresses of the ledger."""

from django.contrib import admin
from django.urls import path

from ledger import views

app_name = "ledger"
urlpatterns = [
    path("api/v1/records/<uuid:record>", views.RecordView.as_view(), name="record"),
    path(
        "api/v1/records/<uuid:record>/proof", views.RecordProofView.as_view(), name="record-proof"
    ),
    path(
        "api/v1/records/<uuid:record>/receipt",
        views.RecordReceiptView.as_view(),
        name="record-receipt",
    ),
    path("api/v1/kinds/", views.KindsView.as_view(), name="kinds"),
    path("admin/glossary/", admin.site.admin_view(views.glossary), name="glossary"),
]

"""Addresses of the ledger."""

from django.contrib import admin
from django.urls import path, register_converter

from ledger import batchviews, logviews, views

app_name = "ledger"
register_converter(logviews.PlaceConverter, "log")
register_converter(logviews.TileConverter, "tile")
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
    path("log/<log:place>/checkpoint", logviews.CheckpointView.as_view(), name="served-checkpoint"),
    path("log/<log:place>/tile/<tile:tile>", logviews.TileView.as_view(), name="served-tile"),
    path("api/v1/records:batch", batchviews.BatchView.as_view(), name="records-batch"),
    path("api/v1/kinds/", views.KindsView.as_view(), name="kinds"),
    path("admin/glossary/", admin.site.admin_view(views.glossary), name="glossary"),
]

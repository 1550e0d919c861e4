"""An app of its own, so that its tables are made by migrations like all others."""

from django.apps import AppConfig


class BenchConfig(AppConfig):
    """Rows to write, alone and with a trail."""

    name = "bench"
    default_auto_field = "django.db.models.BigAutoField"

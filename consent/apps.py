"""The consent app."""

from django.apps import AppConfig


class ConsentConfig(AppConfig):
    """People, what they allowed, data sets, and privacy requests."""

    name = "consent"
    verbose_name = "Consent"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Importing them declares record kinds, holdings, edges, figures and baskets.
        from consent import (  # noqa: F401
            examinations,
            figures,
            holdings,
            inbox,
            kinds,
            lineage,
            membership,
        )

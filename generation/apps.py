"""Generation as a Django app."""

from django.apps import AppConfig


class GenerationConfig(AppConfig):
    """Models, runs, outputs, marking, lookup, policy and moderation."""

    name = "generation"
    verbose_name = "Generation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Importing them declares record kinds, holdings, edges of the lineage, and figures.
        from generation import figures, holdings, kinds, lineage  # noqa: F401

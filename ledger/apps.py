"""The ledger as a Django app."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Records, leaves, tree, checkpoints, keys, vault, proofs and reports."""

    name = "ledger"
    verbose_name = "Ledger"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Declares the ledger's own kinds.
        from ledger import record_kinds  # noqa: F401

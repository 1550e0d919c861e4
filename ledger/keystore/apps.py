"""The keystore as a Django app of its own: its tables live in another database."""

from django.apps import AppConfig


class KeystoreConfig(AppConfig):
    """Wrapped data keys and the lists of what is being destroyed."""

    name = "ledger.keystore"
    label = "keystore"
    verbose_name = "Keystore"
    default_auto_field = "django.db.models.BigAutoField"

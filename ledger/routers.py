"""Which database a table lives in: key material in the keystore, all else in the main one."""

from typing import Any

from django.db import models

KEYSTORE = "keystore"


class KeystoreRouter:
    """Send the app ``keystore`` to the database of that alias, and nothing else there."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:  # noqa: ARG002
        return KEYSTORE if model._meta.app_label == KEYSTORE else None

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str | None:
        return self.db_for_read(model, **hints)

    def allow_relation(self, one: models.Model, other: models.Model, **hints: Any) -> bool | None:  # noqa: ARG002
        stored_apart = (one._meta.app_label == KEYSTORE) != (other._meta.app_label == KEYSTORE)
        return False if stored_apart else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:  # noqa: ARG002
        return (db == KEYSTORE) == (app_label == KEYSTORE)

"""The start-up files as a Django app, so that they can watch migrations and register checks."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ServiceConfig(AppConfig):
    name = "config"
    verbose_name = "Service"

    def ready(self) -> None:
        # Without the queue's own app, tasks would be sent to a broker on localhost.
        from config import admin_log, celery, checks, openapi, privileges  # noqa: F401

        admin_log.switch_off()
        # The last of the tables that are not ours; each migration run repeats the grants.
        last = apps.get_app_config("oauth2_provider")
        post_migrate.connect(privileges.grant_third_party, sender=last)

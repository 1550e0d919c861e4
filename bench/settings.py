"""The service's settings, and beside it what it is measured against."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "auditlog", "bench"]

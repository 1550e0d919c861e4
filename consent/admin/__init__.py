"""Consent in the browser. Rows are read-only; what people do, they do by acts, each a service."""

from consent.admin import consents, datasets, people, reports, requests, subjects  # noqa: F401

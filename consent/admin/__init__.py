"""Consent in the browser. Rows are read-only; what people do, they do by acts, each a service."""

from consent.admin import (  # noqa: F401
    askings,
    campaigns,
    datasets,
    grants,
    identities,
    impact,
    intakes,
    merges,
    notices,
    parties,
    people,
    recipients,
    releases,
    reports,
    requests,
    scans,
    servings,
    sources,
    subjects,
    vetting,
)

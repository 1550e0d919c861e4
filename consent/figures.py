"""What reports print of consent, data sets and privacy requests."""

from consent import kinds
from consent.kinds import CloseOutcome, RequestKindFact
from ledger.reports.bundle import Figure
from ledger.reports.figures import FIGURES

CONSENT = "Consent and data sets"
REQUESTS = "Privacy requests"

FIGURES.count(CONSENT, "notices", "Notices published", kinds.NOTICE_PUBLISHED)
FIGURES.count(CONSENT, "grants", "Consents given", kinds.GRANT_GIVEN)
FIGURES.count(CONSENT, "withdrawals", "Consents withdrawn", kinds.GRANT_WITHDRAWN)
FIGURES.count(CONSENT, "versions", "Data set versions frozen", kinds.VERSION_FROZEN)
FIGURES.count(
    CONSENT,
    "versions unvetted",
    "of these frozen without vetting, as somebody answers for",
    kinds.VERSION_FROZEN,
    vetted=False,
)
for name, fact, label in (
    ("version items", "items", "Pictures in them"),
    ("version quarantined", "quarantined", "Pictures kept out, with a reason"),
):
    query = {"op": "sum", "kind": kinds.VERSION_FROZEN.name, "fact": fact}
    FIGURES.register(CONSENT, Figure(name, label, query))

for asked, label in (
    (RequestKindFact.ACCESS, "Requests for a copy of everything held"),
    (RequestKindFact.ERASURE, "Requests to be erased"),
):
    FIGURES.count(REQUESTS, f"requests {asked}", label, kinds.REQUEST_RECEIVED, kind=asked.value)
    FIGURES.count(
        REQUESTS,
        f"fulfilled {asked}",
        "of these fulfilled in the period",
        kinds.REQUEST_CLOSED,
        kind=asked.value,
        outcome=CloseOutcome.FULFILLED.value,
    )

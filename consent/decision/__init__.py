"""*May I?* The pure core: what it rests on (terms), by which rules (profile), what it says."""

from consent.decision.deciding import decide
from consent.decision.findings import Code, Decision, Outcome, Reason
from consent.decision.profile import DEFAULT_SIGNAL, Binding, Priority, Profile, UseRule
from consent.decision.terms import Context, GrantTerms, Merge, Period, Person, Reservation, Title

__all__ = [
    "DEFAULT_SIGNAL",
    "Binding",
    "Code",
    "Context",
    "Decision",
    "GrantTerms",
    "Merge",
    "Outcome",
    "Period",
    "Person",
    "Priority",
    "Profile",
    "Reason",
    "Reservation",
    "Title",
    "UseRule",
    "decide",
]

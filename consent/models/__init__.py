"""The consent app's tables; what guards them stands in migration 0002."""

from consent.models.consents import OPEN, Grant, GrantState, Notice
from consent.models.datasets import (
    Dataset,
    DatasetVersion,
    Depiction,
    Description,
    Item,
    Quarantined,
)
from consent.models.impact import (
    Affected,
    ImpactCase,
    ImpactDecision,
    ImpactState,
    LineState,
)
from consent.models.merges import Merge
from consent.models.papers import AnswerPaper, AnswerPaperKind
from consent.models.parties import GivenBy, Representation, Title
from consent.models.people import Account, AccountState, Membership, MembershipState, Project
from consent.models.requests import (
    CLOSED,
    Action,
    Errand,
    Package,
    Paper,
    Plan,
    PlanState,
    PrivacyRequest,
    RequestKind,
    RequestState,
    Step,
    StepState,
)
from consent.models.signals import Observation, SignalFinding
from consent.models.subjects import Identifier, SearchKey, Subject, search_keys

__all__ = [
    "CLOSED",
    "OPEN",
    "Account",
    "AccountState",
    "Action",
    "Affected",
    "AnswerPaper",
    "AnswerPaperKind",
    "Dataset",
    "DatasetVersion",
    "Depiction",
    "Description",
    "Errand",
    "GivenBy",
    "Grant",
    "GrantState",
    "Identifier",
    "ImpactCase",
    "ImpactDecision",
    "ImpactState",
    "Item",
    "LineState",
    "Membership",
    "MembershipState",
    "Merge",
    "Notice",
    "Observation",
    "Package",
    "Paper",
    "Plan",
    "PlanState",
    "PrivacyRequest",
    "Project",
    "Quarantined",
    "Representation",
    "RequestKind",
    "RequestState",
    "SearchKey",
    "SignalFinding",
    "Step",
    "StepState",
    "Subject",
    "Title",
    "search_keys",
]

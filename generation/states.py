"""The states and codes of generation, and which may follow which; the database holds them too.

Values are stored and stand in records; they are never renamed.
"""

from enum import StrEnum

Pairs = frozenset[tuple[str, str]]


class ModelState(StrEnum):
    """A retired model runs no more; what it made stays."""

    REGISTERED = "registered"
    RETIRED = "retired"


class TrainingState(StrEnum):
    """A training waits while something stands against it, and ends once."""

    PROPOSED = "proposed"
    AUTHORISED = "authorised"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class PolicyState(StrEnum):
    """One policy at a time is active."""

    ACTIVE = "active"
    RETIRED = "retired"


class RunState(StrEnum):
    """Asked and answered in one step; a held run waits for a person."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    HELD = "held"
    COMPLETED = "completed"
    FAILED = "failed"


class RunOutcome(StrEnum):
    """The answer to *may I?*."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    HELD = "held"


class OutputState(StrEnum):
    """From the bytes that were handed in to the bytes that may leave."""

    RECEIVED = "received"
    HELD = "held"
    CLEARED = "cleared"
    MARKED = "marked"
    RELEASED = "released"
    BLOCKED = "blocked"


class CaseState(StrEnum):
    """A case is decided once."""

    OPEN = "open"
    DECIDED = "decided"


class CaseTarget(StrEnum):
    """What a case is about."""

    RUN = "run"
    OUTPUT = "output"


class CaseOutcome(StrEnum):
    """What a person decided."""

    APPROVED = "approved"
    REFUSED = "refused"


class DecisionReason(StrEnum):
    """Why a person decided so."""

    WITHIN_POLICY = "within_policy"
    FALSE_POSITIVE = "false_positive"
    AGAINST_POLICY = "against_policy"
    NO_CONSENT = "no_consent"
    UNLAWFUL = "unlawful"


REASONS_FOR: dict[CaseOutcome, frozenset[DecisionReason]] = {
    CaseOutcome.APPROVED: frozenset({DecisionReason.WITHIN_POLICY, DecisionReason.FALSE_POSITIVE}),
    CaseOutcome.REFUSED: frozenset(
        {DecisionReason.AGAINST_POLICY, DecisionReason.NO_CONSENT, DecisionReason.UNLAWFUL}
    ),
}


class FailureReason(StrEnum):
    """Why an allowed run made nothing."""

    PIPELINE_ERROR = "pipeline_error"
    ABORTED = "aborted"
    OUT_OF_MEMORY = "out_of_memory"
    UNMARKABLE_OUTPUT = "unmarkable_output"


RUN_TRANSITIONS: Pairs = frozenset(
    {
        (RunState.HELD, RunState.ALLOWED),
        (RunState.HELD, RunState.REFUSED),
        (RunState.ALLOWED, RunState.COMPLETED),
        (RunState.ALLOWED, RunState.FAILED),
    }
)
TRAINING_TRANSITIONS: Pairs = frozenset(
    {
        (TrainingState.PROPOSED, TrainingState.AUTHORISED),
        (TrainingState.PROPOSED, TrainingState.CANCELLED),
        (TrainingState.AUTHORISED, TrainingState.COMPLETED),
        (TrainingState.AUTHORISED, TrainingState.FAILED),
        (TrainingState.AUTHORISED, TrainingState.CANCELLED),
    }
)
OUTPUT_TRANSITIONS: Pairs = frozenset(
    {
        (OutputState.RECEIVED, OutputState.HELD),
        (OutputState.RECEIVED, OutputState.CLEARED),
        (OutputState.RECEIVED, OutputState.BLOCKED),
        (OutputState.HELD, OutputState.CLEARED),
        (OutputState.HELD, OutputState.BLOCKED),
        (OutputState.CLEARED, OutputState.MARKED),
        (OutputState.MARKED, OutputState.RELEASED),
        (OutputState.MARKED, OutputState.HELD),
        (OutputState.MARKED, OutputState.BLOCKED),
    }
)

"""The record kinds of generation, and what each says in the open.

No prompt, image digest, subject, account or run stands in a fact; the digest of a model stands
only in the record that publishes it, that of the policy in force wherever it was applied.
"""

from generation.policy import Outcome
from generation.states import (
    CaseOutcome,
    CaseTarget,
    DecisionReason,
    FailureReason,
    RunOutcome,
)
from ledger.kinds import KINDS, Count, Cut, Digest, Facts, Kind


class ModelRegistered(Facts):
    """Three digests: of the list of files, of the weights as loaded, of the configuration."""

    files: Digest
    effective: Digest
    configuration: Digest


class TrainingProposed(Facts):
    """How many versions are asked for, and how many people's consent had ended."""

    versions: Count
    people: Count


class TrainingAuthorised(Facts):
    """Whether two people stood for it against what was found."""

    overridden: bool


class PolicyPublished(Facts):
    """A policy came into force."""

    policy: Digest
    rules: Count


class RunAuthorised(Facts):
    """A run was asked for; this was the answer, under this policy."""

    outcome: RunOutcome
    policy: Digest


class RunCompleted(Facts):
    """A run ended with this many images handed in."""

    outputs: Count


class RunFailed(Facts):
    """A run ended without an image."""

    reason: FailureReason


class OutputScreened(Facts):
    """An image was looked at; this is what the policy says of it."""

    verdict: Outcome
    policy: Digest


class OutputMarked(Facts):
    """An image got its marks: which version of each."""

    xmp: Count
    manifest: Count


class OutputHeld(Facts):
    """An image waits for a person although the policy let it pass; consent has become unclear."""

    policy: Digest


class CaseDecided(Facts):
    """A person decided a case, under this policy."""

    target: CaseTarget
    outcome: CaseOutcome
    reason: DecisionReason
    policy: Digest


MODEL_REGISTERED = KINDS.register(Kind("model.registered", ModelRegistered))
MODEL_RETIRED = KINDS.register(Kind("model.retired"))
TRAINING_PROPOSED = KINDS.register(Kind("training.proposed", TrainingProposed, Cut.HOUR))
TRAINING_OVERRIDE_PROPOSED = KINDS.register(Kind("override.proposed"))
TRAINING_AUTHORISED = KINDS.register(Kind("training.authorised", TrainingAuthorised))
TRAINING_COMPLETED = KINDS.register(Kind("training.completed"))
TRAINING_FAILED = KINDS.register(Kind("training.failed"))
TRAINING_CANCELLED = KINDS.register(Kind("training.cancelled"))
POLICY_PUBLISHED = KINDS.register(Kind("policy.published", PolicyPublished))
RUN_AUTHORISED = KINDS.register(Kind("run.authorised", RunAuthorised))
RUN_COMPLETED = KINDS.register(Kind("run.completed", RunCompleted))
RUN_FAILED = KINDS.register(Kind("run.failed", RunFailed))
OUTPUT_SCREENED = KINDS.register(Kind("output.screened", OutputScreened))
OUTPUT_HELD = KINDS.register(Kind("output.held", OutputHeld))
OUTPUT_MARKED = KINDS.register(Kind("output.marked", OutputMarked))
OUTPUT_RELEASED = KINDS.register(Kind("output.released"))
OUTPUT_BLOCKED = KINDS.register(Kind("output.blocked"))
CASE_CLAIMED = KINDS.register(Kind("case.claimed"))
CASE_DECIDED = KINDS.register(Kind("case.decided", CaseDecided))

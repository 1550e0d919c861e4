"""All writes of generation, one function per thing the product does."""

from generation.services.callers import Caller
from generation.services.cases import claim_case, decide_case
from generation.services.catalogue import (
    ModelRequest,
    publish_policy,
    register_model,
    retire_model,
)
from generation.services.completion import complete_run, fail_run
from generation.services.outputs import mark_output, release_output, screen_output
from generation.services.runs import RunRequest, authorise_run
from generation.services.training import (
    TrainingRequest,
    approve_override,
    authorise_training,
    cancel_training,
    complete_training,
    fail_training,
    propose_override,
)
from generation.services.viewing import see_image, see_note, see_run

__all__ = [
    "Caller",
    "ModelRequest",
    "RunRequest",
    "TrainingRequest",
    "approve_override",
    "authorise_run",
    "authorise_training",
    "cancel_training",
    "claim_case",
    "complete_run",
    "complete_training",
    "decide_case",
    "fail_run",
    "fail_training",
    "mark_output",
    "propose_override",
    "publish_policy",
    "register_model",
    "release_output",
    "retire_model",
    "screen_output",
    "see_image",
    "see_note",
    "see_run",
]

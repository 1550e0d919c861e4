"""Register models and publish policies."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max

from consent.errors import NotPermitted, UseStopped
from consent.models import Account, DatasetVersion
from consent.moment import database_now
from consent.services.authority import by, get, lock, require
from consent.stops import find_stopped
from generation.digests import digest_text, parse_digest, sha256
from generation.errors import ModelConflict, PolicyRefused, RequestRefused
from generation.kinds import (
    MODEL_REGISTERED,
    MODEL_RETIRED,
    POLICY_PUBLISHED,
    ModelRegistered,
    PolicyPublished,
)
from generation.models import ModelVersion, Policy
from generation.policy import parse_policy
from generation.services.callers import Caller
from generation.services.training import finish_training
from generation.states import ModelState, PolicyState
from ledger.canonical import JSON, canonical
from ledger.kinds import NoFacts
from ledger.services import Unsealed, append

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ /-]{0,79}")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
MAX_FILES = 500
MAX_PATH_CHARS = 200


@dataclass(frozen=True)
class ModelRequest:
    """What a generator says of its model; digests as ``sha256:<hex>``."""

    name: str
    version: str
    weights: tuple[tuple[str, str], ...]
    effective_digest: str
    config_digest: str
    dataset_version: UUID | None = None
    training: UUID | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or not VERSION.fullmatch(self.version):
            raise RequestRefused("name and version of a model are letters, digits and . _ - only")
        if not 1 <= len(self.weights) <= MAX_FILES:
            raise RequestRefused(f"model has {len(self.weights)} files, wanted 1 to {MAX_FILES}")
        if len({path for path, _ in self.weights}) != len(self.weights):
            raise RequestRefused("model names a file twice")
        if any(not 1 <= len(path) <= MAX_PATH_CHARS for path, _ in self.weights):
            raise RequestRefused(f"path of a file is empty or over {MAX_PATH_CHARS} characters")
        for digest in (*dict(self.weights).values(), self.effective_digest, self.config_digest):
            parse_digest(digest)

    def files(self) -> bytes:
        """Return the canonical list of files, in the order of their paths."""
        return canonical([{"path": path, "sha256": said} for path, said in sorted(self.weights)])

    def asked(self) -> dict[str, JSON]:
        """Return what must be equal in a repetition of the request."""
        return {
            "do": "register_model",
            "name": self.name,
            "version": self.version,
            "files": self.files().decode(),
            "effective": self.effective_digest,
            "configuration": self.config_digest,
            "dataset_version": str(self.dataset_version or ""),
            **({"training": str(self.training)} if self.training else {}),
        }


def register_model(*, caller: Caller, request: ModelRequest) -> ModelVersion:
    """Register a model version by its digests; the same one again is answered with the first.

    With a training named, that training is completed by it. Raises NotPermitted, ModelConflict
    when the name and version stand for other digests, IdempotencyConflict, Unknown for a data set
    version or training that is none, WrongState for a training that is not authorised.
    """
    if not caller.account.has_perm_anywhere("generation.register_model"):
        raise NotPermitted("the account does not hold generation.register_model anywhere")
    with transaction.atomic():
        claim = caller.claim(request.asked())
        if claim.is_replay:
            return claim.answer(ModelVersion)
        model = _model_of(request)
        held = _insert_or_find(model)
        if held is None:
            append(
                kind=MODEL_REGISTERED,
                facts=_facts_of(model),
                segments=[Unsealed("model", rows=(model,)), by(caller.account)],
            )
            if request.training:
                finish_training(caller.account, request.training, model)
        claim.settle(held or model)
    return held or model


def retire_model(*, actor: Account, model_id: UUID) -> ModelVersion:
    """Take a model out of use; no further run may start with it. Safe to repeat."""
    require(actor, "generation.retire_model")
    with transaction.atomic():
        model = lock(ModelVersion.objects.all(), model_id)
        if model.state == ModelState.RETIRED:
            return model
        model.state = ModelState.RETIRED
        model.save(update_fields=["state"])
        append(
            kind=MODEL_RETIRED,
            facts=NoFacts(),
            segments=[
                Unsealed("model", rows=(model,)),
                by(actor),
            ],
        )
    return model


def publish_policy(*, actor: Account, rules: Any) -> Policy:
    """Put a policy in force in place of the one before. ``rules`` are plain JSON values.

    Decisions keep pointing at the policy they were made under. The active policy's own text
    again changes nothing. Raises PolicyRefused, NotPermitted.
    """
    require(actor, "generation.publish_policy")
    parsed = parse_policy(rules)
    with transaction.atomic():
        before = Policy.objects.select_for_update().filter(state=PolicyState.ACTIVE).first()
        if before is not None and before.digest == parsed.digest():
            return before
        retired = () if before is None else (_retire_policy(before),)
        last = Policy.objects.aggregate(last=Max("number"))["last"] or 0
        policy = Policy(
            number=last + 1,
            text=parsed.text().decode(),
            digest=parsed.digest(),
            published_at=database_now(),
        )
        _insert_policy(policy)
        append(
            kind=POLICY_PUBLISHED,
            facts=PolicyPublished(policy=policy.digest_text(), rules=len(parsed.rules)),
            segments=[
                Unsealed("policy", rows=(policy, *retired)),
                by(actor),
            ],
        )
    return policy


def get_runnable_model(model_id: UUID) -> ModelVersion:
    """Return a model version that may run.

    Raises Unknown, ModelConflict when retired, UseStopped by an impact decision.
    """
    model = get(ModelVersion.objects.all(), model_id)
    if model.state != ModelState.REGISTERED:
        raise ModelConflict(f"model {model} is retired")
    if find_stopped([model.pk]):
        raise UseStopped(f"the use of model {model} was stopped by an impact case")
    return model


def _model_of(request: ModelRequest) -> ModelVersion:
    wanted = request.dataset_version
    return ModelVersion(
        name=request.name,
        version=request.version,
        files=request.files().decode(),
        files_digest=sha256(request.files()),
        effective_digest=parse_digest(request.effective_digest),
        configuration_digest=parse_digest(request.config_digest),
        dataset_version=get(DatasetVersion.objects.all(), wanted) if wanted else None,
        registered_at=database_now(),
    )


def _insert_or_find(model: ModelVersion) -> ModelVersion | None:
    """Insert ``model``; return the row that stands for the same digests already, if any does."""
    try:
        with transaction.atomic():
            model.save(force_insert=True)
    except IntegrityError:
        return _find_same(model)
    return None


def _find_same(model: ModelVersion) -> ModelVersion:
    held = ModelVersion.objects.get(name=model.name, version=model.version)
    for column in (
        "files_digest",
        "effective_digest",
        "configuration_digest",
        "dataset_version_id",
    ):
        if getattr(held, column) != getattr(model, column):
            raise ModelConflict(f"{held} is registered with another {column.replace('_', ' ')}")
    return held


def _facts_of(model: ModelVersion) -> ModelRegistered:
    return ModelRegistered(
        files=digest_text(model.files_digest),
        effective=digest_text(model.effective_digest),
        configuration=digest_text(model.configuration_digest),
    )


def _insert_policy(policy: Policy) -> None:
    try:
        with transaction.atomic():
            policy.save(force_insert=True)
    except IntegrityError as error:
        raise PolicyRefused("somebody else published a policy at this moment; try again") from error


def _retire_policy(policy: Policy) -> Policy:
    policy.state = PolicyState.RETIRED
    policy.save(update_fields=["state"])
    return policy

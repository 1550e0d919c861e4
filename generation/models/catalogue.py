"""What runs, and by which rules: registered models and published policies. Nothing personal."""

from typing import Any

import orjson
from django.db import models
from django.db.models import Q

from consent.models import DatasetVersion
from generation.models.choices import code_field, only_codes
from generation.policy import Policy as Rules
from generation.policy import parse_policy
from generation.states import ModelState, PolicyState
from ledger.fields import DigestField
from ledger.models import Recorded


class ModelVersion(Recorded):
    """A model as it was registered: fixed but for its state.

    Three digests, since each notices what the others miss: the files on disk, the weights as
    loaded (edited weights, fused adapters), the configuration.
    """

    name = models.CharField(max_length=80, help_text="Public: it stands in every manifest.")
    version = models.CharField(max_length=40)
    files = models.TextField(help_text="Canonical JSON: a list of {path, sha256}.")
    files_digest = DigestField()
    effective_digest = DigestField()
    configuration_digest = DigestField()
    dataset_version = models.ForeignKey(
        DatasetVersion, models.PROTECT, null=True, blank=True, related_name="models"
    )
    state = code_field(ModelState, default=ModelState.REGISTERED, editable=False)
    registered_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "-registered_at"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="model_version_once"),
            only_codes("model", "state", ModelState),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def weights(self) -> list[dict[str, Any]]:
        """Return the registered files with their digests."""
        files: list[dict[str, Any]] = orjson.loads(self.files)
        return files


class PolicyQuerySet(models.QuerySet["Policy"]):
    """What many policies know."""

    def find_active(self) -> "Policy | None":
        """Return the policy in force, if any is."""
        return self.filter(state=PolicyState.ACTIVE).first()


class Policy(Recorded):
    """One published set of rules. Its text is fixed; a new one takes its place as a whole."""

    number = models.PositiveIntegerField(unique=True)
    text = models.TextField(help_text="Canonical JSON, as digested.")
    digest = DigestField()
    state = code_field(PolicyState, default=PolicyState.ACTIVE, editable=False)
    published_at = models.DateTimeField()

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        verbose_name_plural = "policies"
        constraints = [
            only_codes("policy", "state", PolicyState),
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="active"), name="policy_one_active"
            ),
        ]

    def __str__(self) -> str:
        return f"policy {self.number}"

    def rules(self) -> Rules:
        """Return the rules that the text states."""
        return parse_policy(orjson.loads(self.text))

    def digest_text(self) -> str:
        """Return the digest as records write it."""
        return f"sha256:{self.digest.hex()}"

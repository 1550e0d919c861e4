"""Models that may run, and the rules they run under."""

from typing import Any, ClassVar

import orjson
from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from consent.admin.acts import Act, ActingAdmin, Outcome, may_view
from consent.models import Account
from generation import services
from generation.admin.screens import (
    GENERATION,
    MODERATION,
    STATE_COLOURS,
    ProjectScreen,
    digest_text,
    link_to,
    state_words,
)
from generation.models import ModelVersion, Policy
from generation.policy import MAX_RULES, PromptRule
from generation.states import ModelState
from ledger.admin import record_link

MAX_TEXT_CHARS = 200_000


def _retire(actor: Account, model: ModelVersion, _said: dict[str, Any]) -> Outcome:
    services.retire_model(actor=actor, model_id=model.pk)
    return Outcome("Retired. No further run may start with it.", model)


@admin.register(ModelVersion)
class ModelVersionAdmin(ActingAdmin):
    """Registered models, by their digests."""

    refusals: ClassVar = ProjectScreen.refusals
    menu_group = GENERATION
    menu_icon = "neurology"
    empty = "Generators register models over the API."
    list_display = ("name", "version", "data_set", "standing", "registered_at", record_link)
    list_filter = ("state",)
    list_select_related = ("dataset_version__dataset",)
    search_fields = ("name",)
    ordering = ("name", "-registered_at", "pk")
    fields = (
        ("name", "version"),
        ("standing", "data_set"),
        "registered_at",
        "files_hex",
        "effective_hex",
        "configuration_hex",
        record_link,
    )
    change_form_outer_after_template = "generation/admin/model.html"
    row_acts = (
        Act(
            "retire",
            "Retire",
            "block",
            "generation.retire_model",
            "No further run may start with this model. What it made stays, and this cannot be "
            "undone: register the model again under another version.",
            _retire,
            is_open=lambda model: model.state == ModelState.REGISTERED,
        ),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        # Models belong to no project: who may see them in one may see them at all.
        return may_view(request, "generation.view_modelversion", None)

    def describe(self, request: HttpRequest, row: ModelVersion) -> dict[str, Any]:
        return {**super().describe(request, row), "files": row.weights(), "runs": row.runs.count()}

    @display(description="state", label=STATE_COLOURS)
    def standing(self, model: ModelVersion) -> str:
        return state_words(model)

    @admin.display(description="trained on")
    def data_set(self, model: ModelVersion) -> str | SafeString:
        return link_to(model.dataset_version)

    @admin.display(description="SHA-256 of the list of files")
    def files_hex(self, model: ModelVersion) -> SafeString:
        return digest_text(model.files_digest)

    @admin.display(description="SHA-256 of the weights as loaded")
    def effective_hex(self, model: ModelVersion) -> SafeString:
        return digest_text(model.effective_digest)

    @admin.display(description="SHA-256 of the configuration")
    def configuration_hex(self, model: ModelVersion) -> SafeString:
        return digest_text(model.configuration_digest)


class PolicyForm(forms.Form):
    """A policy to put in force, as JSON."""

    rules = forms.CharField(
        label="Rules",
        max_length=MAX_TEXT_CHARS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 24, "spellcheck": "false"}),
        help_text='{"v": 1, "rules": […]}: patterns are RE2, verdicts review or refuse, '
        f"severities 0, 2, 4 or 6, at most {MAX_RULES} rules.",
    )

    def clean_rules(self) -> Any:
        try:
            return orjson.loads(self.cleaned_data["rules"])
        except orjson.JSONDecodeError as error:
            raise forms.ValidationError(f"This is no JSON: {error}.") from error


def _policy_form(_row: None) -> type[forms.Form]:
    active = Policy.objects.find_active()
    text = active.text if active else '{"v":1,"rules":[]}'
    shown = orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()

    class Form(PolicyForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["rules"].initial = shown

    return Form


def _publish(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    policy = services.publish_policy(actor=actor, rules=said["rules"])
    return Outcome(f"Policy {policy.number} is in force.", policy)


@admin.register(Policy)
class PolicyAdmin(ActingAdmin):
    """Policies, newest first; decisions point at the one they were made under."""

    refusals: ClassVar = ProjectScreen.refusals
    menu_group = MODERATION
    menu_icon = "policy"
    empty = "Publish a policy: it says which pictures a person looks at."
    list_display = ("number", "standing", "rule_count", "published_at", record_link)
    ordering = ("-number",)
    fields = (("number", "standing"), "published_at", "digest_hex", record_link)
    change_form_outer_after_template = "generation/admin/policy.html"
    list_acts = (
        Act(
            "publish",
            "Publish a policy",
            "publish",
            "generation.publish_policy",
            "It takes the place of the one in force, for runs, images and decisions from now on. "
            "Earlier decisions keep pointing at the text they were made under.",
            _publish,
            _policy_form,
        ),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return may_view(request, "generation.view_policy", None)

    def describe(self, request: HttpRequest, row: Policy) -> dict[str, Any]:
        rules = [
            (
                rule,
                f"prompt matches {rule.pattern}"
                if isinstance(rule, PromptRule)
                else f"image has {rule.signal} of {rule.at_least} or more",
            )
            for rule in row.rules().rules
        ]
        return {**super().describe(request, row), "rules": rules}

    @display(description="state", label=STATE_COLOURS)
    def standing(self, policy: Policy) -> str:
        return state_words(policy)

    @admin.display(description="rules")
    def rule_count(self, policy: Policy) -> int:
        return len(policy.rules().rules)

    @admin.display(description="SHA-256 of the text")
    def digest_hex(self, policy: Policy) -> SafeString:
        return digest_text(policy.digest)

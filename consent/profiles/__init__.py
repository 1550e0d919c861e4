"""Jurisdiction profiles: rules as versioned data files beside this module, never code.

A file is named ``<name>-<version>.json`` and never changes once released: decisions cite it. A
new rule is a new version.
"""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from consent.clock import ClockRules
from consent.decision import DEFAULT_SIGNAL, Binding, Outcome, Priority, Profile, UseRule
from consent.errors import ProfileRefused
from consent.signals.finding import Signal
from consent.uses import Assurance, Basis, Theme, Use

DEFAULT = "strict/1"
LABEL = re.compile(r"[a-z]+/[0-9]+")


@dataclass(frozen=True)
class RenewalRules:
    """When people are asked anew before an answer's term ends, and how often they are reminded."""

    ask_before: timedelta
    remind_after: timedelta
    reminders: int


@dataclass(frozen=True)
class Jurisdiction:
    """A profile's rules for decisions, those for privacy requests, and when a child is of age."""

    profile: Profile
    identity_minimum: Assurance
    clock: ClockRules
    renewal: RenewalRules
    majority_years: int


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    minimum: Assurance
    below_minimum: Literal[Outcome.NEEDS_REVIEW, Outcome.REFUSED]
    place: Binding
    recipient: Binding = Binding.IF_KNOWN
    family: Binding = Binding.IF_KNOWN
    silence: Outcome = Outcome.REFUSED
    bases: frozenset[Basis] = frozenset(Basis)
    written: bool = False
    lifetime_days: Annotated[int, Field(ge=1, le=36_525)] | None = None

    def as_rule(self) -> UseRule:
        said = self.model_dump(exclude={"lifetime_days"})
        lifetime = None if self.lifetime_days is None else timedelta(days=self.lifetime_days)
        return UseRule(**said, lifetime=lifetime)


class _Clock(BaseModel):
    model_config = ConfigDict(extra="forbid")
    months: Annotated[int, Field(ge=0, le=12)] = 0
    days: Annotated[int, Field(ge=0, le=366)] = 0
    extension_months: Annotated[int, Field(ge=0, le=12)] = 0
    extension_days: Annotated[int, Field(ge=0, le=366)] = 0
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    zone: str
    working_day: bool = True

    @model_validator(mode="after")
    def _leaves_time(self) -> Self:
        if not self.months + self.days:
            raise ValueError("a clock leaves neither months nor days")
        return self


class _Renewal(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ask_days_before: Annotated[int, Field(ge=1, le=366)]
    remind_after_days: Annotated[int, Field(ge=1, le=366)]
    reminders: Annotated[int, Field(ge=0, le=5)]

    def as_rules(self) -> RenewalRules:
        before, after = timedelta(days=self.ask_days_before), timedelta(days=self.remind_after_days)
        return RenewalRules(before, after, self.reminders)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    version: int
    about: str
    rules: dict[Use, _Rule]
    forbidden_themes: frozenset[Theme]
    sensitive_themes: frozenset[Theme]
    signals: dict[Signal | Literal["default"], Priority]
    power_ended: Literal[Outcome.NEEDS_REVIEW, Outcome.REFUSED]
    identity_minimum: Assurance
    clock: _Clock
    renewal: _Renewal
    majority_years: Annotated[int, Field(ge=1, le=30)]


@cache
def load(label: str = DEFAULT) -> Jurisdiction:
    """Return the profile called ``name/version``. Raises ProfileRefused when there is none."""
    if not LABEL.fullmatch(label):
        raise ProfileRefused(f"profile is called {label!r}, wanted name/version")
    file = files(__name__) / f"{label.replace('/', '-')}.json"
    if not file.is_file():
        raise ProfileRefused(f"no profile is called {label}")
    return parse(file.read_bytes())


def labels() -> list[str]:
    """Return the labels of all profiles that there are, in order."""
    names = (file.name for file in files(__name__).iterdir() if file.name.endswith(".json"))
    return sorted(name.removesuffix(".json").replace("-", "/") for name in names)


def parse(data: bytes) -> Jurisdiction:
    """Read a profile file. Raises ProfileRefused when malformed or without a rule for a use."""
    try:
        content = _File.model_validate(json.loads(data))
    except (ValueError, ValidationError) as error:
        raise ProfileRefused(f"profile is malformed: {error}") from error
    if missing := set(Use) - set(content.rules):
        raise ProfileRefused(f"profile has no rule for {', '.join(sorted(missing))}")
    if DEFAULT_SIGNAL not in content.signals:
        raise ProfileRefused("profile does not say who wins against a signal by default")
    profile = Profile(
        name=content.name,
        version=content.version,
        rules={use: rule.as_rule() for use, rule in content.rules.items()},
        forbidden_themes=content.forbidden_themes,
        sensitive_themes=content.sensitive_themes,
        signals={str(kind): priority for kind, priority in content.signals.items()},
        power_ended=content.power_ended,
    )
    return Jurisdiction(
        profile=profile,
        identity_minimum=content.identity_minimum,
        clock=ClockRules(**content.clock.model_dump()),
        renewal=content.renewal.as_rules(),
        majority_years=content.majority_years,
    )

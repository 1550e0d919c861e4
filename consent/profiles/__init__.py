"""Jurisdiction profiles: rules as versioned data files beside this module, never code.

A file is named ``<name>-<version>.json`` and never changes once released: decisions cite it. A
new rule is a new version.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consent.clock import ClockRules
from consent.decision import Outcome, Place, Profile, UseRule
from consent.errors import ProfileRefused
from consent.uses import Assurance, Theme, Use

DEFAULT = "strict/1"


@dataclass(frozen=True)
class Jurisdiction:
    """A profile's rules for decisions, and those for privacy requests."""

    profile: Profile
    identity_minimum: Assurance
    clock: ClockRules


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid")
    minimum: Assurance
    below_minimum: Literal[Outcome.NEEDS_REVIEW, Outcome.REFUSED]
    place: Place


class _Clock(BaseModel):
    model_config = ConfigDict(extra="forbid")
    months: Annotated[int, Field(ge=1, le=12)]
    extension_months: Annotated[int, Field(ge=0, le=12)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    zone: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    version: int
    about: str
    rules: dict[Use, _Rule]
    forbidden_themes: frozenset[Theme]
    sensitive_themes: frozenset[Theme]
    identity_minimum: Assurance
    clock: _Clock


@cache
def load(label: str = DEFAULT) -> Jurisdiction:
    """Return the profile called ``name/version``. Raises ProfileRefused when there is none."""
    if not re.fullmatch(r"[a-z]+/[0-9]+", label):
        raise ProfileRefused(f"profile is called {label!r}, wanted name/version")
    file = files(__name__) / f"{label.replace('/', '-')}.json"
    if not file.is_file():
        raise ProfileRefused(f"no profile is called {label}")
    return parse(file.read_bytes())


def parse(data: bytes) -> Jurisdiction:
    """Read a profile file. Raises ProfileRefused when malformed or without a rule for a use."""
    try:
        content = _File.model_validate(json.loads(data))
    except (ValueError, ValidationError) as error:
        raise ProfileRefused(f"profile is malformed: {error}") from error
    if missing := set(Use) - set(content.rules):
        raise ProfileRefused(f"profile has no rule for {', '.join(sorted(missing))}")
    profile = Profile(
        name=content.name,
        version=content.version,
        rules={use: UseRule(**rule.model_dump()) for use, rule in content.rules.items()},
        forbidden_themes=content.forbidden_themes,
        sensitive_themes=content.sensitive_themes,
    )
    return Jurisdiction(profile, content.identity_minimum, ClockRules(**content.clock.model_dump()))

"""The rules of one jurisdiction or house, as decisions use them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from consent.decision.findings import Outcome
from consent.uses import Assurance, Basis, Theme, Use

DEFAULT_SIGNAL = "default"


class Binding(StrEnum):
    """Whether a use is bound to a circumstance, such as where the picture is shown."""

    IGNORED = "ignored"
    IF_KNOWN = "if_known"
    REQUIRED = "required"


class Priority(StrEnum):
    """Who wins where a signal reserves what an answer allows."""

    SIGNAL = "signal"
    NEWEST = "newest"
    ANSWER = "answer"


@dataclass(frozen=True)
class UseRule:
    """What a profile asks of one use.

    ``silence`` is the outcome when nobody has ever said anything; ``lifetime`` is how old an
    answer may be before a human must look at it.
    """

    minimum: Assurance
    below_minimum: Outcome
    place: Binding
    recipient: Binding = Binding.IF_KNOWN
    family: Binding = Binding.IF_KNOWN
    silence: Outcome = Outcome.REFUSED
    bases: frozenset[Basis] = frozenset(Basis)
    written: bool = False
    lifetime: timedelta | None = None


@dataclass(frozen=True)
class Profile:
    """The rules of one jurisdiction or house, in one version.

    ``signals`` says by kind of signal, and by ``default``, who wins a conflict; ``power_ended``
    is the outcome for an answer that somebody gave for a person who now speaks for themself.
    """

    name: str
    version: int
    rules: Mapping[Use, UseRule]
    forbidden_themes: frozenset[Theme]
    sensitive_themes: frozenset[Theme]
    signals: Mapping[str, Priority] = field(
        default_factory=lambda: {DEFAULT_SIGNAL: Priority.SIGNAL}
    )
    power_ended: Outcome = Outcome.NEEDS_REVIEW

    @property
    def label(self) -> str:
        """Return ``name/version``, as decisions cite it."""
        return f"{self.name}/{self.version}"

    def priority(self, kind: str) -> Priority:
        """Return who wins where a signal of this kind meets an answer."""
        return self.signals.get(kind, self.signals[DEFAULT_SIGNAL])

"""What stands against relying on one answer for one use, on one occasion. Pure."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from consent.decision.findings import Code, Finding, allow, day, question, refuse, severity
from consent.decision.profile import Binding, Profile, UseRule
from consent.decision.terms import Context, GrantTerms
from consent.uses import ANY, WORLD, Theme, Use


@dataclass(frozen=True)
class Case:
    """One use on one occasion, under one profile."""

    use: Use
    context: Context
    at: datetime
    profile: Profile

    @property
    def rule(self) -> UseRule:
        """Return what the profile asks of this use."""
        return self.profile.rules[self.use]


def examine(grant: GrantTerms, person: UUID, case: Case) -> Finding:
    """Return the worst that stands against relying on ``grant`` for ``person`` in this case."""
    findings = [
        *_check_title(grant, person),
        *_check_giver(grant, case),
        *_check_form(grant, case),
        *_check_place(grant, case.context, case.rule.place),
        *_check_recipient(grant, case.context, case.rule.recipient),
        *_check_family(grant, case.context, case.rule.family),
        *check_sensitive(case),
    ]
    granted = allow(Code.GRANTED, f"the person consented to {case.use.words}")
    return replace(max(findings, key=severity, default=granted), grant=grant.id)


def themes_in_words(themes: Iterable[Theme]) -> str:
    """Return themes as they read in a sentence."""
    return " and ".join(sorted(theme.words for theme in themes))


def _check_title(grant: GrantTerms, person: UUID) -> Iterator[Finding]:
    if grant.person != person:
        # Who holds the rights of several does not say whose an answer means.
        detail = "whoever holds the right consented, and may not have meant this person's"
        yield question(Code.BY_TITLE, detail)


def _check_giver(grant: GrantTerms, case: Case) -> Iterator[Finding]:
    rule = case.rule
    if grant.assurance.rank < rule.minimum.rank:
        detail = f"consent rests on {grant.assurance.words}, this use needs {rule.minimum.words}"
        yield Finding(rule.below_minimum, Code.ASSURANCE_TOO_LOW, detail)
    if grant.power is not None and not grant.power.covers(case.at):
        detail = "somebody else consented for the person, who now speaks for themself"
        yield Finding(case.profile.power_ended, Code.POWER_ENDED, detail)


def _check_form(grant: GrantTerms, case: Case) -> Iterator[Finding]:
    rule = case.rule
    if grant.basis not in rule.bases:
        detail = f"it rests on {grant.basis.words}, which does not do for {case.use.words}"
        yield refuse(Code.BASIS_NOT_ACCEPTED, detail)
    if rule.written and not grant.written:
        yield refuse(Code.NOT_IN_WRITING, f"{case.use.words} needs consent in writing")
    if rule.lifetime is not None and case.at >= grant.said_at + rule.lifetime:
        detail = f"the answer of {day(grant.said_at)} is too old to rely on unasked"
        yield question(Code.TOO_OLD, detail)


def _check_place(grant: GrantTerms, context: Context, binding: Binding) -> Iterator[Finding]:
    if binding is Binding.IGNORED:
        return
    if context.medium is None and binding is Binding.REQUIRED:
        yield question(Code.MEDIUM_UNKNOWN, "where it will be shown is not known")
    if context.medium is not None and context.medium not in grant.media:
        detail = f"consent does not cover showing it in {context.medium.words} media"
        yield refuse(Code.MEDIUM_NOT_COVERED, detail)
    if WORLD in grant.territories:
        return
    if context.territory is None and binding is Binding.REQUIRED:
        detail = "in which country it will be shown is not known"
        yield question(Code.TERRITORY_UNKNOWN, detail)
    if context.territory is not None and context.territory not in grant.territories:
        detail = f"consent does not cover the territory {context.territory}"
        yield refuse(Code.TERRITORY_NOT_COVERED, detail)


def _check_recipient(grant: GrantTerms, context: Context, binding: Binding) -> Iterator[Finding]:
    if _is_unknown(context.recipient, grant.recipients, binding):
        yield question(Code.RECIPIENT_UNKNOWN, "who will get it is not known")
    if _is_outside(context.recipient, grant.recipients, binding):
        detail = f"consent does not cover the recipient {context.recipient}"
        yield refuse(Code.RECIPIENT_NOT_COVERED, detail)


def _check_family(grant: GrantTerms, context: Context, binding: Binding) -> Iterator[Finding]:
    if _is_unknown(context.family, grant.families, binding):
        yield question(Code.FAMILY_UNKNOWN, "which family of models it is for is not known")
    if _is_outside(context.family, grant.families, binding):
        detail = f"consent does not cover models of the family {context.family}"
        yield refuse(Code.FAMILY_NOT_COVERED, detail)


def check_sensitive(case: Case) -> Iterator[Finding]:
    """Yield what a human must look at, whoever allowed it."""
    if sensitive := case.profile.sensitive_themes & case.context.themes:
        detail = f"{themes_in_words(sensitive)} content with people in it needs a human look"
        yield question(Code.THEME_SENSITIVE, detail)


def _is_unknown(stated: str | None, covered: Collection[str], binding: Binding) -> bool:
    return binding is Binding.REQUIRED and stated is None and ANY not in covered


def _is_outside(stated: str | None, covered: Collection[str], binding: Binding) -> bool:
    bound = binding is not Binding.IGNORED
    return bound and stated is not None and stated not in covered and ANY not in covered

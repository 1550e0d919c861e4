"""Policies of TDMRep: an ODRL 2.2 Offer in the profile of the report, which keeps to fixed terms.

JSON-LD is not expanded: the profile prescribes both contexts, and nothing is fetched. What stands
beside the profile's terms stays in the raw bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consent.errors import SignalUnreadable
from consent.signals.documents import listed, read_json
from consent.signals.finding import (
    MINING,
    Code,
    Finding,
    Observation,
    Reach,
    Signal,
    Standing,
    say,
)

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
TERMS = "http://www.w3.org/ns/tdmrep#"
PROFILE = "http://www.w3.org/ns/tdmrep"
MINE = "tdm:mine"
MOST_RULES = 100
_ODRL = "http://www.w3.org/ns/odrl/2/"
_FOR_PEOPLE = ("text/html", "application/xhtml+xml")
_FOR_MACHINES = ("", "application/json", "application/ld+json")


@dataclass(frozen=True)
class Constraint:
    """A bound on a permission, as ``purpose eq tdm:research``."""

    left: str
    operator: str
    right: str

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True)
class Rule:
    """What may or may not be done, what must be done for it, and within which bounds."""

    action: str
    target: str
    duties: tuple[str, ...]
    constraints: tuple[Constraint, ...]


@dataclass(frozen=True)
class Offer:
    """A policy. ``assigner`` holds the rightsholder's contact: personal data, as it stands."""

    uid: str
    assigner: Mapping[str, Any]
    permissions: tuple[Rule, ...]
    prohibitions: tuple[Rule, ...]
    duties: tuple[str, ...]

    @property
    def terms(self) -> str:
        """Return what an offer asks for before mining, in ODRL's own words."""
        asked = dict.fromkeys(self.duties)
        for rule in self.permissions:
            asked |= dict.fromkeys((*rule.duties, *map(str, rule.constraints)))
        return "; ".join(asked) or "to be agreed"


def read(seen: Observation) -> Finding:
    """Say what a policy offers. By itself it reserves nothing: a reservation refers to it.

    A policy out of reach, or in no form that is read, leaves the conditions unknown; so says the
    report, and that it is no error.
    """
    media_type = seen.media_type.partition(";")[0].strip().lower()
    standing, terms = Standing.CONDITIONS, ""
    if seen.reach is not Reach.FOUND:
        code, detail = (
            Code.TDM_CONDITIONS_UNKNOWN,
            "the policy cannot be had: its terms are unknown",
        )
    elif media_type in _FOR_PEOPLE:
        code, detail = Code.TDM_POLICY_FOR_PEOPLE, "the policy is a page for people to read"
    else:
        try:
            offer = _read_machine(seen.raw, media_type)
        except SignalUnreadable as error:
            code, detail = Code.TDM_CONDITIONS_UNKNOWN, f"the policy's terms are unknown: {error}"
        else:
            if any(rule.action == MINE for rule in offer.prohibitions):
                standing, code = Standing.RESERVED, Code.TDM_PROHIBITED
                detail = "the policy prohibits mining"
            else:
                code, terms = Code.TDM_OFFER, offer.terms
                detail = "the policy offers a licence to mine on terms"
    return say(seen, Signal.TDMREP, standing, code, MINING, detail, terms)


def parse(data: bytes) -> Offer:
    """Read an Offer. Raises SignalUnreadable naming the first thing that the profile lacks."""
    policy = read_json(data)
    if not isinstance(policy, dict):
        raise SignalUnreadable("it is no object")
    _check_context(policy.get("@context"))
    if policy.get("@type", policy.get("type")) != "Offer":
        raise SignalUnreadable("it is no Offer")
    if policy.get("profile") != PROFILE:
        raise SignalUnreadable("it is not of the TDM profile")
    assigner, uid = policy.get("assigner"), policy.get("uid", policy.get("@id"))
    if not isinstance(assigner, dict):
        raise SignalUnreadable("it names no assigner")
    if not isinstance(uid, str):
        raise SignalUnreadable("it has no identifier")
    offer = Offer(
        uid=uid,
        assigner=assigner,
        permissions=_rules(policy.get("permission")),
        prohibitions=_rules(policy.get("prohibition")),
        duties=tuple(_action(each) for each in _objects(policy.get("obligation"))),
    )
    if not any(rule.action == MINE for rule in (*offer.permissions, *offer.prohibitions)):
        raise SignalUnreadable("it speaks of no mining")
    return offer


def _read_machine(data: bytes, media_type: str) -> Offer:
    if media_type not in _FOR_MACHINES:
        raise SignalUnreadable("its media type is none of a policy")
    return parse(data)


def _check_context(context: Any) -> None:
    contexts = listed(context)
    aliases = [each.get("tdm") for each in contexts if isinstance(each, dict) and "tdm" in each]
    if CONTEXT not in contexts or any(alias != TERMS for alias in aliases):
        raise SignalUnreadable("its contexts are not those of the profile")


def _rules(value: Any) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            action=_action(each),
            target=each["target"] if isinstance(each.get("target"), str) else "",
            duties=tuple(_action(duty) for duty in _objects(each.get("duty"))),
            constraints=tuple(_constraint(bound) for bound in _objects(each.get("constraint"))),
        )
        for each in _objects(value)
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    every = listed(value)
    if len(every) > MOST_RULES:
        raise SignalUnreadable(f"it lists more than {MOST_RULES} rules in one place")
    if not all(isinstance(each, dict) for each in every):
        raise SignalUnreadable("one of its rules is no object")
    return every


def _action(rule: Mapping[str, Any]) -> str:
    action = rule.get("action")
    if not isinstance(action, str):
        raise SignalUnreadable("one of its rules has no action that is a term")
    return _term(action)


def _constraint(bound: Mapping[str, Any]) -> Constraint:
    parts = [bound.get(key) for key in ("leftOperand", "operator", "rightOperand")]
    if not all(isinstance(part, str) for part in parts):
        raise SignalUnreadable("one of its constraints is not made of three terms")
    return Constraint(*(_term(str(part)) for part in parts))


def _term(text: str) -> str:
    """Return a term as the contexts abbreviate it."""
    if text.startswith(TERMS):
        return f"tdm:{text.removeprefix(TERMS)}"
    return text.removeprefix(_ODRL).removeprefix("odrl:")

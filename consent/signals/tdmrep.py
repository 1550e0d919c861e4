"""The TDM Reservation Protocol: W3C Community Group report of 10 May 2024, places 1 to 4.

Two properties, each for itself: a later place supersedes an earlier one, and what a place does
not say resets nothing. ``combining`` does so; here each place is read alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from consent.errors import SignalUnreadable
from consent.signals.documents import header_values, parsed_once, read_json
from consent.signals.finding import (
    MINING,
    NOTHING,
    Code,
    Finding,
    Item,
    Observation,
    Signal,
    Source,
    Standing,
    say,
)
from consent.signals.pages import Meta
from consent.signals.paths import Pattern, path_of

RESERVATION, POLICY = "tdm-reservation", "tdm-policy"
# A later place supersedes an earlier one; what is embedded, whatever the format, comes last.
PLACES = {
    Source.TDMREP_FILE: 0,
    Source.RESPONSE_HEADERS: 1,
    Source.HTML: 2,
    Source.EPUB: 3,
    Source.PDF: 3,
}
_VALUES = {"1": True, "0": False}


@dataclass(frozen=True)
class Statement:
    """What one place, or one rule, says: ``reserves`` is None where it is unset."""

    reserves: bool | None
    policy: str = ""
    is_wrong: bool = False


@dataclass(frozen=True)
class Rule:
    """A rule of the file for the paths that match."""

    pattern: Pattern
    statement: Statement


def read_file(seen: Observation, item: Item) -> Iterator[Finding]:
    """Read ``/.well-known/tdmrep.json`` for the item.

    The report calls the first match in sequence the most specific one, and advises to match as
    Google does, by length. So the first decides, unless a longer one reserves what it does not.
    Raises SignalUnreadable.
    """
    path = path_of(item.url)
    matching = [rule for rule in parse_rules(seen.raw) if rule.pattern.matches(path)]
    if not matching:
        detail = "no rule of tdmrep.json matches it"
        yield say(seen, Signal.TDMREP, Standing.SILENT, Code.NOTHING_SAID, MINING, detail)
        return
    first = matching[0]
    longer = [
        rule
        for rule in matching
        if rule.statement.reserves
        and (first.statement.is_wrong or rule.pattern.octets > first.pattern.octets)
    ]
    if longer and not first.statement.reserves:
        detail = "a later rule of tdmrep.json, longer than the first that matches, reserves mining"
        policy = _absolute(seen, longer[0].statement.policy)
        yield say(
            seen, Signal.TDMREP, Standing.RESERVED, Code.TDM_LATER_RULE, MINING, detail, policy
        )
    else:
        yield judge(seen, first.statement)


@parsed_once
def parse_rules(data: bytes) -> tuple[Rule, ...]:
    """Return the rules of a file in their order. Raises SignalUnreadable unless it is an array.

    A rule without a location matches nothing.
    """
    return tuple(
        Rule(
            Pattern.parse(rule["location"].encode("utf-8", "surrogatepass")),
            _from_json(rule.get(RESERVATION), rule.get(POLICY)),
        )
        for rule in _array(read_json(data))
        if isinstance(rule, dict) and isinstance(rule.get("location"), str)
    )


def read_headers(seen: Observation) -> Finding:
    """Read the tdm-reservation and tdm-policy lines of a response. Raises SignalUnreadable."""
    return judge(seen, gather(header_values(seen.raw, RESERVATION, POLICY)))


def from_metas(metas: Iterable[Meta]) -> Statement:
    """Return what the meta elements of a page say; one in the body may reserve, not release."""
    said = [
        (_own(meta.attributes, "name").lower(), _own(meta.attributes, "content"))
        for meta in metas
        if meta.is_in_head or _own(meta.attributes, "content") != "0"
    ]
    return gather(said)


def gather(said: Iterable[tuple[str, str]]) -> Statement:
    """Return what pairs of property and value come to: of several values, the strictest."""
    pairs = list(said)
    values = [value for name, value in pairs if name == RESERVATION]
    policies = [value for name, value in pairs if name == POLICY and value]
    known = [_VALUES[value] for value in values if value in _VALUES]
    return Statement(
        any(known) if known else None,
        policies[0] if policies else "",
        is_wrong=len(known) < len(values),
    )


def judge(seen: Observation, statement: Statement) -> Finding:
    """Say what a statement comes to; ``conditions`` is the absolute URL of its policy."""
    policy = _absolute(seen, statement.policy)
    uses = MINING
    if statement.reserves:
        standing, code = Standing.RESERVED, Code.TDM_RESERVED
        detail = "the rights to mine it are reserved"
    elif statement.reserves is False:
        standing, code = Standing.PERMITTED, Code.TDM_NOT_RESERVED
        detail = "the rights to mine it are not reserved"
    elif statement.is_wrong:
        # Neither 0 nor 1 counts as unset: it may not touch what another place says.
        standing, code, uses = Standing.MALFORMED, Code.VALUE_IGNORED, NOTHING
        detail = "tdm-reservation is neither 0 nor 1, which counts as unset"
    elif policy:
        standing, code = Standing.SILENT, Code.TDM_POLICY_NAMED
        detail = "a policy is named, and nothing said of a reservation"
    else:
        standing, code = Standing.SILENT, Code.NOTHING_SAID
        detail = "nothing is said of mining"
    return say(seen, Signal.TDMREP, standing, code, uses, detail, policy)


def _from_json(reservation: Any, policy: Any) -> Statement:
    # True equals 1 in Python, and is another value in JSON.
    is_known = type(reservation) is int and reservation in (0, 1)
    return Statement(
        bool(reservation) if is_known else None,
        policy if isinstance(policy, str) else "",
        is_wrong=not is_known,
    )


def _array(content: Any) -> list[Any]:
    if not isinstance(content, list):
        raise SignalUnreadable("it is no array of rules")
    return content


def _own(attributes: Mapping[str, str], name: str) -> str:
    return attributes.get(name, "").strip()


def _absolute(seen: Observation, policy: str) -> str:
    """Return the URL of a policy; what is no URL stands as it is."""
    try:
        return urljoin(seen.place, policy) if policy else ""
    except ValueError:
        return policy

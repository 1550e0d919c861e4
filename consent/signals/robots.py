"""robots.txt by RFC 9309, with the Content-Usage rules of draft-ietf-aipref-attach-05, and ai.txt.

Groups that name one agent are merged; of its rules the longest match counts. To be allowed to
crawl is no permission to train: nothing of robots.txt but Content-Usage permits a use.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from consent.signals import aipref
from consent.signals.documents import parsed_once
from consent.signals.finding import (
    MINING,
    Code,
    Finding,
    Item,
    Observation,
    Signal,
    Standing,
    say,
)
from consent.signals.paths import Pattern, path_of

# RFC 9309, section 2.5: at least so much is read.
LONGEST = 500 * 1024
_AGENT, _ALLOW, _DISALLOW, _USAGE = b"user-agent", b"allow", b"disallow", b"content-usage"
_KNOWN = (_AGENT, _ALLOW, _DISALLOW, _USAGE)
_BLANKS = b" \t"


class Rule(NamedTuple):
    """One line: what it says of the paths that match; a Content-Usage with its preference."""

    key: bytes
    pattern: Pattern
    preference: str = ""


@dataclass
class Group:
    """The rules for some agents, their names in lower case."""

    agents: set[bytes] = field(default_factory=set)
    rules: list[Rule] = field(default_factory=list)


@dataclass(frozen=True)
class Robots:
    """A file's groups in their order; ``is_cut`` when it goes on beyond what is read."""

    groups: Sequence[Group]
    is_cut: bool

    @classmethod
    def parse(cls, data: bytes) -> "Robots":
        """Read any bytes; lines that say nothing known are passed over."""
        is_cut = len(data) > LONGEST
        if is_cut:
            data = data[:LONGEST]
            # The last line may be half of one.
            data = data[: max(data.rfind(b"\n"), data.rfind(b"\r")) + 1]
        groups: list[Group] = []
        is_open = False
        for key, value in _lines(data.removeprefix(b"\xef\xbb\xbf")):
            if key == _AGENT:
                if not is_open:
                    groups.append(Group())
                groups[-1].agents.add(_product_token(value))
            elif groups and value:
                groups[-1].rules.append(_rule(key, value))
            is_open = key == _AGENT
        return cls(groups, is_cut)

    def at(self, path: bytes) -> "Robots":
        """Return the same with those rules only that match ``path``."""
        groups = [
            Group(group.agents, [rule for rule in group.rules if rule.pattern.matches(path)])
            for group in self.groups
        ]
        return Robots(groups, self.is_cut)

    def rules_for(self, agent: str) -> list[Rule]:
        """Return the rules that bind ``agent``: of its own groups, else of those for all."""
        name = agent.lower().encode("utf-8", "replace")
        own = [group for group in self.groups if name in group.agents]
        binding = own or [group for group in self.groups if b"*" in group.agents]
        return [rule for group in binding for rule in group.rules]


def decide(matching: Iterable[Rule], *, tie: bytes = _ALLOW) -> Rule | None:
    """Return the longest allow or disallow rule; of equally long ones, one of ``tie``'s kind."""
    rules = (rule for rule in matching if rule.key != _USAGE)
    return max(rules, key=lambda rule: (rule.pattern.octets, rule.key == tie), default=None)


def preferences(matching: Sequence[Rule]) -> list[str]:
    """Return the preferences of the longest Content-Usage rules, several where equally long."""
    rules = [rule for rule in matching if rule.key == _USAGE]
    longest = max((rule.pattern.octets for rule in rules), default=0)
    return [rule.preference for rule in rules if rule.pattern.octets == longest]


def read(seen: Observation, item: Item) -> Iterator[Finding]:
    """Say which of the item's agents may not crawl it, and what may be done by those that may.

    Raises SignalUnreadable when the item's URL is too long.
    """
    robots = _parse(seen.raw).at(path_of(item.url))
    bound = {agent: robots.rules_for(agent) for agent in item.agents}
    barred = [agent for agent, rules in bound.items() if _bars(decide(rules))]
    if barred:
        standing, code = Standing.RESERVED, Code.CRAWLING_DISALLOWED
        detail = f"robots.txt bars {_named(barred)}"
    elif robots.is_cut:
        standing, code, detail = _CUT
    else:
        standing, code = Standing.SILENT, Code.CRAWLING_ALLOWED
        detail = "robots.txt bars none of the crawlers asked about, which permits no use"
    yield say(seen, Signal.ROBOTS_TXT, standing, code, MINING, detail)
    free = [rules for agent, rules in bound.items() if agent not in barred]
    stated = dict.fromkeys(text for rules in free for text in preferences(rules))
    yield from aipref.read_statements(seen, list(stated))


def read_ai_txt(seen: Observation, item: Item) -> Iterator[Finding]:
    """Read Spawning's ``/ai.txt``: lines as in robots.txt, but they speak of use for training.

    Nothing says there who wins of an allow and a disallow of one length: the disallow does.
    Raises SignalUnreadable when the item's URL is too long.
    """
    robots = _parse(seen.raw).at(path_of(item.url))
    deciding = [decide(robots.rules_for(agent), tie=_DISALLOW) for agent in item.agents]
    if any(_bars(rule) for rule in deciding):
        standing, code = Standing.RESERVED, Code.AI_TXT_DISALLOWED
        detail = "ai.txt keeps it from training"
    elif robots.is_cut:
        standing, code, detail = _CUT
    elif deciding and None not in deciding:
        standing, code = Standing.PERMITTED, Code.AI_TXT_ALLOWED
        detail = "ai.txt allows it for training"
    else:
        standing, code, detail = Standing.SILENT, Code.NOTHING_SAID, "ai.txt says nothing of it"
    yield say(seen, Signal.AI_TXT, standing, code, MINING, detail)


_parse = parsed_once(Robots.parse)
_CUT = (
    Standing.MALFORMED,
    Code.UNREADABLE,
    f"it has more than the {LONGEST} bytes that are read",
)


def _lines(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in data.replace(b"\r", b"\n").split(b"\n"):
        key, colon, value = line.partition(b"#")[0].partition(b":")
        if colon and (name := key.strip(_BLANKS).lower()) in _KNOWN:
            yield name, value.strip(_BLANKS)


def _product_token(value: bytes) -> bytes:
    """Return the name without what some write behind it: a version, a comment."""
    return value.replace(b"\t", b" ").partition(b" ")[0].partition(b"/")[0].lower()


def _rule(key: bytes, value: bytes) -> Rule:
    if key != _USAGE:
        return Rule(key, Pattern.parse(value))
    if not value.startswith(b"/"):
        # attach-05, section 3.2: no path is meant for all of them.
        return Rule(key, Pattern.parse(b"/"), value.decode("latin-1"))
    path, _, preference = value.replace(b"\t", b" ").partition(b" ")
    return Rule(key, Pattern.parse(path), preference.decode("latin-1"))


def _bars(rule: Rule | None) -> bool:
    return rule is not None and rule.key == _DISALLOW


def _named(agents: Sequence[str]) -> str:
    shown = ", ".join(agents[:3])
    return f"{shown} and {len(agents) - 3} more" if len(agents) > 3 else shown

"""``noai`` and ``noimageai`` in X-Robots-Tag and in the meta tags of a page.

A convention that DeviantArt began, in the form that Google documents for the header: a user agent
before the first directive holds for all that follow on its line. Items are pictures here, so
that both directives concern them. Nothing permits anything.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from consent.signals.documents import header_values
from consent.signals.finding import MINING, Code, Finding, Item, Observation, Signal, Standing, say

ALL = "robots"
_CODES = {"noai": Code.NOAI, "noimageai": Code.NOIMAGEAI}
_PREFIX = re.compile(r"[ \t]*([A-Za-z*][A-Za-z0-9_.*-]*)[ \t]*:(.*)", re.DOTALL)
# Directives that take a value of their own: what stands before their colon is no user agent.
_VALUED = {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}

Said = Iterable[tuple[str, str]]


def read_headers(seen: Observation, item: Item) -> Iterator[Finding]:
    """Read the X-Robots-Tag lines of a response. Raises SignalUnreadable."""
    said = [
        pair for _, value in header_values(seen.raw, "x-robots-tag") for pair in read_value(value)
    ]
    return judge(seen, item, said)


def read_value(value: str) -> Iterator[tuple[str, str]]:
    """Yield the user agent, ``robots`` for all, and the directive, both in lower case."""
    agent = ALL
    for part in value.split(","):
        directive, prefixed = part, _PREFIX.match(part)
        if prefixed and prefixed[1].lower() not in _VALUED:
            agent, directive = prefixed[1].lower(), prefixed[2]
        yield agent, directive.strip(" \t").lower()


def read_metas(metas: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the same of the meta tags of a page: there, the agent is the name."""
    for meta in metas:
        for directive in meta.get("content", "").split(","):
            yield meta.get("name", "").strip().lower(), directive.strip().lower()


def judge(seen: Observation, item: Item, said: Said) -> Iterator[Finding]:
    """Say which directives address the item's agents, and that others do not."""
    addressed = {ALL, "*", *(agent.lower() for agent in item.agents)}
    forbidding = [(agent, directive) for agent, directive in said if directive in _CODES]
    binding = {directive for agent, directive in forbidding if agent in addressed}
    for directive in sorted(binding):
        detail = f"robots directive {directive} keeps pictures from training"
        yield say(seen, Signal.ROBOTS_TAG, Standing.RESERVED, _CODES[directive], MINING, detail)
    if not binding:
        code = Code.NOT_ADDRESSED if forbidding else Code.NOTHING_SAID
        detail = "robots directives say nothing of training"
        if forbidding:
            detail += " to the crawlers asked about"
        yield say(seen, Signal.ROBOTS_TAG, Standing.SILENT, code, MINING, detail)

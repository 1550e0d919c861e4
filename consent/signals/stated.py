"""Signals as a table states them of an item: pairs of a column's name and what stands there.

They are read as the header lines that they stand for, by the same parsers.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from consent.signals.combining import combine
from consent.signals.finding import MINING, Item, Observation, Source, Standing
from consent.signals.reading import read
from consent.uses import Use

Pairs = tuple[tuple[str, str], ...]
_HEADERS = {
    "robots": "X-Robots-Tag",
    "xrobotstag": "X-Robots-Tag",
    "tdmreservation": "tdm-reservation",
    "tdmpolicy": "tdm-policy",
    "gpc": "Sec-GPC",
}
_OPT_OUTS = frozenset({"noai", "noimageai", "optout"})
_YES = frozenset({"1", "true", "yes", "y", "t", "noai", "noimageai"})
_NO = frozenset({"", "0", "false", "no", "n", "f", "none", "null"})
_NOBODY, _NEVER = UUID(int=0), datetime.min.replace(tzinfo=UTC)


def weigh(signals: Pairs, uses: tuple[Use, ...]) -> Standing:
    """Return the strictest of what ``signals`` say of any of ``uses``.

    A signal that we know and whose value says neither yes nor no is *malformed*, since it may
    reserve. Names that we do not know say nothing.
    """
    # What is stated of each item anew, as when it was fetched, is no signal and stays out.
    return _weigh(tuple(_known(signals)), uses)


@lru_cache(maxsize=4096)
def _weigh(known: Pairs, uses: tuple[Use, ...]) -> Standing:
    lines = {Source.RESPONSE_HEADERS: "", Source.REQUEST_HEADERS: ""}
    unread = False
    for name, value in known:
        if name in _HEADERS:
            source = Source.REQUEST_HEADERS if name == "gpc" else Source.RESPONSE_HEADERS
            lines[source] += f"{_HEADERS[name]}: {value}\r\n"
        elif value.casefold() in _YES:
            lines[Source.RESPONSE_HEADERS] += "X-Robots-Tag: noai\r\n"
        else:
            unread = unread or value.casefold() not in _NO
    findings = [
        found
        for source, raw in lines.items()
        if raw
        for found in read(Observation(_NOBODY, source, "", _NEVER, raw.encode()), Item("/"))
    ]
    answers = combine(findings)
    standings = [answers[use].standing for use in uses]
    if unread and not MINING.isdisjoint(uses):
        standings.append(Standing.MALFORMED)
    return max(standings, key=lambda one: one.rank, default=Standing.SILENT)


def _known(signals: Pairs) -> Iterator[tuple[str, str]]:
    for name, value in signals:
        folded = re.sub(r"[^a-z0-9]", "", name.casefold())
        if folded in _HEADERS or folded in _OPT_OUTS:
            yield folded, " ".join(value.split())

"""From one observation to its findings: which parser reads what, and what failure comes to."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from consent.errors import SignalUnreadable
from consent.signals import (
    aipref,
    embedded,
    gpc,
    offer,
    robots,
    robotstag,
    tdmrep,
    trainingmining,
)
from consent.signals.finding import (
    MINING,
    NOTHING,
    SHARING,
    Code,
    Finding,
    Item,
    Observation,
    Reach,
    Signal,
    Source,
    Standing,
    say,
)
from consent.signals.pages import find_metas
from consent.uses import Use

Read = Callable[[Observation, Item], Iterable[Finding]]

# What a source may carry, and of which uses that would speak.
SPEAKS: dict[Source, dict[Signal, frozenset[Use]]] = {
    Source.REQUEST_HEADERS: {Signal.GPC: SHARING},
    Source.GPC_FILE: {Signal.GPC: NOTHING},
    Source.ROBOTS_TXT: {Signal.ROBOTS_TXT: MINING, Signal.AIPREF: aipref.USES},
    Source.AI_TXT: {Signal.AI_TXT: MINING},
    Source.TDMREP_FILE: {Signal.TDMREP: MINING},
    Source.RESPONSE_HEADERS: {
        Signal.TDMREP: MINING,
        Signal.ROBOTS_TAG: MINING,
        Signal.AIPREF: aipref.USES,
    },
    Source.HTML: {Signal.TDMREP: MINING, Signal.ROBOTS_TAG: MINING},
    Source.EPUB: {Signal.TDMREP: MINING},
    Source.PDF: {Signal.TDMREP: MINING},
    Source.TDM_POLICY: {Signal.TDMREP: MINING},
    Source.C2PA_MANIFEST: {
        Signal.C2PA: trainingmining.USES,
        Signal.CAWG: trainingmining.USES,
    },
}


def read(seen: Observation, item: Item) -> tuple[Finding, ...]:
    """Return what ``seen`` says of ``item``: at least one finding, and nothing is raised.

    What was not there is *silent*; what was there and cannot be read is *malformed*.
    """
    if seen.source is not Source.TDM_POLICY and seen.reach is not Reach.FOUND:
        return tuple(_unseen(seen))
    try:
        return tuple(_READERS[seen.source](seen, item))
    except SignalUnreadable as error:
        return tuple(
            say(seen, signal, Standing.MALFORMED, Code.UNREADABLE, uses, str(error))
            for signal, uses in SPEAKS[seen.source].items()
        )


def _unseen(seen: Observation) -> Iterator[Finding]:
    """Say what a source out of reach comes to: silence, but for robots.txt.

    RFC 9309, section 2.3.1.4: while a server does not answer, everything is disallowed.
    """
    is_absent = seen.reach is Reach.ABSENT
    code = Code.ABSENT if is_absent else Code.UNREACHABLE
    detail = "there is none" if is_absent else "it could not be had"
    for signal, uses in SPEAKS[seen.source].items():
        standing, said = Standing.SILENT, detail
        if signal is Signal.ROBOTS_TXT and not is_absent:
            standing = Standing.RESERVED
            said = f"{detail}, and until it can everything counts as disallowed"
        yield say(seen, signal, standing, code, uses, said)


def _read_response(seen: Observation, item: Item) -> Iterator[Finding]:
    yield tdmrep.read_headers(seen)
    yield from robotstag.read_headers(seen, item)
    yield from aipref.read_headers(seen)


def _read_page(seen: Observation, item: Item) -> Iterator[Finding]:
    metas = find_metas(seen.raw)
    yield tdmrep.judge(seen, tdmrep.from_metas(metas))
    said = robotstag.read_metas(meta.attributes for meta in metas)
    yield from robotstag.judge(seen, item, said)


_READERS: dict[Source, Read] = {
    Source.REQUEST_HEADERS: lambda seen, _: gpc.read_request(seen),
    Source.GPC_FILE: lambda seen, _: gpc.read_file(seen),
    Source.ROBOTS_TXT: robots.read,
    Source.AI_TXT: robots.read_ai_txt,
    Source.TDMREP_FILE: tdmrep.read_file,
    Source.RESPONSE_HEADERS: _read_response,
    Source.HTML: _read_page,
    Source.EPUB: lambda seen, _: [embedded.read_epub(seen)],
    Source.PDF: lambda seen, _: embedded.read_pdf(seen),
    Source.TDM_POLICY: lambda seen, _: [offer.read(seen)],
    Source.C2PA_MANIFEST: lambda seen, _: trainingmining.read(seen),
}


def read_all(observations: Iterable[Observation], item: Item) -> tuple[Finding, ...]:
    """Return the findings of several observations, in their order."""
    return tuple(chain.from_iterable(read(seen, item) for seen in observations))

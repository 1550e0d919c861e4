"""Reader: what was seen where items lie, weighed for each of them.

Asked once for a page of items: the hosts that they lie on are looked up together, and then one
host after the other, so that the bytes of one host are in memory at once. Where nothing was ever
seen this costs one question a page. What any project saw counts for all: the house knows it.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson

from consent import profiles
from consent.decision import Profile
from consent.errors import SignalUnreadable
from consent.formats.described import DescribedItems
from consent.models import Intake, SourceObservation
from consent.models import Source as Origin
from consent.moment import database_now
from consent.signals.finding import Finding, Item, Observation, Reach, Signal, Source
from consent.signals.places import host_of, is_covered, key_of_file, key_of_host, resolve
from consent.signals.reading import read
from consent.signals.weighing import Weighing, since_fetched, weigh_observed
from consent.uses import Use
from ledger import vault
from ledger.models import HOUSE_SCOPE
from ledger.services import open_file

INDEX = "source.observation"
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Placed(Generic[Key]):
    """An item as far as signals go: its web address, empty where it has none, and since when we
    have it."""

    key: Key
    url: str
    fetched_at: datetime


@dataclass(frozen=True)
class Seen:
    """An observation with the address for all below which it speaks."""

    observation: Observation
    covers: str

    def covers_url(self, url: str) -> bool:
        """Return whether it speaks for ``url``; of one that is too long nobody can tell."""
        seen = self.observation
        try:
            return is_covered(seen.source, seen.place, self.covers, url)
        except SignalUnreadable:
            return True


@dataclass
class _Asking:
    """What is the same for all items of a page."""

    uses: frozenset[Use]
    profile: Profile
    now: datetime
    index: Callable[[str], bytes]
    keys: vault.Keys
    policies: dict[str, list[Observation]] = field(default_factory=dict)

    def open(self, rows: Iterable[SourceObservation]) -> list[Seen]:
        return [open_observation(row, self.keys) for row in rows]

    def find_policies(self, urls: Collection[str]) -> Iterable[Observation]:
        """Yield the policies of these addresses, each looked up once."""
        for url in urls:
            if url not in self.policies:
                mark = self.index(key_of_file(url))
                rows = _rows([mark], self.now).filter(source=Source.TDM_POLICY)
                self.policies[url] = [one.observation for one in self.open(rows)]
            yield from self.policies[url]


def weigh_items(
    items: DescribedItems, uses: Iterable[Use], profile: str, intake: Intake | None = None
) -> dict[int, Weighing]:
    """Return by ordinal what was seen of described items comes to, as ``weigh_placed``."""
    if not SourceObservation.objects.exists():
        return {}
    base = address_of(intake.source) if intake else ""
    received_at = intake.received_at if intake else database_now()
    asked = map(items.column, ("ordinal", "location", "signals"))
    placed = [
        Placed(ordinal, resolve(location, base), since_fetched(signals, received_at))
        for ordinal, location, signals in zip(*asked, strict=True)
    ]
    return weigh_placed(placed, uses, profile)


def address_of(source: Origin | None) -> str:
    """Return where a source is; for services and readers, since it may name somebody."""
    if source is None or not source.address:
        return ""
    return vault.keys([HOUSE_SCOPE]).open(source, "address").decode()


def weigh_placed(
    placed: Sequence[Placed[Key]],
    uses: Iterable[Use],
    profile: str,
    *,
    at: datetime | None = None,
) -> dict[Key, Weighing]:
    """Return by key what was seen of each item comes to; those of whom nothing was are left out.

    Decided by ``profile`` as it was known at ``at``, or now. Raises ProfileRefused.
    """
    by_host: defaultdict[str, list[Placed[Key]]] = defaultdict(list)
    if not placed or not SourceObservation.objects.exists():
        return {}
    for one in placed:
        if host := host_of(one.url):
            by_host[host].append(one)
    asking = _Asking(
        frozenset(uses),
        profiles.load(profile).profile,
        at or database_now(),
        vault.blind_indexer(INDEX),
        vault.keys([HOUSE_SCOPE]),
    )
    files = {one.url: _mark(asking, one.url) for some in by_host.values() for one in some}
    of_host, of_file = _find(asking, by_host, files)
    weighed: dict[Key, Weighing] = {}
    for host, rows in of_host.items():
        seen = asking.open(rows)
        for one in by_host[host]:
            theirs = [each for each in seen if each.covers_url(one.url)]
            theirs += asking.open(of_file.get(files[one.url], ()))
            if theirs:
                weighed[one.key] = _weigh(asking, one, [each.observation for each in theirs])
    return weighed


def _find(
    asking: _Asking, by_host: Mapping[str, Sequence[Placed[Any]]], files: Mapping[str, bytes]
) -> tuple[dict[str, list[SourceObservation]], dict[bytes, list[SourceObservation]]]:
    """Return what speaks for more than one file, by host, and for single ones, by their mark."""
    hosts = {asking.index(key_of_host(host)): host for host in by_host}
    lies_on = {files[one.url]: host for host, some in by_host.items() for one in some}
    of_host: defaultdict[str, list[SourceObservation]] = defaultdict(list)
    of_file: defaultdict[bytes, list[SourceObservation]] = defaultdict(list)
    rows = _rows([*hosts, *filter(None, lies_on)], asking.now)
    for row in rows.exclude(source=Source.TDM_POLICY):
        mark = bytes(row.index)
        if mark in hosts:
            of_host[hosts[mark]].append(row)
        else:
            of_file[mark].append(row)
            of_host.setdefault(lies_on[mark], [])
    return of_host, of_file


def _mark(asking: _Asking, url: str) -> bytes:
    try:
        return asking.index(key_of_file(url))
    except SignalUnreadable:
        return b""


def open_observation(row: SourceObservation, keys: vault.Keys) -> Seen:
    """Return a stored observation as parsers take it; for readers, and behind ``disclose``."""
    said = orjson.loads(keys.open(row, "said"))
    raw = open_file(row.file, keys) if row.file else b""
    return Seen(as_seen(row, said, raw), said["covers"])


def as_seen(row: SourceObservation, said: Mapping[str, str], raw: bytes) -> Observation:
    """Return an observation out of its row and what was opened of it."""
    return Observation(
        id=row.pk,
        source=Source(row.source),
        place=said["place"],
        seen_at=row.seen_at,
        raw=raw,
        reach=Reach(row.reach),
        media_type=said["media_type"],
        version=said["version"],
        confirmed_at=row.confirmed_at,
    )


def _rows(marks: Sequence[bytes], at: datetime) -> Any:
    """Ask for what we knew at ``at``: what is brought later was not known, whenever it was seen."""
    rows = SourceObservation.objects.filter(index__in=marks, recorded_at__lte=at)
    return rows.select_related("file").order_by("seen_at", "pk")


def _weigh(asking: _Asking, one: Placed[Any], theirs: list[Observation]) -> Weighing:
    item, found = Item(one.url), dict[Any, tuple[Finding, ...]]()

    def reads(seen: Observation) -> Sequence[Finding]:
        if seen.id not in found:
            found[seen.id] = read(seen, item)
        return found[seen.id]

    named = {
        said.conditions
        for seen in theirs
        for said in reads(seen)
        if said.signal is Signal.TDMREP and host_of(said.conditions)
    }
    return weigh_observed(
        [*theirs, *asking.find_policies(sorted(named))],
        reads,
        asking.uses,
        fetched_at=one.fetched_at,
        at=asking.now,
        profile=asking.profile,
    )

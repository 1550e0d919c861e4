"""Completeness of events that several records tell of: every part is there, once and in order.

The parts of one event are committed together and placed in the order of their ids, so that each
comes behind the one before; records of other transactions may lie between. Memory holds the
events that are not yet at an end.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass

from ledger import binary
from ledger.errors import FactsRefused, LeafError
from ledger.kinds import KINDS, Continued, Divisible, Kind
from ledger.leaf import Body, parse_body
from ledger.models import Log
from ledger.verification.findings import Aspect, Finding, LogVerdict


@dataclass
class _Event:
    """An event whose parts up to ``wanted`` were read; the first is leaf ``index``."""

    origin: str
    index: int
    noun: str
    parts: int
    wanted: int = 2


class Parts:
    """Takes the records that may be parts of an event, in the order of their leaves.

    With a verdict that has a ``since``, parts of events that began before it are not judged.
    """

    def __init__(self, verdict: LogVerdict) -> None:
        self._verdict = verdict
        self._events: dict[str, _Event] = {}
        self._strays: set[str] = set()
        self._kinds = {
            kind.name: kind for kind in KINDS if kind.is_divisible or kind.facts is Continued
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the kinds whose records are to be taken; others are passed over."""
        return tuple(self._kinds)

    def take(self, index: int, raw: bytes, body: Body) -> None:
        """Take the record of one leaf: its bytes, and what they say."""
        kind = self._kinds.get(body.kind)
        if kind is not None:
            self._take(index, f"leaf {index}", kind, raw, body)

    def finish(self, log: Log) -> None:
        """Report the events that lack a part, in the log and among what waits for its place."""
        if self._events:
            self._take_waiting(log)
        for event in self._events.values():
            self._report_missing(event)

    def _take(self, index: int | None, place: str, kind: Kind, raw: bytes, body: Body) -> None:
        try:
            facts = kind.parse_facts(dict(body.facts))
        except FactsRefused as error:
            self._found("part_malformed", f"{place}: {error}", index)
            return
        if isinstance(facts, Continued):
            self._continue(index, place, kind, facts)
        elif isinstance(facts, Divisible) and facts.parts and index is not None:
            self._begin(_Event(self._verdict.origin, index, kind.noun, facts.parts), raw)

    def _begin(self, event: _Event, raw: bytes) -> None:
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        if digest in self._events:
            self._report_missing(self._events[digest])
        self._events[digest] = event

    def _continue(self, index: int | None, place: str, kind: Kind, facts: Continued) -> None:
        event = self._events.get(facts.header)
        if event is None:
            self._report_stray(index, place, facts.header)
            return
        if (kind.noun, facts.part, facts.parts) != (event.noun, event.wanted, event.parts):
            message = (
                f"{place} is part {facts.part} of {facts.parts} of a {kind.noun}, wanted "
                f"{event.wanted} of {event.parts} of the {event.noun} of leaf {event.index}"
            )
            self._found("part_misplaced", message, index)
        event.wanted = max(event.wanted, facts.part + 1)
        if event.wanted > event.parts:
            del self._events[facts.header]

    def _take_waiting(self, log: Log) -> None:
        query = (
            "SELECT r.body FROM ledger_pending p JOIN ledger_record r ON r.id = p.record_id "
            "WHERE r.log_id = %s ORDER BY r.id"
        )
        for (raw,) in binary.stream(query, [log.pk]):
            with suppress(LeafError):  # integrity names it once it has its place
                body = parse_body(raw)
                if body.kind in self._kinds:
                    self._take(None, "a record that waits", self._kinds[body.kind], raw, body)

    def _report_stray(self, index: int | None, place: str, header: str) -> None:
        """Report the first part of an event that is unknown, or whole already."""
        if self._verdict.since or index is None or header in self._strays:
            return
        self._strays.add(header)
        message = f"{place} continues an event that did not begin, or is whole already"
        self._found("part_stray", message, index)

    def _report_missing(self, event: _Event) -> None:
        message = (
            f"the event of leaf {event.index} has {event.parts} parts, "
            f"those from {event.wanted} on are missing"
        )
        self._found("parts_missing", message, event.index, event.origin)

    def _found(self, code: str, message: str, index: int | None, origin: str = "") -> None:
        named = origin or self._verdict.origin
        self._verdict.findings.append(Finding(Aspect.COMPLETENESS, code, named, index, message))

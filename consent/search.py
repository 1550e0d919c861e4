"""Reader: who somebody is, found through the keyed indexes; nothing is opened for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from consent.identity import Form, IdentifierKind, readings, tidy
from consent.models import Account, Merge, SearchKey, Subject, search_keys
from consent.services.authority import require

FOUND_AT_MOST = 50


@dataclass(frozen=True)
class Way:
    """One way in which was searched: a kind of identifier, in one normal form."""

    kind: IdentifierKind
    form: Form

    def __str__(self) -> str:
        return f"{self.kind.words}, {self.form.words}"


@dataclass(frozen=True)
class Match:
    """A person who was found, and how; without a way, by their handle.

    ``is_former`` when they no longer go by it. ``found`` is who was registered under it, where
    that is not ``subject`` but counts as them.
    """

    subject: Subject
    way: Way | None = None
    is_former: bool = False
    found: Subject | None = None

    @property
    def order(self) -> tuple[int, bool, str]:
        """Return where it stands among others: the closest first."""
        return self.way.form.rank if self.way else 0, self.is_former, self.subject.handle


@dataclass(frozen=True)
class Found:
    """The answer to a search, an empty one too: in which ways was searched, and who was found.

    ``is_cut`` when there are more than are named.
    """

    ways: tuple[Way, ...]
    matches: tuple[Match, ...]
    is_cut: bool = False


def find_subjects(
    *, actor: Account, term: str, kind: IdentifierKind | None = None, region: str | None = None
) -> Found:
    """Find people by handle or by anything they are or were known by, the closest matches first.

    Without ``kind`` the term is searched as everything that it may be; ``region`` is the country
    whose phone numbers need no prefix. Names and words must be whole; for what is only similar
    see ``services.scan_subjects``. Raises NotPermitted, and TermsRefused when the term is nothing
    of ``kind``.
    """
    require(actor, "consent.view_subject")
    read = readings(term, region) if kind is None else {kind: tidy(kind, term, region)}
    sought = _sought(read)
    by_handle = Subject.objects.filter(handle=term.strip().upper())
    matches = _under_their_heads([*map(Match, by_handle), *_matches(sought)])
    best: dict[Subject, Match] = {}
    for match in sorted(matches, key=lambda match: match.order):
        best.setdefault(match.subject, match)
    found = tuple(best.values())
    ways = tuple(sorted(set(sought.values()), key=lambda way: (way.kind, way.form.rank)))
    return Found(ways, found[:FOUND_AT_MOST], len(found) > FOUND_AT_MOST)


def _under_their_heads(matches: list[Match]) -> list[Match]:
    """Return each match as one of whom the person counts as."""
    merges = Merge.objects.standing().filter(subject__in=[match.subject for match in matches])
    heads = {merge.subject_id: merge.into for merge in merges.select_related("into")}
    return [
        replace(match, subject=heads[match.subject.pk], found=match.subject)
        if match.subject.pk in heads
        else match
        for match in matches
    ]


def _sought(read: Mapping[IdentifierKind, str]) -> dict[bytes, Way]:
    """Return each keyed index to look for; a name is told of as a name, not as another name."""
    return {
        key: Way(kind, form)
        for kind, value in reversed(list(read.items()))
        for form, key in search_keys(kind, value).items()
    }


def _matches(sought: Mapping[bytes, Way]) -> list[Match]:
    keys = SearchKey.objects.filter(key__in=list(sought)).select_related("identifier__subject")
    return [
        Match(
            key.identifier.subject,
            Way(IdentifierKind(key.identifier.kind), Form(key.form)),
            key.identifier.until is not None,
        )
        for key in keys
    ]

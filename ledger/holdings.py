"""What the apps hold of people: each registers it here, for export and for erasure.

The ledger knows neither consent nor generation. A holding says how to find the rows that are a
person's, how to tell them, how to delete them with their files, and which rows must stay and
lose their pointer instead.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from ledger.models import Recorded, SealedFile
from ledger.vault import Keys

Scopes = Sequence[UUID]


def _no_files(_rows: QuerySet) -> list[SealedFile]:
    return []


def _no_stubs(_scopes: Scopes) -> list[Recorded]:
    return []


@dataclass(frozen=True)
class Holding:
    """One table's share in what is held of a person.

    ``find`` gives the rows that are theirs, ``export`` tells one of them in plain JSON values
    under opened keys, ``files`` names the sealed files that go with them. ``relink`` changes
    rows that must stay, so that nothing in them leads to the person any more, and returns them;
    it runs inside a transaction and may be repeated.
    """

    name: str
    find: Callable[[Scopes], QuerySet]
    export: Callable[[Any, Keys], dict[str, Any]]
    files: Callable[[QuerySet], Sequence[SealedFile]] = _no_files
    relink: Callable[[Scopes], Sequence[Recorded]] = _no_stubs


class HoldingRegistry:
    """All holdings of the installed apps, in the order in which they were registered."""

    def __init__(self) -> None:
        self._holdings: dict[str, Holding] = {}

    def register(self, holding: Holding) -> Holding:
        """Add ``holding`` and return it. Raises ValueError for a name that is taken."""
        if holding.name in self._holdings:
            raise ValueError(f"holding {holding.name} is registered twice")
        self._holdings[holding.name] = holding
        return holding

    def __iter__(self) -> Iterator[Holding]:
        return iter(self._holdings.values())

    def __reversed__(self) -> Iterator[Holding]:
        """Yield those first that refer to the others: the order in which rows can be deleted."""
        return reversed(self._holdings.values())


HOLDINGS = HoldingRegistry()

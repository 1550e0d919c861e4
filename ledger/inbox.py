"""What waits for a person: each app says here what it has, and the start page asks.

INBOX.register(
    Basket(
        name="Runs to review",
        look=count_cases,            # account → Waiting, or None where it is not theirs
        link="admin:generation_case_changelist",
        query="state__exact=open",
    )
)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse


@dataclass(frozen=True)
class Waiting:
    """How much waits; ``due_at`` is the next deadline, ``overdue`` how many are past theirs."""

    count: int
    due_at: datetime | None = None
    overdue: int = 0


@dataclass(frozen=True)
class Basket:
    """One kind of work. ``look`` takes an account and should cost one query.

    ``link`` names the URL where the work is done, ``query`` filters what is shown there. Baskets
    are shown in the order of ``urgency``, most urgent (lowest) first.
    """

    name: str
    look: Callable[[Any], Waiting | None]
    link: str
    query: str = ""
    urgency: int = 50

    @property
    def url(self) -> str:
        """Return the address where the work is done."""
        return reverse(self.link) + (f"?{self.query}" if self.query else "")


class Inbox:
    """All baskets of the installed apps."""

    def __init__(self) -> None:
        self._baskets: dict[str, Basket] = {}

    def register(self, basket: Basket) -> Basket:
        """Add ``basket`` and return it. Raises ValueError for a name that is taken."""
        if basket.name in self._baskets:
            raise ValueError(f"basket {basket.name} is registered twice")
        self._baskets[basket.name] = basket
        return basket

    def look(self, account: Any) -> Iterator[tuple[Basket, Waiting]]:
        """Yield the baskets that are ``account``'s business, with what waits in each."""
        for basket in sorted(self._baskets.values(), key=lambda one: one.urgency):
            waiting = basket.look(account)
            if waiting is not None:
                yield basket, waiting


INBOX = Inbox()

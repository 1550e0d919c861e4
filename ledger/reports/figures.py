"""Which figures a report prints; each app registers its own, by the query that gives it."""

from collections.abc import Iterator, Mapping

from ledger.canonical import JSON
from ledger.kinds import Kind
from ledger.reports.bundle import Figure


class FigureRegistry:
    """The figures of all installed apps, in the order in which they are printed."""

    def __init__(self) -> None:
        self._figures: dict[str, tuple[str, Figure]] = {}

    def register(self, section: str, figure: Figure) -> None:
        """Add ``figure`` under a heading. Raises ValueError for a name that is taken."""
        if figure.name in self._figures:
            raise ValueError(f"figure {figure.name} is registered twice")
        self._figures[figure.name] = (section, figure)

    def count(self, section: str, name: str, label: str, kind: Kind, /, **facts: JSON) -> None:
        """Add the number of records of ``kind`` whose facts are these."""
        query: dict[str, JSON] = {"op": "count", "kind": kind.name}
        self.register(section, Figure(name, label, query | ({"facts": facts} if facts else {})))

    def __iter__(self) -> Iterator[Figure]:
        return (figure for _, figure in self._figures.values())

    def sections(self, values: Mapping[str, JSON]) -> dict[str, list[tuple[str, JSON]]]:
        """Return label and value of each figure by section; ``values`` are by name."""
        grouped: dict[str, list[tuple[str, JSON]]] = {}
        for section, figure in self._figures.values():
            grouped.setdefault(section, []).append((figure.label, values[figure.name]))
        return grouped


FIGURES = FigureRegistry()

LOG = "The log"
PROOFS = "What lies under the records"


def _positions(name: str, label: str, status: str) -> None:
    FIGURES.register(PROOFS, Figure(name, label, {"op": "positions", "status": status}))


FIGURES.register(LOG, Figure("records", "Records shown", {"op": "count"}))
FIGURES.register(LOG, Figure("earliest", "Earliest time stated", {"op": "earliest"}))
FIGURES.register(LOG, Figure("latest", "Latest time stated", {"op": "latest"}))
FIGURES.register(
    LOG, Figure("late", "Records that came late or back-dated", {"op": "out_of_order"})
)
_positions("positions", "Sealed statements in all", "all")
_positions("opened", "Opened in this report", "opened")
_positions("withheld", "Not disclosed in this report", "withheld")
_positions("destroyed", "Destroyed: erased persons, ended terms", "destroyed")
_positions("padding", "Padding", "padding")
_positions("missing", "Missing without cause", "missing")

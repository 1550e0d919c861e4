"""The facets of OpenLineage that tie data together; all others are kept as they are."""

from collections.abc import Iterator
from typing import Any

from consent.formats import statements
from consent.formats.doubts import DoubtCode, Doubts

LIFECYCLE = frozenset({"ALTER", "CREATE", "DROP", "OVERWRITE", "RENAME", "TRUNCATE"})
CONSENT_FACET = "muniment_consent"
KNOWN = frozenset(
    {
        *("version", "datasetType", "lifecycleStateChange", "columnLineage", "lineage", "tags"),
        *("ownership", "symlinks", "subset", "inputSubset", "outputSubset", "parent", "schema"),
        *("documentation", "dataSource", "storage", "catalog", "hierarchy", "nominalTime"),
        *("jobType", "sql", "sourceCode", "sourceCodeLocation", "errorMessage"),
        *("dataQualityMetrics", "dataQualityAssertions", "inputStatistics", "outputStatistics"),
        *("environmentVariables", "externalQuery", "extractionError", "executionParameters"),
        *("jobDependencies", "processing_engine", "test", CONSENT_FACET),
    }
)
_ALWAYS = {"_producer", "_schemaURL", "_deleted"}
# Those that our form holds in full, when they say nothing else.
_MODELLED = {
    "version": {"datasetVersion"},
    "datasetType": {"datasetType"},
    "lifecycleStateChange": {"lifecycleStateChange", "previousIdentifier"},
}


def identifier(namespace: str, name: str) -> str:
    """Return how we name a job or data set: ``namespace#name``."""
    return f"{namespace.replace('%', '%25').replace('#', '%23')}#{name}"


def split_identifier(stated: str) -> tuple[str, str]:
    """Return the namespace and name that ``identifier`` was made of."""
    namespace, _, name = stated.partition("#")
    return namespace.replace("%23", "#").replace("%25", "%"), name


def named(stated: Any, place: str, doubts: Doubts) -> str:
    """Return the identifier of an object with namespace and name, else empty with a doubt."""
    if not isinstance(stated, dict):
        doubts.add(DoubtCode.MALFORMED, place, stated)
        return ""
    namespace, name = (
        statements.text(stated.get(key), place, doubts, longest=2000)
        for key in ("namespace", "name")
    )
    if not name or not namespace:
        doubts.add(DoubtCode.IDENTIFIER_MISSING, place)
        return ""
    return identifier(namespace, name)


def read_sources(facet: Any, place: str, doubts: Doubts) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the data sets that a facet of columnLineage or lineage names as sources.

    Each with whether it is said to be masked on the way; at either level, each once.
    """
    if not isinstance(facet, dict):
        return
    every = [*_list(facet.get("inputs")), *_list(facet.get("dataset"))]
    fields = facet.get("fields")
    for entry in fields.values() if isinstance(fields, dict) else ():
        if isinstance(entry, dict):
            every += [*_list(entry.get("inputFields")), *_list(entry.get("inputs"))]
    found: dict[str, bool] = {}
    for one in every:
        if isinstance(one, dict) and one.get("type", "DATASET") == "DATASET":
            if source := named(one, place, doubts):
                found[source] = found.get(source, False) or _masks(one)
        elif not isinstance(one, dict):
            doubts.add(DoubtCode.MALFORMED, place, one)
    for source, is_masked in found.items():
        yield source, {"masking": True} if is_masked else {}


def _masks(entry: dict[str, Any]) -> bool:
    steps = [*_list(entry.get("transformations")), entry.get("transformation")]
    return any(isinstance(step, dict) and step.get("masking") is True for step in steps)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class Facets:
    """The facets of one object; one that is marked as deleted says nothing any more."""

    def __init__(self, stated: Any, place: str, doubts: Doubts) -> None:
        self.place, self._doubts = place, doubts
        self._stated: dict[str, dict[str, Any]] = {}
        if stated is not None and not isinstance(stated, dict):
            doubts.add(DoubtCode.MALFORMED, place, stated)
            return
        for name, facet in (stated or {}).items():
            if not isinstance(facet, dict):
                doubts.add(DoubtCode.MALFORMED, f"{place}, {name}", facet)
                continue
            self._stated[name] = facet
            if name not in KNOWN:
                doubts.add(DoubtCode.TERM_UNKNOWN, place, name)
            if not isinstance(facet.get("_producer"), str):
                doubts.add(DoubtCode.PRODUCER_MISSING, f"{place}, {name}")

    def get(self, name: str) -> dict[str, Any]:
        """Return what a facet says, empty when it is absent or deleted."""
        facet = self._stated.get(name, {})
        return {} if facet.get("_deleted") is True else facet

    def text(self, name: str, key: str) -> str:
        """Return one text of a facet."""
        return statements.text(self.get(name).get(key), f"{self.place}, {name}", self._doubts)

    def kept(self, key: str) -> dict[str, Any]:
        """Return the facets as they came under ``key``, without those that are read in full."""
        rest = {
            name: facet
            for name, facet in self._stated.items()
            if name not in _MODELLED or not facet.keys() <= _MODELLED[name] | _ALWAYS
        }
        return {key: rest} if rest else {}

    def state(self) -> str:
        """Return what became of a data set, such as DROP."""
        change = self.text("lifecycleStateChange", "lifecycleStateChange").upper()
        if change and change not in LIFECYCLE:
            self._doubts.add(DoubtCode.STATE_UNKNOWN, f"{self.place}, lifecycleStateChange", change)
        return change

    def renamed_from(self) -> str:
        """Return what the data set was called before, else empty."""
        before = self.get("lifecycleStateChange").get("previousIdentifier")
        return named(before, f"{self.place}, previousIdentifier", self._doubts) if before else ""

    def symlinks(self) -> list[str]:
        """Return what else the data set is called."""
        every = _list(self.get("symlinks").get("identifiers"))
        found = (named(one, f"{self.place}, symlinks", self._doubts) for one in every)
        return [one for one in found if one]

    def owners(self) -> Iterator[tuple[str, str]]:
        """Yield who owns it, and as what."""
        for one in _list(self.get("ownership").get("owners")):
            place = f"{self.place}, ownership"
            said = one if isinstance(one, dict) else {}
            if name := statements.text(said.get("name"), place, self._doubts, longest=500):
                yield name, statements.text(said.get("type"), place, self._doubts, longest=100)

    def job_sources(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield what the lineage facet of a job says: target, source, whether masked."""
        entries = [
            one for one in _list(self.get("lineage").get("entries")) if isinstance(one, dict)
        ]
        for entry in entries:
            if entry.get("type") != "DATASET":
                continue
            target = named(entry, f"{self.place}, lineage", self._doubts)
            for source, said in read_sources(entry, self.place, self._doubts):
                if target:
                    yield target, source, said

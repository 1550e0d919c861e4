"""The part of JSON-LD that descriptions use: keys as compact names, nothing fetched.

A key is read as the address that it stands for, so that ``license``, ``sc:license`` and the
whole address are one term, whatever prefix a file gives it. JSON-LD 1.1, sections 4.1 and 4.4.
"""

from collections.abc import Mapping
from typing import Any

from consent.formats.doubts import DoubtCode, Doubts

SCHEMA = "https://schema.org/"
CROISSANT = "http://mlcommons.org/croissant/"
RAI = CROISSANT + "RAI/"
DCT = "http://purl.org/dc/terms/"
PROV = "http://www.w3.org/ns/prov#"
ODRL = "http://www.w3.org/ns/odrl/2/"
MUNIMENT = "urn:muniment:ns:"

PREFIXES = {
    "cr": CROISSANT,
    "dct": DCT,
    "dcterms": DCT,
    "ml": CROISSANT,
    "muniment": MUNIMENT,
    "odrl": ODRL,
    "prov": PROV,
    "rai": RAI,
    "sc": SCHEMA,
    "schema": SCHEMA,
}
# Names in the wild for the same vocabularies; longer ones first, since one begins another.
_SAME = (
    ("https://mlcommons.org/croissant/", CROISSANT),
    ("http://mlcommons.org/schema/", CROISSANT),
    ("https://mlcommons.org/schema/", CROISSANT),
    ("http://schema.org/", SCHEMA),
    ("https://www.w3.org/ns/prov#", PROV),
)
_CROISSANT_TERMS = (
    *("arrayShape", "citeAs", "column", "containedIn", "data", "dataType", "equivalentProperty"),
    *("examples", "excludes", "extract", "field", "fileObject", "fileProperty", "fileSet"),
    *("format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField"),
    *("path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate"),
    *("sdVersion", "separator", "source", "subField", "transform"),
)
_MAX_TERMS = 500


class Context:
    """What the short names of one document stand for."""

    def __init__(self, stated: Any, doubts: Doubts) -> None:
        self._prefixes = dict(PREFIXES)
        self._vocabulary = SCHEMA
        self._terms = {term: CROISSANT + term for term in _CROISSANT_TERMS}
        self._terms["conformsTo"] = DCT + "conformsTo"
        self.unknown: set[str] = set()
        for part in stated if isinstance(stated, list) else [stated]:
            self._add(part, doubts)

    def _add(self, part: Any, doubts: Doubts) -> None:
        if isinstance(part, str):
            if _same(part.rstrip("/") + "/") not in {SCHEMA, CROISSANT}:
                doubts.add(DoubtCode.CONTEXT_UNREAD, "@context", part)
        elif isinstance(part, dict):
            own = {k: v.get("@id") if isinstance(v, dict) else v for k, v in part.items()}
            named = {k: v for k, v in own.items() if isinstance(v, str) and not k.startswith("@")}
            if len(named) > _MAX_TERMS:
                doubts.add(DoubtCode.MALFORMED, "@context", part)
                return
            if isinstance(vocabulary := own.get("@vocab"), str):
                self._vocabulary = _same(vocabulary)
            self._prefixes |= {k: _same(v) for k, v in named.items() if v.endswith(("/", "#", ":"))}
            self._terms |= {k: self.expand(v) for k, v in named.items() if ":" in v}
        elif part is not None:
            doubts.add(DoubtCode.MALFORMED, "@context", part)

    def expand(self, name: str) -> str:
        """Return the address that ``name`` stands for; ``@id`` and its like stay."""
        if name.startswith("@"):
            return name
        if name in self._terms:
            return self._terms[name]
        prefix, colon, rest = name.partition(":")
        if not colon:
            return self._vocabulary + name
        if prefix in self._prefixes and not rest.startswith("//"):
            return _same(self._prefixes[prefix] + rest)
        return _same(name)

    def note(self, name: str) -> None:
        """Remember the prefix of a name if it is explained nowhere."""
        prefix, colon, rest = name.partition(":")
        is_address = rest.startswith("//") or prefix in {"urn", "doi", "mailto"}
        if colon and not is_address and name not in self._terms and prefix not in self._prefixes:
            self.unknown.add(prefix)


class Thing:
    """One object of a document, asked by addresses; it knows which keys nobody asked for."""

    def __init__(self, raw: Mapping[str, Any], context: Context, place: str, doubts: Doubts):
        self.raw, self.context, self.place, self._doubts = raw, context, place, doubts
        self._keys: dict[str, str] = {}
        self._asked = {"@context", "@type", "@id", "@graph", "@language"}
        for key in raw:
            context.note(key)
            if self._keys.setdefault(context.expand(key), key) != key:
                doubts.add(DoubtCode.REPEATED, place, key)

    def get(self, *addresses: str) -> Any:
        """Return what is stated under the first of ``addresses`` that is there, else None."""
        found = None
        for address in addresses:
            key = self._keys.get(address)
            if key is not None:
                self._asked.add(address)
                found = self.raw[key] if found is None else found
        return found

    def many(self, *addresses: str) -> list[Any]:
        """Return what is stated, as a list."""
        found = self.get(*addresses)
        return [] if found is None else found if isinstance(found, list) else [found]

    def things(self, *addresses: str) -> "list[Thing]":
        """Return the objects stated, each with its place; what is none is a doubt."""
        answer = []
        for number, one in enumerate(self.many(*addresses), 1):
            place = f"{addresses[0].rpartition('/')[2]} {number}"
            if isinstance(one, dict):
                answer.append(Thing(one, self.context, place, self._doubts))
            else:
                self._doubts.add(DoubtCode.MALFORMED, place, one)
        return answer

    def is_a(self, *names: str) -> bool:
        """Return whether one of its types is one of ``names``, without prefix."""
        return any(kind in names for kind in self.types())

    def types(self) -> list[str]:
        """Return its types without their prefixes."""
        stated = self.raw.get("@type", self.raw.get("type"))
        every = stated if isinstance(stated, list) else [stated]
        texts = [one for one in every if isinstance(one, str)]
        return [one.rpartition("/")[2].rpartition("#")[2].rpartition(":")[2] for one in texts]

    def rest(self) -> dict[str, tuple[str, Any]]:
        """Return what nobody asked for, by its key, with its address and what is stated.

        A key that only this document's context gives its meaning is told by its address.
        """
        return {
            key if _STANDARD.expand(key) == address else address: (address, self.raw[key])
            for address, key in self._keys.items()
            if address not in self._asked
        }


def _same(address: str) -> str:
    for other, ours in _SAME:
        if address.startswith(other):
            return ours + address[len(other) :]
    return address


_STANDARD = Context(None, Doubts())

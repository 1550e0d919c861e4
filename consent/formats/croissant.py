"""Read Croissant 0.8, 1.0 and 1.1 with RAI 1.0: what a file says of a data set.

Croissant has no property for the people depicted, for the legal basis, nor for what else we
need of an item, so these stand under our own prefix; other people's tools ignore them. A FileSet
names a pattern, not files: it is noted, since nobody can check a file that is not named.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from consent.errors import DescriptionRefused
from consent.formats import statements
from consent.formats.croissant_lineage import read_lineage
from consent.formats.described import (
    DescribedItem,
    Description,
    Digest,
    Reading,
    Usage,
    UsageKind,
)
from consent.formats.doubts import DoubtCode, Doubts
from consent.formats.jsonld import CROISSANT, DCT, MUNIMENT, RAI, SCHEMA, Context, Thing
from consent.formats.strict_json import parse_object

FORM = "croissant"
MAX_BYTES = 8 * 2**20
MAX_FILES = 10_000
VERSIONS = {CROISSANT + version: version for version in ("0.8", "1.0", "1.1")}
RAI_VERSIONS = frozenset({RAI + "1.0"})

# Croissant RAI 1.0, section 3.
RAI_TERMS = (
    *("annotationsPerItem", "annotatorDemographics", "dataAnnotationAnalysis"),
    *("dataAnnotationPlatform", "dataAnnotationProtocol", "dataBiases", "dataCollection"),
    *("dataCollectionMissingData", "dataCollectionRawData", "dataCollectionTimeframe"),
    *("dataCollectionType", "dataImputationProtocol", "dataLimitations"),
    *("dataManipulationProtocol", "dataPreprocessingProtocol", "dataReleaseMaintenancePlan"),
    *("dataSocialImpact", "dataUseCases", "machineAnnotationTools"),
    *("personalSensitiveInformation",),
)
_RAI_FOLDED = {term.casefold(): term for term in RAI_TERMS} | {
    "datacollectionraw": "dataCollectionRawData",
    "datacollectiontimeframestart": "dataCollectionTimeframe",
    "datacollectiontimeframeend": "dataCollectionTimeframe",
    "databias": "dataBiases",
    "datausecase": "dataUseCases",
    "datalimitation": "dataLimitations",
    "personalandsensitiveinformation": "personalSensitiveInformation",
    "datareleasemaintenance": "dataReleaseMaintenancePlan",
}
_FURTHER = (
    *("alternateName", "dateCreated", "dateModified", "funder", "identifier", "inLanguage"),
    *("isAccessibleForFree", "keywords", "publisher", "sameAs", "sdLicense", "sdPublisher"),
    *("spatialCoverage", "temporalCoverage", "thumbnailUrl", "variableMeasured", "maintainer"),
    *("includedInDataCatalog", "isPartOf", "hasPart", "genre", "citation"),
)
_UNITS = {"": 1, "b": 1, "bytes": 1} | {
    unit: 1024**power for power, unit in enumerate(("kib", "mib", "gib", "tib"), 1)
}
_UNITS |= {unit: 1000**power for power, unit in enumerate(("kb", "mb", "gb", "tb"), 1)}
_DUO = re.compile(r"(?:.*[/#])?DUO[:_]\d{7}")


def read(data: bytes) -> Reading:
    """Read a description. Raises DescriptionRefused for what is no such JSON object at all."""
    document = parse_object(data, longest=MAX_BYTES)
    doubts = Doubts()
    context = Context(document.get("@context"), doubts)
    thing = Thing(_dataset(document), context, "", doubts)
    version = _version(thing, document, doubts)
    description = _description(thing, doubts)
    items = tuple(_items(thing, description, doubts))
    for prefix in sorted(context.unknown):
        doubts.add(DoubtCode.PREFIX_UNDECLARED, "@context", prefix)
    digest = hashlib.sha256(data).hexdigest()
    return Reading(FORM, version, digest, description, items, doubts.freeze())


def _dataset(document: dict[str, Any]) -> dict[str, Any]:
    """Return the object that describes the data set: the document, or one of its graph."""
    graph = document.get("@graph")
    if isinstance(graph, list):
        for one in graph:
            if isinstance(one, dict) and str(one.get("@type", "")).endswith("Dataset"):
                return one
        raise DescriptionRefused("description has a graph without a data set in it")
    return document


def _version(thing: Thing, document: dict[str, Any], doubts: Doubts) -> str:
    stated = thing.many(DCT + "conformsTo", SCHEMA + "conformsTo", CROISSANT + "conformsTo")
    found = ""
    for one in stated:
        name = statements.text(one, "conformsTo", doubts, longest=200)
        known = thing.context.expand(name.rstrip("/")) if name else ""
        if known in VERSIONS:
            found = max(found, VERSIONS[known])
        elif known not in RAI_VERSIONS:
            doubts.add(DoubtCode.VERSION_UNKNOWN, "conformsTo", name or one)
    if found:
        return found
    # 0.8 had no way to say so; only what uses its vocabulary is it.
    guess = "0.8" if "mlcommons.org/schema" in str(document.get("@context"))[:20_000] else "1.0"
    if not stated:
        doubts.add(DoubtCode.VERSION_MISSING, "conformsTo", guess)
    return guess if not stated else ""


def _description(thing: Thing, doubts: Doubts) -> Description:
    def text(name: str, longest: int = statements.LONGEST_TEXT) -> str:
        return statements.text(thing.get(SCHEMA + name), name, doubts, longest=longest)

    nodes, links = read_lineage(thing, doubts)
    known = Description(
        name=text("name", 500) or _missing(doubts, DoubtCode.NAME_MISSING, "name"),
        version=text("version", 100),
        identifier=statements.text(thing.raw.get("@id"), "@id", doubts, longest=2000),
        about=text("description"),
        url=text("url", 2000),
        published=statements.time(thing.get(SCHEMA + "datePublished"), "datePublished", doubts)
        or _missing(doubts, DoubtCode.PUBLISHED_MISSING, "datePublished"),
        metadata_version=statements.text(
            thing.get(CROISSANT + "sdVersion"), "sdVersion", doubts, longest=100
        ),
        licence=statements.licence(thing.get(SCHEMA + "license"), "license", doubts),
        creators=statements.parties(
            thing.get(SCHEMA + "creator", SCHEMA + "author"), "creator", doubts
        ),
        usage=_usage(thing, doubts),
        nodes=nodes,
        links=links,
    )
    thing.get(SCHEMA + "distribution")
    rai, further, unknown = _rest(thing, doubts)
    return replace(known, rai=rai, further=further, unknown=unknown)


def _missing(doubts: Doubts, code: DoubtCode, place: str) -> str:
    doubts.add(code, place)
    return ""


def _usage(thing: Thing, doubts: Doubts) -> tuple[Usage, ...]:
    found = []
    for raw in thing.many(SCHEMA + "usageInfo"):
        kind = _usage_kind(raw, thing.context)
        if kind is UsageKind.UNKNOWN:
            doubts.add(DoubtCode.USAGE_UNKNOWN, "usageInfo", raw)
        found.append(Usage(kind, raw))
    return tuple(found)


def _usage_kind(raw: Any, context: Context) -> UsageKind:
    if isinstance(raw, str):
        return UsageKind.DUO if _DUO.fullmatch(raw) else UsageKind.TEXT
    if not isinstance(raw, dict):
        return UsageKind.UNKNOWN
    thing = Thing(raw, context, "usageInfo", Doubts())
    if thing.is_a("Offer", "Set", "Agreement", "Policy") or "permission" in raw:
        return UsageKind.ODRL
    codes = [raw.get(key) for key in ("@id", "termCode", "sc:termCode", "url", "name")]
    if any(isinstance(code, str) and _DUO.fullmatch(code) for code in codes):
        return UsageKind.DUO
    return UsageKind.TERM if thing.is_a("DefinedTerm", "CreativeWork") else UsageKind.UNKNOWN


def _rest(thing: Thing, doubts: Doubts) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return what else is said: of RAI, known to the format, and unknown."""
    rai: dict[str, Any] = {}
    further: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for key, (address, value) in thing.rest().items():
        name = address.removeprefix(RAI) if address.startswith(RAI) else ""
        # Some files leave the prefix of RAI terms out.
        name = name or (key if key.casefold() in _RAI_FOLDED else "")
        term = _RAI_FOLDED.get(name.casefold())
        if term is not None:
            if term != name or not address.startswith(RAI):
                doubts.add(DoubtCode.TERM_RENAMED, key, term)
            _join(rai, term, value)
        elif address.removeprefix(SCHEMA) in _FURTHER or address.startswith(CROISSANT):
            further[key] = value
        else:
            doubts.add(DoubtCode.TERM_UNKNOWN, key, key)
            unknown[key] = value
    return rai, further, unknown


def _join(found: dict[str, Any], term: str, value: Any) -> None:
    """Keep what is said under two names of one term, such as the two ends of a time frame."""
    if term in found:
        before = found[term] if isinstance(found[term], list) else [found[term]]
        value = [*before, *(value if isinstance(value, list) else [value])]
    found[term] = value


def _items(thing: Thing, description: Description, doubts: Doubts) -> Iterable[DescribedItem]:
    entries = thing.things(SCHEMA + "distribution", CROISSANT + "distribution")
    declared = {name for entry in entries for name in _names(entry)}
    seen: set[str] = set()
    for entry in entries:
        if entry.is_a("FileSet"):
            pattern = statements.text(entry.get(CROISSANT + "includes"), entry.place, doubts)
            doubts.add(DoubtCode.FILES_NOT_LISTED, entry.place, pattern)
    _check_sources(thing.get(CROISSANT + "recordSet"), declared, doubts)
    files = [entry for entry in entries if entry.is_a("FileObject")]
    if len(files) > MAX_FILES:
        raise DescriptionRefused(f"description names {len(files)} files, at most {MAX_FILES}")
    for ordinal, entry in enumerate(files, 1):
        yield _item(ordinal, entry, description, declared, seen)


def _names(entry: Thing) -> Iterable[str]:
    for name in (entry.raw.get("@id"), entry.get(SCHEMA + "name")):
        if isinstance(name, str):
            yield name


def _item(
    ordinal: int, entry: Thing, description: Description, declared: set[str], seen: set[str]
) -> DescribedItem:
    doubts = Doubts()
    licence = description.licence
    if (own := entry.get(SCHEMA + "license")) is not None or not licence.spdx:
        licence = statements.licence(own or licence.stated or None, "license", doubts)
    place = statements.location(
        entry.get(SCHEMA + "contentUrl", CROISSANT + "contentUrl"), "contentUrl", doubts
    )
    if place in seen:
        doubts.add(DoubtCode.LOCATION_REPEATED, "contentUrl", place)
    seen.add(place)
    creators = entry.get(SCHEMA + "creator", SCHEMA + "author")
    basis = statements.text(entry.get(MUNIMENT + "legalBasis"), "legalBasis", doubts)
    _check_containers(entry, declared, doubts)
    return DescribedItem(
        ordinal=ordinal,
        location=place,
        digest=_digest(entry, doubts),
        perceptual_hash=_own(entry, "perceptualHash", doubts),
        size=_size(entry.get(SCHEMA + "contentSize"), doubts),
        width=statements.whole_number(entry.get(SCHEMA + "width"), "width", doubts),
        height=statements.whole_number(entry.get(SCHEMA + "height"), "height", doubts),
        media_type=statements.text(
            entry.get(SCHEMA + "encodingFormat"), "encodingFormat", doubts, longest=200
        ),
        text=statements.text(entry.get(SCHEMA + "description"), "description", doubts),
        licence=licence,
        legal_basis=statements.legal_basis(basis, "legalBasis", doubts),
        depicts=statements.people(entry.get(MUNIMENT + "depicts"), "depicts", doubts),
        creators=tuple(party.name for party in statements.parties(creators, "creator", Doubts())),
        signals=statements.pairs(entry.get(MUNIMENT + "signals"), "signals", doubts),
        flags=statements.pairs(entry.get(MUNIMENT + "flags"), "flags", doubts),
        unknown=_unknown(entry),
        doubts=doubts.freeze(),
    )


def _own(entry: Thing, name: str, doubts: Doubts) -> str:
    return statements.text(entry.get(MUNIMENT + name), name, doubts, longest=500)


def _unknown(entry: Thing) -> tuple[tuple[str, Any], ...]:
    for name in ("name", "sameAs", "alternateName"):
        entry.get(SCHEMA + name)
    return tuple((key, value) for key, (_, value) in entry.rest().items())


def _digest(entry: Thing, doubts: Doubts) -> Digest | None:
    for name in ("sha512", "sha256", "md5", "sha1"):
        stated = entry.get(SCHEMA + name, CROISSANT + name)
        if stated is not None:
            value = statements.text(stated, name, doubts, longest=500)
            return statements.digest(value, name, doubts, algorithm=name)
    doubts.add(DoubtCode.DIGEST_MISSING, "sha256")
    return None


def _size(value: Any, doubts: Doubts) -> int | None:
    if not isinstance(value, str):
        return statements.whole_number(value, "contentSize", doubts)
    found = re.fullmatch(r"\s*(\d{1,16})(\.\d{1,9})?\s*([A-Za-z]{0,5})\s*", value)
    unit = _UNITS.get(found[3].lower()) if found else None
    if found is None or unit is None or (found[2] and unit == 1):
        doubts.add(DoubtCode.NUMBER_UNREADABLE, "contentSize", value)
        return None
    size = int(found[1]) * unit + int(float(found[2] or 0) * unit)
    return statements.whole_number(size, "contentSize", doubts)


def _check_sources(record_sets: Any, declared: set[str], doubts: Doubts) -> None:
    """Say which files the record sets of 1.0 and 1.1 take their data from that nobody describes."""
    waiting = [record_sets]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            for key in ("fileObject", "cr:fileObject", "fileSet", "cr:fileSet"):
                named = value.get(key)
                name = named.get("@id") if isinstance(named, dict) else named
                if isinstance(name, str) and name not in declared:
                    doubts.add(DoubtCode.REFERENCE_UNRESOLVED, "recordSet", name)
            # Inline data are the records themselves, however they call their columns.
            waiting += [inner for key, inner in value.items() if key not in ("data", "cr:data")]


def _check_containers(entry: Thing, declared: set[str], doubts: Doubts) -> None:
    for one in entry.many(CROISSANT + "containedIn", SCHEMA + "containedIn"):
        name = statements.text(one, "containedIn", doubts, longest=500)
        if name and name.lstrip("#") not in declared and name not in declared:
            doubts.add(DoubtCode.REFERENCE_UNRESOLVED, "containedIn", name)

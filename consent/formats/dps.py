"""Read metadata of the Data Provenance Standards 1.0.0 (Data & Trust Alliance).

The published text, its diagram and its tool disagree in places: both spellings of a code system,
lists where one value is meant, two names for one property. All are read, and noted.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from consent.errors import DescriptionRefused
from consent.formats import statements
from consent.formats.described import (
    Description,
    Licence,
    Link,
    Node,
    NodeKind,
    Party,
    Reading,
    Ref,
    Relation,
    Usage,
    UsageKind,
)
from consent.formats.doubts import DoubtCode, Doubts
from consent.formats.strict_json import parse_object

FORM = "dps"
VERSION = "1.0.0"
MAX_BYTES = 4 * 2**20
MAX_DEPTH = 8
_GROUPS = ("source", "provenance", "use")
_KNOWN = {
    "source": {"version", "title", "id", "location", "issuer", "description"},
    "provenance": {
        *("source", "origin", "origin-geography", "date", "previous-date", "generation-period"),
        *("generation-method", "format", "sub-provenance"),
    },
    "use": {
        *("classification", "consents", "privacy-enhancing", "processing-included"),
        *("processing-excluded", "storage-allowed", "storage-forbidden", "license"),
        *("intended-purpose", "copyright", "patent", "trademark"),
    },
}
# Names met in the wild, and what the standard calls the same.
_RENAMED = {
    "privacy-indicators": "privacy-enhancing",
    "privacy-enhancing-technologies": "privacy-enhancing",
    "storage-prohibited": "storage-forbidden",
    "geography": "origin-geography",
    "data-format": "format",
    "name": "title",
    "issue-date": "date",
    "licence": "license",
}
_SYSTEM = re.compile(
    r"https://(?:www\.)?dataandtrustalliance\.org/(?P<name>DPS|DSP)/CodeSystem/\w+/?"
)
# Families of codes; the standard gives each some endings, and others add their own.
_METHODS = (
    *("data-augmentation", "data-mining", "feeds", "machine-generated-mlops", "other"),
    *("primary-user-source", "sensor-and-iot-output", "simulations", "social-media"),
    *("soensor-and-iot-output", "syndication", "transfer-learning", "user-generated-content"),
    *("web-scraping-crawling",),
)
_CODES = {
    "classification": re.compile("pi|pci|pfi|pii|phi|spi"),
    "generation-method": re.compile(f"(?:{'|'.join(_METHODS)})(?:-[a-z0-9-]+)?"),
    "intended-purpose": re.compile(
        "ai-(?:pre-training|alignment|evaluation|synthetic|other)"
        "|non-ai-(?:staging|production|quality|other)"
    ),
    "privacy-enhancing": re.compile("[a-z0-9-]+"),
}
_MISSPELT = {"soensor-and-iot-output": "sensor-and-iot-output"}


def read(data: bytes) -> Reading:
    """Read metadata. Raises DescriptionRefused for what is no such JSON object at all."""
    document = parse_object(data, longest=MAX_BYTES)
    if not any(isinstance(document.get(group), dict) for group in _GROUPS):
        raise DescriptionRefused("description has none of source, provenance and use")
    doubts = Doubts()
    groups = {name: _group(document, name, doubts) for name in _GROUPS}
    unknown = {key: value for key, value in document.items() if key not in _GROUPS}
    for name, group in groups.items():
        unknown |= {f"{name}.{key}": group[key] for key in group if key not in _KNOWN[name]}
    for key in unknown:
        doubts.add(DoubtCode.TERM_UNKNOWN, "", key)
    description = _description(groups, unknown, doubts)
    digest = hashlib.sha256(data).hexdigest()
    return Reading(FORM, VERSION, digest, description, (), doubts.freeze())


def _group(document: Mapping[str, Any], name: str, doubts: Doubts) -> dict[str, Any]:
    """Return a group of the standard, its properties by the names of the standard."""
    stated = document.get(name)
    if not isinstance(stated, dict):
        doubts.add(DoubtCode.MALFORMED, name, stated)
        return {}
    found: dict[str, Any] = {}
    for key, value in stated.items():
        term = _RENAMED.get(key, key) if key not in _KNOWN[name] else key
        if term in _KNOWN[name] and term != key:
            if term in stated:
                doubts.add(DoubtCode.REPEATED, name, key)
                continue
            doubts.add(DoubtCode.TERM_RENAMED, f"{name}.{key}", term)
        else:
            term = key
        found[term] = value
    return found


def _description(
    groups: Mapping[str, Mapping[str, Any]], unknown: dict[str, Any], doubts: Doubts
) -> Description:
    source, provenance, use = (groups[name] for name in _GROUPS)

    def text(name: str, longest: int = statements.LONGEST_TEXT) -> str:
        return statements.text(source.get(name), f"source.{name}", doubts, longest=longest)

    name, identifier = text("title", 500), text("id", 2000)
    if not name:
        doubts.add(DoubtCode.NAME_MISSING, "source.title")
    if not identifier:
        doubts.add(DoubtCode.IDENTIFIER_MISSING, "source.id")
    nodes, links = _lineage(provenance, doubts, depth=0)
    published = statements.time(provenance.get("date"), "provenance.date", doubts)
    if not published:
        doubts.add(DoubtCode.PUBLISHED_MISSING, "provenance.date")
    _check_required(provenance, use, doubts)
    _check_consents(use, doubts)
    kept = {f"provenance.{key}": value for key, value in provenance.items()}
    kept |= {f"use.{key}": value for key, value in use.items()}
    return Description(
        name=name,
        metadata_version=text("version", 100),
        identifier=identifier,
        about=text("description"),
        url=text("location", 2000),
        published=published,
        licence=_licence(use.get("license"), doubts),
        creators=_issuers(source.get("issuer"), doubts),
        usage=_usage(use),
        nodes=tuple(nodes.values()),
        links=tuple(links),
        further={key: value for key, value in kept.items() if key not in unknown},
        unknown=unknown,
    )


def _licence(value: Any, doubts: Doubts) -> Licence:
    # The tool writes an empty list where nothing was entered.
    return statements.licence(value or None, "use.license", doubts)


def _issuers(value: Any, doubts: Doubts) -> tuple[Party, ...]:
    return statements.parties(value, "source.issuer", doubts)


def _usage(use: Mapping[str, Any]) -> tuple[Usage, ...]:
    return tuple(
        Usage(UsageKind.TERM, {name: use[name]})
        for name in ("intended-purpose", "storage-forbidden", "processing-excluded", "consents")
        if use.get(name)
    )


def _check_required(provenance: Mapping[str, Any], use: Mapping[str, Any], doubts: Doubts) -> None:
    _check_codes(provenance, "provenance", ("generation-method",), doubts)
    _check_codes(use, "use", ("classification", "intended-purpose", "privacy-enhancing"), doubts)
    groups = {"provenance": provenance, "use": use}
    for name in ("provenance.generation-method", "provenance.format", "use.intended-purpose"):
        group, _, key = name.partition(".")
        if not groups[group].get(key):
            doubts.add(DoubtCode.MALFORMED, name, "nothing, though at least one is asked for")
    statements.time(provenance.get("previous-date"), "provenance.previous-date", doubts)
    period = provenance.get("generation-period")
    for end in ("start", "end"):
        stated = period.get(end) if isinstance(period, dict) else None
        statements.time(stated, f"provenance.generation-period.{end}", doubts)


def _check_codes(
    group: Mapping[str, Any], place: str, names: tuple[str, ...], doubts: Doubts
) -> None:
    for name in names:
        where = f"{place}.{name}"
        for one in _list(group.get(name)):
            code, system = _code(one)
            if code is None:
                doubts.add(DoubtCode.MALFORMED, where, one)
            elif not _CODES[name].fullmatch(code):
                doubts.add(DoubtCode.CODE_UNKNOWN, where, code)
            for wrong, right in _MISSPELT.items():
                if code and code.startswith(wrong):
                    doubts.add(DoubtCode.TERM_RENAMED, where, code.replace(wrong, right))
            found = _SYSTEM.fullmatch(system)
            if system and (found is None or found["name"] != "DPS"):
                doubts.add(DoubtCode.CODE_SYSTEM_VARIANT, where, system)


def _code(stated: Any) -> tuple[str | None, str]:
    """Return a code and its system; some tools nest it, others write the code alone."""
    if isinstance(stated, str):
        return stated.strip(), ""
    for key in ("tool", "regulation", "category", "method"):
        if isinstance(stated, dict) and "code" not in stated and key in stated:
            return _code(stated[key])
    if not isinstance(stated, dict) or not isinstance(stated.get("code"), str):
        return None, ""
    system = stated.get("system")
    return stated["code"].strip(), system if isinstance(system, str) else ""


def _check_consents(use: Mapping[str, Any], doubts: Doubts) -> None:
    """Say it where personal data is declared and no consent named."""
    consents = [one for one in _list(use.get("consents")) if one]
    for one in consents:
        if not isinstance(one, str) or not re.match(r"https?://", one):
            doubts.add(DoubtCode.MALFORMED, "use.consents", one)
    evaluated = [
        one
        for one in _list(use.get("classification"))
        if not (isinstance(one, dict) and one.get("evaluated") in (False, "no"))
    ]
    if evaluated and not consents:
        doubts.add(DoubtCode.CONSENTS_MISSING, "use.consents")


def _lineage(
    provenance: Mapping[str, Any], doubts: Doubts, *, depth: int
) -> tuple[dict[Ref, Node], list[Link]]:
    """Return what the data comes from: upstream metadata, origins, and theirs in turn."""
    nodes: dict[Ref, Node] = {}
    links = []
    for stated in _list(provenance.get("source")):
        address = statements.text(stated, "provenance.source", doubts, longest=2000)
        if address:
            links.append(Link(Relation.DERIVED_FROM, Ref(), Ref(address)))
    if provenance.get("origin"):
        for party in statements.parties(provenance["origin"], "provenance.origin", doubts):
            ref = Ref(party.identifier or party.name)
            nodes[ref] = Node(NodeKind.AGENT, ref, name=party.name)
            links.append(Link(Relation.ATTRIBUTED_TO, Ref(), ref))
    for inner in _list(provenance.get("sub-provenance")):
        if not isinstance(inner, dict) or depth == MAX_DEPTH:
            doubts.add(DoubtCode.MALFORMED, "provenance.sub-provenance", inner)
            continue
        more_nodes, more_links = _lineage(inner, doubts, depth=depth + 1)
        nodes |= more_nodes
        links += [link for link in more_links if link not in links]
    return nodes, links


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]

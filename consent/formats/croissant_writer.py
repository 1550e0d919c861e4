"""Write Croissant 1.1, so that the official validator takes it and we read the same again."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from consent.formats.croissant_lineage import write_lineage
from consent.formats.described import DescribedItem, Description, Digest, Licence, Party
from consent.formats.jsonld import CROISSANT, MUNIMENT, ODRL, PROV, RAI

CONFORMS_TO = CROISSANT + "1.1"
# Croissant 1.1, appendix on the context, and our own prefixes behind it.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        term: f"cr:{term}"
        for term in (
            *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes"),
            *("extract", "field", "fileObject", "fileProperty", "fileSet", "format", "includes"),
            *("isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path"),
            *("recordSet", "references", "regex", "repeated", "replace", "samplingRate"),
            *("sdVersion", "separator", "source", "subField", "transform"),
        )
    },
    "conformsTo": "dct:conformsTo",
    "cr": CROISSANT,
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "muniment": MUNIMENT,
    "odrl": ODRL,
    "prov": PROV,
    "rai": RAI,
    "sc": "https://schema.org/",
}
_MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}


@dataclass(frozen=True, slots=True)
class ItemSet:
    """Items that are told of together and not one by one: of one media type, so many."""

    media_type: str
    items: int


def write(
    description: Description, items: Iterable[DescribedItem] = (), sets: Iterable[ItemSet] = ()
) -> bytes:
    """Return the description as UTF-8 JSON with a final line feed.

    ``croissant.read`` gives ``description`` and ``items`` again, in so far as Croissant has
    words for them: of links, only those of the data set itself.
    """
    return b"".join(stream(description, items, sets))


def stream(
    description: Description, items: Iterable[DescribedItem] = (), sets: Iterable[ItemSet] = ()
) -> Iterator[bytes]:
    """Yield what ``write`` returns piece by piece: the head, then each item as it comes."""
    said = {key: value for key, value in _document(description).items() if value not in ("", [])}
    yield _json(said).removesuffix("\n}").encode()
    before = ',\n  "distribution": [\n'
    for entry in chain(map(_set, sets), map(_file, items)):
        yield (before + "    " + _json(entry).replace("\n", "\n    ")).encode()
        before = ",\n"
    yield b"\n}\n" if before.startswith(",\n ") else b"\n  ]\n}\n"


def _document(description: Description) -> dict[str, Any]:
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "@id": description.identifier,
        "conformsTo": [CONFORMS_TO, *([RAI + "1.0"] if description.rai else [])],
        "name": description.name,
        "description": description.about,
        "version": description.version,
        "sdVersion": description.metadata_version,
        "url": description.url,
        "datePublished": description.published,
        "license": licence_text(description.licence),
        "creator": [_party(party) for party in description.creators],
        "usageInfo": [usage.raw for usage in description.usage],
        **{f"rai:{term}": value for term, value in description.rai.items()},
        **write_lineage(description.nodes, description.links),
        **description.further,
        **description.unknown,
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


def licence_text(licence: Licence) -> str:
    """Return the address of a licence that has one, else what was stated."""
    is_address = "://" in licence.stated
    return licence.stated if is_address else licence_url(licence.spdx or licence.stated)


def licence_url(identifier: str) -> str:
    """Return the address of an SPDX identifier; what is none is given back unchanged."""
    if re.fullmatch(r"[A-Za-z0-9.+-]+", identifier) and not identifier.startswith("LicenseRef-"):
        return f"https://spdx.org/licenses/{identifier}"
    return identifier


def media_type(path: str) -> str:
    """Return the media type that a file's name promises."""
    return _MEDIA_TYPES.get(path.rpartition(".")[2].lower(), "application/octet-stream")


def _party(party: Party) -> dict[str, str]:
    kind = party.kind if party.kind in {"Person", "Organization"} else "Organization"
    written = {"@type": f"sc:{kind}", "name": party.name}
    return written | ({"url": party.identifier} if party.identifier else {})


def _set(one: ItemSet) -> dict[str, Any]:
    name = f"items-{one.media_type or 'other'}".replace("/", "-")
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "description": f"{one.items} items",
        "encodingFormat": one.media_type or "application/octet-stream",
        "includes": "*",
    }


def _file(item: DescribedItem) -> dict[str, Any]:
    digest = item.digest or Digest("sha256", "")
    entry = {
        "@type": "cr:FileObject",
        "@id": f"file-{item.ordinal}",
        "name": f"file-{item.ordinal}",
        "description": item.text,
        "contentUrl": item.location,
        "contentSize": f"{item.size} B" if item.size is not None else "",
        "encodingFormat": item.media_type or media_type(item.location),
        digest.algorithm: digest.value,
        "width": item.width,
        "height": item.height,
        "license": licence_text(item.licence),
        "creator": [{"@type": "sc:Organization", "name": name} for name in item.creators],
        "muniment:legalBasis": item.legal_basis,
        "muniment:depicts": list(item.depicts),
        "muniment:perceptualHash": item.perceptual_hash,
        "muniment:signals": dict(item.signals),
        "muniment:flags": dict(item.flags),
        **dict(item.unknown),
    }
    return {key: value for key, value in entry.items() if value not in ("", [], {}, None)}

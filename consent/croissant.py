"""Croissant 1.1 descriptions of picture data sets: read what a folder says of itself, and write.

We take JSON-LD in the compact form that Croissant prescribes, not arbitrary JSON-LD: keys are
read literally, nothing is fetched, no context is expanded. Croissant has no property for the
people depicted nor for the legal basis, so both stand under our own prefix; other people's tools
ignore them.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from consent.errors import DescriptionRefused

MAX_BYTES = 8 * 2**20
MAX_FILES = 10_000
CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
READABLE = {"http://mlcommons.org/croissant/1.0", CONFORMS_TO}
NAMESPACE = "urn:muniment:ns:"
DEPICTS = "muniment:depicts"
LEGAL_BASIS = "muniment:legalBasis"
SHA256 = re.compile(r"[0-9a-f]{64}")
SPDX_URL = re.compile(r"https?://spdx\.org/licenses/([A-Za-z0-9.+-]+?)(?:\.html|\.json)?")

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "muniment": NAMESPACE,
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "sc": "https://schema.org/",
    "sdVersion": "cr:sdVersion",
    "source": "cr:source",
    "transform": "cr:transform",
}


@dataclass(frozen=True)
class DescribedFile:
    """What a description says of one file; absent statements are empty."""

    path: str
    sha256: str
    licence: str
    legal_basis: str
    depicts: tuple[str, ...]


@dataclass(frozen=True)
class Description:
    """A Croissant description, as far as we use it."""

    name: str
    version: str
    licence: str
    files: tuple[DescribedFile, ...]


def read(data: bytes) -> Description:
    """Read a Croissant 1.0 or 1.1 description.

    Raises DescriptionRefused for what is no JSON object, is too large, repeats a key or a path,
    or does not say that it conforms to Croissant. Doubtful statements about single files are
    kept as they are: whoever takes the files judges them one by one.
    """
    document = _parse(data)
    _check_conformance(document.get("conformsTo", document.get("dct:conformsTo")))
    licence = spdx(_text(document, "license"))
    described = [
        _read_file(entry, licence)
        for entry in _objects(document, "distribution")
        if entry.get("@type") in {"cr:FileObject", "FileObject", "sc:FileObject"}
    ]
    if len(described) > MAX_FILES:
        raise DescriptionRefused(f"description names {len(described)} files, at most {MAX_FILES}")
    _check_paths(described)
    return Description(
        name=_text(document, "name"),
        version=_text(document, "version"),
        licence=licence,
        files=tuple(described),
    )


def write(description: Description, *, about: str, date_published: str) -> bytes:
    """Write a Croissant 1.1 description, as UTF-8 JSON with a final line feed.

    Reading it gives ``description`` again. ``date_published`` is an ISO 8601 date.
    """
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": description.name,
        "description": about,
        "version": description.version,
        "datePublished": date_published,
        "license": licence_url(description.licence),
        "distribution": [
            _write_file(number, file) for number, file in enumerate(description.files, 1)
        ],
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def spdx(licence: str) -> str:
    """Return the SPDX identifier that a licence statement names, else the statement itself."""
    match = SPDX_URL.fullmatch(licence)
    return match[1] if match else licence


def licence_url(identifier: str) -> str:
    """Return the address of an SPDX identifier; what is none is given back unchanged."""
    if re.fullmatch(r"[A-Za-z0-9.+-]+", identifier) and not identifier.startswith("LicenseRef-"):
        return f"https://spdx.org/licenses/{identifier}"
    return identifier


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise DescriptionRefused(f"description has {len(data)} bytes, at most {MAX_BYTES}")
    try:
        document = json.loads(data, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise DescriptionRefused(f"description is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise DescriptionRefused(f"description is a {type(document).__name__}, wanted an object")
    return document


def _without_duplicates(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for key, value in pairs:
        if key in answer:
            raise DescriptionRefused("description gives a key twice in one object")
        answer[key] = value
    return answer


def _check_conformance(stated: object) -> None:
    versions = stated if isinstance(stated, list) else [stated]
    # A version is named by a plain string or by a reference to it.
    names = {v.get("@id") if isinstance(v, dict) else v for v in versions if _is_name(v)}
    if not names & READABLE:
        raise DescriptionRefused(
            "description does not say that it conforms to Croissant 1.0 or 1.1"
        )


def _is_name(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get("@id"), str))


def _read_file(entry: Mapping[str, Any], licence: str) -> DescribedFile:
    stated = entry.get(DEPICTS, [])
    people = stated if isinstance(stated, list) else [stated]
    return DescribedFile(
        path=_text(entry, "contentUrl"),
        sha256=_text(entry, "sha256").lower(),
        licence=spdx(_text(entry, "license")) or licence,
        legal_basis=_text(entry, LEGAL_BASIS),
        # A malformed statement about people must not read as nobody: keep it to be refused.
        depicts=tuple(person if isinstance(person, str) else "?" for person in people),
    )


def _write_file(number: int, file: DescribedFile) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "@type": "cr:FileObject",
        "@id": f"file-{number}",
        "name": f"file-{number}",
        "contentUrl": file.path,
        "encodingFormat": _media_type(file.path),
        "sha256": file.sha256,
    }
    if file.licence:
        entry["license"] = licence_url(file.licence)
    if file.legal_basis:
        entry[LEGAL_BASIS] = file.legal_basis
    if file.depicts:
        entry[DEPICTS] = list(file.depicts)
    return entry


def _media_type(path: str) -> str:
    endings = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}
    return endings.get(path.rpartition(".")[2].lower(), "application/octet-stream")


def _objects(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = document.get(key, [])
    entries = value if isinstance(value, list) else [value]
    if not all(isinstance(entry, dict) for entry in entries):
        raise DescriptionRefused(f"{key} holds something that is no object")
    return entries


def _check_paths(described: Iterable[DescribedFile]) -> None:
    seen = set()
    for file in described:
        if file.path in seen:
            raise DescriptionRefused("description names a file twice")
        seen.add(file.path)


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key, "")
    if isinstance(value, dict):
        value = value.get("@id", value.get("url", ""))
    return value.strip() if isinstance(value, str) else ""

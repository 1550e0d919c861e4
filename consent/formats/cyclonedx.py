"""Write what a model is made of as a CycloneDX 1.6 ML-BOM (ECMA-424), in JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from consent.formats.described import UNLICENSED, Digest, Licence, Party, Ref

MEDIA_TYPE = "application/vnd.cyclonedx+json; version=1.6"
_ALGORITHMS = {
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
}


@dataclass(frozen=True)
class Material:
    """A data set version that a model was trained on.

    ``sensitive`` tells in words what is sensitive in it, such as that people are depicted.
    """

    ref: Ref
    name: str
    licence: Licence = UNLICENSED
    digest: Digest | None = None
    about: str = ""
    address: str = ""
    sensitive: tuple[str, ...] = ()
    creators: tuple[Party, ...] = ()


@dataclass(frozen=True)
class Model:
    """A model version, and what is known of how it came about.

    ``bases`` are the models it was derived from, ``task`` and ``architecture`` are short names,
    ``use_cases`` and ``limitations`` sentences. ``properties`` are further pairs for our own
    readers, such as the share of items with consent.
    """

    ref: Ref
    name: str
    licence: Licence = UNLICENSED
    digest: Digest | None = None
    about: str = ""
    task: str = ""
    architecture: str = ""
    creators: tuple[Party, ...] = ()
    materials: tuple[Material, ...] = ()
    bases: tuple["Model", ...] = ()
    use_cases: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()


def write(model: Model, *, serial: UUID, at: str, producer: str) -> bytes:
    """Return the BOM of ``model`` as UTF-8 JSON with a final line feed.

    ``serial`` names this document, ``at`` is ISO 8601 with a zone, ``producer`` the name of the
    program that says so. Models and data sets that are named twice stand once.
    """
    parts = {_key(model.ref): _model(model)}
    for base in model.bases:
        parts.setdefault(_key(base.ref), _model(base))
    for material in model.materials:
        parts.setdefault(_key(material.ref), _material(material))
    needs = [key for key in parts if key != _key(model.ref)]
    bom = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": at,
            "tools": {"components": [{"type": "application", "name": producer}]},
            "component": parts.pop(_key(model.ref)),
        },
        "components": list(parts.values()),
        "dependencies": [
            {"ref": _key(model.ref), "dependsOn": needs},
            *({"ref": key} for key in needs),
        ],
    }
    return (json.dumps(bom, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _key(ref: Ref) -> str:
    return f"{ref.identifier}@{ref.version}" if ref.version else ref.identifier


def _model(model: Model) -> dict[str, Any]:
    parameters = {
        "task": model.task,
        "modelArchitecture": model.architecture,
        "datasets": [{"ref": key} for key in dict.fromkeys(_key(m.ref) for m in model.materials)],
    }
    considerations = {
        "useCases": list(model.use_cases),
        "technicalLimitations": list(model.limitations),
    }
    card = {"modelParameters": _said(parameters), "considerations": _said(considerations)}
    return _component("machine-learning-model", model) | _said(
        {
            "modelCard": _said(card),
            "pedigree": _said({"ancestors": [_ancestor(base) for base in model.bases]}),
            "properties": [{"name": name, "value": value} for name, value in model.properties],
        }
    )


def _ancestor(base: Model) -> dict[str, Any]:
    # A reference may stand once in a document: the base itself is among the components.
    return _said({"type": "machine-learning-model", "name": base.name, "version": base.ref.version})


def _material(material: Material) -> dict[str, Any]:
    data = {
        "type": "dataset",
        "name": material.name,
        "description": material.about,
        "contents": _said({"url": material.address}),
        "sensitiveData": list(material.sensitive),
        "governance": _said({"owners": [_owner(party) for party in material.creators]}),
    }
    return _component("data", material) | {"data": [_said(data)]}


def _component(kind: str, thing: Model | Material) -> dict[str, Any]:
    said = {
        "bom-ref": _key(thing.ref),
        "type": kind,
        "name": thing.name,
        "version": thing.ref.version,
        "description": thing.about,
        "authors": [{"name": party.name} for party in thing.creators],
        "licenses": [_licence(thing.licence)] if thing.licence.stated else [],
        "hashes": _hashes([thing.digest] if thing.digest else []),
    }
    return _said(said)


def _owner(party: Party) -> dict[str, Any]:
    if party.kind == "Person":
        return {"contact": {"name": party.name}}
    return {"organization": {"name": party.name}}


def _hashes(digests: Sequence[Digest]) -> list[dict[str, str]]:
    known = [digest for digest in digests if digest.algorithm in _ALGORITHMS]
    return [{"alg": _ALGORITHMS[digest.algorithm], "content": digest.value} for digest in known]


def _licence(licence: Licence) -> dict[str, Any]:
    is_listed = licence.spdx and not licence.spdx.startswith("LicenseRef-")
    return {"license": {"id": licence.spdx} if is_listed else {"name": licence.stated}}


def _said(stated: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in stated.items() if value not in ("", [], {}, None)}

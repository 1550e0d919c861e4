"""What waits for repair: how a described item is kept meanwhile, and set right by what is said.

Pure: keys and rows are the caller's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson

from consent.formats.described import DescribedItem, Digest, Licence
from consent.formats.doubts import Doubt, DoubtCode
from consent.formats.statements import find_spdx
from consent.intake import BASIS_DOUBTS, LICENCE_DOUBTS


@dataclass(frozen=True)
class Repair:
    """What somebody says of quarantined items: a licence (SPDX), a legal basis, who is meant by a
    name (None: nobody), and which reasons they answer for."""

    licence: str = ""
    legal_basis: str = ""
    people: Mapping[str, UUID | None] | None = None
    accepted: frozenset[str] = frozenset()


def mend(item: DescribedItem, repair: Repair) -> DescribedItem:
    """Return ``item`` with what was said about it, and without the doubts that this settles."""
    settled: set[DoubtCode] = set()
    if repair.licence:
        item = item._replace(licence=Licence(repair.licence, find_spdx(repair.licence)))
        settled |= LICENCE_DOUBTS
    if repair.legal_basis:
        item = item._replace(legal_basis=repair.legal_basis)
        settled |= BASIS_DOUBTS
    if repair.people:
        named = [(name, repair.people.get(name, name)) for name in item.depicts]
        item = item._replace(depicts=tuple(str(who) for _, who in named if who is not None))
        if "?" not in item.depicts:
            settled.add(DoubtCode.PEOPLE_UNREADABLE)
    left = tuple(
        one
        for one in item.doubts
        if one.code not in settled and one.code.value not in repair.accepted
    )
    return item._replace(doubts=left)


def dump(item: DescribedItem, accepted: Iterable[str] = ()) -> bytes:
    """Return an item as JSON, with what somebody answered for; ``load`` reads it.

    Its caption, and what the format does not know, are left out: nobody needs them for a repair.
    """
    return orjson.dumps(
        {
            "ordinal": item.ordinal,
            # A file's name need not be text.
            "location": item.location.encode("utf-8", "replace").decode(),
            "digest": [item.digest.algorithm, item.digest.value] if item.digest else None,
            "perceptual_hash": item.perceptual_hash,
            "size": item.size,
            "width": item.width,
            "height": item.height,
            "media_type": item.media_type,
            "licence": [item.licence.stated, item.licence.spdx],
            "legal_basis": item.legal_basis,
            "depicts": item.depicts,
            "creators": item.creators,
            "signals": item.signals,
            "flags": item.flags,
            "accepted": sorted(accepted),
            "doubts": [(one.code.value, one.place, one.met) for one in item.doubts],
        },
        default=str,
    )


def load(data: bytes) -> tuple[DescribedItem, frozenset[str]]:
    """Read what ``dump`` wrote."""
    said = orjson.loads(data)
    accepted = frozenset(said.pop("accepted"))
    item = DescribedItem(
        **said
        | {
            "digest": Digest(*said["digest"]) if said["digest"] else None,
            "licence": Licence(*said["licence"]),
            "depicts": tuple(said["depicts"]),
            "creators": tuple(said["creators"]),
            "signals": tuple((name, value) for name, value in said["signals"]),
            "flags": tuple((name, value) for name, value in said["flags"]),
            "doubts": tuple(
                Doubt(DoubtCode(code), place, met) for code, place, met in said["doubts"]
            ),
        }
    )
    return item, accepted

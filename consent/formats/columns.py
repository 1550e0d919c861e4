"""What the columns of a table mean: guessed from their names, shown, and set right by people."""

import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from consent.errors import DescriptionRefused
from consent.formats import repair_table


class Meaning(StrEnum):
    """What a column says of an item. ``unknown`` is kept as it is, ``ignored`` is left out.

    Of ``signal`` and ``flag`` the column's name is part; ``signals`` and ``flags`` hold any number
    as JSON objects of names and texts.
    """

    LOCATION = "location"
    TEXT = "text"
    WIDTH = "width"
    HEIGHT = "height"
    SIZE = "size"
    MEDIA_TYPE = "media_type"
    DIGEST = "digest"
    SHA256 = "sha256"
    SHA512 = "sha512"
    SHA1 = "sha1"
    MD5 = "md5"
    PERCEPTUAL_HASH = "perceptual_hash"
    LICENCE = "licence"
    LEGAL_BASIS = "legal_basis"
    DEPICTS = "depicts"
    CREATORS = "creators"
    SIGNAL = "signal"
    FLAG = "flag"
    SIGNALS = "signals"
    FLAGS = "flags"
    UNKNOWN = "unknown"
    IGNORED = "ignored"


# Strongest first: of several columns the first of these is the digest.
DIGESTS = (Meaning.SHA256, Meaning.SHA512, Meaning.DIGEST, Meaning.SHA1, Meaning.MD5)
MANY = frozenset({Meaning.SIGNAL, Meaning.FLAG, Meaning.UNKNOWN, Meaning.IGNORED})
ColumnMapping = Mapping[str, Meaning]
AnyMeaning = TypeVar("AnyMeaning", bound=StrEnum)

# As ``fold_column`` makes them; names of LAION's and others' tables.
_NAMES = {
    Meaning.LOCATION: "url imageurl contenturl src link path imagepath filepath filename file uri",
    Meaning.TEXT: "text caption alttext alt toplaintext description title prompt",
    Meaning.WIDTH: "width imagewidth originalwidth w",
    Meaning.HEIGHT: "height imageheight originalheight h",
    Meaning.SIZE: "size filesize bytes contentsize sizebytes",
    Meaning.MEDIA_TYPE: "mediatype mimetype mime contenttype encodingformat",
    Meaning.DIGEST: "hash digest checksum filehash",
    Meaning.SHA256: "sha256 sha256sum sha256hash imagesha256",
    Meaning.SHA512: "sha512 sha512sum",
    Meaning.SHA1: "sha1 sha1sum",
    Meaning.MD5: "md5 md5sum md5hash imagemd5",
    Meaning.PERCEPTUAL_HASH: "perceptualhash phash pdq pdqhash dhash ahash whash",
    Meaning.LICENCE: "license licence licenseurl licensename rights usagerights",
    Meaning.LEGAL_BASIS: "legalbasis lawfulbasis basis",
    Meaning.DEPICTS: "depicts subjects subject people person persons",
    Meaning.CREATORS: "creator creators author authors artist photographer attribution owner "
    "rightsholder rightsholders copyrightholder",
    Meaning.SIGNAL: "robots xrobotstag tdmreservation tdmpolicy noai noimageai gpc optout aitxt "
    "trainingmining fetchedat crawledat downloadedat retrievedat datedownloaded",
    Meaning.SIGNALS: "signals",
    Meaning.FLAGS: "flags",
    Meaning.FLAG: "similarity nsfw punsafe unsafe pwatermark watermark aesthetic aestheticscore "
    "score blurry quality label labels status clipscore language lang toxicity",
}
_MEANINGS = {name: meaning for meaning, names in _NAMES.items() for name in names.split()}
_HEX64 = re.compile(r"[0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"[a-z][a-z0-9+]{1,9}://\S+", re.I)


def guess(names: Sequence[str], sample: Sequence[Sequence[Any]] = ()) -> dict[str, Meaning]:
    """Return what each column seems to mean; ``sample`` holds the first rows, where there are any.

    Of two columns for one thing the first counts, of digests the strongest; the other is unknown.
    """
    found = {
        name: _guess_one(name, [row[place] for row in sample if place < len(row)])
        for place, name in enumerate(names)
    }
    if repair_table.is_own(names):
        found |= dict.fromkeys(repair_table.OWN, Meaning.IGNORED)
    digests = sorted(
        (name for name in found if found[name] in DIGESTS), key=lambda n: DIGESTS.index(found[n])
    )
    taken: set[Meaning] = set()
    for name, meaning in found.items():
        is_second = meaning in taken or (meaning in DIGESTS and name != digests[0])
        if meaning not in MANY and is_second:
            found[name] = Meaning.UNKNOWN
        taken.add(meaning)
    return found


def override(mapping: ColumnMapping, changes: Mapping[str, str]) -> dict[str, Meaning]:
    """Return ``mapping`` with some columns given another meaning.

    Raises DescriptionRefused for a column that is not there, a meaning that is none, and two
    columns for one thing.
    """
    changed = change(mapping, changes, Meaning, MANY)
    if sum(meaning in DIGESTS for meaning in changed.values()) > 1:
        raise DescriptionRefused("two columns are digests, wanted one")
    return changed


def change(
    mapping: Mapping[str, AnyMeaning],
    changes: Mapping[str, str],
    meanings: type[AnyMeaning],
    many: Collection[AnyMeaning],
) -> dict[str, AnyMeaning]:
    """As ``override``, for any ``meanings``; those in ``many`` may stand above several columns."""
    changed = dict(mapping)
    for name, meaning in changes.items():
        if name not in mapping:
            raise DescriptionRefused(f"there is no column {name[:80]!r}")
        if meaning not in set(meanings):
            raise DescriptionRefused(f"meaning {meaning[:80]!r} is none of {', '.join(meanings)}")
        changed[name] = meanings(meaning)
    single = [meaning for meaning in changed.values() if meaning not in many]
    if twice := {meaning for meaning in single if single.count(meaning) > 1}:
        raise DescriptionRefused(f"two columns mean {sorted(twice)[0]}")
    return changed


def _guess_one(name: str, values: Sequence[Any]) -> Meaning:
    meaning = _MEANINGS.get(fold_column(name), Meaning.UNKNOWN)
    there = [value for value in values if value not in (None, "")]
    # LAION's "hash" is a number that names a row: no digest of a file.
    if meaning is Meaning.DIGEST and any(_is_number(value) for value in there):
        return Meaning.UNKNOWN
    if meaning is Meaning.UNKNOWN and there and all(isinstance(value, str) for value in there):
        if all(_HEX64.fullmatch(value) for value in there):
            return Meaning.SHA256
        if all(_ADDRESS.fullmatch(value) for value in there) and fold_column(name).startswith(
            "column"
        ):
            return Meaning.LOCATION
    return meaning


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?\d{1,20}", value) is not None
    return isinstance(value, int | float)


def fold_column(name: str) -> str:
    """Return a column's name as it is looked up: small letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())

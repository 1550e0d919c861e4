"""A folder's Croissant description, as far as freezing a version of its files needs it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from consent.errors import DescriptionRefused
from consent.formats import croissant, croissant_writer
from consent.formats.described import DescribedItem, Digest, Licence, Reading
from consent.formats.described import Description as Stated
from consent.formats.doubts import DoubtCode

MAX_BYTES = croissant.MAX_BYTES
SHA256 = re.compile(r"[0-9a-f]{64}")


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


def read_folder(data: bytes) -> Reading:
    """Read a Croissant description whose files lie beside it.

    Raises DescriptionRefused for what ``croissant.read`` refuses, and for a path that stands
    twice or a version of Croissant that is not known or not stated. Doubtful statements about
    single files are kept: whoever takes the files judges each.
    """
    reading = croissant.read(data)
    if reading.form_version not in croissant.VERSIONS.values() or _says(
        reading.doubts, DoubtCode.VERSION_MISSING
    ):
        raise DescriptionRefused(
            "description does not say that it conforms to Croissant 1.0 or 1.1"
        )
    if any(_says(item.doubts, DoubtCode.LOCATION_REPEATED) for item in reading.items):
        raise DescriptionRefused("description names a file twice")
    return reading


def read(data: bytes) -> Description:
    """Read such a description as ``write`` takes it. Raises DescriptionRefused."""
    reading = read_folder(data)
    stated = reading.description
    return Description(
        name=stated.name,
        version=stated.version,
        licence=_licence(stated.licence),
        files=tuple(_file(item) for item in reading.items),
    )


def write(description: Description, *, about: str, date_published: str) -> bytes:
    """Write a Croissant 1.1 description that ``read`` reads; ``date_published`` is ISO 8601."""
    stated = Stated(
        name=description.name,
        version=description.version,
        about=about,
        published=date_published,
        licence=Licence(description.licence),
    )
    return croissant_writer.write(stated, map(_item, range(1, 2**53), description.files))


def _says(doubts: Iterable[object], code: DoubtCode) -> bool:
    return any(getattr(doubt, "code", None) is code for doubt in doubts)


def _licence(licence: Licence) -> str:
    return licence.spdx or licence.stated


def _file(item: DescribedItem) -> DescribedFile:
    is_sha256 = item.digest is not None and item.digest.algorithm == "sha256"
    return DescribedFile(
        path=item.location,
        sha256=item.digest.value if item.digest and is_sha256 else "",
        licence=_licence(item.licence),
        legal_basis=item.legal_basis,
        depicts=item.depicts,
    )


def _item(ordinal: int, file: DescribedFile) -> DescribedItem:
    return DescribedItem(
        ordinal=ordinal,
        location=file.path,
        digest=Digest("sha256", file.sha256) if file.sha256 else None,
        licence=Licence(file.licence),
        legal_basis=file.legal_basis,
        depicts=file.depicts,
    )

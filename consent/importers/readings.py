"""Which reader reads what came."""

from collections.abc import Mapping
from typing import BinaryIO

from consent.errors import DescriptionRefused
from consent.formats import croissant, dps, openlineage, prov
from consent.formats.columns import override
from consent.formats.described import Reading
from consent.formats.manifest import open_manifest
from consent.uses import Form

_READERS = {
    Form.CROISSANT: (croissant.read, croissant.MAX_BYTES),
    Form.PROV: (prov.read, prov.MAX_BYTES),
    Form.DPS: (dps.read, dps.MAX_BYTES),
    Form.OPENLINEAGE: (openlineage.read, openlineage.MAX_BYTES),
}


def open_reading(form: Form, content: BinaryIO, mapping: Mapping[str, str]) -> Reading:
    """Open what came, in its format; items are read as they are walked. Raises DescriptionRefused.

    ``mapping`` sets right what the columns of a table mean.
    """
    if form is Form.MANIFEST:
        manifest = open_manifest(content)
        return manifest.read(override(manifest.guessed, mapping))
    read, limit = _READERS[form]
    data = content.read(limit + 1)
    if len(data) > limit:
        raise DescriptionRefused(f"the file has more than {limit} bytes")
    return read(data)

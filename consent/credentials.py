"""Edge: the content credentials of a picture, read by the C2PA reference library."""

import io
import os
from functools import lru_cache
from typing import Any

import c2pa

from consent.errors import SignalUnreadable

# Whoever signed is not looked up anywhere: what *permits* then counts as unproven, and what
# forbids counts whoever says it.
_SETTINGS = {"version": 1, "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}


def read_store(content: bytes, media_type: str) -> bytes | None:
    """Return the manifest store of a picture as the library's JSON; None where there is none.

    It says itself how far it can be trusted. What is of a kind that carries none has none, whatever
    its server called it. Raises SignalUnreadable for one that is damaged.
    """
    context = _context(os.getpid())
    try:
        with c2pa.Reader(media_type, io.BytesIO(content), context=context) as reader:
            return str(reader.json()).encode()
    except (c2pa.C2paError.ManifestNotFound, c2pa.C2paError.NotSupported):
        return None
    except c2pa.C2paError as error:
        raise SignalUnreadable("its content credentials cannot be read") from error


@lru_cache(maxsize=1)
def _context(_process: int) -> Any:
    # The library's objects do not survive a fork.
    return c2pa.Context.from_dict(_SETTINGS)

"""Edge: the file of roots that alone may vouch for the time-stamp authority."""

from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate
from django.conf import settings

from ledger.errors import AddressRefused, PeerMalformed
from ledger.timestamps import parse_roots


def read_roots() -> tuple[Certificate, ...]:
    """Return the pinned roots of the authority. Raises AddressRefused when there are none."""
    try:
        return parse_roots(Path(settings.MUNIMENT_TSA_ROOTS).read_bytes())
    except (OSError, PeerMalformed) as error:
        raise AddressRefused("the file of the authority's roots cannot be read") from error


def proposed_roots() -> list[str]:
    """Return the roots as PEM texts, for a bundle; none where no authority is set.

    Raises AddressRefused.
    """
    if not settings.MUNIMENT_TSA_ROOTS:
        return []
    return [root.public_bytes(Encoding.PEM).decode() for root in read_roots()]

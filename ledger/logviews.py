"""HTTP: the log itself, as any C2SP tlog-tiles client reads it.

``/log/<name>/`` is the first life of a log, ``/log/<name>.<k>/`` the k-th: each address serves
one origin for ever.
"""

from hashlib import sha256
from typing import NamedTuple

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from ledger.errors import UnknownTile
from ledger.negotiation import OneType
from ledger.served import get_incarnation, read_checkpoint, read_tile
from ledger.tlogtiles import TilePath

CHECKPOINT_TYPE = "text/plain; charset=utf-8"
TILE_TYPE = "application/octet-stream"
# APIs of tlog-tiles: what changes is kept for a second or so, what cannot change for long.
FRESH = "max-age=1"
FOR_EVER = "max-age=31536000, immutable"


class Place(NamedTuple):
    """A log's name and which of its lives."""

    name: str
    ordinal: int


class PlaceConverter:
    """``default`` is the first life of that log, ``default.2`` the second; no other spellings."""

    regex = r"[-a-zA-Z0-9_]+(?:\.(?:[2-9]|[1-9][0-9]{1,3}))?"

    def to_python(self, value: str) -> Place:
        name, _, ordinal = value.partition(".")
        return Place(name, int(ordinal or 1))

    def to_url(self, value: Place) -> str:
        return value.name if value.ordinal == 1 else f"{value.name}.{value.ordinal}"


class TileConverter:
    """What follows ``tile/``; other texts are no address at all."""

    regex = r"[0-9a-z./]{5,64}"

    def to_python(self, value: str) -> TilePath:
        try:
            return TilePath.parse(value)
        except UnknownTile as exc:
            raise ValueError(str(exc)) from exc

    def to_url(self, value: TilePath) -> str:
        return str(value)


class LogAccess(BasePermission):
    """Everybody may read what is public, else those whom a role lets read the log."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        assert isinstance(view, LogView)
        return view.is_public() or bool(request.user.has_perm("ledger.read_log"))


@extend_schema(exclude=True)  # tlog-tiles describes these addresses
class LogView(APIView):
    """One resource of the log: its bytes, cacheable, with an entity tag."""

    permission_classes = [LogAccess]
    content_negotiation_class = OneType
    # A monitor that starts asks for thousands of tiles at once, and each only once.
    throttle_classes = ()

    def is_public(self) -> bool:
        """Return whether anybody may read this resource."""
        return settings.MUNIMENT_PUBLIC_LOG in ("tiles", "entries")

    def get_authenticators(self) -> list[BaseAuthentication]:
        # Nobody is asked who they are where everybody may read: a session that is looked at
        # makes the answer vary by cookie, and shared caches useless.
        return [] if self.is_public() else super().get_authenticators()

    def answer(self, body: bytes, content_type: str, lifetime: str) -> HttpResponseBase:
        """Return ``body``, or 304 when the client has it (RFC 9110, section 13)."""
        etag = quote_etag(sha256(body).hexdigest()[:32])
        audience = "public" if self.is_public() else "private"
        headers = {"ETag": etag, "Cache-Control": f"{audience}, {lifetime}"}
        response = HttpResponse(body, content_type=content_type, headers=headers)
        request = self.request._request
        return get_conditional_response(request, etag=etag, response=response) or response


class CheckpointView(LogView):
    """The newest checkpoint that strangers may see, with its cosignatures."""

    def get(self, request: Request, place: Place) -> HttpResponseBase:  # noqa: ARG002
        checkpoint = read_checkpoint(get_incarnation(*place))
        return self.answer(checkpoint.encode(), CHECKPOINT_TYPE, FRESH)


class TileView(LogView):
    """A tile of hashes, or a bundle of entries."""

    def is_public(self) -> bool:
        # The generator of the API's schema asks without an address.
        tile = self.kwargs.get("tile")
        if tile and tile.level is None:
            return bool(settings.MUNIMENT_PUBLIC_LOG == "entries")
        return super().is_public()

    def get(self, request: Request, place: Place, tile: TilePath) -> HttpResponseBase:  # noqa: ARG002
        return self.answer(read_tile(get_incarnation(*place), tile), TILE_TYPE, FOR_EVER)

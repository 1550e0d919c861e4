"""What all views of the API share: who may come, and how a write is done once."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import orjson
from django.db import transaction
from drf_spectacular.utils import OpenApiParameter
from oauth2_provider.contrib.rest_framework import TokenHasScope
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from consent.models import Account
from ledger.idempotency import claim
from ledger.models import Recorded

MAX_KEY_CHARS = 255
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="A fresh text per write; a retry sends it again and is answered alike.",
)

Row = TypeVar("Row", bound=Recorded)
Shape = TypeVar("Shape", bound=Serializer)


class Access(TokenHasScope):  # type: ignore[misc]
    """Programs need the scope of the address; of people, only that they are signed in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.auth is None:
            return bool(request.user and request.user.is_authenticated)
        return bool(super().has_permission(request, view))

    def get_scopes(self, request: Request, view: Any) -> list[str]:
        return str(view.scopes[request.method]).split()


class ConsentView(APIView):
    """A view for people and programs; ``scopes`` says by method what a token must carry:
    one scope, or several with blanks between."""

    permission_classes = (Access,)
    scopes: ClassVar[Mapping[str, str]] = {}

    @property
    def account(self) -> Account:
        """Return who asks."""
        assert isinstance(self.request.user, Account)
        return self.request.user

    def once(self, model: type[Row], asked: Mapping[str, Any], write: Callable[[], Row]) -> Row:
        """Return the row that ``write`` returns, or the one that answered the same key before.

        Raises ParseError without a usable key, IdempotencyConflict, AnswerGone.
        """
        key = self.request.headers.get("Idempotency-Key", "")
        if not (1 <= len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()):
            raise ParseError(
                f"the header Idempotency-Key must hold 1 to {MAX_KEY_CHARS} characters"
            )
        said = {"asked": asked, "path": self.request.path}
        request = orjson.dumps(said, default=str, option=orjson.OPT_SORT_KEYS)
        with transaction.atomic():
            claimed = claim(client=self.account.pk, key=key, request=request)
            if claimed.is_replay:
                return claimed.answer(model)
            row = write()
            claimed.settle(row)
        return row


def read(serializer: type[Shape], request: Request) -> Shape:
    """Return what was sent, in this shape and valid. Raises ValidationError."""
    asked = serializer(data=request.data)
    asked.is_valid(raise_exception=True)
    return asked

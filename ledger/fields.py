"""Column types of the ledger: digests and sealed values, both plain bytes in Python."""

from typing import Any

from django.core.validators import MaxLengthValidator, MinLengthValidator
from django.db import models

DIGEST_BYTES = 32


class BytesField(models.BinaryField):
    """Bytes that read back as ``bytes``: psycopg hands out memoryviews otherwise."""

    _pyi_private_get_type: bytes

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> bytes | None:
        return None if value is None else bytes(value)


class DigestField(BytesField):
    """A SHA-256 digest, exactly 32 bytes."""

    default_validators = [MinLengthValidator(DIGEST_BYTES), MaxLengthValidator(DIGEST_BYTES)]


class SealedField(BytesField):
    """Ciphertext under the key of the row's scopes; see ``ledger.vault``.

    No field decrypts by itself: a value is opened through ``ledger.services.disclose``, which
    records who read it, or inside the service that needs it.
    """

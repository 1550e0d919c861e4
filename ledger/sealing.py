"""Sealing and opening under data keys: segments, columns, files.

A sealed value is ``version ‖ nonce ‖ AES-256-GCM(content)``. The additional data binds the
scopes and the one place where the value may lie, so that no ciphertext can be moved. What is
sealed under several scopes at once takes a key derived from all of theirs: the first erasure
ends it. Nothing here knows where keys come from, or Django.
"""

from collections.abc import Mapping, Sequence
from secrets import token_bytes
from typing import Any, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.canonical import parse_object
from ledger.commitment import RANDOMNESS_SIZE, Opening
from ledger.errors import CanonicalError, ScopeGone, SealBroken
from ledger.pieces import pieces

KEY_BYTES = 32
NONCE_BYTES = 12
VERSION = b"\x01"
# How much longer a sealed value is: version, nonce, and the tag of GCM.
SEAL_BYTES = len(VERSION) + NONCE_BYTES + 16
_SHARED = b"muniment/shared/v1"


class SealedRow(Protocol):
    """A row with sealed columns: it knows its id, its table and its scopes."""

    pk: UUID

    def scope_ids(self) -> tuple[UUID, ...]: ...


class Keys:
    """The data keys of some scopes, for the length of one transaction; never kept longer."""

    def __init__(self, by_scope: Mapping[UUID, bytes]) -> None:
        self._by_scope = by_scope
        self._ciphers: dict[tuple[UUID, ...], tuple[AESGCM, bytes]] = {}

    def __contains__(self, scopes: Sequence[UUID]) -> bool:
        return all(scope in self._by_scope for scope in scopes)

    def seal(self, row: SealedRow, column: str, content: bytes) -> bytes:
        """Return ``content`` sealed for one column of one row."""
        return self._encrypt(row.scope_ids(), _column_place(row, column), content)

    def open(self, row: SealedRow, column: str) -> bytes:
        """Open one column of one row. Raises SealBroken when it was sealed for another place."""
        sealed = getattr(row, column)
        return self._decrypt(row.scope_ids(), _column_place(row, column), bytes(sealed))

    def seal_segment(
        self, scopes: Sequence[UUID], record: UUID, position: int, opening: Opening
    ) -> bytes:
        """Return the sealed opening of one commitment of a record."""
        content = opening.r + opening.text
        return self._encrypt(scopes, _segment_place(record, position), content)

    def open_segment(
        self, scopes: Sequence[UUID], record: UUID, position: int, kind: str, ciphertext: bytes
    ) -> Opening:
        """Open a segment into the opening it holds. Raises SealBroken."""
        content = self._decrypt(scopes, _segment_place(record, position), ciphertext)
        try:
            inside: dict[str, Any] = parse_object(content[RANDOMNESS_SIZE:])
            role, payload = inside["role"], dict(inside["payload"])
            return Opening(kind=kind, role=role, payload=payload, r=content[:RANDOMNESS_SIZE])
        except (CanonicalError, KeyError, TypeError, ValueError) as error:
            raise SealBroken("a segment opens to something that is no opening") from error

    def seal_bytes(self, scopes: Sequence[UUID], place: bytes, content: bytes) -> bytes:
        """Return ``content`` sealed for ``place``, any string that names where it will lie."""
        return self._encrypt(scopes, place, content)

    def seal_many(
        self, scopes: Sequence[UUID], place: bytes, ids: Sequence[bytes], contents: Sequence[bytes]
    ) -> list[bytes]:
        """Return ``seal_bytes`` of contents, each at ``place`` ‖ its id. Raises ScopeGone."""
        cipher, bound = self._cipher(scopes)
        bound += place
        nonces = pieces(token_bytes(NONCE_BYTES * len(ids)), NONCE_BYTES)
        return [
            VERSION + nonce + cipher.encrypt(nonce, content, bound + each)
            for nonce, each, content in zip(nonces, ids, contents, strict=True)
        ]

    def open_bytes(self, scopes: Sequence[UUID], place: bytes, sealed: bytes) -> bytes:
        """Open what ``seal_bytes`` sealed for ``place``. Raises SealBroken."""
        return self._decrypt(scopes, place, sealed)

    def _encrypt(self, scopes: Sequence[UUID], place: bytes, content: bytes) -> bytes:
        return self.seal_many(scopes, place, [b""], [content])[0]

    def _decrypt(self, scopes: Sequence[UUID], place: bytes, sealed: bytes) -> bytes:
        if sealed[:1] != VERSION:
            raise SealBroken(f"sealed value has version {sealed[:1].hex()}, wanted 01")
        cipher, bound = self._cipher(scopes)
        nonce, content = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, content, bound + place)
        except (InvalidTag, ValueError) as error:
            raise SealBroken("a sealed value does not belong where it lies") from error

    def _cipher(self, scopes: Sequence[UUID]) -> tuple[AESGCM, bytes]:
        """Return the cipher for ``scopes``, and what binds a ciphertext to them."""
        named = tuple(scopes)
        if named not in self._ciphers:
            ordered = sorted(set(named))
            bound = VERSION + _count(ordered) + b"".join(one.bytes for one in ordered)
            self._ciphers[named] = AESGCM(self._key(ordered)), bound
        return self._ciphers[named]

    def _key(self, ordered: Sequence[UUID]) -> bytes:
        if not ordered or any(scope not in self._by_scope for scope in ordered):
            raise ScopeGone("a key scope is gone or being destroyed")
        if len(ordered) == 1:
            return self._by_scope[ordered[0]]
        material = b"".join(self._by_scope[scope] for scope in ordered)
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_SHARED).derive(material)


def _count(scopes: Sequence[UUID]) -> bytes:
    """Return how many scopes there are: one byte, or 255 and four more."""
    few = len(scopes) < 255
    return bytes([len(scopes)]) if few else b"\xff" + len(scopes).to_bytes(4, "big")


def column_place(table: str, column: str) -> bytes:
    """Return what, before a row's id in 16 bytes, names the place of a sealed column."""
    return b"column\0" + f"{table}\0{column}\0".encode()


def _column_place(row: SealedRow, column: str) -> bytes:
    table = row._meta.db_table  # type: ignore[attr-defined]
    return column_place(table, column) + row.pk.bytes


def _segment_place(record: UUID, position: int) -> bytes:
    return b"segment\0" + record.bytes + position.to_bytes(2, "big")

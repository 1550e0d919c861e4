"""C2SP signed notes and checkpoints: parse, verify, sign.

Signature types: 0x01 Ed25519 over the text, 0x04 Ed25519 cosignature with a time, 0x06 ML-DSA-44
with a time. Clauses are those of signed-note.md, tlog-checkpoint.md and tlog-cosignature.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from . import strict_base64
from .errors import NoteError
from .merkle import HASH_SIZE

MAX_NOTE_SIZE = 1 << 20
# Verifiers must take 16 at least; ML-DSA makes each of them worth a bound (Format).
MAX_SIGNATURES = 64
MAX_TIME = MAX_SIZE = 2**63 - 1
KEY_ID_SIZE = 4
TIME_SIZE = 8

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DECIMAL = re.compile(r"(0|[1-9][0-9]*)\Z")
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+(.+)\Z", re.DOTALL)


class SignatureType(IntEnum):
    """The signature types that we check and make (signed-note.md, Signature types)."""

    ED25519 = 0x01
    COSIGNATURE = 0x04
    MLDSA44 = 0x06


_KEY_SIZES = {
    SignatureType.ED25519: 32,
    SignatureType.COSIGNATURE: 32,
    SignatureType.MLDSA44: 1312,
}


@dataclass(frozen=True)
class Signature:
    """One signature line: who claims to have signed, and the bytes."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """Return the line without its final LF."""
        return f"— {self.name} {strict_base64.encode(self.key_id + self.value)}"


@dataclass(frozen=True)
class Note:
    """A text, with its final LF, and the signatures under it."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, text: str | bytes) -> "Note":
        """Parse a signed note (signed-note.md, Format). Raises NoteError."""
        message = _decode(text)
        # The text itself may hold empty lines: only the last one parts it from the signatures.
        head, separator, tail = message.rpartition("\n\n")
        if not separator or not head:
            raise NoteError("note has no empty line before its signatures")
        if not tail.endswith("\n"):
            raise NoteError("note does not end with a signature line")
        lines = tail[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise NoteError(f"note has {len(lines)} signatures, at most {MAX_SIGNATURES} are read")
        return cls(head + "\n", tuple(_parse_signature(line) for line in lines))

    def __str__(self) -> str:
        return self.text + "\n" + "".join(signature.line + "\n" for signature in self.signatures)

    def signed_by(self, verifiers: Sequence["Verifier"]) -> "Note":
        """Return the note with the lines of these keys only, in the keys' order; checks nothing."""
        by_key = {(line.name, line.key_id): line for line in self.signatures}
        wanted = ((verifier.name, verifier.key_id) for verifier in verifiers)
        return Note(self.text, tuple(by_key[key] for key in wanted if key in by_key))

    def verify(self, verifiers: Sequence["Verifier"]) -> tuple["Signed", ...]:
        """Check each signature by a known key; return them in the note's order.

        Signatures by unknown keys are ignored. One failing signature by a known key sinks the
        note, and so does a note that no known key has signed. Raises NoteError.
        """
        known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
        if len(known) != len(set(verifiers)):
            raise NoteError("two known keys share a name and a key id")
        signed = []
        for signature in self.signatures:
            if verifier := known.get((signature.name, signature.key_id)):
                time = verifier.verify(self.text, signature.value)
                signed.append(Signed(verifier, time))
        if not signed:
            raise NoteError("note carries no signature by a known key")
        return tuple(signed)


@dataclass(frozen=True)
class Checkpoint:
    """What a log says of itself: its origin, its size and the root over so many leaves."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Parse the text of a checkpoint's note, without signatures (tlog-checkpoint.md).

        Raises NoteError.
        """
        if not text.endswith("\n"):
            raise NoteError("checkpoint text does not end in a line feed")
        lines = text[:-1].split("\n")
        if len(lines) < 3 or "" in lines:
            raise NoteError("checkpoint text wants origin, size and root, and no empty line")
        root = strict_base64.decode(lines[2])
        if root is None or len(root) != HASH_SIZE:
            raise NoteError(f"checkpoint root is not the base64 of {HASH_SIZE} bytes")
        return cls(lines[0], parse_decimal(lines[1], "checkpoint size"), root, tuple(lines[3:]))

    @property
    def text(self) -> str:
        """Return the text that is signed, with its final LF."""
        lines = (self.origin, str(self.size), strict_base64.encode(self.root), *self.extensions)
        return "".join(line + "\n" for line in lines)


@dataclass(frozen=True)
class Verifier:
    """A public key under a name: what can check the signatures made by it."""

    name: str
    type: SignatureType
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Parse a verifier key ``name+id+base64`` (signed-note.md, Verifier keys).

        Raises NoteError, also for a type that we cannot check.
        """
        match = _VKEY.match(vkey)
        key = strict_base64.decode(match[3]) if match else None
        if match is None or not key:
            raise NoteError("verifier key is not of the form name+id+base64")
        _check_name(match[1])
        verifier = cls(match[1], _known_type(key[0]), key[1:])
        if len(verifier.public) != _KEY_SIZES[verifier.type]:
            raise NoteError(f"verifier key holds {len(verifier.public)} bytes of public key")
        if verifier.key_id.hex() != match[2]:
            raise NoteError(f"verifier key says id {match[2]}, wanted {verifier.key_id.hex()}")
        return verifier

    @cached_property
    def key_id(self) -> bytes:
        """Return the 4 bytes SHA-256(name ‖ LF ‖ type ‖ public key) begins with."""
        named = self.name.encode() + b"\n" + bytes([self.type]) + self.public
        return sha256(named).digest()[:KEY_ID_SIZE]

    @property
    def vkey(self) -> str:
        """Return the text form, which ``parse`` reads."""
        key = strict_base64.encode(bytes([self.type]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def verify(self, text: str, signature: bytes) -> int | None:
        """Check ``signature``, the bytes after the key id, over the note text.

        Returns the POSIX time in seconds that a timestamped signature states, else None. Raises
        NoteError.
        """
        time = None
        if self.type is not SignatureType.ED25519:
            time, signature = _split_time(signature)
        message = signed_message(self.name, self.type, text, time)
        try:
            self._public_key.verify(signature, message)
        except (InvalidSignature, ValueError) as exc:
            named = f"{self.name}, key {self.key_id.hex()}"
            raise NoteError(f"signature by {named} does not hold") from exc
        return time

    @cached_property
    def _public_key(self) -> Ed25519PublicKey | MLDSA44PublicKey:
        if self.type is SignatureType.MLDSA44:
            return MLDSA44PublicKey.from_public_bytes(self.public)
        return Ed25519PublicKey.from_public_bytes(self.public)


@dataclass(frozen=True)
class Signed:
    """One signature that holds: by whom, and the time it states, if any (POSIX seconds)."""

    verifier: Verifier
    time: int | None


@dataclass(frozen=True)
class Signer:
    """A private key under a name."""

    name: str
    type: SignatureType
    key: Ed25519PrivateKey | MLDSA44PrivateKey

    @classmethod
    def from_seed(cls, name: str, kind: SignatureType, seed: bytes) -> "Signer":
        """Build a signer from the 32 bytes its private key grows from. Raises NoteError."""
        if len(seed) != 32:
            raise NoteError(f"seed has {len(seed)} bytes, wanted 32")
        if kind is SignatureType.MLDSA44:
            return cls(name, kind, MLDSA44PrivateKey.from_seed_bytes(seed))
        return cls(name, kind, Ed25519PrivateKey.from_private_bytes(seed))

    def __post_init__(self) -> None:
        _check_name(self.name)
        wanted = MLDSA44PrivateKey if self.type is SignatureType.MLDSA44 else Ed25519PrivateKey
        if not isinstance(self.key, wanted):
            raise NoteError(f"private key does not fit signature type {self.type:#04x}")

    @cached_property
    def verifier(self) -> Verifier:
        """Return the public half."""
        return Verifier(self.name, self.type, self.key.public_key().public_bytes_raw())

    def sign(self, text: str, *, time: int = 0) -> Signature:
        """Sign a note text; ``time``, in POSIX seconds, stands in timestamped types only.

        Raises NoteError when the text is malformed, or is no checkpoint where the type needs one.
        """
        _check_text(text)
        if self.type is SignatureType.ED25519:
            value = self.key.sign(signed_message(self.name, self.type, text, None))
        else:
            stamped = self.key.sign(signed_message(self.name, self.type, text, time))
            value = time.to_bytes(TIME_SIZE, "big") + stamped
        return Signature(self.name, self.verifier.key_id, value)


def sign_note(text: str, signers: Sequence[Signer], *, time: int = 0) -> Note:
    """Sign ``text`` with each signer. Raises NoteError."""
    return Note(text, tuple(signer.sign(text, time=time) for signer in signers))


def signed_message(name: str, kind: SignatureType, text: str, time: int | None) -> bytes:
    """Return the bytes that a signature of ``kind`` by ``name`` covers. Raises NoteError."""
    if kind is SignatureType.ED25519:
        return text.encode()
    checkpoint = Checkpoint.parse(text)
    if time is None or not 0 <= time <= MAX_TIME:
        raise NoteError(f"signature time is {time}, wanted 0 to 2**63 - 1")
    if kind is SignatureType.COSIGNATURE:
        return f"cosignature/v1\ntime {time}\n{text}".encode()
    return _subtree_message(name, checkpoint, time)


def parse_decimal(text: str, what: str) -> int:
    """Parse a decimal without sign or leading zero, up to 2**63 - 1. Raises NoteError."""
    # The length is bounded first: turning a long text into an integer is quadratic.
    if len(text) > 19 or not _DECIMAL.match(text) or int(text) > MAX_SIZE:
        raise NoteError(f"{what} is not a decimal from 0 to 2**63 - 1")
    return int(text)


def _subtree_message(name: str, checkpoint: Checkpoint, time: int) -> bytes:
    # tlog-cosignature.md, ML-DSA-44 signed message; start 0 and end = size for a checkpoint.
    return b"".join(
        (
            b"subtree/v1\n\x00",
            _short_bytes(name),
            time.to_bytes(8, "big"),
            _short_bytes(checkpoint.origin),
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _short_bytes(text: str) -> bytes:
    data = text.encode()
    if len(data) > 255:
        raise NoteError(f"name has {len(data)} bytes, at most 255 fit")
    return bytes([len(data)]) + data


def _decode(text: str | bytes) -> str:
    if len(text) > MAX_NOTE_SIZE:
        raise NoteError(f"note is longer than {MAX_NOTE_SIZE} bytes")
    try:
        message = text.decode() if isinstance(text, bytes) else text
        message.encode()
    except UnicodeError as exc:
        raise NoteError("note is not UTF-8") from exc
    if _CONTROL.search(message):
        raise NoteError("note holds a control character")
    return message


def _parse_signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    blob = strict_base64.decode(encoded)
    if dash != "—" or blob is None or len(blob) <= KEY_ID_SIZE:
        raise NoteError("signature line is not of the form — name base64")
    _check_name(name)
    return Signature(name, blob[:KEY_ID_SIZE], blob[KEY_ID_SIZE:])


def _split_time(signature: bytes) -> tuple[int, bytes]:
    if len(signature) <= TIME_SIZE:
        raise NoteError("timestamped signature is too short to hold a time")
    return int.from_bytes(signature[:TIME_SIZE], "big"), signature[TIME_SIZE:]


def _known_type(byte: int) -> SignatureType:
    try:
        return SignatureType(byte)
    except ValueError as exc:
        raise NoteError(f"signature type {byte:#04x} is none that we check") from exc


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteError("key name is empty, or holds a space or a plus sign")
    if _CONTROL.search(name):
        raise NoteError("key name holds a control character")
    try:
        name.encode()
    except UnicodeError as exc:
        # Half of a surrogate pair: what a command line makes of bytes that are no UTF-8.
        raise NoteError("key name is not UTF-8") from exc


def _check_text(text: str) -> None:
    _decode(text)
    if not text.endswith("\n"):
        raise NoteError("note text does not end in a line feed")

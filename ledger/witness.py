"""C2SP tlog-witness: the request ``add-checkpoint``, and what a witness may answer to it.

What comes back is hostile until checked: sizes are bounded before anything is split, and a
signature counts only when it is the asked witness's own, over the text that was sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import NoteError, PeerFalse, PeerMalformed, ProofError
from .note import MAX_SIZE, MAX_TIME, Note, Signature, SignatureType, Verifier, parse_decimal
from .tlogproof import MAX_PATH, format_consistency

PATH = "add-checkpoint"
REQUEST_TYPE = "text/plain; charset=utf-8"
SIZE_TYPE = "text/x.tlog.size"
# Sixteen signature lines of ML-DSA-44 and their names fit.
MAX_ANSWER = 64 << 10
MAX_LINES = 16
# A witness's clock may be ahead of ours by so much; a time far off would outlive every other.
CLOCK_SKEW_SECONDS = 600
_MAX_SIZE_LINE = 20


@dataclass(frozen=True)
class Cosigned:
    """A cosignature that holds, and the time it states in POSIX seconds."""

    signature: Signature
    time: int


def format_request(old_size: int, path: Sequence[bytes], note: Note) -> bytes:
    """Write the body of ``add-checkpoint`` (tlog-witness.md).

    ``path`` is the consistency proof from ``old_size`` to the note's size: empty for size 0, and
    for the size itself. Raises ProofError for what no witness takes.
    """
    if not 0 <= old_size <= MAX_SIZE or len(path) > MAX_PATH:
        raise ProofError(f"old size {old_size} or {len(path)} hashes cannot be sent")
    return f"old {old_size}\n{format_consistency(path)}\n{note}".encode()


def parse_known_size(body: bytes) -> int:
    """Read the size in the answer 409. Raises PeerMalformed."""
    if len(body) > _MAX_SIZE_LINE or not body.endswith(b"\n"):
        raise PeerMalformed("answer 409 is not one line with a size")
    try:
        return parse_decimal(body[:-1].decode("ascii"), "size in answer 409")
    except (NoteError, UnicodeError) as exc:
        raise PeerMalformed("answer 409 is not one line with a size") from exc


def parse_cosignatures(body: bytes, text: str, witness: Verifier, now: int) -> Cosigned:
    """Return the newest cosignature by ``witness`` over ``text`` in the answer 200.

    Lines by other keys are ignored. ``now`` is our clock in POSIX seconds. Raises
    PeerMalformed when the body is no list of signature lines, PeerFalse when it holds no
    signature by this key, one that fails, or one with an impossible time.
    """
    if len(body) > MAX_ANSWER or body.count(b"\n") > MAX_LINES:
        raise PeerMalformed("answer is longer than any list of cosignatures")
    try:
        note = Note.parse(f"{text}\n{body.decode()}")
    except (NoteError, UnicodeError) as exc:
        raise PeerMalformed("answer is no list of signature lines") from exc
    # An answer with an empty line in it would have moved the border of the text.
    if note.text != text:
        raise PeerMalformed("answer is no list of signature lines")
    return max(_check(note, witness, now), key=lambda cosigned: cosigned.time)


def _check(note: Note, witness: Verifier, now: int) -> list[Cosigned]:
    own = [one for one in note.signatures if (one.name, one.key_id) == _identity(witness)]
    if not own:
        raise PeerFalse("answer holds no cosignature by the witness asked")
    cosigned = []
    for signature in own:
        try:
            time = witness.verify(note.text, signature.value)
        except NoteError as exc:
            raise PeerFalse("cosignature does not hold over the checkpoint sent") from exc
        # Time 0 is a log's own way of signing: a witness that states none saw nothing when.
        if time is None or not 0 < time <= min(MAX_TIME, now + CLOCK_SKEW_SECONDS):
            raise PeerFalse("cosignature states no time, or one that lies ahead")
        cosigned.append(Cosigned(signature, time))
    return cosigned


def _identity(verifier: Verifier) -> tuple[str, bytes]:
    return verifier.name, verifier.key_id


def parse_witness_key(vkey: str) -> Verifier:
    """Read the verifier key of a witness: type 0x04 or 0x06. Raises NoteError."""
    verifier = Verifier.parse(vkey)
    if verifier.type is SignatureType.ED25519:
        raise NoteError("key of type 0x01 is a log's own, wanted 0x04 or 0x06")
    return verifier

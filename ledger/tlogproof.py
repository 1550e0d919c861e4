"""C2SP tlog-proof: one text that proves one leaf, with the checkpoint it is proved in."""

from collections.abc import Sequence
from dataclasses import dataclass

from . import strict_base64
from .errors import NoteError, ProofError
from .merkle import HASH_SIZE, verify_inclusion
from .note import Checkpoint, Note, parse_decimal

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
# A tree of 2**63 leaves needs no longer path.
MAX_PATH = 63


@dataclass(frozen=True)
class TlogProof:
    """The place of a leaf, the path from it, and the signed checkpoint that the path ends in.

    ``extra`` is covered by nothing; whoever uses it must check it by other means.
    """

    index: int
    path: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None

    @classmethod
    def parse(cls, text: str | bytes) -> "TlogProof":
        """Parse a proof (tlog-proof.md, Format). Raises ProofError."""
        try:
            return cls._parse(text.decode() if isinstance(text, bytes) else text)
        except (NoteError, UnicodeError) as exc:
            raise ProofError(f"proof cannot be read: {exc}") from exc

    @classmethod
    def _parse(cls, text: str) -> "TlogProof":
        head, separator, checkpoint = text.partition("\n\n")
        if not separator:
            raise ProofError("proof has no empty line before its checkpoint")
        # Bounded, so that a long text is not split into as many pieces.
        lines = head.split("\n", MAX_PATH + 3)
        if lines[0] != HEADER:
            raise ProofError(f"proof does not begin with {HEADER}")
        extra, lines = _take_extra(lines[1:])
        if not lines or not lines[0].startswith("index "):
            raise ProofError("proof does not name an index")
        if len(lines) > 1 + MAX_PATH:
            raise ProofError(f"proof has more than {MAX_PATH} hashes")
        index = parse_decimal(lines[0].removeprefix("index "), "leaf index")
        path = tuple(_parse_hash(line) for line in lines[1:])
        return cls(index, path, Note.parse(checkpoint), extra)

    def __str__(self) -> str:
        extra = [] if self.extra is None else [f"extra {strict_base64.encode(self.extra)}"]
        hashes = [strict_base64.encode(value) for value in self.path]
        head = "\n".join([HEADER, *extra, f"index {self.index}", *hashes])
        return f"{head}\n\n{self.note}"

    def verify(self, leaf_hash: bytes) -> Checkpoint:
        """Check that ``leaf_hash`` stands at ``index`` under the checkpoint; return that.

        Who signed the checkpoint is the caller's part: see ``Note.verify``. Raises ProofError, and
        NoteError when the note holds no checkpoint.
        """
        checkpoint = Checkpoint.parse(self.note.text)
        verify_inclusion(leaf_hash, self.index, checkpoint.size, self.path, checkpoint.root)
        return checkpoint


def format_consistency(path: Sequence[bytes]) -> str:
    """Write a consistency proof: one base64 hash a line, as tlog-witness has it."""
    return "".join(strict_base64.encode(value) + "\n" for value in path)


def parse_consistency(text: str | bytes) -> list[bytes]:
    """Parse what ``format_consistency`` writes. Raises ProofError."""
    try:
        decoded = text.decode("ascii") if isinstance(text, bytes) else text
    except UnicodeError as exc:
        raise ProofError("consistency proof is not ASCII") from exc
    if not decoded:
        return []
    lines = decoded.split("\n", MAX_PATH + 2)
    if lines.pop() != "" or len(lines) > MAX_PATH + 1:
        raise ProofError("consistency proof is too long, or does not end in a line feed")
    return [_parse_hash(line) for line in lines]


def _take_extra(lines: list[str]) -> tuple[bytes | None, list[str]]:
    if not lines or not lines[0].startswith("extra "):
        return None, lines
    extra = strict_base64.decode(lines[0].removeprefix("extra "))
    if extra is None:
        raise ProofError("proof's extra is not padded base64")
    return extra, lines[1:]


def _parse_hash(line: str) -> bytes:
    value = strict_base64.decode(line)
    if value is None or len(value) != HASH_SIZE:
        raise ProofError(f"a line of the proof is not the base64 of {HASH_SIZE} bytes")
    return value

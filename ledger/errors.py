"""Everything the ledger refuses, one class per thing a caller treats differently.

LedgerError
├── CanonicalError      a value has no canonical form in our JSON subset
├── ProofError          an inclusion or consistency proof does not hold
├── NoteError           a signed note or checkpoint is malformed, or a known signature fails
├── CommitmentError     an opening does not fit its commitment
├── LeafError           a record body or a leaf has not the one shape it may have
│   └── RecordTooLarge  an event must be split over several records
├── ArchiveError        a ZIP file leaves the strict profile
│   └── NotAnArchive    a file is no ZIP file at all
├── UnknownKind, UnknownLog, UnknownRecord, UnknownTile     there is none of that name
├── UnknownCheckpoint   no checkpoint has that size
├── FactsRefused        facts do not fit the schema of their kind
├── KindNotOpen         programs may not append records of that kind
├── LineRefused         one line of a batch cannot become a record
├── BatchRefused        a batch is empty or too large
├── VerificationBroken  a verification ended before its verdict
├── OffTheRecord        something would happen without a record
├── ScopeGone           a person has been, or is being, erased
├── SealBroken          ciphertext does not belong where it lies
├── IdempotencyConflict a key was used before with other content
├── AnswerGone          what a request was answered with has been erased since
├── NotYetPublished     a record has no leaf under a published checkpoint yet
├── SigningKeyRefused   a key file is missing, or others may read it
├── UnknownKey          no key here has that id
├── KeyInUse            a key that is still needed was to be retired
├── AnchorRefused       the database does not continue what the anchor holds
│   └── LogRolledBack   it never will: it can only go on as the next incarnation
├── LogGoesOn           a log was to be continued that needs no continuing
├── LogContinued        a log goes on under another origin than was asked for
├── LogTampered         stored leaves, tiles or checkpoints contradict each other
├── WitnessRefused      a witness or a publication policy cannot be as it was asked for
├── PeerFailed          somebody outside was asked in vain
│   ├── AddressRefused  the address is none that can be asked
│   ├── PeerUnreachable no exchange came about
│   ├── PeerSlow        no whole answer came in time
│   ├── PeerRefused     the answer is a refusal
│   ├── PeerMalformed   the answer cannot be read
│   └── PeerFalse       the answer can be read, and does not hold
├── NotArchivable       records cannot leave the database yet
├── CopyBroken          the archive lacks what it should hold, or holds something else
└── JournalBroken       the shred journal's lines do not link up
"""


class LedgerError(Exception):
    """Base of all refusals of the ledger."""


class CanonicalError(LedgerError):
    """A value is outside the JSON subset that records are made of."""


class ProofError(LedgerError):
    """A Merkle proof does not lead where it claims to lead."""


class NoteError(LedgerError):
    """A signed note or a checkpoint is malformed, or a signature by a known key fails."""


class CommitmentError(LedgerError):
    """An opening does not fit the commitment it claims to open."""


class LeafError(LedgerError):
    """A record body or a leaf has not the one shape it may have."""


class RecordTooLarge(LeafError):
    """An event does not fit one record and must be split over several."""


class ArchiveError(LedgerError):
    """A ZIP file leaves the strict profile of a bundle."""


class NotAnArchive(ArchiveError):
    """A file is no ZIP file at all."""


class UnknownKind(LedgerError):
    """No declared kind of record has this name."""


class UnknownLog(LedgerError):
    """No log has this name."""


class UnknownRecord(LedgerError):
    """No record has this id."""


class UnknownTile(LedgerError):
    """The published tree has no such tile, or not yet."""


class UnknownCheckpoint(LedgerError):
    """The log has no checkpoint of the size asked for."""


class FactsRefused(LedgerError):
    """The facts of a record do not fit the schema of its kind."""


class KindNotOpen(LedgerError):
    """A program may not append records of this kind on its own word."""


class LineRefused(LedgerError):
    """One line of a batch cannot become a record; ``line`` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.members = {"line": line}


class BatchRefused(LedgerError):
    """A batch as a whole is empty or too large."""


class VerificationBroken(LedgerError):
    """A verification ended before its verdict."""


class OffTheRecord(LedgerError):
    """Something would happen outside the transaction that records it."""


class ScopeGone(LedgerError):
    """A person whose key is asked for has been, or is being, erased."""


class SealBroken(LedgerError):
    """Ciphertext does not open under the key and place it claims."""


class IdempotencyConflict(LedgerError):
    """An idempotency key was used before with other content."""


class AnswerGone(LedgerError):
    """The row that a repeated request was answered with has been erased."""


class NotYetPublished(LedgerError):
    """The record has no leaf under a published checkpoint yet."""


class SigningKeyRefused(LedgerError):
    """A signing or encryption key file is missing, unreadable, or readable by others."""


class UnknownKey(LedgerError):
    """No key of this installation has that id."""


class KeyInUse(LedgerError):
    """A key that signs, or that other keys are wrapped by, was to be retired."""


class AnchorRefused(LedgerError):
    """The log in the database does not continue what the anchor holds."""


class LogRolledBack(AnchorRefused):
    """The anchor saw what the database does not hold: restore it, or continue the log."""


class LogGoesOn(LedgerError):
    """The log continues its anchor: nothing is lost, and nothing is to be continued."""


class LogContinued(LedgerError):
    """The log goes on under another origin since, and this one takes nothing any more."""


class LogTampered(LedgerError):
    """Stored leaves, tiles or checkpoints contradict each other."""


class WitnessRefused(LedgerError):
    """A witness or a publication policy cannot be as it was asked for."""


class PeerFailed(LedgerError):
    """A witness or a time-stamp authority was asked in vain."""


class AddressRefused(PeerFailed):
    """A configured address is none that can be asked."""


class PeerUnreachable(PeerFailed):
    """No exchange with somebody outside came about."""


class PeerSlow(PeerFailed):
    """Somebody outside gave no whole answer in time."""


class PeerRefused(PeerFailed):
    """Somebody outside refused what was asked."""


class PeerMalformed(PeerFailed):
    """The answer of somebody outside cannot be read."""


class PeerFalse(PeerFailed):
    """The answer of somebody outside can be read, and does not hold."""


class NotArchivable(LedgerError):
    """Records cannot leave the database yet; the message says what is missing."""


class CopyBroken(LedgerError):
    """The archive lacks what it should hold, or holds something else."""


class JournalBroken(LedgerError):
    """The shred journal's lines do not link up."""

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
├── FactsRefused        facts do not fit the schema of their kind
├── OffTheRecord        something would happen without a record
├── ScopeGone           a person has been, or is being, erased
├── SealBroken          ciphertext does not belong where it lies
├── IdempotencyConflict a key was used before with other content
├── AnswerGone          what a request was answered with has been erased since
├── NotYetPublished     a record has no leaf under a published checkpoint yet
├── SigningKeyRefused   a key file is missing, or others may read it
├── AnchorRefused       the database does not continue what the anchor holds
├── LogTampered         stored leaves, tiles or checkpoints contradict each other
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


class FactsRefused(LedgerError):
    """The facts of a record do not fit the schema of its kind."""


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


class AnchorRefused(LedgerError):
    """The log in the database does not continue what the anchor holds."""


class LogTampered(LedgerError):
    """Stored leaves, tiles or checkpoints contradict each other."""


class JournalBroken(LedgerError):
    """The shred journal's lines do not link up."""

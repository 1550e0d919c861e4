"""What stands against a statement in a description: a stable code, a place, a sentence."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

LONGEST_MET = 80
MOST = 1_000


class DoubtCode(StrEnum):
    """Why a statement is not simply trusted. Stable: stored, and matched on by outsiders."""

    VERSION_MISSING = "version_missing"
    VERSION_UNKNOWN = "version_unknown"
    NAME_MISSING = "name_missing"
    IDENTIFIER_MISSING = "identifier_missing"
    CREATOR_MISSING = "creator_missing"
    PUBLISHED_MISSING = "published_missing"
    LICENCE_MISSING = "licence_missing"
    LICENCE_PLACEHOLDER = "licence_placeholder"
    LICENCE_UNKNOWN = "licence_unknown"
    LICENCE_AMBIGUOUS = "licence_ambiguous"
    BASIS_MISSING = "basis_missing"
    BASIS_UNKNOWN = "basis_unknown"
    PEOPLE_UNREADABLE = "people_unreadable"
    CONSENTS_MISSING = "consents_missing"
    LOCATION_MISSING = "location_missing"
    LOCATION_REPEATED = "location_repeated"
    LOCATION_UNSAFE = "location_unsafe"
    DIGEST_MISSING = "digest_missing"
    DIGEST_PLACEHOLDER = "digest_placeholder"
    DIGEST_MALFORMED = "digest_malformed"
    DIGEST_WEAK = "digest_weak"
    NUMBER_UNREADABLE = "number_unreadable"
    TIME_UNREADABLE = "time_unreadable"
    TIME_WITHOUT_ZONE = "time_without_zone"
    TEXT_DAMAGED = "text_damaged"
    TEXT_TOO_LONG = "text_too_long"
    MALFORMED = "malformed"
    REPEATED = "repeated"
    TERM_UNKNOWN = "term_unknown"
    TERM_RENAMED = "term_renamed"
    USAGE_UNKNOWN = "usage_unknown"
    CODE_UNKNOWN = "code_unknown"
    CODE_SYSTEM_VARIANT = "code_system_variant"
    CONTEXT_UNREAD = "context_unread"
    PREFIX_UNDECLARED = "prefix_undeclared"
    REFERENCE_UNRESOLVED = "reference_unresolved"
    FILES_NOT_LISTED = "files_not_listed"
    HEADER_MISSING = "header_missing"
    COLUMN_REPEATED = "column_repeated"
    COLUMN_UNMAPPED = "column_unmapped"
    ROW_RAGGED = "row_ragged"
    LINE_UNREADABLE = "line_unreadable"
    PRODUCER_MISSING = "producer_missing"
    STATE_UNKNOWN = "state_unknown"
    RUN_ID_MALFORMED = "run_id_malformed"
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_UNCHECKED = "signature_unchecked"
    CONSENT_NOT_EXPLICIT = "consent_not_explicit"
    TERM_UNREADABLE = "term_unreadable"
    PURPOSE_IN_WORDS = "purpose_in_words"
    PURPOSE_MISSING = "purpose_missing"
    THIRD_PARTY = "third_party"
    SENSITIVE = "sensitive"
    METHOD_UNKNOWN = "method_unknown"
    TOO_MANY = "too_many"


SENTENCES = {
    DoubtCode.VERSION_MISSING: "It does not say which version of the format it follows; we read it "
    "as {met}.",
    DoubtCode.VERSION_UNKNOWN: "It follows a version of the format that we do not know: {met}.",
    DoubtCode.NAME_MISSING: "The data set has no name.",
    DoubtCode.IDENTIFIER_MISSING: "It has no identifier, so nothing else can refer to it.",
    DoubtCode.CREATOR_MISSING: "Nobody is named who made it.",
    DoubtCode.PUBLISHED_MISSING: "It does not say when it was published.",
    DoubtCode.LICENCE_MISSING: "No licence is stated.",
    DoubtCode.LICENCE_PLACEHOLDER: "Where the licence should stand is a filler: {met}.",
    DoubtCode.LICENCE_UNKNOWN: "We do not know this licence, so somebody has to read it: {met}.",
    DoubtCode.LICENCE_AMBIGUOUS: "Several licences are stated and it does not say which one "
    "holds: {met}.",
    DoubtCode.BASIS_MISSING: "It does not say on what legal basis this may be used.",
    DoubtCode.BASIS_UNKNOWN: "We do not know this legal basis: {met}.",
    DoubtCode.PEOPLE_UNREADABLE: "What it says about the people shown cannot be read; do not take "
    "it for nobody: {met}.",
    DoubtCode.CONSENTS_MISSING: "It holds personal data but names no consents.",
    DoubtCode.LOCATION_MISSING: "It does not say where the file is.",
    DoubtCode.LOCATION_REPEATED: "Another entry names the same file: {met}.",
    DoubtCode.LOCATION_UNSAFE: "The file's place leads out of the data set or to something that "
    "is no file: {met}.",
    DoubtCode.DIGEST_MISSING: "It has no checksum, so nobody can tell whether the file is the one "
    "that was meant.",
    DoubtCode.DIGEST_PLACEHOLDER: "The checksum is a filler, not a file's: {met}.",
    DoubtCode.DIGEST_MALFORMED: "The checksum has the wrong length or form: {met}.",
    DoubtCode.DIGEST_WEAK: "The checksum is of a kind that can be forged ({met}); only SHA-256 or "
    "better counts.",
    DoubtCode.NUMBER_UNREADABLE: "This should be a number: {met}.",
    DoubtCode.TIME_UNREADABLE: "This is no date or time that we can read: {met}.",
    DoubtCode.TIME_WITHOUT_ZONE: "This time has no time zone, so it may be off by up to 14 hours: "
    "{met}.",
    DoubtCode.TEXT_DAMAGED: "The text is damaged: it holds characters that mean nothing. {met}",
    DoubtCode.TEXT_TOO_LONG: "The text is too long; we kept its beginning: {met}.",
    DoubtCode.MALFORMED: "This is not of the form that the format asks for: {met}.",
    DoubtCode.REPEATED: "This is said more than once; the first counts: {met}.",
    DoubtCode.TERM_UNKNOWN: "We do not know this term and keep it as it is: {met}.",
    DoubtCode.TERM_RENAMED: "The format calls this by another name; we understood {met}.",
    DoubtCode.USAGE_UNKNOWN: "Terms of use are stated in a form that we cannot read: {met}.",
    DoubtCode.CODE_UNKNOWN: "This code is not in the standard's list: {met}.",
    DoubtCode.CODE_SYSTEM_VARIANT: "The list of codes is named in a way that the standard does "
    "not: {met}.",
    DoubtCode.CONTEXT_UNREAD: "It refers to a vocabulary on the web, which we do not fetch: {met}.",
    DoubtCode.PREFIX_UNDECLARED: "The short name's prefix is explained nowhere: {met}.",
    DoubtCode.REFERENCE_UNRESOLVED: "It refers to something that is described nowhere: {met}.",
    DoubtCode.FILES_NOT_LISTED: "It names a pattern instead of single files, so no file in it can "
    "be checked: {met}.",
    DoubtCode.HEADER_MISSING: "The table has no line with the names of its columns.",
    DoubtCode.COLUMN_REPEATED: "Two columns have the same name; the second is left out: {met}.",
    DoubtCode.COLUMN_UNMAPPED: "We do not know what this column means and keep it as it is: {met}.",
    DoubtCode.ROW_RAGGED: "The row has more or fewer cells than there are columns: {met}.",
    DoubtCode.LINE_UNREADABLE: "The line cannot be read: {met}.",
    DoubtCode.PRODUCER_MISSING: "It does not say which program said this.",
    DoubtCode.STATE_UNKNOWN: "The format knows no such state: {met}.",
    DoubtCode.RUN_ID_MALFORMED: "A run must be named by a UUID: {met}.",
    DoubtCode.SIGNATURE_MISSING: "Nobody has signed it, so anybody may have written it.",
    DoubtCode.SIGNATURE_UNCHECKED: "It is signed, but whose signature that is nobody has checked: "
    "no key was given.",
    DoubtCode.CONSENT_NOT_EXPLICIT: "It does not say that the person consented by an act of "
    "their own: {met}.",
    DoubtCode.TERM_UNREADABLE: "When it ends is said in words, so somebody has to read it: {met}.",
    DoubtCode.PURPOSE_IN_WORDS: "What it allows is said in words; which uses that means, somebody "
    "has to say: {met}.",
    DoubtCode.PURPOSE_MISSING: "It does not say what it allows.",
    DoubtCode.THIRD_PARTY: "It lets somebody else have the data: {met}.",
    DoubtCode.SENSITIVE: "It speaks of specially protected data: {met}.",
    DoubtCode.METHOD_UNKNOWN: "How consent was collected is said in words; we take the weakest: "
    "{met}.",
    DoubtCode.TOO_MANY: "There is more to say than fits here; only the first {met} are listed.",
}

# What an officer should know of but need not decide.
NOTES = frozenset(
    {
        DoubtCode.CODE_SYSTEM_VARIANT,
        DoubtCode.COLUMN_UNMAPPED,
        DoubtCode.CONTEXT_UNREAD,
        DoubtCode.METHOD_UNKNOWN,
        DoubtCode.PURPOSE_IN_WORDS,
        DoubtCode.TERM_RENAMED,
        DoubtCode.TERM_UNKNOWN,
    }
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """One statement that is not simply trusted: where it stands, and what stands there.

    ``met`` is cut from outside bytes and may be personal: show it to whoever may see the
    description, and never log it.
    """

    code: DoubtCode
    place: str = ""
    met: str = ""

    @property
    def sentence(self) -> str:
        """Return what an officer reads."""
        return SENTENCES[self.code].format(met=self.met).strip()

    @property
    def is_note(self) -> bool:
        """Return whether it is only worth knowing, with nothing to decide."""
        return self.code in NOTES


class Doubts:
    """The doubts of one description or item while it is being read: each once, so many at most."""

    def __init__(self) -> None:
        self._found: dict[Doubt, None] = {}

    def add(self, code: DoubtCode, place: str = "", met: object = "") -> None:
        """Note a doubt; ``met`` is what was met, of whatever type."""
        if len(self._found) < MOST:
            self._found[Doubt(code, shorten(place), shorten(met))] = None
        else:
            self._found[Doubt(DoubtCode.TOO_MANY, "", str(MOST))] = None

    def __iter__(self) -> Iterator[Doubt]:
        return iter(self._found)

    def freeze(self) -> tuple[Doubt, ...]:
        """Return what was noted, in order."""
        return tuple(self._found)


def shorten(met: object) -> str:
    """Return ``met`` as one printable line of at most LONGEST_MET characters."""
    # A hostile number or list must not be spelt out only to be cut.
    text = met if isinstance(met, str) else _name(met)
    line = "".join(c if c.isprintable() else "\ufffd" for c in text[: LONGEST_MET + 1])
    return line if len(line) <= LONGEST_MET else line[: LONGEST_MET - 1] + "…"


def _name(met: object) -> str:
    if isinstance(met, bool) or met is None:
        return str(met).lower()
    if isinstance(met, int | float):
        is_long = isinstance(met, int) and met.bit_length() > 256
        return "a very large number" if is_long else str(met)
    if isinstance(met, dict):
        return "an object"
    return "a list" if isinstance(met, list | tuple) else f"a {type(met).__name__}"

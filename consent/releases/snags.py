"""Why a line of a table of old releases waits: a stable code, and a sentence for people."""

from enum import StrEnum


class Snag(StrEnum):
    """What stands against a line. Stable: stored, and matched on by outsiders."""

    ROW_RAGGED = "row_ragged"
    TEXT_DAMAGED = "text_damaged"
    TEXT_TOO_LONG = "text_too_long"
    FORMULA = "formula"
    NAME_MISSING = "name_missing"
    NAME_MALFORMED = "name_malformed"
    EMAIL_MALFORMED = "email_malformed"
    PHONE_MALFORMED = "phone_malformed"
    ADDRESS_MALFORMED = "address_malformed"
    NUMBER_MALFORMED = "number_malformed"
    BIRTH_DATE_UNREADABLE = "birth_date_unreadable"
    DATE_AMBIGUOUS = "date_ambiguous"
    SIGNED_MISSING = "signed_missing"
    SIGNED_UNREADABLE = "signed_unreadable"
    SIGNED_LATER = "signed_later"
    SIGNED_UNBORN = "signed_unborn"
    USES_MISSING = "uses_missing"
    USES_UNKNOWN = "uses_unknown"
    USES_CONTRADICT = "uses_contradict"
    MEDIA_MISSING = "media_missing"
    MEDIA_UNKNOWN = "media_unknown"
    TERRITORIES_MISSING = "territories_missing"
    TERRITORIES_UNKNOWN = "territories_unknown"
    THEMES_UNKNOWN = "themes_unknown"
    TERM_MISSING = "term_missing"
    TERM_UNREADABLE = "term_unreadable"
    TERM_OVER = "term_over"
    GUARDIAN_MISSING = "guardian_missing"
    GUARDIAN_MALFORMED = "guardian_malformed"
    GUARDIAN_UNCLEAR = "guardian_unclear"
    PERSON_UNCLEAR = "person_unclear"
    PERSON_RESTRICTED = "person_restricted"
    TAKEN_BACK_SINCE = "taken_back_since"
    SCAN_UNNAMED = "scan_unnamed"
    SCAN_ABSENT = "scan_absent"
    SCAN_UNCLEAR = "scan_unclear"
    SCAN_SHARED = "scan_shared"
    SCAN_EMPTY = "scan_empty"
    SCAN_TOO_LARGE = "scan_too_large"
    SCAN_UNREADABLE = "scan_unreadable"
    LINE_REPEATED = "line_repeated"
    TAKEN_ALREADY = "taken_already"
    REFUSED = "refused"


# What somebody may take as it is, and answer for; the rest must be set right.
ACCEPTABLE = frozenset({Snag.SCAN_SHARED})

SENTENCES = {
    Snag.ROW_RAGGED: "The line has more or fewer cells than the table has columns.",
    Snag.TEXT_DAMAGED: "A cell has characters that cannot be read: the table was saved in another "
    "encoding than it was brought as.",
    Snag.TEXT_TOO_LONG: "A cell is longer than anything a release says.",
    Snag.FORMULA: "A cell is a formula of a spreadsheet, not what it shows.",
    Snag.NAME_MISSING: "It does not say who signed.",
    Snag.NAME_MALFORMED: "The name is too long or has characters that no name has.",
    Snag.EMAIL_MALFORMED: "The e-mail address is none.",
    Snag.PHONE_MALFORMED: "The phone number is none, or lacks its country: say of which country "
    "numbers without a prefix are.",
    Snag.ADDRESS_MALFORMED: "The address is too long or has characters that no address has.",
    Snag.NUMBER_MALFORMED: "The person's number is too long or has control characters.",
    Snag.BIRTH_DATE_UNREADABLE: "The birth date cannot be read: write it as year-month-day.",
    Snag.DATE_AMBIGUOUS: "A date can be read in two ways (03/04/2019): say whether the day or the "
    "month stands first.",
    Snag.SIGNED_MISSING: "It does not say when it was signed.",
    Snag.SIGNED_UNREADABLE: "The day of signing cannot be read: write it as year-month-day.",
    Snag.SIGNED_LATER: "The day of signing is yet to come.",
    Snag.SIGNED_UNBORN: "It was signed before the person was born.",
    Snag.USES_MISSING: "It does not say what is allowed.",
    Snag.USES_UNKNOWN: "It names a use that we do not know: say what the word means here.",
    Snag.USES_CONTRADICT: "It allows and refuses the same.",
    Snag.MEDIA_MISSING: "It does not say where it may be shown.",
    Snag.MEDIA_UNKNOWN: "It names a medium that we do not know: say what the word means here.",
    Snag.TERRITORIES_MISSING: "It does not say in which countries.",
    Snag.TERRITORIES_UNKNOWN: "It names a country that we do not know: say what the word means "
    "here.",
    Snag.THEMES_UNKNOWN: "What it rules out is nothing that we know: say what the word means here.",
    Snag.TERM_MISSING: "It does not say for how long.",
    Snag.TERM_UNREADABLE: "For how long cannot be read: write 5 years, a date, or unlimited.",
    Snag.TERM_OVER: "Its term is over: nothing is allowed by it any more.",
    Snag.GUARDIAN_MISSING: "Whoever signed was a child, and no guardian is named.",
    Snag.GUARDIAN_MALFORMED: "The guardian's name, e-mail address or phone number is none.",
    Snag.GUARDIAN_UNCLEAR: "The guardian may be somebody who is known here: say who it is.",
    Snag.PERSON_UNCLEAR: "It may be somebody who is known here: say who it is, or somebody new.",
    Snag.PERSON_RESTRICTED: "The person asked to be erased: nothing new may be recorded.",
    Snag.TAKEN_BACK_SINCE: "The person took it back or said no after this was signed.",
    Snag.SCAN_UNNAMED: "It names no scan: without the paper nothing shows that it was signed.",
    Snag.SCAN_ABSENT: "The scan that it names did not come.",
    Snag.SCAN_UNCLEAR: "Several scans have the name that it says: say the folder too.",
    Snag.SCAN_SHARED: "Another line names the same scan.",
    Snag.SCAN_EMPTY: "The scan is an empty file.",
    Snag.SCAN_TOO_LARGE: "The scan has more than 10 MB.",
    Snag.SCAN_UNREADABLE: "The scan is no PDF, JPEG, PNG, TIFF or WebP that is whole.",
    Snag.LINE_REPEATED: "The same line stands before in this table.",
    Snag.TAKEN_ALREADY: "This release was taken in before.",
    Snag.REFUSED: "What it says contradicts itself, or somebody in it is being erased.",
}


def sentence(reason: str) -> str:
    """Return what an officer reads for a reason; the code itself for one that is not known."""
    return SENTENCES[Snag(reason)] if reason in set(Snag) else reason

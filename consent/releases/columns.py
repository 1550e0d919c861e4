"""What the columns of a table of old releases mean: guessed by name, set right by people."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from consent.formats.columns import change, fold_column


class Meaning(StrEnum):
    """What a column says of a release. ``unknown`` and ``ignored`` are kept and not read."""

    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    EMAIL = "email"
    PHONE = "phone"
    BIRTH_DATE = "birth_date"
    ADDRESS = "address"
    NUMBER = "number"
    USES = "uses"
    REFUSED = "refused"
    MEDIA = "media"
    TERRITORIES = "territories"
    THEMES = "themes"
    TERM = "term"
    SIGNED = "signed"
    WITNESS = "witness"
    SCAN = "scan"
    GUARDIAN = "guardian"
    GUARDIAN_EMAIL = "guardian_email"
    GUARDIAN_PHONE = "guardian_phone"
    UNKNOWN = "unknown"
    IGNORED = "ignored"

    @property
    def words(self) -> str:
        """Return the meaning as it reads on a screen."""
        return _WORDS.get(self, self.value.replace("_", " "))


_WORDS = {
    Meaning.EMAIL: "e-mail address",
    Meaning.PHONE: "phone number",
    Meaning.NUMBER: "the person's number in the drawer",
    Meaning.USES: "what is allowed",
    Meaning.REFUSED: "what is refused",
    Meaning.MEDIA: "where it may be shown",
    Meaning.TERRITORIES: "countries",
    Meaning.THEMES: "what it must not be about",
    Meaning.TERM: "for how long",
    Meaning.SIGNED: "day of signing",
    Meaning.WITNESS: "who witnessed it",
    Meaning.SCAN: "file name of the scan",
    Meaning.GUARDIAN: "guardian's name",
    Meaning.GUARDIAN_EMAIL: "guardian's e-mail address",
    Meaning.GUARDIAN_PHONE: "guardian's phone number",
    Meaning.UNKNOWN: "nothing that we know (kept)",
    Meaning.IGNORED: "nothing of interest (kept)",
}
MANY = frozenset({Meaning.UNKNOWN, Meaning.IGNORED, Meaning.SCAN})

_NAMES = {
    Meaning.NAME: "name fullname model modelname person talent subject vollername signer",
    Meaning.FIRST_NAME: "firstname givenname vorname forename",
    Meaning.LAST_NAME: "lastname familyname surname nachname familienname",
    Meaning.EMAIL: "email mail emailaddress mailaddress",
    Meaning.PHONE: "phone phonenumber telephone tel mobile handy telefon telefonnummer",
    Meaning.BIRTH_DATE: "birthdate dateofbirth dob born birthday geburtsdatum geboren geburtstag",
    Meaning.ADDRESS: "address adresse anschrift postaladdress",
    Meaning.NUMBER: "personnumber modelid modelnumber modelno personennummer",
    Meaning.USES: "uses use usage permitted allowed permissions nutzung erlaubt zweck purpose",
    Meaning.REFUSED: "refused notallowed forbidden excludeduses abgelehnt verboten",
    Meaning.MEDIA: "media medium channels medien",
    Meaning.TERRITORIES: "territory territories countries country region gebiet lander land",
    Meaning.THEMES: "themes excludedthemes notfor ruledout ausgeschlossen sensitiveuse",
    Meaning.TERM: "term duration validuntil expires expiry laufzeit gultigbis dauer",
    Meaning.SIGNED: "signed signedon datesigned signdate date dateofsigning unterschrieben "
    "unterzeichnet signaturedate datum releasedate",
    Meaning.WITNESS: "witness witnessedby witnessname zeuge",
    Meaning.SCAN: "scan file filename scanfile document pdf datei dateiname scans",
    Meaning.GUARDIAN: "guardian guardianname parent parentname parentorguardian "
    "erziehungsberechtigte erziehungsberechtigter eltern sorgeberechtigte",
    Meaning.GUARDIAN_EMAIL: "guardianemail parentemail",
    Meaning.GUARDIAN_PHONE: "guardianphone parentphone",
}
_MEANINGS = {name: meaning for meaning, names in _NAMES.items() for name in names.split()}
_PLAIN = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss"})


def guess(names: Sequence[str]) -> dict[str, Meaning]:
    """Return what each column seems to mean; of two for one thing the first counts."""
    found: dict[str, Meaning] = {}
    for name in names:
        meaning = _MEANINGS.get(fold_column(name.casefold().translate(_PLAIN)), Meaning.UNKNOWN)
        is_second = meaning not in MANY and meaning in found.values()
        found[name] = Meaning.UNKNOWN if is_second else meaning
    return found


def override(mapping: Mapping[str, Meaning], changes: Mapping[str, str]) -> dict[str, Meaning]:
    """Return ``mapping`` with some columns given another meaning. Raises DescriptionRefused."""
    return change(mapping, changes, Meaning, MANY)

"""What identifies a person, and the normal forms there are. Values are stored, never renamed."""

from consent.uses import Worded


class IdentifierKind(Worded):
    """What somebody is known by."""

    NAME = "name"
    ALIAS = "alias"
    EMAIL = "email"
    PHONE = "phone"
    BIRTH_DATE = "birth_date"
    ADDRESS = "address"
    ACCOUNT_NAME = "account_name"

    @property
    def words(self) -> str:
        """Return the kind as it reads in a sentence."""
        spelled = {"alias": "other name", "email": "e-mail address", "phone": "phone number"}
        return spelled.get(self.value, super().words)

    @property
    def family(self) -> str:
        """Return what is searched together: whoever has an alias may be asked for by it."""
        return "name" if self is IdentifierKind.ALIAS else self.value


class Form(Worded):
    """A normal form: what of an identifier counts when somebody is looked for."""

    EXACT = "exact"
    FOLDED = "folded"
    E164 = "e164"
    DATE = "date"
    PLACE = "place"
    PHONETIC = "phonetic"
    STREET = "street"
    CITY = "city"

    @property
    def words(self) -> str:
        """Return the form as it reads in a sentence."""
        return _WORDS[self]

    @property
    def rank(self) -> int:
        """Return how loosely it matches: 0 is letter by letter."""
        return _RANKS[self]


_WORDS = {
    Form.EXACT: "letter by letter",
    Form.FOLDED: "however spelled",
    Form.E164: "as an international phone number",
    Form.DATE: "as a date",
    Form.PLACE: "postcode and house number",
    Form.PHONETIC: "sounds alike",
    Form.STREET: "street",
    Form.CITY: "town",
}
_RANKS = {
    Form.EXACT: 0,
    Form.FOLDED: 1,
    Form.E164: 1,
    Form.DATE: 1,
    Form.PLACE: 2,
    Form.PHONETIC: 3,
    Form.STREET: 4,
    Form.CITY: 5,
}

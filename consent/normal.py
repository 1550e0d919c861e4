"""Normal forms: what of a name or an address counts when somebody is looked for."""

import re
import unicodedata

EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
MAX_EMAIL = 254
MAX_NAME = 200


def name_form(name: str) -> str:
    """Return ``name`` as it is searched: composed, case-folded, single blanks."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def email_form(address: str) -> str:
    """Return an e-mail address as it is searched; case counts nowhere in practice."""
    return unicodedata.normalize("NFKC", address).casefold().strip()


def is_email(address: str) -> bool:
    """Return whether ``address`` has the outer shape of an e-mail address."""
    return len(address) <= MAX_EMAIL and EMAIL.fullmatch(address) is not None


def is_name(name: str) -> bool:
    """Return whether ``name`` holds something, is not too long, and has no control characters."""
    printable = all(unicodedata.category(character) != "Cc" for character in name)
    return len(name.strip()) > 0 and len(name) <= MAX_NAME and printable

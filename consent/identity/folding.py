"""Folding: spellings of one word to one text. Each function is idempotent and never fails."""

import re
import unicodedata

import idna
import jellyfish
from anyascii import anyascii

_APOSTROPHES = re.compile(r"['`]")
_NO_WORD = re.compile(r"[^a-z0-9]+")
# Müller is written Mueller and Muller: what transliteration adds to a vowel is left out of all.
_EXPANDED = re.compile(r"([aou])e+")


def fold(text: str) -> str:
    """Return the words of ``text`` in small ASCII letters and digits, single blanks between.

    Case, accents, scripts, punctuation and the German expansions (ä = ae, ß = ss) make no
    difference. Empty when nothing in it is a letter or digit.
    """
    # Characters that only steer the display would part a word that looks whole.
    seen = "".join(one for one in text if unicodedata.category(one) != "Cf")
    plain = anyascii(unicodedata.normalize("NFKC", seen).casefold()).lower()
    words = _NO_WORD.sub(" ", _APOSTROPHES.sub("", plain)).split()
    return " ".join(_EXPANDED.sub(r"\1", word) for word in words)


def fold_name(name: str) -> str:
    """Return the folded words of a name in alphabetical order: family names stand first or last."""
    return " ".join(sorted(fold(name).split()))


def phonetic(name: str) -> str:
    """Return how the words of a name sound (Metaphone), in alphabetical order."""
    return " ".join(sorted(filter(None, map(jellyfish.metaphone, fold(name).split()))))


def email_form(address: str) -> str:
    """Return an e-mail address in small letters, its domain in ASCII (IDNA 2008, UTS 46)."""
    whole = unicodedata.normalize("NFKC", address).strip().casefold()
    local, at, domain = whole.rpartition("@")
    try:
        return f"{local}{at}{idna.encode(domain, uts46=True).decode()}"
    except (idna.IDNAError, UnicodeError):
        # A domain that is none is still found by whoever writes it the same way.
        return whole

"""Who somebody is: names, addresses, numbers, and the normal forms in which they are searched.

Pure. What is sealed cannot be searched, so each identifier is found by keyed indexes over its
normal forms; likeness is for the search that opens everything.
"""

from consent.identity.folding import email_form, fold, phonetic
from consent.identity.kinds import Form, IdentifierKind
from consent.identity.likeness import likeness
from consent.identity.normal import MAX_LENGTH, is_email, is_name, normal_forms, readings, tidy

__all__ = [
    "MAX_LENGTH",
    "Form",
    "IdentifierKind",
    "email_form",
    "fold",
    "is_email",
    "is_name",
    "likeness",
    "normal_forms",
    "phonetic",
    "readings",
    "tidy",
]

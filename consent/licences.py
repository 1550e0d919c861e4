"""Which licence statements we understand: SPDX identifiers that pictures come under.

A statement outside of it is not wrong, but nobody has decided what it means for us: the item is
quarantined until somebody does.
"""

import re

_CREATIVE_COMMONS = frozenset(
    f"CC-BY{terms}-{version}"
    for terms in ("", "-SA", "-NC", "-ND", "-NC-SA", "-NC-ND")
    for version in ("1.0", "2.0", "2.5", "3.0", "4.0")
)
KNOWN = _CREATIVE_COMMONS | {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC-PDDC",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "ODC-By-1.0",
    "PDDL-1.0",
    "Unlicense",
}
# SPDX 2.3, annex D: an own licence, such as a contract or a model release.
_OWN = re.compile(r"LicenseRef-[A-Za-z0-9.-]{1,28}")


def is_known(identifier: str) -> bool:
    """Return whether ``identifier`` is one of SPDX's that we know, or names an own licence."""
    return identifier in KNOWN or _OWN.fullmatch(identifier) is not None

"""AI preferences of the IETF working group: draft-ietf-aipref-vocab-08 and -attach-05.

Both are drafts. What they call *search* is no use of ours; labels of earlier drafts are ignored,
as the vocabulary orders for unknown ones, so the raw text must be kept.
"""

from collections.abc import Iterator, Sequence

from consent.errors import SignalUnreadable
from consent.signals.dictionary import parse_dictionary
from consent.signals.documents import header_values
from consent.signals.finding import (
    TRAINING,
    Code,
    Finding,
    Observation,
    Signal,
    Standing,
    say,
)
from consent.uses import Use

CATEGORIES = {"train-ai": TRAINING, "ai-use": frozenset({Use.REFERENCE_INPUT})}
USES = frozenset(use for uses in CATEGORIES.values() for use in uses)
_TOKENS = {"y": True, "n": False}


def read_headers(seen: Observation) -> Iterator[Finding]:
    """Read the Content-Usage lines of a response, together one dictionary (RFC 9110, 5.3)."""
    values = [value for _, value in header_values(seen.raw, "content-usage")]
    return read_statements(seen, [", ".join(values)] if values else [])


def read_statements(seen: Observation, statements: Sequence[str]) -> Iterator[Finding]:
    """Combine statements about one item (vocab, section 5.1): whoever disallows wins."""
    preferences = []
    for statement in statements:
        try:
            preferences.append(read_preferences(statement))
        except SignalUnreadable as error:
            yield say(seen, Signal.AIPREF, Standing.MALFORMED, Code.UNREADABLE, USES, str(error))
    for label, uses in CATEGORIES.items():
        said = {preference[label] for preference in preferences if label in preference}
        if False in said:
            standing, code, what = Standing.RESERVED, Code.USAGE_DISALLOWED, "disallows"
        elif True in said:
            standing, code, what = Standing.PERMITTED, Code.USAGE_ALLOWED, "allows"
        else:
            standing, code, what = Standing.SILENT, Code.NOTHING_SAID, "says nothing of"
        yield say(seen, Signal.AIPREF, standing, code, uses, f"Content-Usage {what} {label}")


def read_preferences(statement: str) -> dict[str, bool]:
    """Return by label whether a use is allowed (vocab, section 6.5); unknown labels are left out.

    Raises SignalUnreadable when the statement is no dictionary: then nothing is known.
    """
    return {
        label: _TOKENS[member.token]
        for label, member in parse_dictionary(statement).items()
        if label in CATEGORIES and member.token in _TOKENS
    }

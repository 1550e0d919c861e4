"""The gate: what was found in a draft, and whether it may be frozen.

A finding *blocks* until its pictures are gone or changed, *asks* until somebody accepts it with a
reason (or its pictures are gone), or is a *note* that nobody needs to act on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from consent.uses import Worded


class Severity(Worded):
    """What a finding asks for."""

    BLOCKS = "blocks"
    ASKS = "asks"
    NOTE = "note"


class Verdict(Worded):
    """What the gate says of a draft."""

    MAY = "may"
    AFTER_DECISIONS = "after_decisions"
    NOT = "not"

    @property
    def sentence(self) -> str:
        """Return the verdict as it stands on top of a page."""
        return _VERDICTS[self]


class Code(StrEnum):
    """What can be found. Stable: stored, and matched on by outsiders."""

    EMPTY = "empty"
    LICENCE_NON_COMMERCIAL = "licence_non_commercial"
    LICENCE_REFERENCE_DERIVED = "licence_reference_derived"
    LICENCE_NO_DERIVATIVES = "licence_no_derivatives"
    LICENCE_SHARE_ALIKE_MIXED = "licence_share_alike_mixed"
    LICENCE_OWN = "licence_own"
    LICENCE_UNKNOWN = "licence_unknown"
    LICENCE_SHARE_ALIKE = "licence_share_alike"
    LICENCE_ATTRIBUTION = "licence_attribution"
    CONSENT_MISSING = "consent_missing"
    SIGNAL_RESERVED = "signal_reserved"
    SIGNAL_UNCLEAR = "signal_unclear"
    FACE_WITHOUT_PERSON = "face_without_person"
    PICTURE_UNREADABLE = "picture_unreadable"
    FACES_NOT_SOUGHT = "faces_not_sought"
    HELD_FOR_EVALUATION = "held_for_evaluation"
    NEAR_DUPLICATES = "near_duplicates"
    NEAR_UNFINISHED = "near_unfinished"
    NOT_COMPARED = "not_compared"
    LABEL_FLAGGED = "label_flagged"
    GROUPS_NOT_DECLARED = "groups_not_declared"
    GROUP_SHORT = "group_short"

    @property
    def severity(self) -> Severity:
        """Return what a finding of this sort asks for."""
        if self in _BLOCKING:
            return Severity.BLOCKS
        return Severity.NOTE if self in _NOTES else Severity.ASKS

    def sentence(self, count: int) -> str:
        """Return what was found, in a sentence with its number."""
        is_one = count == 1
        return _SENTENCES[self].format(
            pictures="1 picture" if is_one else f"{count:,} pictures",
            groups="1 declared group" if is_one else f"{count:,} declared groups",
            are="is" if is_one else "are",
            have="has" if is_one else "have",
        )


@dataclass(frozen=True)
class Finding:
    """One thing that was found: how often, and what more there is to say (number by name)."""

    code: Code
    count: int
    detail: dict[str, int] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """Return what was found, in words."""
        return self.code.sentence(self.count)


def judge(findings: Iterable[Code]) -> Verdict:
    """Return the verdict over the findings that are still open."""
    asked = {code.severity for code in findings}
    if Severity.BLOCKS in asked:
        return Verdict.NOT
    return Verdict.AFTER_DECISIONS if Severity.ASKS in asked else Verdict.MAY


_VERDICTS = {
    Verdict.MAY: "This version may be frozen.",
    Verdict.AFTER_DECISIONS: "This version may be frozen once somebody has decided what is open.",
    Verdict.NOT: "This version must not be frozen as it is.",
}

_BLOCKING = frozenset(
    {
        Code.EMPTY,
        Code.LICENCE_NON_COMMERCIAL,
        Code.LICENCE_REFERENCE_DERIVED,
        Code.LICENCE_UNKNOWN,
    }
)
_NOTES = frozenset(
    {
        Code.LICENCE_SHARE_ALIKE,
        Code.LICENCE_ATTRIBUTION,
        Code.CONSENT_MISSING,
        Code.SIGNAL_RESERVED,
        Code.FACES_NOT_SOUGHT,
        Code.NEAR_UNFINISHED,
        Code.NOT_COMPARED,
        Code.GROUPS_NOT_DECLARED,
    }
)
_SENTENCES = {
    Code.EMPTY: "There is no picture left in it.",
    Code.LICENCE_NON_COMMERCIAL: "{pictures} {are} under a licence that forbids commercial use, "
    "and the version is for that.",
    Code.LICENCE_REFERENCE_DERIVED: "{pictures} {are} under a licence that forbids passing on "
    "what is made from them: used as a reference, what is made and distributed is made from them.",
    Code.LICENCE_NO_DERIVATIVES: "{pictures} {are} under a licence that forbids adaptations: "
    "whether a model trained on them is one is disputed, so somebody has to decide.",
    Code.LICENCE_SHARE_ALIKE_MIXED: "{pictures} {are} under licences that each want what is made "
    "from them under itself: what comes from all of them cannot be passed on under both.",
    Code.LICENCE_OWN: "{pictures} {are} under licences of your own: read whether they cover the "
    "uses of this version.",
    Code.LICENCE_UNKNOWN: "{pictures} {are} under a licence whose terms nobody has entered here.",
    Code.LICENCE_SHARE_ALIKE: "{pictures} {are} under a licence that wants adaptations passed on "
    "under the same licence.",
    Code.LICENCE_ATTRIBUTION: "{pictures} {are} under a licence that wants the maker named, or "
    "its text kept, wherever it is passed on.",
    Code.CONSENT_MISSING: "{pictures} {are} of somebody who does not allow these uses today: "
    "freezing leaves them out.",
    Code.SIGNAL_RESERVED: "{pictures} {are} reserved by now where they lie: freezing leaves them "
    "out.",
    Code.SIGNAL_UNCLEAR: "{pictures} {have} conditions by now where they lie, or what is said "
    "there cannot be read: read it and decide, or freezing leaves them out.",
    Code.FACE_WITHOUT_PERSON: "{pictures} {have} more faces than people who are named. The "
    "detector errs at times: say why it is all right, take them out, or make the faces "
    "unrecognisable.",
    Code.PICTURE_UNREADABLE: "{pictures} could not be opened, so nobody looked for faces there.",
    Code.FACES_NOT_SOUGHT: "{pictures} {are} not held here: nobody has looked for faces there.",
    Code.HELD_FOR_EVALUATION: "{pictures} {are} also in a frozen version that is for evaluating: "
    "a model trained on them would be tested on what it has seen.",
    Code.NEAR_DUPLICATES: "{pictures} {are} nearly the same as another one of this version. "
    "Taking them out keeps one of each kind.",
    Code.NEAR_UNFINISHED: "{pictures} {are} so alike that not all of them were compared with each "
    "other: more may be nearly the same.",
    Code.NOT_COMPARED: "{pictures} {have} no hash to compare, or too little to see.",
    Code.LABEL_FLAGGED: "{pictures} {are} marked as doubtful by where they come from.",
    Code.GROUPS_NOT_DECLARED: "Nobody has declared who is shown, so nothing is known of whom this "
    "version stands for.",
    Code.GROUP_SHORT: "{groups} {have} fewer pictures than wanted.",
}

"""The words of all signals: what was observed, for which item, and what it comes to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from consent.uses import Use

# Mining as TDMRep, ai.txt and noai mean it: automated analysis, training included.
MINING = frozenset({Use.TRAIN, Use.FINE_TUNE, Use.EVALUATE})
TRAINING = frozenset({Use.TRAIN, Use.FINE_TUNE})
INFERENCE = frozenset({Use.REFERENCE_INPUT, Use.EVALUATE})
# What "sell or share" of the GPC comes to here.
SHARING = frozenset({Use.DISTRIBUTE, Use.COMMERCIAL})
NOTHING: frozenset[Use] = frozenset()

# Crawlers that collect for the training of models, by the product tokens their makers publish.
AI_AGENTS = (
    "AI2Bot",
    "Amazonbot",
    "anthropic-ai",
    "Applebot-Extended",
    "Bytespider",
    "CCBot",
    "ClaudeBot",
    "cohere-training-data-crawler",
    "Diffbot",
    "FacebookBot",
    "Google-Extended",
    "GPTBot",
    "img2dataset",
    "meta-externalagent",
    "omgili",
)


class Source(StrEnum):
    """What was observed. Stored, so never renamed."""

    REQUEST_HEADERS = "request_headers"
    GPC_FILE = "gpc_file"
    ROBOTS_TXT = "robots_txt"
    AI_TXT = "ai_txt"
    TDMREP_FILE = "tdmrep_file"
    RESPONSE_HEADERS = "response_headers"
    HTML = "html"
    EPUB = "epub"
    PDF = "pdf"
    TDM_POLICY = "tdm_policy"
    C2PA_MANIFEST = "c2pa_manifest"


class Reach(StrEnum):
    """How the fetch ended: with bytes, with *there is none* (404, 410 …), or without an answer."""

    FOUND = "found"
    ABSENT = "absent"
    UNREACHABLE = "unreachable"


class Signal(StrEnum):
    """A way of saying what may be done. Stored, so never renamed."""

    GPC = "gpc"
    TDMREP = "tdmrep"
    ROBOTS_TXT = "robots_txt"
    AIPREF = "aipref"
    AI_TXT = "ai_txt"
    ROBOTS_TAG = "robots_tag"
    C2PA = "c2pa"
    CAWG = "cawg"

    @property
    def specification(self) -> str:
        """Return the text, in its version, by which the signal is read here."""
        return _SPECIFICATIONS[self]


_SPECIFICATIONS = {
    Signal.GPC: "W3C WD-gpc-20241203",
    Signal.TDMREP: "W3C CG-FINAL-tdmrep-20240510",
    Signal.ROBOTS_TXT: "RFC 9309",
    Signal.AIPREF: "draft-ietf-aipref-attach-05, draft-ietf-aipref-vocab-08",
    Signal.AI_TXT: "Spawning ai.txt (2023), lines as in RFC 9309",
    Signal.ROBOTS_TAG: "noai and noimageai (2022), lines as Google documents X-Robots-Tag",
    Signal.C2PA: "C2PA 1.4",
    Signal.CAWG: "CAWG training and data mining assertion 1.1",
}


class Standing(StrEnum):
    """What a finding says of its uses, mildest first. Only *permitted* permits anything.

    ``malformed``: something is said that cannot be read, and it may be a reservation.
    """

    SILENT = "silent"
    PERMITTED = "permitted"
    MALFORMED = "malformed"
    CONDITIONS = "conditions"
    RESERVED = "reserved"

    @property
    def rank(self) -> int:
        """Return the place in the order from mildest (0) to strictest."""
        return list(Standing).index(self)


class Code(StrEnum):
    """Why. Stable: outsiders match on these."""

    ABSENT = "absent"
    UNREACHABLE = "unreachable"
    UNREADABLE = "unreadable"
    NOTHING_SAID = "nothing_said"
    VALUE_IGNORED = "value_ignored"
    GPC_OPT_OUT = "gpc_opt_out"
    GPC_SUPPORTED = "gpc_supported"
    GPC_NOT_SUPPORTED = "gpc_not_supported"
    TDM_RESERVED = "tdm_reserved"
    TDM_NOT_RESERVED = "tdm_not_reserved"
    TDM_LATER_RULE = "tdm_later_rule"
    TDM_POLICY_NAMED = "tdm_policy_named"
    TDM_OFFER = "tdm_offer"
    TDM_PROHIBITED = "tdm_prohibited"
    TDM_POLICY_FOR_PEOPLE = "tdm_policy_for_people"
    TDM_CONDITIONS_UNKNOWN = "tdm_conditions_unknown"
    CRAWLING_DISALLOWED = "crawling_disallowed"
    CRAWLING_ALLOWED = "crawling_allowed"
    USAGE_DISALLOWED = "usage_disallowed"
    USAGE_ALLOWED = "usage_allowed"
    AI_TXT_DISALLOWED = "ai_txt_disallowed"
    AI_TXT_ALLOWED = "ai_txt_allowed"
    NOAI = "noai"
    NOIMAGEAI = "noimageai"
    NOT_ADDRESSED = "not_addressed"
    ENTRY_ALLOWED = "entry_allowed"
    ENTRY_NOT_ALLOWED = "entry_not_allowed"
    ENTRY_CONSTRAINED = "entry_constrained"
    ENTRY_CONSTRAINED_SILENTLY = "entry_constrained_silently"
    ENTRY_UNPROVEN = "entry_unproven"
    ENTRY_OF_INGREDIENT = "entry_of_ingredient"


@dataclass(frozen=True)
class Observation:
    """Something as it was seen: ``raw`` is never changed, and empty unless it was found.

    ``place`` is a URL, or where else it was seen. Headers are kept as the lines received, of every
    response or request one observation. ``media_type`` is as the server named it, for a policy and
    the files at well-known places. ``version`` is of the draft it was read by when it was recorded,
    since drafts change: ``Signal.specification``, of those that it may carry. ``confirmed_at`` is
    when it was last seen there again, just so.
    """

    id: UUID
    source: Source
    place: str
    seen_at: datetime
    raw: bytes
    reach: Reach = Reach.FOUND
    media_type: str = ""
    version: str = ""
    confirmed_at: datetime | None = None


@dataclass(frozen=True)
class Item:
    """What is asked about: the URL a picture came from, and the crawlers whose rules bind us."""

    url: str
    agents: tuple[str, ...] = AI_AGENTS


@dataclass(frozen=True)
class Finding:
    """What one observation says of ``uses`` by one signal, as a code and as a sentence.

    ``uses`` is empty where the signal's own rules order that what was found be ignored.
    ``conditions`` is the other side's word: the URL of a policy, or terms, cut to
    ``LONGEST_CONDITIONS`` printable characters. It may name people; ``detail`` never does.
    """

    observation: UUID
    source: Source
    place: str
    signal: Signal
    standing: Standing
    code: Code
    uses: frozenset[Use]
    detail: str
    conditions: str = ""


LONGEST_CONDITIONS = 2048


def say(
    seen: Observation,
    signal: Signal,
    standing: Standing,
    code: Code,
    uses: Iterable[Use],
    detail: str,
    conditions: str = "",
) -> Finding:
    """Return a finding about ``seen``."""
    # Databases and logs refuse some of the characters that others may have written.
    printable = (each if each.isprintable() else " " for each in conditions[:LONGEST_CONDITIONS])
    return Finding(
        observation=seen.id,
        source=seen.source,
        place=seen.place,
        signal=signal,
        standing=standing,
        code=code,
        uses=frozenset(uses),
        detail=detail,
        conditions="".join(printable),
    )

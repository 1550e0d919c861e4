"""The vocabulary of consent: what may be asked for, where, how surely, and what follows.

Values are stored and signed; they are never renamed. ``words`` is what people read.
"""

import re
from enum import StrEnum


class Worded(StrEnum):
    """A code with words for people."""

    @property
    def words(self) -> str:
        """Return the code as it reads in a sentence."""
        return _WORDS.get(self, self.value.replace("_", " "))

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Return all codes with their words, as fields and forms take them."""
        return [(one.value, one.words) for one in cls]


class Use(Worded):
    """What somebody's likeness or picture is used for."""

    TRAIN = "train"
    FINE_TUNE = "fine_tune"
    EVALUATE = "evaluate"
    REFERENCE_INPUT = "reference_input"
    DEPICT = "depict"
    DISTRIBUTE = "distribute"
    COMMERCIAL = "commercial"
    MODERATION = "moderation"


class Medium(Worded):
    """Where a picture is shown."""

    INTERNAL = "internal"
    ONLINE = "online"
    SOCIAL = "social"
    PRINT = "print"
    BROADCAST = "broadcast"
    OUTDOOR = "outdoor"


class Theme(Worded):
    """What a picture is about, where that may trouble the person in it."""

    SEXUAL = "sexual"
    POLITICAL = "political"
    RELIGIOUS = "religious"
    MEDICAL = "medical"
    ENDORSEMENT = "endorsement"
    VIOLENT = "violent"


class Mode(Worded):
    """The shape of an answer: yes to a list, no to a list, or each use for itself."""

    OPT_IN = "opt_in"
    OPT_OUT = "opt_out"
    GRANULAR = "granular"


class Right(Worded):
    """What an answer speaks of: the giver's own likeness, or their works or manner."""

    LIKENESS = "likeness"
    WORKS = "works"
    STYLE = "style"


class Basis(Worded):
    """The legal ground that an answer stands for, in the order of Art. 6(1) GDPR."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGITIMATE_INTEREST = "legitimate_interest"


class Assurance(Worded):
    """How surely the giver was tied to the likeness, weakest first."""

    SELF_ASSERTED = "self_asserted"
    KNOWN_CONTACT = "known_contact"
    SIGNED_RELEASE = "signed_release"
    IN_PERSON = "in_person"
    EID = "eid"

    @property
    def rank(self) -> int:
        """Return the place in the order from weakest (0) to strongest."""
        return list(Assurance).index(self)


class Method(Worded):
    """How an answer reached us."""

    FORM = "form"
    LETTER = "letter"
    EMAIL = "email"
    IN_PERSON = "in_person"
    PORTAL = "portal"

    @property
    def is_written(self) -> bool:
        """Return whether the answer lies before us as text that the person signed or sent."""
        return self is not Method.IN_PERSON


class EvidenceKind(Worded):
    """What shows an answer."""

    FORM = "form"
    SCAN = "scan"
    EMAIL = "email"
    LETTER = "letter"
    RECORDING = "recording"
    RECEIPT = "receipt"
    OTHER = "other"


class Capacity(Worded):
    """For whom an answer speaks: the giver, or somebody whom the giver may speak for."""

    SELF = "self"
    GUARDIAN = "guardian"
    AGENT = "agent"
    ESTATE = "estate"


class Remedy(Worded):
    """What was promised to happen to what exists, should the answer be withdrawn."""

    STOP_NEW_USE = "stop_new_use"
    REMOVE_FROM_NEXT_VERSION = "remove_from_next_version"
    RETRAIN = "retrain"
    FILTER_OUTPUTS = "filter_outputs"


class LegalBasis(Worded):
    """On what ground an item is in a data set."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LICENCE = "licence"
    PUBLIC_DOMAIN = "public_domain"
    OWN_WORK = "own_work"


class ImpactCause(Worded):
    """What ended, so that it must be decided what becomes of what was made."""

    WITHDRAWAL = "withdrawal"
    REVOCATION = "revocation"
    INVALIDATION = "invalidation"
    REFUSAL = "refusal"
    ERASURE = "erasure"
    EXPIRY = "expiry"
    MERGE = "merge"
    PARTING = "parting"


class Measure(Worded):
    """What is done about a version or a model that was made before; *tell* whoever received it."""

    STOP_USE = "stop_use"
    REMOVE_FROM_NEXT_VERSION = "remove_from_next_version"
    RETRAIN = "retrain"
    UNLEARN = "unlearn"
    FILTER = "filter"
    KEEP = "keep"
    TELL = "tell"


class Handover(Worded):
    """How something was given to somebody."""

    EXPORT = "export"
    UPLOAD = "upload"
    MEDIUM = "medium"
    PUBLICATION = "publication"


class Cause(Worded):
    """Why somebody is asked anew for what they allowed."""

    ENDING = "ending"
    OF_AGE = "of_age"
    CAMPAIGN = "campaign"


class Reach(Worded):
    """How far a letter got that asks somebody."""

    DUE = "due"
    WRITTEN = "written"
    UNSURE = "unsure"
    NO_ADDRESS = "no_address"
    RETURNED = "returned"
    FAILED = "failed"


class Said(Worded):
    """What came of asking somebody anew, held against what they had allowed."""

    YES = "yes"
    LESS = "less"
    NO = "no"
    NOTHING = "nothing"
    LAPSED = "lapsed"


class Silence(Worded):
    """What becomes of the old answer of somebody who is asked anew and says nothing."""

    STANDS = "stands"
    SET_ASIDE = "set_aside"
    ENDS = "ends"


class Step(Worded):
    """What a worker does about one answer of a campaign."""

    ASK = "ask"
    SETTLE = "settle"


class Form(Worded):
    """The formats in which others tell of data sets, as far as they are read."""

    CROISSANT = "croissant"
    FOLDER = "folder"
    MANIFEST = "manifest"
    OPENLINEAGE = "openlineage"
    PROV = "prov"
    DPS = "dps"
    VERSION = "version"
    ANONYMISED = "anonymised"


class Aside(Worded):
    """Why an item that was let in is no member of its version after all."""

    CONSENT_MISSING = "consent_missing"
    REMOVED = "removed"
    VETTED = "vetted"
    SIGNAL_RESERVED = "signal_reserved"
    SIGNAL_UNCLEAR = "signal_unclear"
    ANONYMISED = "anonymised"


class Masking(Worded):
    """How a part of a picture is made unrecognisable."""

    BLUR = "blur"
    PIXELATE = "pixelate"
    MASK = "mask"


class Descent(Worded):
    """How one version came of another."""

    SUCCESSOR = "successor"
    SUBSET = "subset"
    ANONYMISED = "anonymised"
    AUGMENTED = "augmented"
    MERGED = "merged"


class Provenance(Worded):
    """How what is in a source came to be there."""

    OWN = "own"
    COMMISSIONED = "commissioned"
    LICENSED = "licensed"
    CONTRIBUTED = "contributed"
    PUBLIC = "public"
    WEB = "web"


# Uses that show the person somewhere, so that an answer must say where.
SHOWN = frozenset({Use.DEPICT, Use.DISTRIBUTE, Use.COMMERCIAL})
WORLD = "WORLD"
# Every recipient, or every family of models: said, never meant by leaving it empty.
ANY = "ANY"
TERRITORY = re.compile(r"[A-Z]{2}|WORLD")

_WORDS: dict[Worded, str] = {
    Form.CROISSANT: "Croissant",
    Form.FOLDER: "folder with Croissant",
    Form.MANIFEST: "table (CSV, JSON lines, Parquet)",
    Form.OPENLINEAGE: "OpenLineage",
    Form.PROV: "PROV",
    Form.DPS: "Data Provenance Standards",
    Form.VERSION: "another version of ours",
    Form.ANONYMISED: "pictures made unrecognisable here",
    Cause.ENDING: "its time ends",
    Cause.OF_AGE: "they came of age",
    Cause.CAMPAIGN: "the text is new",
    Reach.DUE: "to be written to",
    Reach.WRITTEN: "written to",
    Reach.UNSURE: "perhaps written to",
    Reach.NO_ADDRESS: "no address",
    Reach.RETURNED: "the letter came back",
    Reach.FAILED: "the post refused it",
    Said.YES: "said yes",
    Said.LESS: "allowed less",
    Said.NO: "said no",
    Said.NOTHING: "no answer yet",
    Said.LAPSED: "no longer asked",
    Silence.STANDS: "the old answer stands",
    Silence.SET_ASIDE: "the old answer is set aside: a person looks at each new use",
    Silence.ENDS: "the old answer ends",
    Aside.CONSENT_MISSING: "no consent",
    Aside.REMOVED: "taken out",
    Aside.VETTED: "turned down by vetting",
    Aside.SIGNAL_RESERVED: "where it lies, these uses are reserved by now",
    Aside.SIGNAL_UNCLEAR: "where it lies, these uses have conditions by now, or nobody can tell, "
    "and nobody has decided",
    Aside.ANONYMISED: "replaced by one in which nobody is recognised",
    Masking.PIXELATE: "coarse squares",
    Masking.MASK: "black",
    Descent.SUCCESSOR: "its next version",
    Descent.SUBSET: "a part of it",
    Descent.ANONYMISED: "the same with people made unrecognisable",
    Descent.AUGMENTED: "the same with more",
    Descent.MERGED: "put together from it and others",
    Use.TRAIN: "training a model",
    Use.FINE_TUNE: "fine-tuning a model",
    Use.EVALUATE: "evaluating a model",
    Use.REFERENCE_INPUT: "use as a reference picture",
    Use.DEPICT: "being depicted",
    Use.DISTRIBUTE: "distribution of pictures",
    Use.COMMERCIAL: "commercial use",
    Use.MODERATION: "use for moderation",
    Medium.SOCIAL: "social media",
    Mode.OPT_IN: "opt-in",
    Mode.OPT_OUT: "opt-out",
    Mode.GRANULAR: "use by use",
    Assurance.SELF_ASSERTED: "the person's own word",
    Assurance.KNOWN_CONTACT: "a known contact",
    Assurance.SIGNED_RELEASE: "a signed release",
    Assurance.EID: "an electronic identity",
    Capacity.SELF: "the person",
    Capacity.GUARDIAN: "a guardian",
    Capacity.AGENT: "an agent",
    Capacity.ESTATE: "the estate",
    Right.STYLE: "style of an artist",
    Method.EMAIL: "e-mail",
    ImpactCause.REVOCATION: "revocation by us",
    ImpactCause.INVALIDATION: "answer found invalid",
    ImpactCause.REFUSAL: "refusal after a yes",
    ImpactCause.ERASURE: "erasure request",
    ImpactCause.EXPIRY: "end of the term",
    ImpactCause.MERGE: "a no of the same person under another name",
    ImpactCause.PARTING: "a yes that was another person's",
    Measure.STOP_USE: "no further use",
    Measure.UNLEARN: "unlearning of the person",
    Measure.FILTER: "filtering of outputs",
    Measure.KEEP: "no change, with a reason",
    Measure.TELL: "telling them (Art. 19)",
    Handover.EXPORT: "exported from here",
    Handover.UPLOAD: "uploaded to them",
    Handover.MEDIUM: "handed over on a medium",
    Remedy.STOP_NEW_USE: "no new use",
    Remedy.REMOVE_FROM_NEXT_VERSION: "removal from the next data set version",
    Remedy.RETRAIN: "retraining without the person",
    Remedy.FILTER_OUTPUTS: "filtering of outputs",
}

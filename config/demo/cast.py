"""Who plays in the story. Everybody here is invented, and says so by name."""

from dataclasses import dataclass, field

from consent.roles import RoleCode
from consent.uses import Measure


@dataclass(frozen=True)
class Colleague:
    """Somebody who works with the service, and the roles they get."""

    key: str
    name: str
    email: str
    roles: tuple[RoleCode, ...]


@dataclass(frozen=True)
class Person:
    """Somebody whose likeness is at stake."""

    key: str
    name: str
    email: str
    uses: frozenset[str] = field(default_factory=frozenset)


PASSWORD = "an-invented-password-2026"  # noqa: S105 (the demo prints it)

FOUNDERS = (
    Colleague("founder", "Ada Invented", "ada@people.example", ()),
    Colleague("second_founder", "Ben Invented", "ben@people.example", ()),
)
STAFF = (
    Colleague("officer", "Olga Invented", "olga@people.example", (RoleCode.OFFICER,)),
    Colleague("approver", "Anton Invented", "anton@people.example", (RoleCode.APPROVER,)),
    Colleague("moderator", "Mo Invented", "mo@people.example", (RoleCode.MODERATOR,)),
    Colleague("scientist", "Dina Invented", "dina@people.example", (RoleCode.DATA_SCIENTIST,)),
    Colleague("auditor", "Ulf Invented", "ulf@people.example", (RoleCode.AUDITOR,)),
)
GENERATOR = "Demo generator"

MARA = Person(
    "mara",
    "Mara Invented",
    "mara@people.example",
    frozenset({"train", "depict", "distribute"}),
)
THEO = Person("theo", "Theo Invented", "theo@people.example", frozenset({"train"}))
PEOPLE = (MARA, THEO)

PROJECT = "shapes"
DATASET = "shapes-and-places"
NOTICE_TITLE = "Pictures of you in our image generator"
NOTICE_TEXT = """\
We train a small image generator on drawings and photographs, and people ask it for pictures.

With your consent we use the portrait that you gave us to train the generator, and to make
pictures that show you. You choose each use for itself. You may take any of it back whenever you
like, here, with one click: from then on nothing new is made. Tell us also if you want to see what
we hold of you, or want all of it erased.
"""
# What is decided about what was made of somebody who withdraws, by what it is.
MEASURES = {
    "version": (Measure.REMOVE_FROM_NEXT_VERSION, "The next version is frozen without the person."),
    "model": (Measure.RETRAIN, "The model is trained anew on the next version."),
}
POLICY = {
    "rules": [
        {
            "code": "prompt.uniform",
            "on": "prompt",
            "pattern": r"\b(police|uniform|passport)\b",
            "severity": 4,
            "verdict": "review",
        },
        {
            "at_least": 1,
            "code": "image.faces",
            "on": "image",
            "severity": 2,
            "signal": "face.count",
            "verdict": "review",
        },
    ],
    "v": 1,
}


@dataclass(frozen=True)
class Wish:
    """One run that somebody asks for."""

    prompt: str
    depicts: tuple[str, ...] = ()
    seed: int = 7


WISHES = (
    Wish("a red circle", seed=1),
    Wish("a blue square", seed=2),
    Wish("a green triangle", depicts=("mara",), seed=3),
    Wish("a yellow star", depicts=("theo",), seed=4),
    Wish("a blue star in police uniform", seed=5),
    Wish("a purple circle", depicts=("mara",), seed=6),
)
AFTER_WITHDRAWAL = Wish("a red square", depicts=("mara",), seed=8)

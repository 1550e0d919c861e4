"""Rules as data: what a prompt or an image must not be without a person having looked.

A policy is a canonical JSON text with a digest; a decision points at that digest for ever.
Two forms of rule: a prompt rule holds an RE2 pattern, a signal rule a threshold over an integer
that a classifier reports. All rules are tried; the strictest verdict counts, every match is kept.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Literal

import re2
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from generation.errors import PolicyRefused
from ledger.canonical import canonical

MAX_PATTERN_CHARS = 1_000
MAX_RULES = 500
# RE2 compiles to at most this; a pattern such as (a{500}){500} is refused instead of built.
MAX_PATTERN_BYTES = 1 << 20

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length=60)]
Severity = Literal[0, 2, 4, 6]


class Outcome(StrEnum):
    """What the rules say, from mild to strict."""

    ALLOW = "allow"
    REVIEW = "review"
    REFUSE = "refuse"


STRICTNESS = {outcome: place for place, outcome in enumerate(Outcome)}


class Rule(BaseModel):
    """What every rule has: a stable code, the verdict it asks for, and how grave a match is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code
    verdict: Literal["review", "refuse"]
    severity: Severity


class PromptRule(Rule):
    """Matches when its RE2 pattern is found in any folding of the prompt."""

    on: Literal["prompt"]
    pattern: Annotated[str, Field(min_length=1, max_length=MAX_PATTERN_CHARS)]

    def is_matched(self, foldings: Iterable[str]) -> bool:
        """Say whether the pattern is found in any of ``foldings``."""
        compiled = compile_pattern(self.pattern)
        return any(compiled.search(folding) is not None for folding in foldings)


class SignalRule(Rule):
    """Matches when a classifier reports at least this much of its signal."""

    on: Literal["image"]
    signal: Code
    at_least: Annotated[int, Field(ge=0, le=2**53 - 1, strict=True)]

    def is_matched(self, signals: Mapping[str, int]) -> bool:
        """Say whether the signal was reported and reaches the threshold."""
        return self.signal in signals and signals[self.signal] >= self.at_least


class Policy(BaseModel):
    """A set of rules, in force as a whole or not at all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    v: Literal[1]
    rules: Annotated[
        tuple[Annotated[PromptRule | SignalRule, Field(discriminator="on")], ...],
        Field(max_length=MAX_RULES),
    ]

    def text(self) -> bytes:
        """Return the canonical text that the digest is taken of."""
        return canonical(self.model_dump(mode="json"))

    def digest(self) -> bytes:
        """Return SHA-256 of the canonical text."""
        return hashlib.sha256(self.text()).digest()


@dataclass(frozen=True)
class Verdict:
    """What a policy says of one prompt or image, and by which rules."""

    outcome: Outcome
    rules: tuple[str, ...] = ()
    severity: int = 0


def parse_policy(value: Any) -> Policy:
    """Read a policy from plain JSON values and try each pattern.

    Raises PolicyRefused naming the place and the fault: unknown keys, two rules of one code,
    patterns that RE2 does not take (back-references, look-around), more rules than ``MAX_RULES``.
    """
    try:
        policy = Policy.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "policy"
        raise PolicyRefused(f"{place}: {first['msg'].lower()}") from None
    codes: set[str] = set()
    for rule in policy.rules:
        if rule.code in codes:
            raise PolicyRefused(f"two rules have the code {rule.code}")
        codes.add(rule.code)
        if isinstance(rule, PromptRule):
            compile_pattern(rule.pattern)
    return policy


@lru_cache(maxsize=2 * MAX_RULES)
def compile_pattern(pattern: str) -> Any:
    """Compile an RE2 pattern: linear in the prompt, whatever the pattern. Raises PolicyRefused."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MAX_PATTERN_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise PolicyRefused(f"pattern {pattern!r} is not RE2: {reason}") from None


def screen_prompt(policy: Policy, prompt: str) -> Verdict:
    """Return what the prompt rules of ``policy`` say of ``prompt``, in all its foldings."""
    foldings = fold(prompt)
    return _judge(
        rule for rule in policy.rules if isinstance(rule, PromptRule) and rule.is_matched(foldings)
    )


def screen_image(policy: Policy, signals: Mapping[str, int]) -> Verdict:
    """Return what the signal rules of ``policy`` say of an image with these ``signals``."""
    return _judge(
        rule for rule in policy.rules if isinstance(rule, SignalRule) and rule.is_matched(signals)
    )


def _judge(matched: Iterable[Rule]) -> Verdict:
    rules = tuple(matched)
    if not rules:
        return Verdict(Outcome.ALLOW)
    return Verdict(
        outcome=max((Outcome(rule.verdict) for rule in rules), key=STRICTNESS.__getitem__),
        rules=tuple(rule.code for rule in rules),
        severity=max(rule.severity for rule in rules),
    )


# Cyrillic, Greek and other letters that look like Latin ones once case is folded.
_LOOKALIKES = dict(
    zip(
        "авгекмнорстухѕіјьԁԛԝαβγεηικνορτυχıłøđ",
        "abrekmhopctyxsijbdqwabyenikvoptuxilod",
        strict=True,
    )
)
# Digits and signs that are written for letters.
_SIGNS = dict(zip("0134578@$!|", "oieastbasil", strict=True))
_AS_LETTERS = str.maketrans(_LOOKALIKES | _SIGNS)


def fold(prompt: str) -> tuple[str, ...]:
    """Return the foldings of ``prompt`` that patterns are tried on, without repetitions.

    First: compatibility forms, case and invisible characters folded, so that patterns in any
    script are found. Second: accents gone, look-alikes, digits and signs read as the Latin
    letters they stand for. Third and fourth: letters that were set apart (``c-h-i-l-d``) joined
    besides, with and without the article that may stand before them.
    """
    plain = _fold_form(prompt, "NFKC", dropped=("Cf",))
    latin = _fold_form(prompt, "NFKD", dropped=("Cf", "Mn")).translate(_AS_LETTERS)
    words = "".join(c if c.isalnum() else " " for c in latin).split()
    joined = _join_single_letters(words)
    bare = _join_single_letters([word for word in words if word != "a"])
    return tuple(dict.fromkeys((plain, latin, joined, bare)))


def _fold_form(prompt: str, form: Literal["NFKC", "NFKD"], dropped: tuple[str, ...]) -> str:
    # Mn are accents; Cf are zero-width joiners, direction marks and soft hyphens.
    kept = "".join(c for c in prompt if unicodedata.category(c) != "Cf")
    folded = unicodedata.normalize(form, kept).casefold()
    return " ".join("".join(c for c in folded if unicodedata.category(c) not in dropped).split())


def _join_single_letters(words: Iterable[str]) -> str:
    joined: list[str] = []
    after_single = False
    for word in words:
        if after_single and len(word) == 1:
            joined[-1] += word
        else:
            joined.append(word)
        after_single = len(word) == 1
    return " ".join(joined)

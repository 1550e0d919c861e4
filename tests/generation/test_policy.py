import pytest

from generation.errors import PolicyRefused
from generation.policy import MAX_RULES, Outcome, fold, parse_policy, screen_image, screen_prompt

PROMPT_RULE = {
    "code": "prompt.child",
    "on": "prompt",
    "pattern": r"\bchild(ren)?\b",
    "verdict": "review",
    "severity": 4,
}
SIGNAL_RULE = {
    "code": "image.faces",
    "on": "image",
    "signal": "face.count",
    "at_least": 2,
    "verdict": "refuse",
    "severity": 6,
}


def policy(*rules: dict) -> dict:
    return {"v": 1, "rules": list(rules)}


@pytest.mark.parametrize(
    "prompt",
    [
        "a CHILD on a swing",
        "two children",
        "a c-h-i-l-d",
        "ch1ld",
        "c h i l d",
        "сhild",  # with a Cyrillic first letter
        "ch\u200bild",  # with a zero-width space
        "chi\u00adld",  # with a soft hyphen
        "ｃｈｉｌｄ",
        "chïld",
        "𝓬𝓱𝓲𝓵𝓭",
        "c.h.1.l.d",
    ],
)
def test_prompt_rule_finds_every_disguise(prompt: str) -> None:
    verdict = screen_prompt(parse_policy(policy(PROMPT_RULE)), prompt)
    assert verdict.outcome is Outcome.REVIEW
    assert verdict.rules == ("prompt.child",)
    assert verdict.severity == 4


@pytest.mark.parametrize("prompt", ["a red circle", "childless", "chill door", ""])
def test_prompt_rule_leaves_other_words_alone(prompt: str) -> None:
    assert screen_prompt(parse_policy(policy(PROMPT_RULE)), prompt).outcome is Outcome.ALLOW


def test_patterns_in_other_scripts_are_found() -> None:
    rule = PROMPT_RULE | {"pattern": "ребёнок"}
    assert screen_prompt(parse_policy(policy(rule)), "Ребёнок у моря").outcome is Outcome.REVIEW


def test_foldings_that_do_not_differ_are_left_out() -> None:
    assert fold("red  Circle") == ("red circle",)


def test_strictest_verdict_counts_and_every_match_is_kept() -> None:
    strict = PROMPT_RULE | {"code": "prompt.red", "pattern": "red", "verdict": "refuse"}
    verdict = screen_prompt(parse_policy(policy(PROMPT_RULE, strict)), "a red child")
    assert verdict.outcome is Outcome.REFUSE
    assert verdict.rules == ("prompt.child", "prompt.red")


@pytest.mark.parametrize(
    ("signals", "outcome"),
    [({"face.count": 2}, Outcome.REFUSE), ({"face.count": 1}, Outcome.ALLOW), ({}, Outcome.ALLOW)],
)
def test_signal_rule_has_a_threshold(signals: dict[str, int], outcome: Outcome) -> None:
    assert screen_image(parse_policy(policy(SIGNAL_RULE)), signals).outcome is outcome


def test_prompt_rules_do_not_judge_images_nor_signal_rules_prompts() -> None:
    both = parse_policy(policy(PROMPT_RULE, SIGNAL_RULE))
    assert screen_prompt(both, "child").rules == ("prompt.child",)
    assert screen_image(both, {"face.count": 9}).rules == ("image.faces",)


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    turned = dict(reversed(PROMPT_RULE.items()))
    assert parse_policy(policy(PROMPT_RULE)).digest() == parse_policy(policy(turned)).digest()


def test_digest_changes_with_any_rule() -> None:
    other = SIGNAL_RULE | {"at_least": 3}
    assert parse_policy(policy(SIGNAL_RULE)).digest() != parse_policy(policy(other)).digest()


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({}, "v: field required"),
        ([], "policy: input should be"),
        (policy() | {"v": 2}, "v: input should be 1"),
        (policy() | {"extra": 1}, "extra: extra inputs are not permitted"),
        (policy(PROMPT_RULE | {"on": "audio"}), "rules.0: input tag 'audio'"),
        (policy(PROMPT_RULE | {"pattern": ""}), "rules.0.prompt.pattern"),
        (policy(PROMPT_RULE | {"severity": 3}), "rules.0.prompt.severity"),
        (policy(PROMPT_RULE | {"code": "No Code"}), "rules.0.prompt.code"),
        (policy(SIGNAL_RULE | {"at_least": 1.5}), "rules.0.image.at_least"),
        (policy(SIGNAL_RULE | {"at_least": 2**53}), "rules.0.image.at_least"),
        (policy(PROMPT_RULE, PROMPT_RULE), "two rules have the code prompt.child"),
        (policy(PROMPT_RULE | {"pattern": r"(a)\1"}), "is not RE2: invalid escape sequence"),
        (policy(PROMPT_RULE | {"pattern": "("}), "is not RE2: missing"),
        (policy(PROMPT_RULE | {"pattern": "((a{900}){900}){900}"}), "is not RE2"),
        (policy(*[PROMPT_RULE] * (MAX_RULES + 1)), "rules: tuple should have at most 500"),
    ],
)
def test_bad_policy_is_refused_and_the_place_is_named(value: object, complaint: str) -> None:
    with pytest.raises(PolicyRefused, match=complaint.replace("(", r"\(")):
        parse_policy(value)


def test_hostile_prompt_costs_linear_time() -> None:
    rule = PROMPT_RULE | {"pattern": "(a*)*b"}
    assert screen_prompt(parse_policy(policy(rule)), "a" * 10_000).outcome is Outcome.ALLOW

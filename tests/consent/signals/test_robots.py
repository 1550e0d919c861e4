import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.signals.finding import Item, Reach, Source
from consent.signals.paths import path_of
from consent.signals.reading import read
from consent.signals.robots import LONGEST, Robots, decide, preferences
from consent.uses import Use
from tests.consent.signals.seen import ITEM, brief, seen, told

SITE = "https://pictures.example"
RFC_9309 = """\
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""


def may_crawl(text: str, agent: str, path: str) -> bool:
    rule = decide(Robots.parse(text.encode()).at(path_of(SITE + path)).rules_for(agent))
    return rule is None or rule.key == b"allow"


@pytest.mark.parametrize(
    ("agent", "path", "allowed"),
    [
        # RFC 9309, section 5.1.
        ("foobot", "/example/page.html", True),
        ("FooBot", "/", False),
        ("barbot", "/example/page.html", False),
        ("bazbot", "/example/page.html", False),
        ("bazbot", "/example/", True),
        ("quxbot", "/example/", True),
        ("other", "/example/", False),
        ("other", "/a.gif", False),
        ("other", "/a.gif?x", True),
        ("other", "/publications/", True),
    ],
)
def test_example_of_the_rfc_is_read_as_it_explains(agent: str, path: str, allowed: bool) -> None:
    assert may_crawl(RFC_9309, agent, path) is allowed


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("user-agent: x\nallow: /p\ndisallow: /", True),
        ("user-agent: x\nallow: /p\ndisallow: /p", True),
        ("user-agent: x\nallow: /\ndisallow: /p", False),
        ("user-agent: x\ndisallow: /*p", False),
        ("user-agent: x\ndisallow:", True),
        ("disallow: /\nuser-agent: x\nallow: /", True),
        ("user-agent: x\nsitemap: s\nuser-agent: y\ndisallow: /", False),
        ("user-agent: x\ndisallow:\nuser-agent: y\ndisallow: /", True),
        ("user-agent: x\ndisallow: /p\nuser-agent: *\ndisallow: /\nuser-agent: x\nallow: /", False),
        ("user-agent: *\ndisallow: /\nuser-agent: x", True),
        ("user-agent: *\ndisallow: /\nuser-agent: xy\nallow: /", False),
        ("\ufeffUSER-AGENT : X/1.0 (comment) # c\r\tDisAllow\t:\t/p # c\r\n", False),
        ("user-agent: x\ncontent-usage: train-ai=n\nuser-agent: y\ndisallow: /", True),
        ("user-agent x\ndisallow: /", True),
        ("", True),
    ],
)
def test_groups_and_longest_match(text: str, allowed: bool) -> None:
    assert may_crawl(text, "x", "/p") is allowed


def test_crawler_barred_reserves_mining_and_crawler_let_in_permits_nothing() -> None:
    barred, *usage = read(seen(Source.ROBOTS_TXT, "user-agent: gptbot\ndisallow: /a/"), ITEM)
    assert brief(barred) == "robots_txt reserved crawling_disallowed"
    assert barred.uses == {Use.TRAIN, Use.FINE_TUNE, Use.EVALUATE}
    assert barred.detail == "robots.txt bars GPTBot"
    assert {brief(found) for found in usage} == {"aipref silent nothing_said"}
    free = told(Source.ROBOTS_TXT, "user-agent: *\nallow: /\nuser-agent: Bingbot\ndisallow: /")
    assert free[0] == "robots_txt silent crawling_allowed"


def test_many_barred_crawlers_are_counted() -> None:
    (found, *_) = read(seen(Source.ROBOTS_TXT, "user-agent: *\ndisallow: /"), Item(SITE))
    assert found.detail == "robots.txt bars AI2Bot, Amazonbot, anthropic-ai and 12 more"


def test_server_that_does_not_answer_disallows_all_and_one_without_a_file_nothing() -> None:
    silent = seen(Source.ROBOTS_TXT, reach=Reach.UNREACHABLE)
    assert brief(read(silent, ITEM)[0]) == "robots_txt reserved unreachable"
    absent = seen(Source.ROBOTS_TXT, reach=Reach.ABSENT)
    assert [brief(found) for found in read(absent, ITEM)] == [
        "robots_txt silent absent",
        "aipref silent absent",
    ]


def test_site_without_ai_txt_is_silent_on_training() -> None:
    (found,) = read(seen(Source.AI_TXT, reach=Reach.ABSENT), ITEM)
    assert brief(found) == "ai_txt silent absent"
    assert found.uses == {Use.TRAIN, Use.FINE_TUNE, Use.EVALUATE}


def test_rules_beyond_what_is_read_leave_it_unknown() -> None:
    filler = "# much to say\n" * (LONGEST // 14)
    text = f"user-agent: *\nallow: /b\n{filler}disallow: /a"
    assert told(Source.ROBOTS_TXT, text)[0] == "robots_txt malformed unreadable"
    early = f"user-agent: *\ndisallow: /a\n{filler}allow: /a/b.jpg"
    assert told(Source.ROBOTS_TXT, early)[0] == "robots_txt reserved crawling_disallowed"
    assert not Robots.parse(b"x" * (LONGEST + 1)).groups


ATTACH = """\
User-Agent: *
Allow: /
Disallow: /never/
Content-Usage: train-ai=n
Content-Usage: /ai-ok/ train-ai=y

User-Agent: ExampleBot
Allow: /
Content-Usage:\ttrain-ai=y
"""


@pytest.mark.parametrize(
    ("agent", "path", "expected"),
    [
        # draft-ietf-aipref-attach-05, section 3.4.
        ("anybot", "/test", "reserved"),
        ("anybot", "/never/test", "silent"),
        ("anybot", "/ai-ok/test", "permitted"),
        ("examplebot", "/never/test", "permitted"),
    ],
)
def test_content_usage_of_the_drafts_example(agent: str, path: str, expected: str) -> None:
    found = read(seen(Source.ROBOTS_TXT, ATTACH), Item(SITE + path, (agent,)))
    (training,) = (one for one in found if one.signal == "aipref" and Use.TRAIN in one.uses)
    assert training.standing == expected


def test_equal_paths_are_combined_and_the_stricter_crawler_counts() -> None:
    same = "user-agent: *\ncontent-usage: /a train-ai=y, ai-use=y\ncontent-usage: /a train-ai=n"
    assert told(Source.ROBOTS_TXT, same)[1:] == [
        "aipref reserved usage_disallowed",
        "aipref permitted usage_allowed",
    ]
    two = "user-agent: gptbot\ncontent-usage: train-ai=y\n"
    two += "user-agent: ccbot\ncontent-usage: train-ai=n"
    assert told(Source.ROBOTS_TXT, two)[1] == "aipref reserved usage_disallowed"


def test_preferences_keep_the_longest_path_only() -> None:
    robots = Robots.parse(b"user-agent: x\ncontent-usage: /a/ b=y\ncontent-usage:/a\tb=n #c")
    assert preferences(robots.at(b"/a/b").rules_for("x")) == ["b=y"]
    assert preferences(robots.at(b"/ab").rules_for("x")) == ["b=n"]


SPAWNING = "User-Agent: *\nDisallow: *.txt\nAllow: *.jpg\nDisallow: /\nDisallow: *\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SPAWNING, "permitted ai_txt_allowed"),
        (SPAWNING.replace("Allow: *.jpg", "Disallow: *.jpg"), "reserved ai_txt_disallowed"),
        ("User-Agent: *\nDisallow: /\nDisallow: *", "reserved ai_txt_disallowed"),
        ("User-Agent: *\nDisallow: *.jpg\nAllow: *.jpg", "reserved ai_txt_disallowed"),
        ("User-Agent: *\nAllow: *.png", "silent nothing_said"),
        ("User-Agent: GPTBot\nAllow: /", "silent nothing_said"),
        ("User-Agent: GPTBot\nDisallow: /", "reserved ai_txt_disallowed"),
        ("<html>under maintenance</html>", "silent nothing_said"),
        ("#\n" * LONGEST, "malformed unreadable"),
    ],
)
def test_ai_txt_speaks_of_training_by_kind_of_file(text: str, expected: str) -> None:
    assert told(Source.AI_TXT, text) == [f"ai_txt {expected}"]


LINES = st.tuples(
    st.sampled_from(["allow", "disallow"]), st.text("ab*$", max_size=4).map(lambda text: "/" + text)
)
GROUPS = st.lists(
    st.tuples(
        st.lists(st.sampled_from("xy*"), min_size=1, max_size=2), st.lists(LINES, max_size=4)
    ),
    max_size=4,
)


@given(GROUPS, st.sampled_from("xyz"), st.text("ab", max_size=5))
def test_decision_agrees_with_the_model(
    groups: list[tuple[list[str], list[tuple[str, str]]]], agent: str, path: str
) -> None:
    text = ""
    for agents, lines in groups:
        text += "".join(f"User-agent: {name}\n" for name in agents)
        # An empty rule ends the list of agents, as one that says something does.
        text += "".join(f"{key}: {value}\n" for key, value in [*lines, ("disallow", "")])
    own = [lines for agents, lines in groups if agent in agents]
    binding = own or [lines for agents, lines in groups if "*" in agents]
    matching = [(len(value), key) for lines in binding for key, value in lines if hits(value, path)]
    longest = max((length for length, _ in matching), default=0)
    kinds = {key for length, key in matching if length == longest}
    assert may_crawl(text, agent, "/" + path) is (not kinds or "allow" in kinds)


def hits(pattern: str, path: str) -> bool:
    # Whether some way of filling the stars and going on gives the path: tried one by one. A
    # dollar sign before the end is no letter of these paths; as long as %24, it outlasts nothing.
    def rest(left: str, text: str) -> bool:
        if not left or left == "$":
            return not left or not text
        if left[0] == "*":
            return any(rest(left[1:], text[cut:]) for cut in range(len(text) + 1))
        return text[:1] == left[0] and rest(left[1:], text[1:])

    return rest(pattern, "/" + path)

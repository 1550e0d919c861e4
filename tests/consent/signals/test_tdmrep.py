import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.signals.finding import Finding, Item, Reach, Source
from consent.signals.pages import LONGEST, MOST_METAS, find_metas
from consent.signals.reading import read
from tests.consent.signals.seen import ITEM, MINING, brief, seen

SITE = "https://provider.example"
# The example of the report.
RULES = [
    {"location": "/directory-a/", "tdm-reservation": 1},
    {
        "location": "/directory-b/html/",
        "tdm-reservation": 1,
        "tdm-policy": "https://provider.example/policies/policy.json",
    },
    {"location": "/directory-b/images/*.jpg", "tdm-reservation": 0},
]


def of_file(rules: object, path: str = "/a", source: Source = Source.TDMREP_FILE) -> Finding:
    place = f"{SITE}/.well-known/tdmrep.json"
    (found,) = read(seen(source, json.dumps(rules), place=place), Item(SITE + path))
    return found


def of_headers(text: str) -> Finding:
    return read(seen(Source.RESPONSE_HEADERS, text, place=f"{SITE}/a/b"), ITEM)[0]


def of_page(text: str | bytes) -> Finding:
    return read(seen(Source.HTML, text, place=f"{SITE}/a/b"), ITEM)[0]


@pytest.mark.parametrize(
    ("path", "expected", "policy"),
    [
        ("/directory-a/x.pdf", "reserved tdm_reserved", ""),
        ("/directory-b/html/", "reserved tdm_reserved", f"{SITE}/policies/policy.json"),
        ("/directory-b/images/x.jpg", "permitted tdm_not_reserved", ""),
        ("/directory-b/images/x.JPG", "silent nothing_said", ""),
        ("/else", "silent nothing_said", ""),
    ],
)
def test_file_of_the_report_is_read_as_it_explains(path: str, expected: str, policy: str) -> None:
    found = of_file(RULES, path)
    assert (brief(found), found.conditions) == (f"tdmrep {expected}", policy)
    assert found.uses == MINING


@pytest.mark.parametrize("value", [2, -1, True, False, "1", "0", 1.0, None, [1], {"a": 1}])
def test_any_other_value_counts_as_unset(value: object) -> None:
    found = of_file([{"location": "/", "tdm-reservation": value}])
    assert brief(found) == "tdmrep malformed value_ignored"
    assert not found.uses


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([("/a", 1), ("/", 0)], "reserved tdm_reserved"),
        ([("/", 1), ("/a", 0)], "reserved tdm_reserved"),
        ([("/a", 0), ("/", 1)], "permitted tdm_not_reserved"),
        ([("/", 0), ("/b", 1)], "permitted tdm_not_reserved"),
        ([("/", 0), ("/a", 1)], "reserved tdm_later_rule"),
        ([("/", 7), ("/", 1)], "reserved tdm_later_rule"),
        ([("/", 7), ("/a", 0)], "malformed value_ignored"),
    ],
)
def test_first_match_decides_unless_a_longer_one_reserves(
    rules: list[tuple[str, int]], expected: str
) -> None:
    found = of_file([{"location": place, "tdm-reservation": value} for place, value in rules])
    assert brief(found) == f"tdmrep {expected}"


@given(
    st.lists(
        st.tuples(st.sampled_from(["/", "/a", "/a/b", "/b", "/*b", "/a$"]), st.integers(0, 1)),
        max_size=4,
    ),
    st.sampled_from(["/", "/a", "/a/b", "/b", "/c"]),
)
def test_file_agrees_with_the_model(rules: list[tuple[str, int]], path: str) -> None:
    def hits(place: str) -> bool:
        if place == "/a$":
            return path == "/a"
        return "b" in path if place == "/*b" else path.startswith(place)

    matching = [(place, value) for place, value in rules if hits(place)]
    expected = "silent"
    if matching:
        place, value = matching[0]
        reserved = value or any(v and len(p) > len(place) for p, v in matching)
        expected = "reserved" if reserved else "permitted"
    found = of_file([{"location": place, "tdm-reservation": value} for place, value in rules], path)
    assert found.standing == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "it is no JSON"),
        ("", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[NaN]", "a number that JSON does not know"),
        ('[{"location": "/", "location": "/"}]', "a key twice"),
        ('{"location": "/", "tdm-reservation": 1}', "no array of rules"),
        ("[" + " " * 2**19 + "]", "at most 524288 are read"),
        ("<html>", "it is no JSON"),
        ("[1" + "0" * 5000 + "]", "it is no JSON"),
    ],
)
def test_file_that_cannot_be_read_is_malformed(content: str, reason: str) -> None:
    (found,) = read(seen(Source.TDMREP_FILE, content), ITEM)
    assert brief(found) == "tdmrep malformed unreadable"
    assert reason in found.detail
    assert found.uses == MINING


def test_what_is_no_rule_matches_nothing() -> None:
    rules = [1, None, {}, {"location": 5}, {"tdm-reservation": 1}]
    assert brief(of_file(rules)) == "tdmrep silent nothing_said"


@pytest.mark.parametrize("reach", [Reach.ABSENT, Reach.UNREACHABLE])
def test_site_without_a_file_says_nothing(reach: Reach) -> None:
    (found,) = read(seen(Source.TDMREP_FILE, reach=reach), ITEM)
    assert brief(found) == f"tdmrep silent {reach}"


@pytest.mark.parametrize(
    ("headers", "expected", "policy"),
    [
        ("tdm-reservation: 1", "reserved tdm_reserved", ""),
        ("TDM-Reservation:0\r\ntdm-policy: p", "permitted tdm_not_reserved", f"{SITE}/a/p"),
        ("tdm-reservation: 1\r\nTDM-Policy: /p", "reserved tdm_reserved", f"{SITE}/p"),
        ("tdm-policy: https://x.example/", "silent tdm_policy_named", "https://x.example/"),
        ("tdm-reservation: 1\r\ntdm-policy: http://[x", "reserved tdm_reserved", "http://[x"),
        ("tdm-policy: /p\r\ntdm-policy: /q", "silent tdm_policy_named", f"{SITE}/p"),
        ("tdm-reservation: 2", "malformed value_ignored", ""),
        ("tdm-reservation: 1, 1", "malformed value_ignored", ""),
        ("tdm-reservation:", "malformed value_ignored", ""),
        ("tdm-reservation: 0\r\ntdm-reservation: 1", "reserved tdm_reserved", ""),
        ("tdm-reservation: x\r\ntdm-reservation: 0", "permitted tdm_not_reserved", ""),
        ("Content-Type: text/html", "silent nothing_said", ""),
    ],
)
def test_header_lines(headers: str, expected: str, policy: str) -> None:
    found = of_headers(f"HTTP/1.1 200 OK\r\n{headers}\r\n")
    assert (brief(found), found.conditions) == (f"tdmrep {expected}", policy)


RESERVED = '<meta name="tdm-reservation" content="1">'
FREE = RESERVED.replace("1", "0")


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (RESERVED, "reserved tdm_reserved"),
        (f"<!DOCTYPE html><html><head><title><b></title>{RESERVED}", "reserved tdm_reserved"),
        ("<META CONTENT='1'\nNAME=TDM-Reservation />", "reserved tdm_reserved"),
        ('<meta/name="tdm-reservation"/content=1/>', "malformed value_ignored"),
        ('<meta name="tdm-reservation" content=" &#49; ">', "reserved tdm_reserved"),
        ('<meta name="tdm-reservation" name="x" content="1">', "reserved tdm_reserved"),
        ('<meta =x name="tdm-reservation" content = "1" y>', "reserved tdm_reserved"),
        ('<meta name="tdm-reservation">', "malformed value_ignored"),
        (FREE, "permitted tdm_not_reserved"),
        (FREE + RESERVED, "reserved tdm_reserved"),
        (f"<body>{FREE}", "silent nothing_said"),
        (f"<div>{FREE}", "silent nothing_said"),
        (f"<body>{RESERVED}", "reserved tdm_reserved"),
        (f"<!-- {RESERVED} -->", "silent nothing_said"),
        (f"<!--->{RESERVED}", "reserved tdm_reserved"),
        (f"<!-- {RESERVED}", "silent nothing_said"),
        (f"<script>'{RESERVED}'</script>{FREE}", "permitted tdm_not_reserved"),
        (f"<STYLE>{RESERVED}</Style>", "silent nothing_said"),
        (f"<textarea>{RESERVED}", "silent nothing_said"),
        (f'<link title="{RESERVED}">', "silent nothing_said"),
        (f"<link title='{RESERVED}'>", "silent nothing_said"),
        (f'<link title="{FREE.replace(chr(34), "")}">{RESERVED}', "reserved tdm_reserved"),
        (f"<?x?><!x></x>1 < 2 <>{RESERVED}", "reserved tdm_reserved"),
        (RESERVED[:-1], "silent nothing_said"),
        ('<meta name="tdm-reservation" content="1', "silent nothing_said"),
        ("<metadata name=tdm-reservation content=1>", "silent nothing_said"),
        ("<meta property=tdm-reservation content=1>", "silent nothing_said"),
        ("", "silent nothing_said"),
    ],
)
def test_meta_elements_are_what_a_browser_takes_for_them(page: str, expected: str) -> None:
    assert brief(of_page(page)) == f"tdmrep {expected}"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_pages_of_other_encodings_are_read(encoding: str) -> None:
    page = f"<title>Ä</title>{RESERVED}<meta name=tdm-policy content=/p>"
    found = of_page(page.encode(encoding))
    assert (brief(found), found.conditions) == ("tdmrep reserved tdm_reserved", f"{SITE}/p")


def test_page_too_large_is_malformed_for_every_signal() -> None:
    found = read(seen(Source.HTML, b" " * (LONGEST + 1)), ITEM)
    assert [brief(one) for one in found] == [
        "tdmrep malformed unreadable",
        "robots_tag malformed unreadable",
    ]
    assert of_page("<meta>" * (MOST_METAS + 1)).detail == "it has more than 1000 meta elements"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<meta name="robots" content="noindex, NoAI">', "reserved noai"),
        ("<body><meta name=CCBot content=noimageai>", "reserved noimageai"),
        ("<meta name=bingbot content=noai>", "silent not_addressed"),
        ("<meta name=description content=noai>", "silent not_addressed"),
        ("<meta content=noai>", "silent not_addressed"),
        ("<meta name=robots content=index>", "silent nothing_said"),
    ],
)
def test_meta_robots(page: str, expected: str) -> None:
    assert brief(read(seen(Source.HTML, page), ITEM)[1]) == f"robots_tag {expected}"


class Reference(HTMLParser):
    """What the standard library takes for meta elements, of pages that are in good order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.metas: list[dict[str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "meta":
            self.metas.append({name: value or "" for name, value in reversed(attrs)})

    handle_startendtag = handle_starttag


WORDS = st.text("abAB1-", min_size=1, max_size=4).map(lambda word: "n" + word)
VALUES = st.text("ab <>=&;#3-/", max_size=8)
ATTRIBUTES = st.one_of(
    WORDS,
    st.builds("{}={}".format, WORDS, WORDS),
    st.builds('{} = "{}"'.format, WORDS, VALUES),
    st.builds("{}='{}'".format, WORDS, VALUES),
)
PIECES = st.one_of(
    st.builds(
        "<{}{}{}{}>".format,
        st.sampled_from(["meta", "META", "metas", "p", "br"]),
        st.sampled_from([" ", "\n\t"]),
        st.lists(ATTRIBUTES, max_size=3).map(" ".join),
        st.sampled_from(["", " /"]),
    ),
    VALUES.map(lambda text: text.replace("<", "")),
    st.text("ab <>", max_size=9).map("<!-- {} -->".format),
    st.sampled_from(["<script>", "<style>", "<SCRIPT x='>'>"]).flatmap(
        lambda tag: st.sampled_from(["<meta x>", "'<p>'", ""]).map(
            lambda text: f"{tag}{text}</{tag[1:7].strip('>')}>"
        )
    ),
    st.sampled_from(["<!DOCTYPE html>", "</p>", "<?x?>"]),
)


@given(st.lists(PIECES, max_size=8).map("".join))
def test_metas_of_a_page_in_good_order_are_those_of_the_standard_library(page: str) -> None:
    found = [meta.attributes for meta in find_metas(page.encode())]
    assert found == Reference(page).metas


@given(st.text("<>!-/= \"'metasc\n", max_size=60).map(str.encode))
def test_any_page_is_read(page: bytes) -> None:
    find_metas(page)

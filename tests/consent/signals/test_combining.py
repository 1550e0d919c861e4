import json
from collections.abc import Iterable
from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.signals.combining import Answer, combine, seen_at
from consent.signals.finding import Finding, Item, Observation, Reach, Signal, Source
from consent.signals.reading import SPEAKS, read, read_all
from consent.uses import Use
from tests.consent.signals.files import pdf, stream, xmp
from tests.consent.signals.seen import ITEM, NOON, URL, seen
from tests.consent.signals.test_offer import offer

POLICY = "https://pictures.example/policy.json"
DAY = timedelta(days=1)


def tdm_file(value: int | None, policy: str = "") -> Observation:
    rule = {"location": "/", "tdm-reservation": value, "tdm-policy": policy or None}
    return seen(Source.TDMREP_FILE, json.dumps([rule] if value is not None or policy else []))


def tdm_header(value: int | None, policy: str = "") -> Observation:
    lines = [f"tdm-reservation: {value}"] if value is not None else []
    lines += [f"tdm-policy: {policy}"] if policy else []
    return seen(Source.RESPONSE_HEADERS, "\r\n".join(lines))


def tdm_page(value: int | None, policy: str = "") -> Observation:
    lines = [f"<meta name=tdm-reservation content={value}>"] if value is not None else []
    lines += [f"<meta name=tdm-policy content={policy}>"] if policy else []
    return seen(Source.HTML, "".join(lines))


def tdm_pdf(value: int | None, policy: str = "") -> Observation:
    said = f"<tdm:reservation>{value}</tdm:reservation>" if value is not None else ""
    said += f"<tdm:policy>{policy}</tdm:policy>" if policy else ""
    return seen(Source.PDF, pdf([stream(xmp(said))]))


PLACES = (tdm_file, tdm_header, tdm_page, tdm_pdf)


def policy(raw: str, **changes: object) -> Observation:
    return seen(Source.TDM_POLICY, raw, place=POLICY, **changes)  # type: ignore[arg-type]


def training(*observations: Observation) -> Answer:
    return combine(read_all(observations, ITEM))[Use.TRAIN]


def test_nothing_observed_is_silent_for_every_use() -> None:
    answers = combine([])
    assert list(answers) == list(Use)
    assert {(one.standing, one.findings) for one in answers.values()} == {("silent", ())}


def test_strictest_of_several_signals_wins_and_is_cited() -> None:
    allowed = seen(Source.AI_TXT, "User-agent: *\nAllow: /")
    barred = seen(Source.ROBOTS_TXT, "User-agent: CCBot\nDisallow: /")
    tagged = seen(Source.RESPONSE_HEADERS, "X-Robots-Tag: noai")
    assert training(allowed).standing == "permitted"
    answer = training(allowed, barred, tagged)
    assert answer.standing == "reserved"
    assert answer.observations == (barred.id, tagged.id)
    assert [one.code for one in answer.findings] == ["crawling_disallowed", "noai"]


def test_silence_cites_what_was_looked_at_and_permits_nothing() -> None:
    looked = [seen(Source.ROBOTS_TXT, "User-agent: *\nAllow: /"), tdm_file(None)]
    answer = training(*looked)
    assert answer.standing == "silent"
    assert set(answer.observations) == {one.id for one in looked}


def test_signal_speaks_of_its_own_uses_only() -> None:
    answers = combine(read(seen(Source.REQUEST_HEADERS, "Sec-GPC: 1"), ITEM))
    reserved = {use for use, answer in answers.items() if answer.standing == "reserved"}
    assert reserved == {Use.DISTRIBUTE, Use.COMMERCIAL}


def test_what_cannot_be_read_outweighs_a_permission_and_what_is_ignored_does_not() -> None:
    allowed = seen(Source.AI_TXT, "User-agent: *\nAllow: /")
    assert training(allowed, seen(Source.TDMREP_FILE, "{")).standing == "malformed"
    assert training(allowed, tdm_header(7)).standing == "permitted"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1, None, None, None), "reserved"),
        ((1, 0, None, None), "permitted"),
        ((0, 1, None, None), "reserved"),
        ((1, 1, 0, None), "permitted"),
        ((0, 0, 0, 1), "reserved"),
        ((1, 1, 1, 0), "permitted"),
        ((1, 7, None, None), "reserved"),
        ((0, 7, 7, None), "permitted"),
        ((7, 7, 7, 7), "silent"),
        ((None, None, None, None), "silent"),
    ],
)
def test_later_place_supersedes_and_absence_resets_nothing(
    values: tuple[int | None, ...], expected: str
) -> None:
    places = [place(value) for place, value in zip(PLACES, values, strict=True)]
    for order in permutations(places):
        assert training(*order).standing == expected


VALUES = st.sampled_from([None, 0, 1, 7])
POLICIES = st.sampled_from(["", POLICY, "https://x.example/"])


@given(st.tuples(*[st.tuples(VALUES, POLICIES)] * 4), st.sampled_from(["none", "offer", "broken"]))
def test_tdmrep_agrees_with_the_model(said: tuple[tuple[int | None, str], ...], kind: str) -> None:
    reserves: int | None = None
    named = ""
    for value, url in said:
        reserves = value if value in (0, 1) else reserves
        named = url or named
    expected = {None: "silent", 0: "permitted", 1: "reserved"}[reserves]
    if reserves and named == POLICY and kind == "offer":
        expected = "conditions"
    places = [place(*what) for place, what in zip(PLACES, said, strict=True)]
    if kind != "none":
        places.append(policy(json.dumps(offer()) if kind == "offer" else "{"))
    assert training(*places).standing == expected


def test_reservation_under_a_policy_that_is_read_is_had_on_conditions() -> None:
    places = [tdm_header(1, POLICY), policy(json.dumps(offer()))]
    answer = training(*places)
    assert answer.standing == "conditions"
    assert answer.observations == tuple(one.id for one in places)
    assert [one.conditions for one in answer.findings] == [POLICY, "obtainConsent"]
    page = policy("<html>", media_type="text/html")
    assert training(places[0], page).standing == "conditions"


@pytest.mark.parametrize(
    "unknown",
    [
        policy("{"),
        policy("", reach=Reach.UNREACHABLE),
        policy(json.dumps(offer(permission=None, prohibition={"action": "tdm:mine"}))),
    ],
)
def test_policy_that_tells_no_conditions_leaves_it_reserved(unknown: Observation) -> None:
    told = policy(json.dumps(offer()))
    answer = training(tdm_header(1, POLICY), unknown)
    assert answer.standing == "reserved"
    assert unknown.id in answer.observations
    assert training(tdm_header(1, POLICY), told, unknown).standing == "reserved"


def test_policy_counts_only_where_it_is_named_by_a_reservation() -> None:
    told = policy(json.dumps(offer()))
    assert training(told).standing == "silent"
    assert training(tdm_header(0, POLICY), told).standing == "permitted"
    assert training(tdm_header(1), told).standing == "reserved"
    assert training(tdm_file(1), tdm_header(None, POLICY), told).standing == "conditions"


def test_unreadable_place_counts_until_a_later_one_says_what_holds() -> None:
    broken_file = seen(Source.TDMREP_FILE, "{")
    assert training(broken_file).standing == "malformed"
    assert training(broken_file, tdm_header(0)).standing == "permitted"
    broken_pdf = seen(Source.PDF, "none")
    assert training(tdm_header(0), broken_pdf).standing == "malformed"
    assert training(tdm_header(1), broken_pdf).standing == "reserved"


def test_two_places_of_one_rank_that_disagree_are_reserved() -> None:
    assert training(tdm_header(0), tdm_header(1), tdm_header(0)).standing == "reserved"


FINDINGS = st.builds(
    lambda source, raw: read(seen(source, raw), ITEM),
    st.sampled_from(Source),
    st.sampled_from(
        [
            b"",
            b"User-agent: *\nDisallow: /\n",
            b"User-agent: *\nAllow: /\nContent-Usage: train-ai=n\n",
            b"X-Robots-Tag: noai\r\ntdm-reservation: 0\r\nSec-GPC: 1",
            b"Content-Usage: train-ai=y",
            b'{"gpc": true}',
            b'[{"location": "/", "tdm-reservation": 0}]',
            b"<meta name=robots content=noai>",
        ]
    ),
).map(list)


@given(st.lists(FINDINGS, max_size=5))
def test_answers_without_tdmrep_are_the_strictest_finding(batches: list[list[Finding]]) -> None:
    findings = [one for batch in batches for one in batch if one.signal != "tdmrep"]
    order = ["silent", "permitted", "malformed", "conditions", "reserved"]
    for use, answer in combine(findings).items():
        said = [one for one in findings if use in one.uses]
        strictest = max((order.index(one.standing) for one in said), default=0)
        assert answer.standing == order[strictest]
        assert set(answer.findings) == {one for one in said if one.standing == answer.standing}


@given(st.lists(FINDINGS, max_size=4), FINDINGS)
def test_another_signal_never_makes_an_answer_milder(
    batches: list[list[Finding]], more: Iterable[Finding]
) -> None:
    findings = [one for batch in batches for one in batch if one.signal != "tdmrep"]
    added = [one for one in more if one.signal != "tdmrep"]
    before, after = combine(findings), combine([*findings, *added])
    assert all(before[use].standing.rank <= after[use].standing.rank for use in Use)


def test_every_source_is_read_and_says_something_of_each_signal_it_may_carry() -> None:
    for source, signals in SPEAKS.items():
        for raw in (b"", b"\x00\xff", b"{}", b"[]"):
            found = read(seen(source, raw), ITEM)
            assert {one.signal for one in found} == set(signals)
        assert read(seen(source, reach=Reach.ABSENT), ITEM)
    assert set(SPEAKS) == set(Source)


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        (Source.RESPONSE_HEADERS, {"tdmrep": 3, "robots_tag": 3, "aipref": 3}),
        (Source.HTML, {"tdmrep": 3, "robots_tag": 3}),
        (Source.C2PA_MANIFEST, {"c2pa": 4, "cawg": 4}),
        (Source.REQUEST_HEADERS, {"gpc": 2}),
        (Source.GPC_FILE, {"gpc": 0}),
        (Source.TDMREP_FILE, {"tdmrep": 3}),
        (Source.EPUB, {"tdmrep": 3}),
        (Source.PDF, {"tdmrep": 3}),
    ],
)
def test_what_cannot_be_read_leaves_all_uses_of_its_signals_unknown(
    source: Source, uses: dict[str, int]
) -> None:
    found = read(seen(source, b"<" * (2**21 + 1)), ITEM)
    assert {one.signal: len(one.uses) for one in found} == uses
    assert {one.standing for one in found} == {"malformed"}


def test_every_signal_names_the_text_that_it_is_read_by() -> None:
    assert all(signal.specification for signal in Signal)


def test_what_others_wrote_is_kept_in_printable_characters_and_cut() -> None:
    terms = {"use": "constrained", "constraint_info": "a\x00\ud800\n" + "é" * 3000}
    entries = {"entries": {"cawg.ai_training": terms}}
    assertion = {"label": "cawg.training-mining", "data": entries}
    store = json.dumps({"manifests": {"a": {"assertions": [assertion]}}})
    found = read(seen(Source.C2PA_MANIFEST, store), ITEM)[0]
    assert found.conditions == "a   " + "é" * 2044


def test_url_that_is_too_long_is_malformed_where_it_matters() -> None:
    item = Item("https://pictures.example/" + "x" * 5000)
    for source in (Source.ROBOTS_TXT, Source.AI_TXT, Source.TDMREP_FILE):
        found = read(seen(source, "[]"), item)
        assert {(one.standing, one.code) for one in found} == {("malformed", "unreadable")}


def test_of_each_place_the_newest_counts_that_is_not_later_than_asked() -> None:
    old, new = seen(Source.ROBOTS_TXT, at=NOON), seen(Source.ROBOTS_TXT, at=NOON + DAY)
    other = seen(Source.ROBOTS_TXT, place=URL + "/other", at=NOON - DAY)
    later = seen(Source.ROBOTS_TXT, at=NOON + 3 * DAY)
    known = [new, later, old, other]
    assert seen_at(known, NOON - 2 * DAY) == []
    assert seen_at(known, NOON) == [other, old]
    assert seen_at(known, NOON + 2 * DAY) == [other, new]


def test_failure_to_reach_takes_nothing_back_and_ends_when_it_is_reached() -> None:
    found = seen(Source.TDMREP_FILE, at=NOON)
    lost = seen(Source.TDMREP_FILE, at=NOON + DAY, reach=Reach.UNREACHABLE)
    gone = seen(Source.TDMREP_FILE, at=NOON + 2 * DAY, reach=Reach.ABSENT)
    assert seen_at([found, lost, gone], NOON + DAY) == [found, lost]
    assert seen_at([found, lost, gone], NOON + 2 * DAY) == [gone]


def test_request_without_the_signal_takes_no_opt_out_back() -> None:
    asked = seen(Source.REQUEST_HEADERS, "Sec-GPC: 1", at=NOON)
    unasked = seen(Source.REQUEST_HEADERS, "", at=NOON + DAY)
    known = seen_at([unasked, asked], NOON + DAY)
    assert known == [asked, unasked]
    assert combine(read_all(known, ITEM))[Use.COMMERCIAL].standing == "reserved"

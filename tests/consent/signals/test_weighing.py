"""Signals over time, against a model that looks at every moment by itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent import profiles
from consent.decision import Outcome
from consent.signals import robots
from consent.signals.documents import parsed_once
from consent.signals.finding import Finding, Item, Observation, Reach, Source, Standing
from consent.signals.reading import read
from consent.signals.weighing import (
    Weighing,
    known_standing,
    since_fetched,
    summarise,
    weigh_observed,
    without_observed,
)
from consent.uses import Use

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
URL = "https://pictures.example/1.jpg"
STRICT = profiles.load().profile
SAID = {
    Standing.SILENT: (Source.AI_TXT, b""),
    Standing.PERMITTED: (Source.AI_TXT, b"User-agent: *\nAllow: /\n"),
    Standing.RESERVED: (Source.AI_TXT, b"User-agent: *\nDisallow: /\n"),
    Standing.MALFORMED: (Source.TDMREP_FILE, b"{"),
}
OUTCOMES = {
    Standing.SILENT: Outcome.ALLOWED,
    Standing.PERMITTED: Outcome.ALLOWED,
    Standing.MALFORMED: Outcome.NEEDS_REVIEW,
    Standing.CONDITIONS: Outcome.NEEDS_REVIEW,
    Standing.RESERVED: Outcome.REFUSED,
}


def seen(hour: int, standing: Standing, number: int = 0) -> Observation:
    source, raw = SAID[standing]
    return Observation(
        UUID(int=1000 * hour + number + 1), source, URL, START + hour * HOUR, raw, Reach.FOUND
    )


def weigh(history: Sequence[Observation], fetched: int, at: int) -> Weighing:
    def of(one: Observation) -> Sequence[Finding]:
        return read(one, Item(URL))

    return weigh_observed(
        history,
        of,
        [Use.TRAIN],
        fetched_at=START + fetched * HOUR,
        at=START + at * HOUR,
        profile=STRICT,
    )


def expected(events: Sequence[tuple[int, Standing]], fetched: int, at: int) -> Standing:
    """Return the strictest of what held at any hour from the fetch on."""
    strictest = Standing.SILENT
    for hour in range(fetched, at + 1):
        ai_txt, is_broken = Standing.SILENT, False
        for when, standing in sorted(events, key=lambda one: one[0]):
            if when > hour:
                continue
            if standing is Standing.MALFORMED:
                is_broken = True
            else:
                ai_txt = standing
        broken = Standing.MALFORMED if is_broken else Standing.SILENT
        strictest = max(strictest, ai_txt, broken, key=lambda one: one.rank)
    return strictest


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(sorted(SAID))), unique_by=lambda e: e[0]),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_what_held_since_the_fetch_counts_and_nothing_is_taken_back(
    events: list[tuple[int, Standing]], fetched: int, later: int
) -> None:
    at = max(fetched, later)
    found = weigh([seen(hour, standing) for hour, standing in events], fetched, at)
    standing = expected(events, fetched, at)
    assert found.standing is standing
    assert found.outcome is OUTCOMES[standing]


def answer(hour: int, reach: Reach, raw: bytes = b"") -> Observation:
    place = "https://pictures.example/robots.txt"
    return Observation(UUID(int=hour), Source.ROBOTS_TXT, place, START + hour * HOUR, raw, reach)


@pytest.mark.parametrize(
    ("fetched", "standing"),
    [(1, Standing.SILENT), (3, Standing.RESERVED), (4, Standing.SILENT), (6, Standing.RESERVED)],
)
def test_a_server_that_did_not_answer_counts_at_the_fetch_alone(
    fetched: int, standing: Standing
) -> None:
    history = [
        answer(1, Reach.FOUND),
        answer(3, Reach.UNREACHABLE),
        answer(4, Reach.FOUND),
        answer(5, Reach.UNREACHABLE),
    ]
    assert weigh(history, fetched, 9).standing is standing


def test_a_reservation_outlasts_the_silence_of_its_server() -> None:
    barred = b"User-agent: *\nDisallow: /\n"
    history = [answer(1, Reach.UNREACHABLE), answer(3, Reach.FOUND, barred)]
    assert weigh([*history, answer(5, Reach.UNREACHABLE)], 0, 9).standing is Standing.RESERVED


def test_what_was_confirmed_after_something_milder_counts_from_then() -> None:
    barred, free = seen(1, Standing.RESERVED), seen(2, Standing.PERMITTED)
    assert weigh([barred, free], 4, 9).standing is Standing.PERMITTED
    again = replace(barred, confirmed_at=START + 3 * HOUR)
    assert weigh([again, free], 4, 9).standing is Standing.RESERVED
    assert weigh([again, replace(free, seen_at=START + 4 * HOUR)], 4, 9).standing is (
        Standing.PERMITTED
    )
    # Not yet confirmed then.
    late = replace(barred, confirmed_at=START + 9 * HOUR)
    assert weigh([late, free], 4, 8).standing is Standing.PERMITTED


def test_both_count_that_were_seen_at_one_moment() -> None:
    both = [seen(1, Standing.RESERVED), seen(1, Standing.PERMITTED, 1)]
    assert weigh(both, 2, 3).standing is Standing.RESERVED
    assert weigh(both[::-1], 2, 3).standing is Standing.RESERVED


def test_a_place_is_one_with_and_without_encryption() -> None:
    milder = answer(2, Reach.FOUND)
    barred = answer(1, Reach.FOUND, b"User-agent: *\nDisallow: /\n")
    milder = replace(milder, place="http://Pictures.example:80/robots.txt")
    assert weigh([barred, milder], 3, 4).standing is Standing.SILENT


def test_a_year_of_different_files_is_parsed_once_for_all_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: list[bytes] = []

    def parse(data: bytes) -> robots.Robots:
        parsed.append(data)
        return robots.Robots.parse(data)

    monkeypatch.setattr(robots, "_parse", parsed_once(parse))
    history = [
        answer(day, Reach.FOUND, b"User-agent: x\nDisallow: /%d\n" % day) for day in range(1, 366)
    ]
    for _ in range(3):
        assert weigh(history, 0, 400).standing is Standing.SILENT
    assert len(parsed) == len(history)


def test_the_conflict_says_who_won_since_when() -> None:
    history = [seen(1, Standing.PERMITTED), seen(3, Standing.MALFORMED), seen(5, Standing.RESERVED)]
    found = weigh(history, 2, 6)
    assert [(one.standing, one.won) for one in found.heard] == [
        (Standing.RESERVED, True),
        (Standing.PERMITTED, False),
        (Standing.MALFORMED, False),
    ]
    reason = found.decision.reasons[0].detail
    assert reason == "the signal ai_txt seen on 1 January 2026 reserves it"
    assert dict(found.pairs)["observed"] == "reserved"
    assert dict(found.pairs)["observed:ai_txt"].startswith(
        "reserved ai_txt_disallowed 2026-01-01T05"
    )
    (told,) = summarise([found, found])
    assert (told["items"], told["profile"]) == (2, STRICT.label)


def test_what_was_observed_is_told_apart_from_what_was_stated() -> None:
    pairs = (("robots", "all"), ("observed", "reserved"), ("observed:gpc", "x"))
    assert without_observed(pairs) == (("robots", "all"),)
    assert known_standing(pairs) is Standing.RESERVED
    assert known_standing((("observed", "nonsense"),)) is None


@pytest.mark.parametrize(
    ("pairs", "hour"),
    [
        ((("fetched_at", "2026-01-01T02:00:00+00:00"),), 2),
        ((("Crawled-At", "2026-01-01T03:00:00Z"),), 3),
        ((("fetched_at", "2026-01-01T02:00:00"),), 9),
        ((("fetched_at", "2999-01-01T02:00:00Z"),), 9),
        ((("fetched_at", "soon"),), 9),
        ((), 9),
    ],
)
def test_when_it_was_fetched_is_as_stated_with_a_zone_and_never_later(
    pairs: tuple[tuple[str, str], ...], hour: int
) -> None:
    assert since_fetched(pairs, START + 9 * HOUR) == START + hour * HOUR

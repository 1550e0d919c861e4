"""What the header of a response says: robots tags, and Content-Usage."""

import pytest

from consent.signals.documents import LONGEST_HEADERS
from consent.signals.finding import Source
from consent.signals.reading import read
from consent.uses import Use
from tests.consent.signals.seen import ITEM, brief, seen


def only(signal: str, headers: str) -> list[str]:
    found = read(seen(Source.RESPONSE_HEADERS, headers), ITEM)
    return [f"{one.standing} {one.code}" for one in found if one.signal == signal]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("noai", ["reserved noai"]),
        ("NoIndex, NOAI ,noimageai", ["reserved noai", "reserved noimageai"]),
        ("gptbot: noai", ["reserved noai"]),
        ("GPTBot:noindex, noai", ["reserved noai"]),
        ("*: noai", ["reserved noai"]),
        ("robots: noai", ["reserved noai"]),
        ("bingbot: noindex, noai", ["silent not_addressed"]),
        ("bingbot: noindex, gptbot: noai", ["reserved noai"]),
        ("bingbot: noai, *: noindex", ["silent not_addressed"]),
        ("unavailable_after: 25 Jun 2010 15:00:00 PST, noai", ["reserved noai"]),
        ("max-snippet: 5, noai", ["reserved noai"]),
        ("noindex", ["silent nothing_said"]),
        ("noaid, no ai, noai=1", ["silent nothing_said"]),
        ("all", ["silent nothing_said"]),
        ("", ["silent nothing_said"]),
        ("bingbot: noai\r\nX-Robots-Tag: noimageai", ["reserved noimageai"]),
        ("bingbot: noindex,\r\n noai", ["silent not_addressed"]),
        ("a\r\nX-Robots-Tags: noai\r\n: noai\r\nnoai", ["silent nothing_said"]),
    ],
)
def test_robots_tag_binds_whom_it_addresses(value: str, expected: list[str]) -> None:
    assert only("robots_tag", f"HTTP/1.1 200 OK\r\nX-Robots-Tag: {value}\r\n") == expected


@pytest.mark.parametrize(
    ("value", "training", "input_"),
    [
        ("train-ai=n", "reserved", "silent"),
        ("train-ai=y, ai-use=n", "permitted", "reserved"),
        ("train-ai=y\r\nContent-Usage: ai-use=y", "permitted", "permitted"),
        ("train-ai=n\r\nContent-Usage: train-ai=y", "permitted", "silent"),
        ('train-ai=y, train-ai, ai-use=n, ai-use="n"', "silent", "silent"),
        ("train-ai;allow=n, train-ai=y", "permitted", "silent"),
        ("search=n, bots=n, genai=n", "silent", "silent"),
        ("train-ai=N", "silent", "silent"),
        ("train-ai", "silent", "silent"),
        ("", "silent", "silent"),
    ],
)
def test_content_usage_of_a_response_is_one_dictionary(
    value: str, training: str, input_: str
) -> None:
    found = read(seen(Source.RESPONSE_HEADERS, f"Content-Usage: {value}\r\n"), ITEM)
    standings = {use: one.standing for one in found if one.signal == "aipref" for use in one.uses}
    assert standings[Use.TRAIN] == standings[Use.FINE_TUNE] == training
    assert standings[Use.REFERENCE_INPUT] == input_
    assert Use.DEPICT not in standings


def test_content_usage_that_is_no_dictionary_is_not_taken_for_silence() -> None:
    found = read(seen(Source.RESPONSE_HEADERS, "Content-Usage: Train-AI=n"), ITEM)
    broken = [one for one in found if one.standing == "malformed"]
    assert [brief(one) for one in broken] == ["aipref malformed unreadable"]
    assert broken[0].uses == {Use.TRAIN, Use.FINE_TUNE, Use.REFERENCE_INPUT}


def test_headers_beyond_all_measure_are_malformed_for_every_signal() -> None:
    found = read(seen(Source.RESPONSE_HEADERS, b"a" * (LONGEST_HEADERS + 1)), ITEM)
    assert {(one.signal, one.standing) for one in found} == {
        (signal, "malformed") for signal in ("tdmrep", "robots_tag", "aipref")
    }
    assert found[0].detail == "it has 262145 bytes, at most 262144 are read"

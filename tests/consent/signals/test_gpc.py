import pytest

from consent.signals.finding import Source
from consent.signals.reading import read
from consent.uses import Use
from tests.consent.signals.seen import ITEM, seen, told


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("Sec-GPC: 1", "gpc reserved gpc_opt_out"),
        ("Host: a\r\nsec-gpc:1\r\n", "gpc reserved gpc_opt_out"),
        ("Sec-GPC: 0\r\nSec-GPC: 1\r\nSec-GPC: x", "gpc reserved gpc_opt_out"),
        ("Sec-GPC: 0", "gpc malformed value_ignored"),
        ("Sec-GPC: true", "gpc malformed value_ignored"),
        ("Sec-GPC: 1, 1", "gpc malformed value_ignored"),
        ("Sec-GPC: 1;x", "gpc malformed value_ignored"),
        ("Sec-GPC:", "gpc malformed value_ignored"),
        ("X-Sec-GPC: 1", "gpc silent nothing_said"),
        ("", "gpc silent nothing_said"),
    ],
)
def test_exactly_one_opts_out(headers: str, expected: str) -> None:
    assert told(Source.REQUEST_HEADERS, headers) == [expected]


def test_opt_out_is_of_sharing_and_a_wrong_value_of_nothing() -> None:
    (found,) = read(seen(Source.REQUEST_HEADERS, "Sec-GPC: 1"), ITEM)
    assert found.uses == {Use.DISTRIBUTE, Use.COMMERCIAL}
    (found,) = read(seen(Source.REQUEST_HEADERS, "Sec-GPC: 2"), ITEM)
    assert not found.uses


@pytest.mark.parametrize(
    ("content", "code", "since"),
    [
        ('{"gpc": true, "lastUpdate": "2026-03-10"}', "gpc_supported", "2026-03-10"),
        ('{"gpc": false, "x": []}', "gpc_not_supported", ""),
        ('{"gpc": true, "lastUpdate": "20260310"}', "gpc_supported", ""),
        ('{"gpc": true, "lastUpdate": "2026-03-10T10:00:00Z"}', "gpc_supported", "2026-03-10T1"),
        ('{"gpc": true, "lastUpdate": "2026-03-10T10:00:00"}', "gpc_supported", ""),
        ('{"gpc": true, "lastUpdate": "2026-13-10"}', "gpc_supported", ""),
        ('{"gpc": true, "lastUpdate": 5}', "gpc_supported", ""),
        ('{"gpc": 1}', "unreadable", ""),
        ("{}", "unreadable", ""),
        ("[true]", "unreadable", ""),
        ("{", "unreadable", ""),
        ('{"gpc": true, "gpc": false}', "unreadable", ""),
    ],
)
def test_file_says_whether_a_site_honours_it(content: str, code: str, since: str) -> None:
    (found,) = read(seen(Source.GPC_FILE, content, media_type="application/json"), ITEM)
    assert (found.code, found.uses) == (code, frozenset())
    assert found.conditions.startswith(since)
    assert bool(found.conditions) is bool(since)


def test_file_of_another_media_type_says_nothing_of_support() -> None:
    page = seen(Source.GPC_FILE, '{"gpc": true}', media_type="text/html; charset=utf-8")
    (found,) = read(page, ITEM)
    assert (found.code, found.detail) == ("unreadable", "its media type is not application/json")

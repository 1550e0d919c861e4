"""Which addresses something that was seen speaks for. All hosts are invented."""

import pytest

from consent.errors import SignalUnreadable
from consent.signals.finding import Source
from consent.signals.places import host_of, is_covered, key_of, normal, resolve

SITE = "https://pictures.example"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Pictures.Example/a", "pictures.example"),
        ("http://pictures.example:80", "pictures.example"),
        ("https://pictures.example:443/a", "pictures.example"),
        ("https://pictures.example:8443/a", "pictures.example:8443"),
        ("https://user:word@pictures.example/a", "pictures.example"),
        ("https://pictures.example./a", "pictures.example"),
        ("https://pictures.example?x=/", "pictures.example"),
        ("https://pictures.example.:443/a", "pictures.example"),
        ("https://pictures.example:/a", "pictures.example"),
        ("https://pictures.example:0443/a", "pictures.example"),
        ("http://[2001:db8::1]:80/a", "[2001:db8::1]"),
        ("https://b\u00fccher.example/", "xn--bcher-kva.example"),
        ("https://B\u00dcCHER.example:443/", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://\ud800.example/", "\\ud800.example"),
        ("https://pictures.example\\@evil.example/", "pictures.example"),
        ("a/b.jpg", ""),
        ("", ""),
    ],
)
def test_a_host_is_the_same_however_it_is_written(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("location", "base", "url"),
    [
        (f"{SITE}/1.jpg", "", f"{SITE}/1.jpg"),
        ("1.jpg", f"{SITE}/album", f"{SITE}/album/1.jpg"),
        ("a\\b.jpg", f"{SITE}/", f"{SITE}/a/b.jpg"),
        ("/1.jpg", f"{SITE}/album/", f"{SITE}/1.jpg"),
        ("1.jpg", "the archive in the cellar", ""),
        ("1.jpg", "", ""),
        ("", SITE, ""),
        ("//[bad/1.jpg", SITE, ""),
    ],
)
def test_a_place_within_a_source_has_an_address(location: str, base: str, url: str) -> None:
    assert resolve(location, base) == url


@pytest.mark.parametrize(
    ("source", "place", "covers", "url", "covered"),
    [
        (Source.ROBOTS_TXT, "/robots.txt", "", "http://pictures.example/x", True),
        (Source.ROBOTS_TXT, "/robots.txt", "", "https://www.pictures.example/x", False),
        (Source.HTML, "/p", "", f"{SITE}/p#top", True),
        (Source.HTML, "/p", "", f"{SITE}/p/1.jpg", False),
        (Source.HTML, "/p", "/p", f"{SITE}/p/1.jpg", True),
        (Source.HTML, "/p", "/p", f"{SITE}/page.jpg", False),
        (Source.HTML, "/p", "/p/", f"{SITE}/p/1.jpg", True),
        (Source.RESPONSE_HEADERS, "/%41.jpg", "", f"{SITE}/A.jpg", True),
    ],
)
def test_what_is_seen_speaks_for_its_host_its_file_or_all_below(
    source: Source, place: str, covers: str, url: str, *, covered: bool
) -> None:
    below = f"{SITE}{covers}" if covers else ""
    assert is_covered(source, f"{SITE}{place}", below, url) is covered


def test_one_address_has_one_form_and_one_key() -> None:
    assert normal("HTTPS://Pictures.Example:443/A%7eb?x#y") == "pictures.example/A~b?x"
    file = key_of(Source.HTML, f"{SITE}/p", "")
    assert file == key_of(Source.RESPONSE_HEADERS, "http://pictures.example/p", "")
    assert file != key_of(Source.HTML, f"{SITE}/p", f"{SITE}/p")
    assert normal(f"{SITE}/a/./b/../c%2F/%2e%2e/d?e=/../f") == "pictures.example/a/d?e=/../f"
    assert (normal(f"{SITE}/.."), normal(f"{SITE}/a/.")) == (
        "pictures.example/",
        "pictures.example/a/",
    )
    assert key_of(Source.AI_TXT, f"{SITE}/ai.txt", "") == "host\npictures.example"
    with pytest.raises(SignalUnreadable):
        normal(f"{SITE}/{'x' * 5000}")

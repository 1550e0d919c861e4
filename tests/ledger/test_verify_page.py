"""``verify.html`` from the source tree, held to the findings of ``muniment-verify`` one by one."""

import json
import random
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, sync_playwright

from ledger import strict_base64
from ledger.canonical import canonical
from ledger.errors import NotAnArchive
from ledger.note import sign_note
from ledger.reports import archive, page
from ledger.reports.archive import write_archive
from ledger.reports.page import PAGE, SOURCE, VERIFIER, verify_page
from ledger.verifier.events import tell
from ledger.verifier.findings import Code
from ledger.verifier.positions import Status
from ledger.verifier.verify import OPERATORS_WORD, Verdict, verify_bundle
from tests.ledger.browser import CHROMIUM, WITHOUT_MLDSA, Browser, Shown, open_page
from tests.ledger.bundles import (
    MAY_WITNESS,
    ORIGIN,
    POLICY,
    SIGNERS,
    WITNESS,
    WITNESSED,
    Files,
    case,
    cosigned,
    good,
    tampered,
    unpack,
)
from tests.ledger.edits import put, swap_in
from tests.ledger.gatherings import GATHERINGS, HOURS, Gathering, Said, told
from tests.ledger.twins import TWINS, Twin

KEPT = Path(__file__).parents[2] / "fixtures" / "bundles"
FIELDS = ("code", "path", "line", "index", "position", "kind")
needs_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_page(playwright, verify_page(), tmp_path_factory.mktemp("page")) as opened:
        yield opened


def seen_by_page(shown: Shown) -> tuple[Any, ...]:
    found = [tuple(finding.get(field) for field in FIELDS) for finding in shown.findings]
    # Where no record was read, the page leaves out the table of noughts.
    counts = dict.fromkeys(map(str, Status), 0) | shown.positions
    return shown.headline, shown.rests_on, found, shown.events, counts, shown.figures


def seen_by_script(verdict: Verdict) -> tuple[Any, ...]:
    found = [
        tuple(None if (it := getattr(finding, field)) is None else str(it) for field in FIELDS)
        for finding in verdict.findings
    ]
    events = [
        {
            "event": str(event.index),
            "eventKind": event.kind,
            "parts": str(event.parts),
            "here": tell(event.here),
            "missing": tell(event.missing),
            "outside": tell(event.outside),
        }
        for event in verdict.events
    ]
    counts = {str(status): count for status, count in verdict.positions.count().items()}
    return verdict.headline, verdict.rests_on, found, events, counts, verdict.figures


def as_inputs(demands: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``verify_bundle`` is given as the files that a person would choose."""
    inputs: dict[str, Any] = {
        name: str(demands[name]).encode() for name in ("policy", "since") if name in demands
    }
    if "trust" in demands:
        inputs["trust"] = canonical(
            {
                "pades": sorted(demands["trust"].pades),
                "tsa": sorted(demands["trust"].tsa),
                "v": 1,
            }
        )
    return inputs | {"require": tuple(each.value for each in demands.get("require", ()))}


def assert_agreed(browser: Browser, bundle: bytes, **demands: Any) -> Verdict | None:
    """Check that page and script see the same; return the verdict, None when it is no ZIP file."""
    shown = browser.check(bundle, **as_inputs(demands))
    try:
        verdict = verify_bundle(bundle, **demands)
    except NotAnArchive:
        assert shown.grade == "unread"
        return None
    assert seen_by_page(shown) == seen_by_script(verdict)
    assert (shown.grade == "refused") != verdict.is_consistent
    return verdict


def lied(edit: Callable[[Files], None]) -> bytes:
    return case().build(edit)


# What the page says.


@pytest.mark.chromium
@needs_chromium
def test_good_bundle_is_consistent_and_its_signer_unknown(browser: Browser) -> None:
    verdict = assert_agreed(browser, good())
    assert verdict is not None
    assert verdict.headline.startswith("CONSISTENT, SIGNER NOT AUTHENTICATED log.example/default")
    caution = browser.page.locator(".caution").inner_text()
    assert "A page that came inside the bundle comes from the accused" in caution


@pytest.mark.chromium
@needs_chromium
def test_policy_from_outside_authenticates_the_signer(browser: Browser) -> None:
    verdict = assert_agreed(browser, good(), policy=POLICY)
    assert verdict is not None
    assert verdict.headline.startswith("AUTHENTICATED ")


@pytest.mark.chromium
@needs_chromium
def test_witnesses_of_a_policy_from_outside_count(browser: Browser) -> None:
    it = case()
    it.evidence.__dict__["checkpoint"] = it.log.note(12, (*SIGNERS, WITNESS))
    verdict = assert_agreed(browser, it.build(), policy=WITNESSED)
    assert verdict is not None
    assert verdict.rests_on == "witnessed by 1 to 12"


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize(
    ("sizes", "said"), [((9,), "witnessed by 1 to 9"), ((2, 9, 12), "witnessed by 1 to 12")]
)
def test_witnesses_of_earlier_checkpoints_count(
    browser: Browser, sizes: tuple[int, ...], said: str
) -> None:
    verdict = assert_agreed(browser, cosigned(case(), *sizes).build(), policy=MAY_WITNESS)
    assert verdict is not None
    assert verdict.rests_on == said
    verdict = assert_agreed(browser, cosigned(case(), 9).build(), policy=WITNESSED)
    assert verdict is not None
    assert [finding.code for finding in verdict.findings] == [Code.POLICY_QUORUM]


@pytest.mark.chromium
@needs_chromium
def test_page_says_that_it_cannot_check_time_stamps_and_lets_nothing_rest_on_them(
    browser: Browser,
) -> None:
    it = case()
    it.evidence.__dict__["stamps"] = {9: b"whatever"}
    shown = browser.check(it.build())
    assert (shown.findings, shown.rests_on) == ([], OPERATORS_WORD)
    assert "the time-stamp tokens in timestamps/: muniment-verify" in str(shown.not_checked)
    assert "which this page cannot check: nothing here rests on them" in shown.text
    refused = browser.check(it.build(), require=("timestamp",))
    assert [finding["code"] for finding in refused.findings] == [Code.REQUIRE_TIMESTAMP]


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize("size", [2, 5, 9, 12])
def test_checkpoint_kept_is_one_that_the_log_went_on_from(browser: Browser, size: int) -> None:
    verdict = assert_agreed(browser, good(), since=case().log.note(size))
    assert verdict is not None
    assert verdict.is_consistent


@pytest.mark.chromium
@needs_chromium
def test_page_says_what_it_cannot_check(browser: Browser) -> None:
    shown = browser.check(good())
    for words in ("the signature inside report.pdf", "whether report.pdf says what report.json"):
        assert words in (shown.not_checked or "")


@pytest.mark.chromium
@needs_chromium
def test_page_without_disclosed_folder_says_so(browser: Browser) -> None:
    def take_out(files: Files) -> None:
        for path in ("disclosed/names.json", "disclosed/openings.ndjson"):
            del files[path]

    assert assert_agreed(browser, bundle := tampered(take_out))
    assert "disclosed/ was taken out" in browser.check(bundle).text


@pytest.mark.chromium
@needs_chromium
def test_browser_without_mldsa_never_says_consistent(
    playwright: Playwright, tmp_path: Path
) -> None:
    with open_page(playwright, verify_page(), tmp_path, WITHOUT_MLDSA) as old:
        shown = old.check(good(), policy=str(POLICY).encode())
        assert (shown.headline or "").startswith("INCOMPLETE, A SIGNATURE COULD NOT BE CHECKED ")
        assert shown.grade == "incomplete"
        assert "the ML-DSA-44 signatures on checkpoint" in (shown.not_checked or "")
        refused = next(twin for twin in TWINS if twin.name == "checkpoint without Ed25519")
        assert_agreed(old, refused.build())


# The same findings.


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.name)
def test_bad_twin_gives_the_findings_of_the_script(browser: Browser, twin: Twin) -> None:
    assert assert_agreed(browser, twin.build(), **twin.demands)


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize("gathering", GATHERINGS, ids=lambda gathering: gathering.name)
def test_event_of_several_records_is_told_as_the_script_tells_it(
    browser: Browser, gathering: Gathering
) -> None:
    verdict = assert_agreed(browser, gathering.build())
    assert verdict is not None
    assert verdict.is_consistent


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize("kept", sorted(KEPT.glob("*.zip")), ids=lambda path: path.stem)
def test_kept_bundle_verifies_here_too(browser: Browser, kept: Path) -> None:
    verdict = assert_agreed(browser, kept.read_bytes(), policy=WITNESSED)
    assert verdict is not None
    assert verdict.is_authenticated


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize("seed", range(4))
def test_parts_at_random_give_the_findings_and_events_of_the_script(
    browser: Browser, seed: int
) -> None:
    chance, words = random.Random(seed), list[Said]([1, 2, 3, 2, 3, *HOURS])
    for _ in range(5):
        said = chance.choices(words, k=chance.randrange(1, 9))
        first = chance.randrange(len(said))
        end = chance.randrange(first + 1, len(said) + 2)
        singly = sorted(chance.sample(range(len(said) + 1), k=chance.randrange(len(said) + 1)))
        assert assert_agreed(browser, told(*said, first=first, end=end)())
        assert assert_agreed(browser, told(*said, singly=tuple(singly))())


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize("path", sorted(unpack(good())))
def test_changed_file_gives_the_findings_of_the_script(browser: Browser, path: str) -> None:
    content = unpack(good())[path]
    chance = random.Random(path)
    changed = [content + b"\n"]
    if content:
        place = chance.randrange(len(content))
        turned = bytes([content[place] ^ 1 << chance.randrange(8)])
        changed.append(content[:place] + turned + content[place + 1 :])
    for other in changed:
        if other != content:
            assert_agreed(browser, tampered(put(path, other)))


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize("seed", range(8))
def test_changed_raw_byte_gives_the_findings_of_the_script(browser: Browser, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(5):
        data = bytearray(good())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        verdict = assert_agreed(browser, bytes(data))
        assert verdict is None or not verdict.is_consistent


BROKEN = {
    "nothing": b"",
    "one byte": b"P",
    "no archive": b"%PDF-1.7\n",
    "cut in a header": good()[:20],
    "cut in a file": good()[:9000],
    "cut in the directory": good()[:-100],
    "cut at the end": good()[:-1],
    "a byte before": b"\0" + good(),
    "a byte behind": good() + b"\0",
    "twice": good() * 2,
    "an end record alone": good()[-22:],
    "no file": write_archive({}),
    "a header alone": b"PK\x03\x04" + b"\xff" * 60,
    "noise behind a header": b"PK\x03\x04" + random.Random(1).randbytes(5000),
    "an unknown file alone": write_archive({"a": b""}),
}


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize("name", BROKEN)
def test_broken_archive_gives_the_findings_of_the_script(browser: Browser, name: str) -> None:
    assert_agreed(browser, BROKEN[name])


@pytest.mark.chromium
@needs_chromium
def test_page_has_no_more_room_for_json_than_the_script(
    playwright: Playwright, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both with room for less: files of the true size would keep the browser busy.
    source = shutil.copytree(SOURCE, tmp_path / "source") / "archive.js"
    text = source.read_text()
    assert "MAX_VALUES = 2 ** 24;" in text
    assert archive.MAX_VALUES == 2**24
    source.write_text(text.replace("MAX_VALUES = 2 ** 24;", "MAX_VALUES = 7;"))
    monkeypatch.setattr(page, "SOURCE", source.parent)
    monkeypatch.setattr(archive, "MAX_VALUES", 8)
    shown = b'{"a":[1,2,{"b":",["}]}'
    bundles = {more: write_archive({"leaves.ndjson": shown + more}) for more in (b"", b",")}
    monkeypatch.setattr(archive, "MAX_VALUES", 7)
    with open_page(playwright, verify_page.__wrapped__(), tmp_path) as browser:
        for more, bundle in bundles.items():
            verdict = assert_agreed(browser, bundle)
            assert verdict is not None
            is_refused = Code.ARCHIVE_PROFILE in {one.code for one in verdict.findings}
            assert is_refused is bool(more)


JSON_TEXTS = {
    "spaces": b'{"title": 1}',
    "a line feed behind": b'{"title":1}\n',
    "a byte order mark": b'\xef\xbb\xbf{"title":1}',
    "keys out of order": b'{"b":1,"a":1}',
    "a key twice": b'{"a":1,"a":1}',
    "a key with a capital": b'{"A":1}',
    "a key of no letters": b'{"1":1}',
    "an empty key": b'{"":1}',
    "a key as escape": b'{"\\u0061":1}',
    "prototype": b'{"__proto__":1}',
    "constructor": b'{"constructor":1,"tostring":2,"valueof":3}',
    "largest integer": b'{"a":9007199254740991}',
    "least integer": b'{"a":-9007199254740991}',
    "integer too large": b'{"a":9007199254740992}',
    "integer far too large": b'{"a":100000000000000000000000}',
    "float": b'{"a":1.5}',
    "float that is whole": b'{"a":1.0}',
    "exponent": b'{"a":1e2}',
    "minus zero": b'{"a":-0}',
    "leading zero": b'{"a":01}',
    "plus": b'{"a":+1}',
    "not a number": b'{"a":NaN}',
    "true, false, null": b'{"a":[true,false,null]}',
    "a wrong word": b'{"a":nul}',
    "comma at the end": b'{"a":[1,]}',
    "comment": b'{"a":1/**/}',
    "lone surrogate as escape": b'{"a":"\\ud800"}',
    "lone surrogate as bytes": b'{"a":"\xed\xa0\x80"}',
    "pair of surrogates as escape": b'{"a":"\\ud83d\\ude00"}',
    "astral character": '{"a":"\U0001f600"}'.encode(),
    "overlong bytes": b'{"a":"\xc0\xaf"}',
    "bytes cut off": b'{"a":"\xe2\x82"}',
    "needless escape": b'{"a":"\\/"}',
    "letter as escape": b'{"a":"\\u0041"}',
    "control as short escape": b'{"a":"\\b\\t\\n\\f\\r\\"\\\\"}',
    "control as long escape": b'{"a":"\\u0000\\u001f"}',
    "control as upper-case escape": b'{"a":"\\u001F"}',
    "tab as long escape": b'{"a":"\\u0009"}',
    "raw control": b'{"a":"\n"}',
    "delete and line separators": '{"a":"\x7f\x85\u2028\u2029\ufeff"}'.encode(),
    "quote behind escapes": b'{"a":"\\\\"}',
    "text without an end": b'{"a":"\\"}',
    "16 deep": b'{"a":' + b"[" * 14 + b"]" * 14 + b"}",
    "17 deep": b'{"a":' + b"[" * 16 + b"]" * 16 + b"}",
    "very deep": b'{"a":' + b"[" * 5000,
    "a list": b"[]",
    "a text": b'"a"',
    "nothing": b"",
    "two values": b"{}{}",
}


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize("name", JSON_TEXTS)
def test_json_is_refused_where_the_script_refuses_it(browser: Browser, name: str) -> None:
    content = b'{"title":"A report for tests"}'
    text = JSON_TEXTS[name]
    assert_agreed(browser, lied(swap_in("report.json", content, text)))


NOTE = unpack(good())["checkpoint"].decode()
VKEYS = [signer.verifier.vkey for signer in SIGNERS]
B64 = strict_base64.encode(bytes(32))
TEXTS = {
    "size with a zero before it": ("checkpoint", NOTE.replace("\n12\n", "\n012\n")),
    "size with a sign": ("checkpoint", NOTE.replace("\n12\n", "\n+12\n")),
    "size in other digits": ("checkpoint", NOTE.replace("\n12\n", "\n١٢\n")),
    "largest size": ("checkpoint", NOTE.replace("\n12\n", f"\n{2**63 - 1}\n")),
    "size too large": ("checkpoint", NOTE.replace("\n12\n", f"\n{2**63}\n")),
    "carriage returns": ("checkpoint", NOTE.replace("\n", "\r\n")),
    "no line feed at the end": ("checkpoint", NOTE[:-1]),
    "two line feeds at the end": ("checkpoint", NOTE + "\n"),
    "byte order mark": ("checkpoint", "\ufeff" + NOTE),
    "stray bits in base64": ("checkpoint", NOTE.replace("=\n\n", "=\n\n").replace("k=\n", "l=\n")),
    "unknown signature besides": ("checkpoint", NOTE + "— x AAAAAAA=\n"),
    "signature of four bytes": ("checkpoint", NOTE + "— x AAAAAA==\n"),
    "signature without padding": ("checkpoint", NOTE + "— x AAAAAAA\n"),
    "hyphen for dash": ("checkpoint", NOTE.replace("—", "-")),
    "name with a no-break space": ("checkpoint", NOTE + "— x\u00a0y AAAAAAA=\n"),
    "name with a mark that is no space": ("checkpoint", NOTE + "— x\ufeffy AAAAAAA=\n"),
    "name with a next-line": ("checkpoint", NOTE + "— x\x85y AAAAAAA=\n"),
    "name with a Mongolian separator": ("checkpoint", NOTE + "— x\u180ey AAAAAAA=\n"),
    "64 signatures": ("checkpoint", NOTE + "— x AAAAAAA=\n" * 62),
    "65 signatures": ("checkpoint", NOTE + "— x AAAAAAA=\n" * 63),
    "long note": ("checkpoint", "é" * 2**19 + "\n" + NOTE),
    "policy without quorum": ("policy", "".join(f"log {key}\n" for key in VKEYS)),
    "policy with tabs, comments, spaces": (
        "policy",
        f"# x\n\n \tlog\t{VKEYS[0]}  https://a\n log {VKEYS[1]} \n quorum  none",
    ),
    "policy with a return": ("policy", f"log {VKEYS[0]}\r\nlog {VKEYS[1]}\r\nquorum none\r\n"),
    "policy with a key twice": (
        "policy",
        f"log {VKEYS[0]}\nlog {VKEYS[0]}\nlog {VKEYS[1]}\nquorum none\n",
    ),
    "policy with a group": (
        "policy",
        f"log {VKEYS[0]}\nlog {VKEYS[1]}\nwitness w {WITNESS.verifier.vkey}\ngroup g all w\n"
        "group h 01 g\nquorum g\n",
    ),
    "policy with a group that wants none": (
        "policy",
        f"log {VKEYS[0]}\nlog {VKEYS[1]}\nwitness w {WITNESS.verifier.vkey}\n"
        "group g 0 w\nquorum none\n",
    ),
    "policy whose quorum is not met": (
        "policy",
        f"log {VKEYS[0]}\nlog {VKEYS[1]}\nwitness w {WITNESS.verifier.vkey}\n"
        "group g any w\nquorum g\n",
    ),
    "policy with a key of another id": (
        "policy",
        f"log {VKEYS[0].replace('+', '+0', 1)}\nlog {VKEYS[1]}\nquorum none\n",
    ),
    "consistency without line feed": ("consistency/2", B64),
    "consistency too long": ("consistency/2", f"{B64}\n" * 65),
    "consistency of 64": ("consistency/2", f"{B64}\n" * 64),
    "consistency not in ASCII": ("consistency/2", "é\n"),
    "proof of 64 hashes": (
        "proofs/2.tlog-proof",
        "c2sp.org/tlog-proof@v1\nindex 2\n" + f"{B64}\n" * 64 + f"\n{NOTE}",
    ),
    "proof of 63 hashes and an extra": (
        "proofs/2.tlog-proof",
        "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 2\n" + f"{B64}\n" * 63 + f"\n{NOTE}",
    ),
    "proof with an extra of stray bits": (
        "proofs/2.tlog-proof",
        f"c2sp.org/tlog-proof@v1\nextra AAB=\nindex 2\n\n{NOTE}",
    ),
    "proof without hashes": ("proofs/2.tlog-proof", f"c2sp.org/tlog-proof@v1\nindex 2\n\n{NOTE}"),
}


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize("name", TEXTS)
def test_text_is_refused_where_the_script_refuses_it(browser: Browser, name: str) -> None:
    path, text = TEXTS[name]
    assert_agreed(browser, lied(put(path, text.encode())))


@pytest.mark.chromium
@needs_chromium
@pytest.mark.parametrize(
    "at",
    [
        "2024-02-29T23:59:00Z",
        "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2026-01-01T00:00:01Z",
        "2026-01-01T00:00:00+00:00",
        "٢026-01-01T00:00:00Z",
    ],
)
def test_time_is_refused_where_the_script_refuses_it(browser: Browser, at: str) -> None:
    def edit(files: Files) -> None:
        text = files["leaves.ndjson"].decode()
        files["leaves.ndjson"] = re.sub(r"2026-11-20T14:08:00Z", at, text).encode()

    assert_agreed(browser, lied(edit))


@pytest.mark.chromium
@needs_chromium
def test_thousand_findings_end_the_check(browser: Browser) -> None:
    content = b"content with a CRC"
    archive = write_archive({f"file{number}": content for number in range(1200)})
    # Whatever ends the check: a line file, or the archive itself.
    for bundle in (
        lied(put("padding.ndjson", b"{}\n" * 1200)),
        archive.replace(content, content.upper()),
    ):
        verdict = assert_agreed(browser, bundle)
        assert verdict is not None
        assert len(verdict.findings) == 1000


@pytest.mark.chromium
@needs_chromium
def test_origin_that_would_mislead_the_eye_is_escaped(browser: Browser) -> None:
    origin = "log.example/\u202edefault"
    note = sign_note(f"{origin}\n12\n{B64}\n", SIGNERS)
    shown = browser.check(lied(put("checkpoint", str(note).encode())))
    assert origin not in shown.text
    assert ORIGIN not in (shown.headline or "")


@pytest.mark.chromium
@needs_chromium
def test_report_that_says_too_much_is_shown_in_part(browser: Browser) -> None:
    content = canonical({"title": "x" * 10_000, "wide": [["y"] * 300] * 300})
    assert_agreed(browser, lied(swap_in("report.json", b'{"title":"A report for tests"}', content)))
    assert browser.page.locator("#result *").count() < 5000
    assert "the rest stands in report.json" in browser.page.locator("#result").inner_text()


# The page itself.


@pytest.mark.chromium
@needs_chromium
def test_page_asks_no_network_and_raises_no_error(browser: Browser) -> None:
    asked: list[str] = []
    wrong: list[str] = []
    browser.page.on("request", lambda request: asked.append(request.url))
    browser.page.on("pageerror", lambda error: wrong.append(str(error)))
    browser.page.on("console", lambda message: wrong.append(message.text))
    browser.page.goto(browser.url)
    browser.check(good())
    assert not wrong
    assert {url.split(":", 1)[0] for url in asked} <= {"file", "blob"}


@pytest.mark.chromium
@needs_chromium
def test_wrong_policy_file_is_named_and_nothing_is_established(browser: Browser) -> None:
    shown = browser.check(good(), policy=b"no policy")
    assert shown.grade == "unread"
    assert "the policy (policy) cannot be read" in shown.text


@pytest.mark.chromium
@needs_chromium
def test_verdict_is_announced_and_the_file_can_be_chosen_by_keyboard(browser: Browser) -> None:
    browser.check(good())
    title = browser.page.locator("#result h2").inner_text()
    assert browser.page.locator("[role=status]").inner_text() == title
    # Listening comes first: the browser is told of it without waiting for its answer.
    with browser.page.expect_file_chooser() as chooser:
        browser.page.goto(browser.url)
        browser.page.keyboard.press("Tab")
        browser.page.keyboard.press("Enter")
    assert chooser.value.element.get_attribute("id") == "bundle"


@pytest.mark.chromium
@needs_chromium
def test_file_that_is_dropped_is_checked(browser: Browser) -> None:
    browser.page.goto(browser.url)
    data = list(tampered(put("README.txt", b"trust me\n")))
    browser.page.evaluate(
        """data => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([new Uint8Array(data)], "dropped.zip"));
          document.body.dispatchEvent(new DragEvent("drop", {dataTransfer, bubbles: true}));
        }""",
        data,
    )
    browser.page.wait_for_selector("#result[data-state=done]")
    assert browser.page.locator("[data-code]").get_attribute("data-code") == "file.altered"
    assert "dropped.zip" in browser.page.locator("#chosen").inner_text()


@pytest.mark.chromium
@needs_chromium
def test_check_can_be_stopped(browser: Browser) -> None:
    browser.check(good())
    # In one breath, so that no verdict comes between.
    browser.page.evaluate(
        """() => {
          document.getElementById("bundle").dispatchEvent(new Event("change", {bubbles: true}));
          document.getElementById("cancel").click();
        }"""
    )
    assert browser.page.locator("[role=status]").inner_text().startswith("Stopped.")
    assert browser.page.locator("#result *").count() == 0
    assert not browser.page.locator("#progress").is_visible()


@pytest.mark.chromium
@needs_chromium
def test_verdict_is_saved_as_json(browser: Browser) -> None:
    shown = browser.check(good())
    with browser.page.expect_download() as download:
        browser.page.get_by_role("button", name="Save as JSON").click()
    saved = json.loads(download.value.path().read_text())
    assert (saved["headline"], saved["size"]) == (shown.headline, 12)


@pytest.mark.chromium
@needs_chromium
def test_printed_page_names_the_file_and_leaves_out_the_form(browser: Browser) -> None:
    browser.check(bundle := good())
    browser.page.emulate_media(media="print")
    assert not browser.page.locator("#form").is_visible()
    assert sha256(bundle).hexdigest() in browser.page.locator(".verdict").inner_text()
    browser.page.emulate_media(media="screen")


def test_policy_of_the_page_lets_nothing_in_but_its_own_script_and_style() -> None:
    page = verify_page().decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert "{{" not in page
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_every_code_has_plain_words() -> None:
    words = (SOURCE / "words.js").read_text()
    assert {code for code in Code if f'"{code}": "' not in words} == set()


def test_every_source_is_in_the_page_and_none_can_end_its_script() -> None:
    assert {path.name for path in SOURCE.glob("*.js")} == {*VERIFIER, *PAGE}
    for name in (*VERIFIER, *PAGE):
        text = (SOURCE / name).read_text()
        assert "</" not in text
        assert "<!--" not in text

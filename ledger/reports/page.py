"""``verify.html``: one file that verifies a bundle in a browser, without any network.

Its parts lie in ``page/`` beside this file and share no code with ``ledger.verifier``: a second
implementation of the same checks. The Content-Security-Policy lets nothing run or load but what
is joined here, so that a bundle that found a way into the page could send nothing anywhere.
"""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

SOURCE = Path(__file__).with_name("page")

# The verifier goes into the page as text, and from there into a worker.
VERIFIER = (
    "bytes.js",
    "canonical.js",
    "findings.js",
    "archive.js",
    "merkle.js",
    "note.js",
    "layout.js",
    "policy.js",
    "checkpoints.js",
    "manifest.js",
    "leaves.js",
    "events.js",
    "keys.js",
    "report.js",
    "positions.js",
    "figures.js",
    "verify.js",
    "worker.js",
)
PAGE = ("words.js", "draw.js", "page.js")


@cache
def verify_page() -> bytes:
    """Return the page as UTF-8: the same bytes for the same sources."""
    style, verifier, page = _read("style.css"), _script(VERIFIER), _script(PAGE)
    parts = {
        "{{policy}}": content_security_policy(style, page),
        "{{style}}": style,
        "{{verifier}}": verifier,
        "{{page}}": page,
    }
    text = _read("verify.html")
    for mark, part in parts.items():
        before, _, after = text.partition(mark)
        text = before + part + after
    return text.encode()


def content_security_policy(style: str, script: str) -> str:
    """Return the policy under which only this style and this script, and its worker, count."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_source(script)}",
            f"style-src {_source(style)}",
            "worker-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _script(names: tuple[str, ...]) -> str:
    # In a strict block a name declared in two files is an error, and not the last one's.
    return "\n".join(['\n"use strict";', "{", *(_read(name) for name in names), "}\n"])


def _source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return (SOURCE / name).read_text(encoding="utf-8")

"""Global Privacy Control: a person's opt-out of sale and sharing, and a site's word to honour it.

W3C Working Draft of 3 December 2024. Unary: it says *no* or nothing, and takes back no consent.
"""

from collections.abc import Iterator
from datetime import datetime

from consent.errors import SignalUnreadable
from consent.signals.documents import header_values, read_json
from consent.signals.finding import (
    NOTHING,
    SHARING,
    Code,
    Finding,
    Observation,
    Signal,
    Standing,
    say,
)

_JSON_TYPE = "application/json"


def read_request(seen: Observation) -> Iterator[Finding]:
    """Read the header lines of a request. Raises SignalUnreadable."""
    values = [value for _, value in header_values(seen.raw, "sec-gpc")]
    if "1" in values:
        detail = "the person's browser opts out of sale and sharing"
        yield say(seen, Signal.GPC, Standing.RESERVED, Code.GPC_OPT_OUT, SHARING, detail)
    elif values:
        detail = "Sec-GPC holds something other than 1, which its rules order to ignore"
        yield say(seen, Signal.GPC, Standing.MALFORMED, Code.VALUE_IGNORED, NOTHING, detail)
    else:
        detail = "the request holds no Sec-GPC"
        yield say(seen, Signal.GPC, Standing.SILENT, Code.NOTHING_SAID, SHARING, detail)


def read_file(seen: Observation) -> Iterator[Finding]:
    """Read ``/.well-known/gpc.json``: whether the site means to honour the signal.

    ``conditions`` is the date it gives, if any. Raises SignalUnreadable where support is unknown.
    """
    media_type = seen.media_type.partition(";")[0].strip().lower()
    if media_type not in ("", _JSON_TYPE):
        raise SignalUnreadable(f"its media type is not {_JSON_TYPE}")
    content = read_json(seen.raw)
    if not isinstance(content, dict) or not isinstance(content.get("gpc"), bool):
        raise SignalUnreadable("it is no object that says true or false of gpc")
    honours = content["gpc"]
    code = Code.GPC_SUPPORTED if honours else Code.GPC_NOT_SUPPORTED
    detail = f"the site says that it {'abides' if honours else 'does not abide'} by GPC"
    since = _date(content.get("lastUpdate"))
    yield say(seen, Signal.GPC, Standing.SILENT, code, NOTHING, detail, since)


def _date(value: object) -> str:
    """Return an RFC 3339 date or time as it stands, else nothing: then it is unknown."""
    if not isinstance(value, str) or len(value) > len("2026-11-21T17:00:00.000000+00:00"):
        return ""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return ""
    is_full_date = len(value) == len("2026-11-21") and value[4] == value[7] == "-"
    return value if is_full_date or moment.tzinfo is not None else ""

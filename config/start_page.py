"""The start page: is the log sound, when was it last checked, and what waits for me?"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.timesince import timesince

from ledger import charts
from ledger.circumstances import read_conditions
from ledger.conditions import STATES, Condition, Name, Queue
from ledger.glossary import GLOSSARY
from ledger.inbox import INBOX
from ledger.models import VerificationRun
from ledger.soundness import LogStatus, max_merge_delay, read_statuses

# What verification counts (the last by its first word) → how screens call it.
_SHARES = {
    "open": ("readable", "readable"),
    "padding": ("padding", "padding"),
    "destroyed": ("destroyed", "destroyed, with proof"),
    "destroying": ("destroying", "being destroyed"),
    "missing": ("missing", "missing"),
}


def show(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to Unfold's context what the start page tells the person who asks."""
    account: Any = request.user
    context |= {"title": "Start page", "waiting": list(INBOX.look(account)), "statuses": None}
    if account.has_perm("ledger.view_log"):
        statuses = read_statuses()
        checks = [status.check for status in statuses if status.check]
        conditions = read_conditions({status.log.name: status.queue for status in statuses})
        context |= {
            "statuses": [(status, tell(status)) for status in statuses],
            "conditions": conditions,
            "states": list_states(conditions),
            "merge_delay": max_merge_delay(),
            "columns": charts.stack_days(_sum_days(checks), until=datetime.now(UTC).date()),
            "shares": charts.share(count_parts(checks)),
        }
    return context


def tell(status: LogStatus) -> dict[str, str]:
    """Return colour, symbol and words for one log's verdict."""
    colour, icon, headline = _verdict(status)
    return {
        "colour": colour,
        "icon": icon,
        "headline": headline,
        "checked": f"{status.check.size:,}" if status.check else "",
        "queued": tell_queue(status.queue),
        "ago": _ago(status),
    }


def tell_queue(queue: Queue) -> str:
    """Say how many records wait, as far as they are counted."""
    if queue.count is None:
        return "not known"
    return f"{queue.count:,}{' or more' if queue.count == Queue.COUNTED else ''}"


def list_states(conditions: Sequence[Condition]) -> list[tuple[str, str, str]]:
    """Return name, title and colour of every named state, whether it holds or not."""
    colours = {each.name: "bad" if each.state.stops else "warn" for each in conditions}
    return [(name, STATES[name].title, colours.get(name, "")) for name in Name]


def _ago(status: LogStatus) -> str:
    if status.check is None:
        return ""
    is_fresh = status.now - status.check.ended_at < timedelta(minutes=1)
    return "just now" if is_fresh else f"{timesince(status.check.ended_at, status.now)} ago"


def _verdict(status: LogStatus) -> tuple[str, str, str]:
    if status.check and not status.check.is_sound:
        return "bad", "gpp_bad", "not sound"
    if status.alarms:
        return "warn", "gpp_maybe", "in need of attention"
    if status.check is None:
        return "warn", "pending", "not checked yet"
    return "good", "verified_user", "sound"


def count_parts(checks: Sequence[VerificationRun]) -> list[tuple[str, str, int]]:
    """Return how many sealed parts are in each state, over the last check of each log."""
    counts: Counter[str] = Counter()
    for check in checks:
        for what, number in check.read_segments().items():
            counts[what.split(" ")[0]] += number
    return [(state, words, counts[name]) for name, (state, words) in _SHARES.items()]


def _sum_days(checks: Sequence[VerificationRun]) -> dict[str, Counter[str]]:
    days: dict[str, Counter[str]] = {}
    for check in checks:
        for day, families in check.read_days().items():
            plain = {GLOSSARY.plain(noun): number for noun, number in families.items()}
            days.setdefault(day, Counter()).update(plain)
    return days

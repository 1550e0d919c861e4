"""What the service says on standard error: one line of JSON each, never what people gave us."""

import json
import logging
import traceback
from datetime import UTC, datetime
from types import TracebackType

# What every LogRecord has; anything else was given as ``extra`` and holds ids only.
_OWN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime"}
# Django puts live objects into ``extra``; their text could be anything.
_LIVE = frozenset({"request", "exc_info", "server_time", "taskName", "data"})


class JSONFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message and the ids given as ``extra``.

    Of an exception it tells type and place, not the text: database errors repeat values.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str | list[str]] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        given = set(vars(record)) - _OWN - _LIVE
        line |= {name: str(getattr(record, name)) for name in sorted(given)}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__qualname__
            line["where"] = _frames(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False)


def _frames(origin: TracebackType | None) -> list[str]:
    return [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(origin)
    ]


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.logging.JSONFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # A 4xx is the caller's own business, and paths may carry one-time sign-ins.
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "ERROR"},
        "django.server": {"level": "WARNING"},
    },
}

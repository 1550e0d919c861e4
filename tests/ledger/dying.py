"""Plays failure, sudden death and deep sleep, at one exact step: before or after its effect."""

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import count
from typing import Any

import pytest
from django.db import connections

COMMIT = "django.db.backends.base.base:BaseDatabaseWrapper.commit"


def die(action: Callable[[], Any], *, at: str, when: str, time: int = 1) -> None:
    """Run ``action`` in a process that is killed ``when`` = before or after ``at`` takes effect.

    ``at`` names a function as ``module:qualified.name``; ``time`` says at which of its calls.
    """
    with running(_signalled(action, at, when, time, signal.SIGKILL)) as pid:
        assert end(pid) == -signal.SIGKILL, f"call {time} of {at} never came"


@contextmanager
def failing(*, at: str, when: str, error: Exception) -> Iterator[None]:
    """Let the first call of ``at`` raise ``error``, before or after it takes effect.

    That happens in this process, in whichever thread; the calls that follow are as ever.
    """

    def fail() -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        calls = _strike(patch, at, when, 1, fail)
        yield
    assert next(calls) > 1, f"{at} was never called"


@contextmanager
def frozen(action: Callable[[], Any], *, at: str) -> Iterator[int]:
    """Run ``action`` in a process that stops just before ``at``; wake it with SIGCONT.

    The id of the process comes once it has stopped; what is left of it at the end is killed.
    """
    with running(_signalled(action, at, "before", 1, signal.SIGSTOP)) as pid:
        _, status = os.waitpid(pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"{at} was never called"
        yield pid


@contextmanager
def running(action: Callable[[], Any]) -> Iterator[int]:
    """Run ``action`` in a process of its own; yield its id, and kill what is left of it at the end.

    It exits with 0 when ``action`` returns, and with 1 when that raises.
    """
    # A forked connection would be used from both sides.
    connections.close_all()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            action()
            status = 0
        except BaseException:
            # Nobody above may catch it: this process ends here. pytest shows what it printed.
            traceback.print_exc()
        finally:
            os._exit(status)
    try:
        yield pid
    finally:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def end(pid: int) -> int:
    """Wait for a process; return its exit status, below 0 for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _signalled(
    action: Callable[[], Any], at: str, when: str, time: int, sent: signal.Signals
) -> Callable[[], None]:
    """Return ``action`` for a process that sends itself a signal at one call of ``at``."""

    def act() -> None:
        _strike(pytest.MonkeyPatch(), at, when, time, lambda: os.kill(os.getpid(), sent))
        action()

    return act


def _strike(
    patch: pytest.MonkeyPatch, at: str, when: str, time: int, strike: Callable[[], None]
) -> Iterator[int]:
    """Call ``strike`` at one call of ``at``; the iterator that comes back counts the calls."""
    module, _, path = at.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for step in owners:
        owner = getattr(owner, step)
    real, calls = getattr(owner, name), count(1)

    def struck(*args: Any, **options: Any) -> Any:
        is_due = next(calls) == time
        if is_due and when == "before":
            strike()
        answer = real(*args, **options)
        if is_due and when == "after":
            strike()
        return answer

    patch.setattr(owner, name, struck)
    return calls

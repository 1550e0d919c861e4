"""What can stand between a call and its images, one class per thing a caller treats differently.

RecorderError
├── ServiceUnavailable      no answer, in spite of retries: nothing ran, or nothing came back
├── Rejected                the service refuses the request itself: a bug, or a wrong setting
├── RunRefused              policy or consent says no; ``reasons`` tells why
├── RunHeld                 a person has to look first; ``run`` is what to ask about later
├── AuthorisationExpired    the answer was not used in time: ask again
├── ModelChanged            the weights loaded are not those that are registered
├── UnmarkableOutput        the call would not give images that can be marked
├── OutputsWithheld         some images are held or blocked; ``result`` has the others
└── TimedOut                images were handed in, and their marks take too long
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from generation.sdk.results import RecordedResult


class RecorderError(Exception):
    """Base of all refusals of the SDK."""


class ServiceUnavailable(RecorderError):
    """The service gave no answer, in spite of retries."""


class Rejected(RecorderError):
    """The service refuses a request: ``name``, ``status`` and the whole problem document."""

    def __init__(self, problem: Mapping[str, Any], status: int) -> None:
        self.name = str(problem.get("type", "Unknown"))
        self.status = status
        self.problem = dict(problem)
        errors = "; ".join(f"{each['at']}: {each['detail']}" for each in problem.get("errors", ()))
        super().__init__(f"{self.name} ({status}): {errors or problem.get('detail', '')}")


class RunNotAllowed(RecorderError):
    """The run may not start (yet); ``reasons`` are mappings of code and detail."""

    def __init__(self, run: str, reasons: Sequence[Mapping[str, str]], said: str) -> None:
        self.run = run
        self.reasons = tuple(reasons)
        why = "; ".join(f"{reason['detail']} [{reason['code']}]" for reason in reasons)
        super().__init__(f"{said}: {why}")


class RunRefused(RunNotAllowed):
    """Policy, consent or a person says no."""


class RunHeld(RunNotAllowed):
    """A person has to look before it may start."""


class AuthorisationExpired(RecorderError):
    """The answer was not used in time."""


class ModelChanged(RecorderError):
    """The weights that are loaded are not those that were registered."""


class UnmarkableOutput(RecorderError):
    """The call would not give images that can be marked."""


class OutputsWithheld(RecorderError):
    """Some images are held or blocked; ``result`` holds all outputs, with their states."""

    def __init__(self, result: "RecordedResult") -> None:
        self.result = result
        states = ", ".join(f"{each.state} {list(each.codes)}" for each in result.withheld)
        super().__init__(f"{len(result.withheld)} of {len(result.outputs)} images: {states}")


class TimedOut(RecorderError):
    """Images were handed in and are safe; their marks are not there yet. ``outputs`` are ids."""

    def __init__(self, outputs: Sequence[str], seconds: float) -> None:
        self.outputs = tuple(outputs)
        super().__init__(f"{len(self.outputs)} images are not marked after {seconds:g} seconds")

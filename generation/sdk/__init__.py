"""Record what a diffusers pipeline makes: ask before it runs, get marked images back.

    from generation.sdk import Recorder

    recorder = Recorder(url, client_id, client_secret)
    model = recorder.register_model(pipeline, name="shapes", version="1", dataset_version=version)
    pipe = recorder.wrap(pipeline, model=model, project=project)
    result = pipe("a red circle", depicts=[subject])
    result.outputs[0].save("circle.png")

It fails closed: without a live answer nothing runs, and without its marks no image comes back.
Nothing here imports Django; torch and diffusers are imported only when they are needed.
"""

from generation.sdk.errors import (
    AuthorisationExpired,
    ModelChanged,
    OutputsWithheld,
    RecorderError,
    Rejected,
    RunHeld,
    RunRefused,
    ServiceUnavailable,
    TimedOut,
    UnmarkableOutput,
)
from generation.sdk.recorder import Recorder, RegisteredModel
from generation.sdk.results import RecordedOutput, RecordedResult

__all__ = [
    "AuthorisationExpired",
    "ModelChanged",
    "OutputsWithheld",
    "RecordedOutput",
    "RecordedResult",
    "Recorder",
    "RecorderError",
    "RegisteredModel",
    "Rejected",
    "RunHeld",
    "RunRefused",
    "ServiceUnavailable",
    "TimedOut",
    "UnmarkableOutput",
]

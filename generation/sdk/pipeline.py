"""A stand-in for a diffusers pipeline: everything as before, but calls go on record."""

import functools
import inspect
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from generation.sdk import weights
from generation.sdk.arguments import BoundCall, bind, count_steps
from generation.sdk.errors import ModelChanged, UnmarkableOutput
from generation.sdk.results import RecordedResult

if TYPE_CHECKING:
    from generation.sdk.recorder import Recorder, RegisteredModel

_OWN = frozenset({"_pipeline", "_recorder", "_model", "_project", "_mark"})


class RecordedPipeline:
    """Wraps one pipeline for one model version and project.

    A proxy, since Python looks for ``__call__`` on the class and not all pipelines take a
    callback. Attributes are the pipeline's own; methods that return the pipeline return this.
    """

    def __init__(
        self, pipeline: Any, *, recorder: "Recorder", model: "RegisteredModel", project: str
    ) -> None:
        self._pipeline = pipeline
        self._recorder = recorder
        self._model = model
        self._project = project
        self._mark: tuple[Any, ...] | None = None

    def __call__(self, *args: Any, depicts: Iterable[UUID | str] = (), **kwargs: Any) -> Any:
        """Ask, run, hand in, and return the marked images as a ``RecordedResult``.

        ``depicts`` names the people the images will show. With ``return_dict=False`` a tuple
        comes back as from the pipeline. Raises what ``Recorder.authorise`` and ``complete`` raise,
        and ModelChanged before anything runs when other weights are loaded than registered.
        """
        call = bind(self._pipeline, args, kwargs)
        self._verify_weights()
        run = self._recorder.authorise(
            model=self._model,
            project=self._project,
            prompt=call.prompt,
            parameters=call.parameters(),
            depicts=[str(subject) for subject in depicts],
        )
        result = self._run(run, call)
        return (result.images,) if call.as_tuple else result

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._pipeline, name)
        if inspect.ismethod(value) and value.__self__ is self._pipeline:
            return self._returning_self(value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            super().__setattr__(name, value)
        else:
            setattr(self._pipeline, name, value)

    def _returning_self(self, method: Any) -> Any:
        # pipe.to("cuda") returns the pipeline: it must not slip out of its recording.
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            returned = method(*args, **kwargs)
            return self if returned is self._pipeline else returned

        return call

    def _verify_weights(self) -> None:
        mark = weights.state_mark(self._pipeline)
        if mark == self._mark:
            return
        found = weights.effective_digest(self._pipeline)
        if found != self._model.effective_digest:
            raise ModelChanged(
                f"weights loaded are {found}, registered are {self._model.effective_digest}"
            )
        self._mark = mark

    def _run(self, run: str, call: BoundCall) -> RecordedResult:
        steps = count_steps(call.arguments)
        try:
            images = _encode(self._pipeline(**call.arguments))
        except BaseException as error:
            self._recorder.fail(run, _reason(error))
            raise
        said = weights.environment(self._pipeline)
        details = {
            "effective_digest": self._model.effective_digest,
            "config_digest": weights.config_digest(self._pipeline),
            "environment_digest": weights.environment_digest(said),
            "environment": said,
            "seeds": list(call.seeds),
            "reproducible": bool(call.seeds),
            "steps": steps(),
        }
        return self._recorder.complete(run, images, details, call.seeds)


def _encode(output: Any) -> list[bytes]:
    """Return the images of a pipeline's output as PNG files. Raises UnmarkableOutput."""
    images = getattr(output, "images", None)
    if not isinstance(images, list) or not all(hasattr(image, "save") for image in images):
        raise UnmarkableOutput(f"{type(output).__name__} holds no list of PIL images")
    return [_png(image) for image in images]


def _png(image: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def _reason(error: BaseException) -> str:
    if isinstance(error, UnmarkableOutput):
        return "unmarkable_output"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out_of_memory"
    return "pipeline_error" if isinstance(error, Exception) else "aborted"

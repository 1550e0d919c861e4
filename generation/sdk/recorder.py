"""The recorder: one service, one client, any number of pipelines."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from generation.sdk import weights
from generation.sdk.client import Client
from generation.sdk.errors import (
    AuthorisationExpired,
    OutputsWithheld,
    RecorderError,
    RunHeld,
    RunRefused,
    ServiceUnavailable,
    TimedOut,
)
from generation.sdk.pipeline import RecordedPipeline
from generation.sdk.results import RecordedOutput, RecordedResult

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 2.0
FINAL = frozenset({"released", "blocked"})


@dataclass(frozen=True)
class RegisteredModel:
    """A model version as the service knows it."""

    id: str
    name: str
    version: str
    effective_digest: str


class Recorder:
    """Records the runs of this process: one instance id, runs numbered from 1.

    ``review_seconds`` is how long a call waits for a person where one has to look (0: it raises
    RunHeld, or OutputsWithheld, at once); ``marking_seconds`` how long it waits for marks.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        review_seconds: float = 0.0,
        marking_seconds: float = 120.0,
        timeout_seconds: float = 30.0,
        attempts: int = 5,
    ) -> None:
        self._client = Client(
            url, client_id, client_secret, timeout_seconds=timeout_seconds, attempts=attempts
        )
        self._review_seconds = review_seconds
        self._marking_seconds = marking_seconds
        self._instance = str(uuid4())
        self._numbers = count(1)

    def register_model(
        self,
        pipeline: Any,
        *,
        name: str,
        version: str,
        dataset_version: UUID | str | None = None,
        folder: str | Path | None = None,
    ) -> RegisteredModel:
        """Digest a pipeline and register it; the same one again is answered with the first.

        ``folder`` is where its files lie, by default where it was loaded from. Raises Rejected
        when name and version stand for other digests.
        """
        place = Path(folder or getattr(pipeline, "name_or_path", "") or "")
        if not str(folder or getattr(pipeline, "name_or_path", "")) or not place.is_dir():
            raise RecorderError("the pipeline was not loaded from a local folder: pass folder=")
        answer = self._client.post(
            "models",
            {
                "name": name,
                "version": version,
                "weights": weights.file_digests(place),
                "effective_digest": weights.effective_digest(pipeline),
                "config_digest": weights.config_digest(pipeline),
                "dataset_version": str(dataset_version) if dataset_version else None,
            },
        )
        return _model_of(answer)

    def get_model(self, model_id: UUID | str) -> RegisteredModel:
        """Return a registered model by its id. Raises Rejected."""
        return _model_of(self._client.get(f"models/{model_id}").json())

    def wrap(
        self, pipeline: Any, *, model: RegisteredModel | UUID | str, project: UUID | str
    ) -> RecordedPipeline:
        """Return a stand-in for ``pipeline`` whose calls are recorded.

        It takes one argument more, ``depicts``: the ids of the people the images will show.
        """
        known = model if isinstance(model, RegisteredModel) else self.get_model(model)
        return RecordedPipeline(pipeline, recorder=self, model=known, project=str(project))

    def authorise(
        self,
        *,
        model: RegisteredModel,
        project: str,
        prompt: str,
        parameters: dict[str, Any],
        depicts: list[str],
    ) -> str:
        """Ask whether a run may start and return its id.

        Raises RunRefused, RunHeld when nobody decided within ``review_seconds``,
        AuthorisationExpired, Rejected, ServiceUnavailable.
        """
        asked = {
            "model": model.id,
            "project": project,
            "prompt": prompt,
            "parameters": parameters,
            "depicts": depicts,
            "instance": self._instance,
            "sequence": next(self._numbers),
        }
        answer = self._await_review(self._client.post("runs", asked))
        if answer["outcome"] == "refused":
            raise RunRefused(answer["id"], answer["reasons"], "the run is refused")
        if answer["outcome"] == "held":
            raise RunHeld(answer["id"], answer["reasons"], "a person has to look first")
        if datetime.fromisoformat(answer["authorised_until"]) <= datetime.now(UTC):
            raise AuthorisationExpired(f"run {answer['id']} was allowed until some time ago")
        return str(answer["id"])

    def complete(
        self, run: str, images: list[bytes], details: dict[str, Any], seeds: tuple[str, ...]
    ) -> RecordedResult:
        """Hand in the images of a run and wait for their marks.

        Raises OutputsWithheld when some are held or blocked, TimedOut, Rejected,
        ServiceUnavailable. No unmarked image is ever returned.
        """
        answer = self._client.upload(f"runs/{run}/complete", images, details)
        outputs = self._await_outputs([each["id"] for each in answer["outputs"]])
        result = RecordedResult(run, outputs, seeds)
        if result.withheld:
            raise OutputsWithheld(result)
        return result

    def fail(self, run: str, reason: str) -> None:
        """Report that an allowed run made nothing; an unreachable service is passed over."""
        try:
            self._client.post(f"runs/{run}/fail", {"reason": reason})
        except RecorderError:
            return  # the pipeline's own error is what the caller must see

    def _await_review(self, answer: dict[str, Any]) -> dict[str, Any]:
        deadline = time.monotonic() + self._review_seconds
        for pause in _pauses():
            if answer["outcome"] != "held" or time.monotonic() >= deadline:
                break
            time.sleep(pause)
            answer = self._client.get(f"runs/{answer['id']}").json()
        return answer

    def _await_outputs(self, ids: list[str]) -> list[RecordedOutput]:
        began = time.monotonic()
        states: dict[str, dict[str, Any]] = {}
        for pause in _pauses():
            for output in ids:
                if not self._is_settled(states.get(output), began):
                    states[output] = self._client.get(f"outputs/{output}").json()
            waiting = [each for each in ids if not self._is_settled(states[each], began)]
            if not waiting:
                break
            if time.monotonic() - began > max(self._marking_seconds, self._review_seconds):
                raise TimedOut(waiting, time.monotonic() - began)
            time.sleep(pause)
        return [self._fetch(states[output]) for output in ids]

    def _is_settled(self, said: dict[str, Any] | None, began: float) -> bool:
        if said is None:
            return False
        if said["state"] == "held":
            return time.monotonic() - began >= self._review_seconds
        return said["state"] in FINAL

    def _fetch(self, said: dict[str, Any]) -> RecordedOutput:
        content = None
        if said["state"] == "released":
            content = self._client.get(f"outputs/{said['id']}/content").content
            if not _is_intact(content, said["digest"]):
                raise ServiceUnavailable(f"output {said['id']} arrived damaged")
        return RecordedOutput(
            id=said["id"],
            state=said["state"],
            codes=tuple(said["codes"]),
            digest=said["digest"],
            manifest=said["manifest"],
            content=content,
        )


def _model_of(answer: dict[str, Any]) -> RegisteredModel:
    return RegisteredModel(
        answer["id"], answer["name"], answer["version"], answer["effective_digest"]
    )


def _is_intact(content: bytes, digest: str) -> bool:
    return digest == f"sha256:{hashlib.sha256(content).hexdigest()}"


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)

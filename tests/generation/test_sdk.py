"""The SDK's own parts: arguments, digests, and a client against a service that misbehaves."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from generation.sdk import RecorderError, Rejected, ServiceUnavailable, UnmarkableOutput
from generation.sdk.arguments import bind, count_steps, plain
from generation.sdk.client import Client

torch = pytest.importorskip("torch")


class Plain:
    """A pipeline of the third that takes no callback, and knows no generator."""

    def __call__(self, prompt: str, scale: float = 7.5, output_type: str = "pil") -> None: ...


class Full:
    def __call__(
        self,
        prompt: str | list[str] | None = None,
        prompt_2: str | None = None,
        negative_prompt: str | None = None,
        num_inference_steps: int = 50,
        guidance_scale: float = 7.5,
        latents: Any = None,
        generator: Any = None,
        output_type: str = "pil",
        return_dict: bool = True,
        callback_on_step_end: Any = None,
        callback_on_step_end_tensor_inputs: list[str] = ["latents"],  # noqa: B006
        **kwargs: Any,
    ) -> None: ...


def test_effective_arguments_are_recorded_not_only_those_typed() -> None:
    call = bind(Full(), ("a red circle",), {"negative_prompt": "blue"})
    assert call.parameters() == {
        "negative_prompt": "blue",
        "num_inference_steps": 50,
        "guidance_scale": "7.5",
        "latents": None,
        "callback_on_step_end_tensor_inputs": ["latents"],
    }


def test_all_prompts_are_screened_together() -> None:
    call = bind(Full(), (["one", "two"],), {"prompt_2": "three"})
    assert call.prompt == "one\ntwo\nthree"


def test_fresh_seed_is_put_in_where_none_is_given() -> None:
    first, second = (bind(Full(), ("x",), {}) for _ in range(2))
    assert len(first.seeds) == 1
    assert first.seeds != second.seeds
    assert str(first.arguments["generator"].initial_seed()) == first.seeds[0]


def test_given_generators_keep_their_seeds() -> None:
    given = [torch.Generator().manual_seed(seed) for seed in (7, 2**63)]
    call = bind(Full(), ("x",), {"generator": given})
    assert call.seeds == ("7", str(2**63))
    assert call.arguments["generator"] is given


def test_pipeline_without_generator_cannot_be_repeated() -> None:
    assert bind(Plain(), ("x",), {}).seeds == ()


@pytest.mark.parametrize("wanted", ["latent", "pt", "np"])
def test_what_cannot_be_marked_is_refused_before_it_runs(wanted: str) -> None:
    with pytest.raises(UnmarkableOutput, match="wanted 'pil'"):
        bind(Full(), ("x",), {"output_type": wanted})


def test_wrong_calls_fail_as_the_pipeline_would() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'prompt'"):
        bind(Plain(), (), {})


def test_further_keywords_are_recorded_too() -> None:
    assert bind(Full(), ("x",), {"clip_skip": 2}).parameters()["clip_skip"] == 2


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (7.5, "7.5"),
        (1e-7, "1e-07"),
        (2**53 - 1, 2**53 - 1),
        (2**53, str(2**53)),
        (True, True),
        (None, None),
        ((1, 2.0), [1, "2.0"]),
        ({"a": 1.5, "B": 2}, {"a": "1.5"}),
        (object(), {"type": "object"}),
    ],
)
def test_values_become_plain_json(value: Any, said: Any) -> None:
    assert plain(value) == said


def test_tensors_and_images_are_named_by_digest() -> None:
    zeros = plain(torch.zeros(2, 3, dtype=torch.bfloat16))
    assert zeros["size"] == [2, 3]
    assert zeros["sha256"] != plain(torch.ones(2, 3, dtype=torch.bfloat16))["sha256"]
    assert plain(torch.tensor(1.0))["type"] == "Tensor"


def test_steps_are_counted_behind_the_callers_own_callback() -> None:
    seen: list[int] = []

    def own(_pipe: Any, step: int, _timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        seen.append(step)
        return values | {"touched": True}

    call = bind(Full(), ("x",), {"callback_on_step_end": own})
    steps = count_steps(call.arguments)
    returned = call.arguments["callback_on_step_end"](None, 0, 999, {})
    assert (seen, steps(), returned) == ([0], 1, {"touched": True})


def test_inputs_that_a_pipeline_callback_names_are_kept() -> None:
    class Own:
        tensor_inputs = ("latents", "prompt_embeds")

        def __call__(self, _pipe: Any, _step: int, _time: Any, values: Any) -> Any:
            return values

    call = bind(Full(), ("x",), {"callback_on_step_end": Own()})
    count_steps(call.arguments)
    assert call.arguments["callback_on_step_end_tensor_inputs"] == ["latents", "prompt_embeds"]


def test_steps_of_a_pipeline_without_callback_are_unknown() -> None:
    assert count_steps(bind(Plain(), ("x",), {}).arguments)() is None


def test_sdk_imports_no_django() -> None:
    code = (
        "import generation.sdk, sys;"
        "assert not {'django', 'torch', 'diffusers'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


Script = list[tuple[int, Any]]


class Misbehaving:
    """A server that answers what it is told, in order, and remembers what it was asked."""

    def __init__(self) -> None:
        self.script: Script = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        misbehaving = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                misbehaving.answer(self)

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length)
        self.seen.append((request.command, request.path, dict(request.headers), body))
        if request.path == "/oauth/token/":
            status, said = 200, {"access_token": f"t{len(self.seen)}", "expires_in": 600}
        else:
            status, said = self.script.pop(0)
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        request.send_response(status)
        if status == 302:
            request.send_header("Location", "http://127.0.0.1:9/elsewhere")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def writes(self) -> list[dict[str, str]]:
        return [headers for _, path, headers, _ in self.seen if path != "/oauth/token/"]


@pytest.fixture
def service() -> Iterator[Misbehaving]:
    misbehaving = Misbehaving()
    thread = threading.Thread(target=misbehaving.server.serve_forever)
    thread.start()
    yield misbehaving
    misbehaving.server.shutdown()
    misbehaving.server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.sdk.client.time.sleep", lambda _seconds: None)


def test_retries_of_a_write_carry_the_same_key(service: Misbehaving) -> None:
    service.script = [(503, {}), (500, {}), (201, {"id": "x"})]
    assert Client(service.url, "c", "s").post("runs", {}) == {"id": "x"}
    keys = {headers["Idempotency-Key"] for headers in service.writes()}
    assert (len(service.writes()), len(keys)) == (3, 1)


def test_two_writes_have_two_keys(service: Misbehaving) -> None:
    service.script = [(201, {}), (201, {})]
    client = Client(service.url, "c", "s")
    client.post("runs", {})
    client.post("runs", {})
    assert len({headers["Idempotency-Key"] for headers in service.writes()}) == 2


def test_service_that_stays_away_is_named(service: Misbehaving) -> None:
    service.script = [(503, {})] * 3
    with pytest.raises(ServiceUnavailable, match="POST runs: status 503"):
        Client(service.url, "c", "s", attempts=3).post("runs", {})


def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(ServiceUnavailable, match="refused"):
        Client("http://127.0.0.1:9", "c", "s", attempts=2).get("runs/x")


def test_problem_is_passed_on_in_words(service: Misbehaving) -> None:
    problem = {
        "type": "ValidationError",
        "detail": "the content is not as described",
        "errors": [{"at": "sequence", "detail": "too small"}],
    }
    service.script = [(400, problem)]
    with pytest.raises(Rejected, match=r"ValidationError \(400\): sequence: too small") as refused:
        Client(service.url, "c", "s").post("runs", {})
    assert (refused.value.name, refused.value.status) == ("ValidationError", 400)


def test_token_that_ended_early_is_fetched_again(service: Misbehaving) -> None:
    service.script = [(401, {}), (200, {"ok": True})]
    assert Client(service.url, "c", "s").get("runs/x").json() == {"ok": True}
    tokens = [headers["Authorization"] for headers in service.writes()]
    assert len(set(tokens)) == 2


def test_redirects_are_not_followed(service: Misbehaving) -> None:
    service.script = [(302, {})]
    with pytest.raises(Rejected, match="302"):
        Client(service.url, "c", "s").get("runs/x")


def test_answers_that_are_no_json_are_no_answers(service: Misbehaving) -> None:
    service.script = [(201, b"<html>")]
    with pytest.raises(ServiceUnavailable, match="no JSON"):
        Client(service.url, "c", "s").post("runs", {})


@pytest.mark.parametrize("url", ["file:///etc/passwd", "localhost:8000", ""])
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(RecorderError, match="wanted http"):
        Client(url, "c", "s")


def test_upload_is_a_form_that_django_reads(service: Misbehaving) -> None:
    service.script = [(202, {})]
    Client(service.url, "c", "s").upload("runs/x/complete", [b"one", b"two"], {"a": 1})
    _, _, headers, body = service.seen[-1]
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert body.count(b'name="image"') == 2
    assert b'{"a": 1}' in body

import inspect
from pathlib import Path
from types import ModuleType

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS

import consent.errors
import generation.errors
import ledger.errors
from config import api
from config.statuses import INTERNAL, STATUSES

pytestmark = pytest.mark.urls("tests.config.views")
JSON = "application/json"


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def post(client: Client, path: str, body: str | bytes, content_type: str = JSON) -> "Answer":
    return Answer(client.post(f"/api/test/{path}/", body, content_type=content_type))


class Answer:
    """A problem document, checked for form."""

    def __init__(self, response: object) -> None:
        assert response["Content-Type"] == api.MEDIA_TYPE  # type: ignore[index]
        self.response = response
        self.body = response.json()  # type: ignore[attr-defined]
        self.status = response.status_code  # type: ignore[attr-defined]
        assert self.body["status"] == self.status
        assert self.body.keys() >= {"type", "title", "detail"}

    @property
    def name(self) -> tuple[int, str]:
        return self.status, self.body["type"]


@pytest.mark.parametrize("module", [ledger.errors, consent.errors, generation.errors])
def test_every_domain_error_is_either_answered_or_kept_inside(module: ModuleType) -> None:
    declared = {
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Exception) and each.__module__ == module.__name__
    }
    assert declared <= STATUSES.keys() | INTERNAL
    assert not STATUSES.keys() & INTERNAL


def test_a_domain_error_answers_with_its_class_status_and_message(client: Client) -> None:
    answer = Answer(client.get("/api/test/closed/"))
    assert answer.body == {
        "type": "RunClosed",
        "title": "Run closed",
        "status": 409,
        "detail": "the run ended at 12:00",
    }


@pytest.mark.parametrize("path", ["broken", "crash"])
def test_a_fault_of_ours_answers_500_and_leaks_nothing(
    client: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Answer(client.get(f"/api/test/{path}/"))
    assert answer.name == (500, "InternalError")
    assert "Ada" not in answer.response.content.decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("get", "/api/nowhere/", (404, "NotFound")),
        ("get", "/api/test/echo/", (405, "MethodNotAllowed")),
        ("get", "/api/test/guarded/", (401, "NotAuthenticated")),
    ],
)
def test_errors_of_the_frameworks_are_problem_documents_too(
    client: Client, method: str, path: str, name: tuple[int, str]
) -> None:
    assert Answer(getattr(client, method)(path)).name == name


def test_a_missing_token_is_challenged(client: Client) -> None:
    assert client.get("/api/test/guarded/")["WWW-Authenticate"].startswith("Bearer")


def test_another_media_type_is_refused(client: Client) -> None:
    assert post(client, "echo", "a=1", "text/plain").name == (415, "UnsupportedMediaType")


def test_what_is_not_as_described_is_listed_by_path(client: Client) -> None:
    answer = post(client, "take", '{"prompt": "far too long", "parameters": {"steps": 0}}')
    assert answer.name == (400, "ValidationError")
    assert [error["at"] for error in answer.body["errors"]] == ["prompt", "parameters.steps"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ('{"a": 1, "a": 2}', "the same name twice"),
        ('{"a": 7.5}', 'write it as text, "7.5"'),
        ('{"a": 1e3}', "an exponent"),
        ('{"a": 9007199254740992}', "beyond"),
        ('{"a": -9007199254740992}', "beyond"),
        ('{"a": 1' + "0" * 5000 + "}", "beyond"),
        ('{"a": NaN}', "NaN is no JSON number"),
        ('{"a": "\\u0000"}', "NUL"),
        ('{"a": ["\\ud800"]}', "surrogate"),
        ('{"\\ud800": 1}', "surrogate"),
        ("[" * 100_000, "nested more than 32 levels"),
        ("[" * 34 + "]" * 34, "nested more than 32 levels"),
        ("{", "the body is no JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ],
)
def test_json_that_no_record_could_say_is_refused(
    client: Client, body: str | bytes, complaint: str
) -> None:
    answer = post(client, "echo", body)
    assert answer.name == (400, "ParseError")
    assert complaint in answer.body["detail"]


def test_the_largest_integers_pass(client: Client) -> None:
    body = '{"a":[9007199254740991,-9007199254740991,"𝄞"]}'
    assert client.post("/api/test/echo/", body, content_type=JSON).json() == {
        "a": [9007199254740991, -9007199254740991, "𝄞"]
    }


def test_a_body_past_the_limit_is_refused_unread(client: Client) -> None:
    answer = post(client, "echo", b" " * ((1 << 20) + 1))
    assert answer.name == (413, "BodyTooLarge")


def test_an_upload_past_the_limit_is_refused(client: Client, settings: object) -> None:
    settings.MUNIMENT_UPLOAD_BYTES = 1000  # type: ignore[attr-defined]
    files = {"one": SimpleUploadedFile("a.png", b"x" * 600), "two": b""}
    files["two"] = SimpleUploadedFile("b.png", b"x" * 600)
    assert Answer(client.post("/api/test/upload/", files)).name == (413, "BodyTooLarge")


def test_an_upload_within_the_limit_stays_in_memory(client: Client) -> None:
    file = SimpleUploadedFile("a.png", b"x" * 5_000_000)
    assert client.post("/api/test/upload/", {"one": file}).json() == {"one": 5_000_000}


def test_a_malformed_upload_is_refused(client: Client) -> None:
    answer = post(client, "upload", b"nonsense", "multipart/form-data")
    assert answer.name == (400, "ParseError")


def test_too_many_files_are_refused(client: Client) -> None:
    files = {f"f{n}": SimpleUploadedFile(f"{n}.png", b"x") for n in range(17)}
    assert Answer(client.post("/api/test/upload/", files)).name == (400, "ParseError")


def test_strangers_are_slowed_down(client: Client) -> None:
    last = [client.get("/api/test/throttled/") for _ in range(61)][-1]
    assert Answer(last).name == (429, "Throttled")
    assert int(last["Retry-After"]) > 0


def test_a_foreign_host_is_refused(client: Client) -> None:
    answer = Answer(client.get("/api/test/closed/", headers={"host": "evil.example"}))
    assert answer.name == (400, "ParseError")


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("Content-Security-Policy", "default-src 'self'"),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "same-origin"),
        ("Permissions-Policy", "camera=()"),
    ],
)
def test_every_answer_carries_its_limits(client: Client, header: str, part: str) -> None:
    assert part in client.get("/api/test/closed/")[header]


def test_the_schema_is_valid_and_names_each_thing_once(tmp_path: Path) -> None:
    # Of two serializers with one name it would show the second in the place of both.
    GENERATOR_STATS.reset()  # of whoever asked for one before in this process
    asked = ("--validate", "--fail-on-warn", "--urlconf", "config.urls")
    call_command("spectacular", *asked, file=str(tmp_path / "schema.yml"))

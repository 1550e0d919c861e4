"""Talk to the service: a token, JSON, uploads, and retries that never do a thing twice."""

import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from generation.sdk.errors import RecorderError, Rejected, ServiceUnavailable

SCOPES = "models:read models:write runs:read runs:write outputs:read"
USER_AGENT = "muniment-sdk/1"
# Taken off a token's life, so that none ends on the way.
TOKEN_MARGIN_SECONDS = 30.0
RETRIED = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers and bytes."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Return the content as JSON. Raises ServiceUnavailable when something else came back."""
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise ServiceUnavailable(f"answer with status {self.status} is no JSON") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token and the prompt to whoever it names."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Client:
    """One service, seen with one client's credentials. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        timeout_seconds: float = 30.0,
        attempts: int = 5,
    ) -> None:
        if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
            raise RecorderError(f"url is {url!r}, wanted http:// or https://")
        self._url = url.rstrip("/")
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._timeout = timeout_seconds
        self._attempts = attempts
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._token = ""
        self._token_ends = 0.0

    def get(self, path: str) -> Answer:
        """Read ``path``. Raises Rejected, ServiceUnavailable."""
        return self._ask("GET", path, None, {})

    def post(self, path: str, content: Mapping[str, Any]) -> Any:
        """Write JSON to ``path``; retries carry the same key. Raises as ``get`` does."""
        body = json.dumps(content, allow_nan=False).encode()
        return self._ask("POST", path, body, _write("application/json")).json()

    def upload(self, path: str, images: Sequence[bytes], details: Mapping[str, Any]) -> Any:
        """Hand in PNG files and their details. Raises as ``get`` does."""
        boundary = secrets.token_hex(16)
        body = b"".join(_parts(boundary, images, json.dumps(details, allow_nan=False)))
        headers = _write(f"multipart/form-data; boundary={boundary}")
        return self._ask("POST", path, body, headers).json()

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        for pause in _pauses(self._attempts):
            try:
                answer = self._send(method, f"/api/v1/{path}", body, self._authorised(headers))
            except OSError as error:
                failure = f"{method} {path}: {error}"
            else:
                if answer.status == 401 and self._token:
                    self._token = ""  # ended or revoked early: the next attempt gets another
                elif answer.status not in RETRIED:
                    return _accepted(answer)
                failure = f"{method} {path}: status {answer.status}"
            time.sleep(pause)
        raise ServiceUnavailable(failure)

    def _authorised(self, headers: Mapping[str, str]) -> dict[str, str]:
        if not self._token or time.monotonic() > self._token_ends:
            self._fetch_token()
        return {**headers, "Authorization": f"Bearer {self._token}"}

    def _fetch_token(self) -> None:
        form = {"grant_type": "client_credentials", "scope": SCOPES, **self._credentials}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urllib.parse.urlencode(form).encode()
        answer = self._send("POST", "/oauth/token/", body, headers)
        if answer.status in RETRIED:
            raise OSError(f"token: status {answer.status}")
        if answer.status != 200:
            said = {"type": "TokenRefused", "detail": "the service knows no such client"}
            raise Rejected(said, answer.status)
        token = answer.json()
        self._token = token["access_token"]
        self._token_ends = time.monotonic() + token["expires_in"] - TOKEN_MARGIN_SECONDS

    def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        request = urllib.request.Request(  # noqa: S310 (the scheme was checked)
            self._url + path,
            data=body,
            headers={"User-Agent": USER_AGENT, **headers},
            method=method,
        )
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())


def _write(content_type: str) -> dict[str, str]:
    # Made once per write: each retry of it sends the same key, and so happens once.
    return {"Content-Type": content_type, "Idempotency-Key": uuid4().hex}


def _pauses(attempts: int) -> Iterator[float]:
    for attempt in range(attempts):
        yield 0.0 if attempt == attempts - 1 else 0.2 * 2**attempt


def _accepted(answer: Answer) -> Answer:
    if 200 <= answer.status < 300:
        return answer
    try:
        problem = json.loads(answer.content)
    except ValueError:
        problem = {}
    raise Rejected(problem if isinstance(problem, dict) else {}, answer.status)


def _parts(boundary: str, images: Sequence[bytes], details: str) -> Iterator[bytes]:
    """Write the body of a form with files (RFC 7578)."""
    line = f"--{boundary}\r\nContent-Disposition: form-data; name="
    yield f'{line}"details"\r\n\r\n{details}\r\n'.encode()
    for place, image in enumerate(images):
        yield f'{line}"image"; filename="{place}.png"\r\nContent-Type: image/png\r\n\r\n'.encode()
        yield image
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()

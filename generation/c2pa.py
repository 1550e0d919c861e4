"""Sign and read C2PA manifests: the one place that talks to the C2PA library.

The library's objects do not survive a fork (*Context is not valid* in the child), so they are
made on first use in each process. Nothing is ever fetched from the network: an upload could
name any address.
"""

import io
import json
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import c2pa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from generation.claim_profile import CLAIMS
from generation.errors import MarkRefused, SigningRefused
from ledger.certificates import Credentials, ensure_test_credentials, load_credentials
from ledger.errors import SigningKeyRefused

logger = logging.getLogger(__name__)

# A leaf whose extended key usage is claim signing reads as invalid unless a reader lists it.
TRUSTED_PURPOSES = "1.3.6.1.4.1.62558.2.1\n1.3.6.1.5.5.7.3.4\n"


@dataclass(frozen=True)
class Marked:
    """A file that was read back as trusted: its manifest's id and all that the manifest says."""

    manifest_id: str
    manifest: dict[str, Any]

    def assertion(self, label: str) -> dict[str, Any] | None:
        """Return the data of the first assertion called ``label``."""
        found = (each["data"] for each in self.manifest["assertions"] if each["label"] == label)
        return next(found, None)


def folder() -> Path:
    """Return where the certificates lie."""
    return Path(settings.MUNIMENT_KEYS) / "c2pa"


def ensure_certificates() -> Path:
    """Make test certificates when there are none; return the PEM file a reader should trust."""
    ensure_test_credentials(folder(), CLAIMS)
    return folder() / "root.pem"


def sign(content: bytes, media_type: str, manifest: dict[str, Any]) -> bytes:
    """Return ``content`` with ``manifest`` signed into it.

    Raises SigningRefused when the certificate has expired, the key cannot be used, or the
    library refuses manifest or image.
    """
    context = _signing_context(os.getpid(), folder(), _last_change(folder() / "chain.pem"))
    target = io.BytesIO()
    try:
        with c2pa.Builder(json.dumps(manifest), context) as builder:
            builder.sign(media_type, io.BytesIO(content), target)
    except c2pa.C2paError as error:
        raise SigningRefused(f"the signer refuses: {error}") from error
    return target.getvalue()


def read_back(content: bytes, media_type: str) -> Marked:
    """Validate the bytes to be delivered against our root.

    Raises MarkRefused naming the first failure unless the whole manifest reads as trusted.
    """
    reader = _read(content, media_type)
    if reader is None:
        raise MarkRefused("no manifest is in the bytes to be delivered")
    with reader:
        state = reader.get_validation_state()
        if state != "Trusted":
            raise MarkRefused(f"manifest reads as {state}: {_first_failure(reader)}")
        manifest = reader.get_active_manifest()
        assert manifest is not None
        return Marked(manifest_id=manifest["label"], manifest=manifest)


def find_manifest_id(content: bytes, media_type: str) -> str | None:
    """Return the id of the manifest that a file names as its own, valid or not, or None.

    The id proves nothing: it is a key to look the file up by.
    """
    reader = _read(content, media_type)
    if reader is None:
        return None
    with reader:
        manifest = reader.get_active_manifest()
        return manifest["label"] if manifest else None


def carries_manifest(content: bytes, media_type: str) -> bool:
    """Say whether a file holds content credentials, however damaged."""
    try:
        reader = _read(content, media_type)
    except MarkRefused:
        return True
    if reader is None:
        return False
    reader.close()
    return True


def _read(content: bytes, media_type: str) -> Any | None:
    root = folder() / "root.pem"
    context = _reading_context(os.getpid(), root, _last_change(root))
    try:
        return c2pa.Reader(media_type, io.BytesIO(content), context=context)
    except c2pa.C2paError.ManifestNotFound:
        return None
    except c2pa.C2paError as error:
        raise MarkRefused(f"manifest cannot be read: {error}") from error


def _first_failure(reader: Any) -> str:
    results = reader.get_validation_results() or {}
    failures = results.get("activeManifest", {}).get("failure", [])
    return failures[0]["code"] if failures else "no failure is named"


def _last_change(path: Path) -> int:
    # Part of the caches' keys, so that renewed certificates count without a restart.
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise SigningRefused(f"{path} cannot be read: {error.strerror}") from error


@lru_cache(maxsize=1)
def _reading_context(_process: int, root: Path, _changed: int) -> Any:
    return c2pa.Context.from_dict(_library_settings(root.read_text()))


@lru_cache(maxsize=1)
def _signing_context(_process: int, place: Path, _changed: int) -> Any:
    try:
        credentials = load_credentials(place)
    except SigningKeyRefused as error:
        raise SigningRefused(str(error)) from error
    if credentials.expires_at <= datetime.now(UTC):
        raise SigningRefused(f"the signing certificate ended at {credentials.expires_at}")
    try:
        signer = c2pa.Signer.from_callback(
            _Callback(credentials), c2pa.C2paSigningAlg.ES256, credentials.chain
        )
        return c2pa.Context.from_dict(_library_settings(credentials.root), signer=signer)
    except c2pa.C2paError as error:
        raise SigningRefused(f"the certificate is refused: {error}") from error


class _Callback:
    """Signs with the leaf's key; an HSM or a KMS would stand here."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def __call__(self, data: bytes) -> bytes:
        try:
            return self._credentials.key.sign(data, ec.ECDSA(hashes.SHA256()))
        except Exception:
            # The library reports any exception as "signature" and drops the reason.
            logger.exception("the C2PA signing key failed")
            raise


def _library_settings(root: str) -> dict[str, Any]:
    return {
        "version": 1,
        "trust": {"user_anchors": root, "trust_config": TRUSTED_PURPOSES},
        "verify": {
            "verify_after_sign": True,
            "verify_trust": True,
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
        },
        "builder": {
            "thumbnail": {"enabled": False},
            # The manifest names its actions itself, and says that they are all.
            "actions": {
                name: {"enabled": False}
                for name in ("auto_created_action", "auto_opened_action", "auto_placed_action")
            },
        },
    }

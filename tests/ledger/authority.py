"""A time-stamp authority on loopback: certificates of its own, answers by ``openssl ts``."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.ledger.outsiders import Answer, serving

OPENSSL = shutil.which("openssl")
skipped_without_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
needs_openssl = [pytest.mark.openssl, skipped_without_openssl]
STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)
CONFIGURATION = """\
[tsa]
default_tsa = this
[this]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/signer.pem
signer_key = {folder}/signer.key
certs = {folder}/chain.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class Party:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def certify(
    name: str,
    by: Party | None = None,
    *,
    purposes: tuple[x509.ObjectIdentifier, ...] = (),
    is_critical: bool = True,
    ended: bool = False,
) -> Party:
    """Make a party: an authority unless it has ``purposes``, certified by itself unless ``by``."""
    key, is_authority = generate_private_key(SECP256R1()), not purposes
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=-1 if ended else 30))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=is_critical)
    return Party(builder.sign(by.key if by else key, hashes.SHA256()), key)


@dataclass
class Authority:
    """An authority with a root, one step between, and a signer; ``lie`` replaces its answers."""

    folder: Path
    root: Party = field(default_factory=lambda: certify("root"))
    between: Party = field(init=False)
    lie: Callable[[bytes], Answer] | None = None
    asked: int = 0

    def __post_init__(self) -> None:
        self.between = certify("between", self.root)
        (self.folder / "serial").write_text("01\n")
        (self.folder / "tsa.conf").write_text(CONFIGURATION.format(folder=self.folder))
        self.equip(certify("signer", self.between, purposes=STAMPING), self.between)

    def equip(self, signer: Party, *carried: Party) -> None:
        """Sign with ``signer`` from now on, and put ``carried`` into every token."""
        key = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "signer.key").write_bytes(key)
        (self.folder / "signer.pem").write_bytes(signer.pem)
        (self.folder / "chain.pem").write_bytes(b"".join(party.pem for party in carried))

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        return (self.root.certificate,)

    def reply(self, query: bytes) -> bytes:
        """Answer one TimeStampReq, as ``openssl ts`` does."""
        assert OPENSSL is not None
        asked, answered = self.folder / "query", self.folder / "reply"
        asked.write_bytes(query)
        command = [OPENSSL, "ts", "-reply", "-config", str(self.folder / "tsa.conf")]
        files = ["-queryfile", str(asked), "-out", str(answered)]
        subprocess.run([*command, *files], check=True, capture_output=True)
        return answered.read_bytes()

    def answer(self, _path: str, query: bytes) -> Answer:
        self.asked += 1
        if self.lie:
            return self.lie(query)
        return 200, "application/timestamp-reply", self.reply(query)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve it on loopback; yield its address."""
        with serving(self.answer) as address:
            yield f"{address}/tsa"

"""Certificates to sign documents and images with: a test authority of our own, or a real chain.

Files in one folder, all mode 0600: ``root.pem`` (what readers should trust), ``chain.pem`` (leaf
first), ``leaf.key``; our own authority also keeps ``root.key`` to renew the leaf. Whoever
brings a real certificate puts the first three there, and nothing is ever made or renewed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ledger.errors import SigningKeyRefused
from ledger.private_files import read_private, write_private

ROOT_DAYS = 3650
LEAF_DAYS = 365  # C2PA's profile allows 366
RENEWED_BEFORE = timedelta(days=30)
TEST_OWNER = "Muniment test keys, not for production"

# RFC 9336: signing documents that people read.
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")


@dataclass(frozen=True)
class LeafProfile:
    """What a leaf is for: its name, extended key usages, and extensions beside the usual."""

    common_name: str
    purposes: tuple[x509.ObjectIdentifier, ...]
    extensions: tuple[x509.ExtensionType, ...] = ()


REPORTS = LeafProfile(
    "Muniment test report signer", (DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION)
)


# The authority's certificate and its private key.
Issuer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


@dataclass(frozen=True)
class Credentials:
    """What signing needs: the chain in PEM, leaf first; its private key; the root in PEM."""

    chain: str
    key: ec.EllipticCurvePrivateKey
    root: str
    expires_at: datetime


def load_credentials(folder: Path) -> Credentials:
    """Read chain, key and root from ``folder``.

    Raises SigningKeyRefused when a file is missing, readable by others, or no P-256 key.
    """
    chain = read_private(folder / "chain.pem")
    key = serialization.load_pem_private_key(read_private(folder / "leaf.key"), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise SigningKeyRefused(f"{folder / 'leaf.key'} is no P-256 key, wanted one for ES256")
    leaf = x509.load_pem_x509_certificates(chain)[0]
    return Credentials(
        chain=chain.decode(),
        key=key,
        root=(folder / "root.pem").read_text(),
        expires_at=leaf.not_valid_after_utc,
    )


def ensure_test_credentials(
    folder: Path, profile: LeafProfile, *, now: datetime | None = None
) -> None:
    """Make a test authority and a leaf in ``folder`` when it is absent; renew a leaf near its end.

    Safe when several processes start at once: the folder appears whole, or not at all. Leaves
    alone what has no ``root.key``: certificates that somebody else issued.
    """
    now = now or datetime.now(UTC)
    if not folder.exists():
        _make_authority(folder, profile, now)
    elif (folder / "root.key").exists():
        _renew_leaf(folder, profile, now)


def _make_authority(folder: Path, profile: LeafProfile, now: datetime) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    key = ec.generate_private_key(ec.SECP256R1())
    root = _issue_root(key, now)
    write_private(made / "root.key", _key_pem(key))
    write_private(made / "root.pem", root.public_bytes(serialization.Encoding.PEM))
    _write_leaf(made, profile, (root, key), now)
    try:
        made.rename(folder)
    except OSError:  # another process was first: its folder is as good
        for path in made.iterdir():
            path.unlink()
        made.rmdir()


def _renew_leaf(folder: Path, profile: LeafProfile, now: datetime) -> None:
    leaf = x509.load_pem_x509_certificates(read_private(folder / "chain.pem"))[0]
    if leaf.not_valid_after_utc - now > RENEWED_BEFORE:
        return
    key = serialization.load_pem_private_key(read_private(folder / "root.key"), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    root = x509.load_pem_x509_certificate(read_private(folder / "root.pem"))
    _write_leaf(folder, profile, (root, key), now)


def _write_leaf(folder: Path, profile: LeafProfile, issuer: Issuer, now: datetime) -> None:
    # A renewal keeps the leaf's key, so that no moment exists in which chain and key disagree.
    path = folder / "leaf.key"
    if not path.exists():
        write_private(path, _key_pem(ec.generate_private_key(ec.SECP256R1())))
    key = serialization.load_pem_private_key(read_private(path), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    leaf = _issue_leaf(key.public_key(), profile, issuer, now)
    chain = (leaf, issuer[0])
    pem = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain)
    write_private(folder / "chain.pem", pem)


def _issue_root(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    name = _name("Muniment test root")
    usage = _key_usage(digital_signature=False, signs_certificates=True)
    return (
        _builder(name, name, key.public_key(), now, ROOT_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _issue_leaf(
    public_key: ec.EllipticCurvePublicKey, profile: LeafProfile, issuer: Issuer, now: datetime
) -> x509.Certificate:
    root, root_key = issuer
    usage = _key_usage(digital_signature=True, signs_certificates=False)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    builder = (
        _builder(_name(profile.common_name), root.subject, public_key, now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(profile.purposes), critical=False)
        .add_extension(authority, critical=False)
    )
    for extension in profile.extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(root_key, hashes.SHA256())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    # An hour back: a reader's clock that is slightly behind must not call it not yet valid.
    starts = now - timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(starts + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, digital_signature: bool, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=digital_signature,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    # Country, organisation and common name are all there on purpose: SDKs up to mid-2026
    # reported a missing organisation as a mismatched signature.
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "XX"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, TEST_OWNER),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )

"""Certificates made for a test: a CA, and what it or somebody else signs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Made:
    """A certificate with its key, and the files of both."""

    certificate: x509.Certificate
    private: ec.EllipticCurvePrivateKey
    folder: Path
    name: str

    @property
    def file(self) -> str:
        return str(self.folder / f"{self.name}.pem")

    @property
    def key_file(self) -> str:
        return str(self.folder / f"{self.name}.key")


def make(
    folder: Path, name: str, common_name: str, signer: Made | None = None, days: int = 365
) -> Made:
    """A certificate of `common_name` for so many days from now; signed by itself or `signer`."""
    private, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    ends = now + timedelta(days=days, minutes=5)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.certificate.subject if signer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, ends) - timedelta(days=2))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .sign(signer.private if signer else private, hashes.SHA256())
    )
    made = Made(certificate, private, folder, name)
    Path(made.file).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    Path(made.key_file).write_bytes(private.private_bytes(serialization.Encoding.PEM, form, plain))
    return made

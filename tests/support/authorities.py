"""Certificate authorities made for a test, and what they sign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Signed(NamedTuple):
    """A certificate and its key, as PEM."""

    certificate: str
    key: str


class Authority:
    """Signs certificates of servers at 127.0.0.1 and of clients; `pem` is its own. `above` has signed it, if any."""

    def __init__(self, name: str, above: Authority | None = None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = above or self
        builder = _builder(self._name, signer._name, self._key.public_key(), timedelta(days=3650))
        self._own = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
            signer._key, hashes.SHA256()
        )
        self.pem = self._own.public_bytes(Encoding.PEM).decode()

    def sign(self, name: str, *, lasts: timedelta = timedelta(days=365)) -> Signed:
        """A certificate of this common name, which ends after `lasts`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _builder(subject, self._name, key.public_key(), lasts)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")])
        certificate = builder.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        return Signed(
            certificate.public_bytes(Encoding.PEM).decode(),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        )


@cache
def authority(name: str = "authority") -> Authority:
    """One of each name for all tests of a process."""
    return Authority(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lasts: timedelta
) -> x509.CertificateBuilder:
    begin = min(datetime.now(UTC), datetime.now(UTC) + lasts) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(datetime.now(UTC) + lasts)
    )

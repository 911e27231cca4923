"""Client certificates and the authorities that a receiver's certificate is checked against, as PEM. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from value_types.secret_text import SecretText

MOST_CHARACTERS: Final = 64 * 1024
MOST_CERTIFICATES: Final = 20
ENDS_SOON: Final = timedelta(days=30)  # As long as most companies need to have one issued.
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"


class Tls(NamedTuple):
    """How the connection to a receiver is secured, as PEM; empty where it is as for every other. `authorities` are then
    trusted instead of the public ones."""

    certificate: str = ""
    key: SecretText | str = ""
    authorities: str = ""


def certificate_problem(pem: str, now: datetime | None = None) -> str:
    """Why this cannot be a client certificate with its chain; empty if it can."""
    try:
        first = _read(pem)[0]
    except ValueError as error:
        return str(error)
    moment = now or datetime.now(UTC)
    if first.not_valid_after_utc <= moment:
        return f"The certificate ended on {first.not_valid_after_utc:%Y-%m-%d %H:%M} UTC. Have a new one issued."
    return ""


def key_problem(key: str, certificate: str) -> str:
    """Why this cannot be the private key of the certificate, without a word of it; empty if it can."""
    try:
        private = _read_key(key)
    except ValueError as error:
        return str(error)
    try:
        public = _read(certificate)[0].public_key()
    except ValueError:
        return ""  # What is wrong with the certificate is said of the certificate.
    if _spki(public) != _spki(private.public_key()):
        return "The key does not belong to the certificate. The first certificate must be that of the key."
    return ""


def authorities_problem(pem: str) -> str:
    """Why these cannot be trusted authorities; empty if they can."""
    try:
        found = _read(pem)
    except ValueError as error:
        return str(error)
    for each in found:
        if not _may_sign(each):
            name = each.subject.rfc4514_string()[:100] or "A certificate"
            return f"{name} is not a certificate authority. Give the authority that signed the receiver's certificate."
    return ""


def ends_at(pem: str) -> datetime | None:
    """When a client certificate ends: the earliest of its chain. None for what cannot be read."""
    try:
        return min(each.not_valid_after_utc for each in _read(pem))
    except ValueError:
        return None


def in_words(pem: str, now: datetime) -> str:
    """Whose a certificate is, and when it ends; empty for what cannot be read."""
    end = ends_at(pem)
    if end is None:
        return ""
    name = _read(pem)[0].subject.rfc4514_string()[:200] or "without a subject"
    days = (end - now).days
    left = "it has ended" if end <= now else f"in {days:,} day{'' if days == 1 else 's'}"
    return f"{name}, until {end:%Y-%m-%d %H:%M} UTC ({left})"


def ends_soon(pem: str, now: datetime) -> bool:
    """Whether a certificate has ended, or ends within ENDS_SOON."""
    end = ends_at(pem)
    return end is not None and end <= now + ENDS_SOON


def _read_key(key: str) -> PrivateKey:
    """Raises ValueError with what to do."""
    if len(key) > MOST_CHARACTERS:
        raise ValueError(f"The key is longer than {MOST_CHARACTERS:,} characters.")
    if "ENCRYPTED" in key:
        raise ValueError(
            "The key is protected by a passphrase. Give it without one, as `openssl pkey -in KEY` writes it: it is "
            "stored encrypted here."
        )
    try:
        private = load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        wanted = "This is not a private key in PEM, which begins with “-----BEGIN PRIVATE KEY-----”."
        raise ValueError(wanted) from None
    if not isinstance(private, PrivateKey):
        raise ValueError("TLS cannot use a key of this kind. Use RSA, an elliptic curve or Ed25519.")  # noqa: TRY004 -- what is wrong is the text
    return private


@lru_cache(maxsize=256)
def _read(pem: str) -> Sequence[x509.Certificate]:
    """The certificates of a text. Raises ValueError with what to do."""
    if len(pem) > MOST_CHARACTERS:
        raise ValueError(f"The certificates are longer than {MOST_CHARACTERS:,} characters.")
    if "PRIVATE KEY-----" in pem:
        raise ValueError("There is a private key among the certificates. It belongs into the field of the key.")
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"This is not a certificate in PEM, which begins with “{_BEGIN}”.") from error
    if len(found) > MOST_CERTIFICATES:
        raise ValueError(f"There are {len(found)} certificates, and {MOST_CERTIFICATES} are the most.")
    return tuple(found)


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return certificate.issuer == certificate.subject  # Of old or home-made roots.
    except ValueError:
        return False


def _spki(public: object) -> bytes:
    encoded: bytes = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return encoded

"""CheckAuthority: an authority of the tool's own, which signs what a case needs signed; and how OCPP names
certificates, reckoned here anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ocppflow.messages.v21 import CertificateHashDataType

_YEARS: Final = timedelta(days=3650)
_DAY: Final = timedelta(days=1)


def subject(common_name: str, organization: str = "ocppflow check") -> x509.Name:
    """A name with O and CN."""
    parts = ((NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def certificate_pem(certificate: x509.Certificate) -> str:
    """As it goes into a message."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def private_key_pem(key: Any) -> str:
    """A private key as PEM, in clear."""
    encryption = serialization.NoEncryption()
    text: str = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()
    return text


class CheckAuthority:
    """A certificate authority: a root, or signed ``by`` another one. ``certificate`` is its own."""

    def __init__(self, name: str, by: CheckAuthority | None = None, *, start: datetime | None = None) -> None:
        self.key: Any = ec.generate_private_key(ec.SECP256R1())
        self.name = subject(name)
        self.certificate = (by or self).sign(self.name, self.key.public_key(), authority=True, start=start)

    @classmethod
    def read(cls, certificate: str, key: str) -> CheckAuthority:
        """One that was made before, from PEM."""
        self = cls.__new__(cls)
        self.key = serialization.load_pem_private_key(key.encode(), None)
        self.certificate = x509.load_pem_x509_certificate(certificate.encode())
        self.name = self.certificate.subject
        return self

    @property
    def pem(self) -> str:
        """The certificate, PEM."""
        return certificate_pem(self.certificate)

    def sign(
        self,
        name: x509.Name,
        public_key: Any,
        *,
        authority: bool = False,
        start: datetime | None = None,
        end: datetime | None = None,
        hosts: Sequence[str] = (),
    ) -> x509.Certificate:
        """A certificate for the key, by default valid from a day ago for ten years. ``hosts`` are names and addresses
        that a server has."""
        begins = start or datetime.now(UTC) - _DAY
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(end or begins + _YEARS)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
        )
        if hosts:
            names = x509.SubjectAlternativeName([_host(each) for each in hosts])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, common_name: str, **about: Any) -> tuple[str, str]:
        """A certificate and its key, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        return certificate_pem(self.sign(subject(common_name), key.public_key(), **about)), private_key_pem(key)

    def answer(self, request: x509.CertificateSigningRequest, **about: Any) -> x509.Certificate:
        """The certificate that a signing request asks for."""
        return self.sign(request.subject, request.public_key(), **about)


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


# --- how OCPP names a certificate -------------------------------------------------------------------------------------


def hash_of(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateHashDataType:
    """CertificateHashDataType with SHA-256 (Part 2, 2.6; RFC 6960, 4.1.1)."""
    return CertificateHashDataType(
        hash_algorithm="SHA256",
        issuer_name_hash=sha256(certificate.issuer.public_bytes()).hexdigest(),
        issuer_key_hash=sha256(_key_bits(issuer)).hexdigest(),
        serial_number=f"{certificate.serial_number:x}",
    )


def names_it(data: Any, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether a CertificateHashDataType, as it came, names the certificate. Hexadecimal is read in any case, and
    zeros before a serial number do not count. Hashes other than SHA-256 are compared by their kind."""
    if not isinstance(data, dict) or str(data.get("hashAlgorithm")) not in _KINDS:
        return False
    kind = _KINDS[str(data["hashAlgorithm"])]
    wanted = (_hashed(kind, certificate.issuer.public_bytes()), _hashed(kind, _key_bits(issuer)))
    told = (str(data.get("issuerNameHash")).lower(), str(data.get("issuerKeyHash")).lower())
    serial = str(data.get("serialNumber")).lower().lstrip("0") or "0"
    return told == wanted and serial == f"{certificate.serial_number:x}"


_KINDS: Final[dict[str, hashes.HashAlgorithm]] = {
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


def _hashed(kind: hashes.HashAlgorithm, data: bytes) -> str:
    digest = hashes.Hash(kind)
    digest.update(data)
    return digest.finalize().hex()


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The BIT STRING of the key: of SubjectPublicKeyInfo what follows the algorithm."""
    info = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    inside, _ = _content(info, 0)
    _, after_algorithm = _content(info, inside)
    begin, end = _content(info, after_algorithm)
    return info[begin + 1 : end]  # the first byte counts unused bits


def _content(data: bytes, place: int) -> tuple[int, int]:
    """Where the content of the DER element at ``place`` begins and ends."""
    length, begin = data[place + 1], place + 2
    if length & 0x80:
        count = length & 0x7F
        length, begin = int.from_bytes(data[begin : begin + count], "big"), begin + count
    return begin, begin + length

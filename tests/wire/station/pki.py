"""An authority that signs whatever a test wants signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

START = datetime(2026, 1, 1, tzinfo=UTC)


def subject(common_name: str, organization: str = "ocppflow") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


class Authority:
    """A certificate authority, by default a root. ``pem`` is its certificate."""

    def __init__(self, name: str, by: Authority | None = None, *, key: Any = None, **about: Any) -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = subject(name)
        self.certificate = (by or self).sign(self.name, self.key.public_key(), ca=True, **about)
        self.pem = pem(self.certificate)

    def sign(
        self,
        name: x509.Name,
        public_key: Any,
        *,
        ca: bool = False,
        start: datetime = START - timedelta(days=1),
        days: float = 365,
        serial: int | None = None,
        hosts: tuple[str, ...] = (),
        ocsp: str = "",
        path_length: int | None = None,
        constraints: bool = True,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(serial or x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days))
        )
        if constraints:
            builder = builder.add_extension(x509.BasicConstraints(ca, path_length), critical=True)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in hosts]), False)
        if ocsp:
            access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp))
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)
        return builder.sign(self.key, hashes.SHA256())

    def answer(self, csr: str, **about: Any) -> str:
        """The certificate for a signing request, PEM."""
        request = x509.load_pem_x509_csr(csr.encode())
        assert request.is_signature_valid
        name = about.pop("name", request.subject)
        return pem(self.sign(name, about.pop("public_key", request.public_key()), **about))

    def issue(self, common_name: str, **about: Any) -> tuple[str, str]:
        """A certificate and its key, both PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        return pem(self.sign(subject(common_name), key.public_key(), **about)), key_pem(key)


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def key_pem(key: Any) -> str:
    encryption = serialization.NoEncryption()
    text: str = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()
    return text

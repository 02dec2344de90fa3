"""Certificates for tests, made by the node itself: an authority, the CSMS's certificate, one for each station."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypedDict

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID_FOR: Final = timedelta(days=365)
_ORGANIZATION: Final = "ocppflow test"


class Pair(TypedDict):
    """A certificate and its private key, as PEM text."""

    cert: str
    key: str


class Certificates(TypedDict):
    """``ca`` is what both sides have to trust. The CN of a station's certificate is its identity (A00.FR.405)."""

    ca: str
    csms: Pair
    stations: dict[str, Pair]


def make_certificates(hosts: Sequence[str], stations: Sequence[str]) -> Certificates:
    """New certificates, valid for a year, of an authority that signs nothing else: its key is thrown away.

    ``hosts`` are the names and IP addresses under which stations reach the CSMS. Raises ValueError for what no
    certificate can hold.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([_attribute(NameOID.COMMON_NAME, "ocppflow test authority")])
    builder = _builder(authority, authority, key).add_extension(x509.BasicConstraints(True, 0), critical=True)
    ca = builder.sign(key, hashes.SHA256())

    def signed(common_name: str, usage: x509.ObjectIdentifier, names: Sequence[x509.GeneralName] = ()) -> Pair:
        own = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [_attribute(NameOID.ORGANIZATION_NAME, _ORGANIZATION), _attribute(NameOID.COMMON_NAME, common_name)]
        )
        builder = _builder(subject, authority, own).add_extension(x509.BasicConstraints(False, None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return {"cert": _pem(builder.sign(key, hashes.SHA256())), "key": _private(own)}

    return {
        "ca": _pem(ca),
        "csms": signed(hosts[0], ExtendedKeyUsageOID.SERVER_AUTH, [_host(each) for each in hosts]),
        "stations": {each: signed(each, ExtendedKeyUsageOID.CLIENT_AUTH) for each in stations},
    }


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(days=1),  # a station's clock may be behind
        not_valid_after=now + _VALID_FOR,
    )


def _attribute(oid: x509.ObjectIdentifier, text: str) -> x509.NameAttribute[str]:
    return x509.NameAttribute(oid, text)


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _private(key: ec.EllipticCurvePrivateKey) -> str:
    encryption = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()

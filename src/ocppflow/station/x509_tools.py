"""Certificates as a station needs them: reading, checking, naming by hash, requesting; and signatures over firmware.

No I/O, no clock and no store: time is an argument. What is wrong is raised as CertificateRefused, in one line.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, Literal, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from ocppflow.errors import OCPPError
from ocppflow.messages.v21 import CertificateHashDataType

KeyKind = Literal["ECDSA", "RSA"]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_RSA_BITS: Final = 2048  # A00.FR.502
_RSA_NEW_BITS: Final = 3072  # what BSI TR-02102 recommends for new keys
_EC_BITS: Final = 224  # A00.FR.503
_BROKEN: Final = (hashes.MD5, hashes.SHA1)  # A00.FR.504
_LONGEST_CHAIN: Final = 8


class CertificateRefused(OCPPError):
    """A certificate, or a chain, is not one that the station may use. Says why."""


# --- reading ---------------------------------------------------------------------------------------------------------


def read_chain(pem: str) -> list[x509.Certificate]:
    """The certificates in a PEM text, in its order: at least one. Raises CertificateRefused."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except (ValueError, UnicodeEncodeError) as exc:
        raise CertificateRefused(f"it is not a certificate in PEM ({exc})") from None


def read_one(pem: str) -> x509.Certificate:
    """The only certificate in a PEM text. Raises CertificateRefused."""
    chain = read_chain(pem)
    if len(chain) != 1:
        raise CertificateRefused(f"there are {len(chain)} certificates where one belongs")
    return chain[0]


def as_pem(certificates: Iterable[x509.Certificate]) -> str:
    """The certificates as one PEM text."""
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates)


def name_of(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    """The first attribute of that kind in the subject; empty if it has none."""
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def common_name(certificate: x509.Certificate) -> str:
    """The CN of the subject."""
    return name_of(certificate, NameOID.COMMON_NAME)


def organization(certificate: x509.Certificate) -> str:
    """The O of the subject."""
    return name_of(certificate, NameOID.ORGANIZATION_NAME)


# --- checking --------------------------------------------------------------------------------------------------------


def check_certificate(certificate: x509.Certificate, now: datetime) -> None:
    """Validity, strength of the key and of the signature (A00.FR.501 to .504). Raises CertificateRefused."""
    if now < certificate.not_valid_before_utc:
        raise CertificateRefused(f"it is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S}Z")
    if now > certificate.not_valid_after_utc:
        raise CertificateRefused(f"it expired at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S}Z")
    try:
        key = certificate.public_key()
        algorithm = certificate.signature_hash_algorithm
    except (ValueError, TypeError, x509.UnsupportedGeneralNameType) as exc:
        raise CertificateRefused(f"its key or signature cannot be used ({exc})") from None
    except Exception as exc:  # cryptography's UnsupportedAlgorithm, whose place has changed
        raise CertificateRefused(f"its key or signature is of an unknown kind ({exc})") from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _RSA_BITS:
        raise CertificateRefused(f"its key has {key.key_size} bits; RSA needs {_RSA_BITS}")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < _EC_BITS:
        raise CertificateRefused(f"its key has {key.key_size} bits; elliptic curves need {_EC_BITS}")
    if isinstance(algorithm, _BROKEN):
        raise CertificateRefused(f"it is signed with {algorithm.name}, which is broken")


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it may sign certificates (RFC 5280, 4.2.1.3 and 4.2.1.9)."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as exc:
        return exc.oid == x509.KeyUsage.oid and constraints.ca
    except ValueError:
        return False
    return constraints.ca and usage.key_cert_sign


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ``issuer``'s name and key are those that have signed it."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def check_chain(
    chain: Sequence[x509.Certificate], roots: Iterable[x509.Certificate], now: datetime
) -> x509.Certificate:
    """Follow the first certificate, through the others, to one of ``roots``, which is returned. Raises
    CertificateRefused if that cannot be, or if one on the way is not valid (RFC 5280, 6)."""
    anchors = list(roots)
    current, below = chain[0], 0
    for _ in range(_LONGEST_CHAIN):
        check_certificate(current, now)
        for root in anchors:
            if issued_by(current, root) and _may_issue(root, below):
                check_certificate(root, now)
                return root
        issuer = next((each for each in chain[1:] if issued_by(current, each) and _may_issue(each, below)), None)
        if issuer is None or issuer == current:
            break
        current, below = issuer, below + 1
    raise CertificateRefused(f"no installed root has issued {current.subject.rfc4514_string()!r}")


def _may_issue(issuer: x509.Certificate, below: int) -> bool:
    if not is_authority(issuer):
        return False
    longest = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    return longest is None or below <= longest


# --- naming ----------------------------------------------------------------------------------------------------------


def hash_data(certificate: x509.Certificate, issuer: x509.Certificate) -> CertificateHashDataType:
    """What OCPP calls a certificate by (CertificateHashDataType; RFC 6960, 4.1.1, for how the hashes are made)."""
    name = hashes.Hash(hashes.SHA256())
    name.update(certificate.issuer.public_bytes())
    key = hashes.Hash(hashes.SHA256())
    key.update(_key_bits(issuer))
    return CertificateHashDataType(
        hash_algorithm="SHA256",
        issuer_name_hash=name.finalize().hex(),
        issuer_key_hash=key.finalize().hex(),
        serial_number=f"{certificate.serial_number:x}",
    )


def same_hash_data(one: CertificateHashDataType, other: CertificateHashDataType) -> bool:
    """Whether both name the same certificate: they are hexadecimal, in any case, and zeros before do not count."""
    return _plain(one) == _plain(other)


def _plain(data: CertificateHashDataType) -> tuple[str, ...]:
    serial = data.serial_number.lower().lstrip("0") or "0"
    return data.hash_algorithm, data.issuer_name_hash.lower(), data.issuer_key_hash.lower(), serial


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The BIT STRING subjectPublicKey without tag, length and number of unused bits."""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def ocsp_url(certificate: x509.Certificate) -> str:
    """Where its OCSP responder is; empty if it names none."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return ""
    urls = (each.access_location for each in access if each.access_method == AuthorityInformationAccessOID.OCSP)
    return next((str(url.value) for url in urls if isinstance(url, x509.UniformResourceIdentifier)), "")


# --- requesting ------------------------------------------------------------------------------------------------------


def new_key(kind: KeyKind) -> PrivateKey:
    """A key pair (A02.FR.02). RSA takes a second of a slow processor, ECDSA nothing."""
    if kind == "RSA":
        return rsa.generate_private_key(65537, _RSA_NEW_BITS)
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: PrivateKey) -> str:
    """The key as PEM, in clear."""
    encryption = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def key_from(pem: str) -> PrivateKey:
    """The key of a PEM that :func:`key_pem` has made."""
    return cast(PrivateKey, serialization.load_pem_private_key(pem.encode(), None))


def belongs(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """Whether the certificate is one for this key."""
    return bool(certificate.public_key() == key.public_key())


def signing_request(key: PrivateKey, common_name: str, organization: str, country: str = "", domain: str = "") -> str:
    """A certificate signing request (RFC 2986), PEM (A02.FR.03). ``country`` and ``domain`` are for V2G certificates
    (ISO 15118-2, table F.2). Raises ValueError for names that no certificate can hold."""
    parts = [
        (NameOID.COUNTRY_NAME, country),
        (NameOID.ORGANIZATION_NAME, organization),
        (NameOID.COMMON_NAME, common_name),
        (NameOID.DOMAIN_COMPONENT, domain),
    ]
    subject = x509.Name([x509.NameAttribute(oid, text) for oid, text in parts if text])
    request = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


# --- firmware --------------------------------------------------------------------------------------------------------


def is_signed(certificate: x509.Certificate, signature: str, sha256: bytes) -> bool:
    """Whether ``signature`` (base64) is the certificate's over a file with that SHA-256 (L01.FR.04).

    RSA-PSS and ECDSA; RSA with PKCS #1 v1.5 too, since that is what ``openssl dgst -sign`` makes.
    """
    try:
        raw = base64.b64decode("".join(signature.split()), validate=True)
    except (binascii.Error, ValueError):
        return False
    key = certificate.public_key()
    hashed = Prehashed(hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _verifies(lambda: key.verify(raw, sha256, ec.ECDSA(hashed)))
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
        return _verifies(lambda: key.verify(raw, sha256, pss, hashed)) or _verifies(
            lambda: key.verify(raw, sha256, padding.PKCS1v15(), hashed)
        )
    return False


def _verifies(verify: Callable[[], object]) -> bool:
    try:
        verify()
    except (InvalidSignature, ValueError):
        return False
    return True

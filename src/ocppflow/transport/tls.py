"""TLS for security profiles 2 and 3, both sides (OCPP 2.0.1 Part 2, A00)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.transport.link import ClientCertificate

log = budgeted("ocppflow.transport")

# A00.FR.318 and .421, what the standard names first, then its forward-secret RSA cousins. Python's own default
# leaves out the TLS_RSA suites (the last two), with which many stations in the field have to do. TLS 1.3 suites are
# always on. Nothing here is unsuitable for legacy use (A00.FR.320).
CIPHERS = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
    )
)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate chain and its private key, PEM files; ``key`` may be in the same file."""

    certificate: str | Path
    key: str | Path | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(Path(name) for name in (self.certificate, self.key) if name is not None)


class ServerTLS:
    """The TLS side of a CSMS, whose certificates can be renewed while it runs.

    ``certificates``: one KeyPair, or two (ECDSA and RSA) to serve all suites of A00.FR.318. ``client_ca``
    is the PEM file of the authorities that sign the stations' certificates; with it a station is asked
    for its certificate, and must have one unless ``client_certificate_required`` is False (profiles 2 and
    3 on one port).

    New connections use new files: on :meth:`reload`, and by themselves once a file has changed. Open
    connections stay. Raises ConfigurationError for files that are missing, are not PEM, or do not belong
    together.
    """

    def __init__(
        self,
        certificates: KeyPair | Sequence[KeyPair],
        *,
        client_ca: str | Path | None = None,
        client_certificate_required: bool = True,
    ) -> None:
        self._pairs = (certificates,) if isinstance(certificates, KeyPair) else tuple(certificates)
        if not self._pairs:
            raise ConfigurationError("a TLS server needs a certificate")
        self._client_ca = client_ca
        self._required = client_certificate_required
        files = [file for pair in self._pairs for file in pair.files]
        self._files = tuple(files + ([Path(client_ca)] if client_ca is not None else []))
        self._seen = self._stamp()
        self._context = self._build()

    def __repr__(self) -> str:
        certificates = ", ".join(str(pair.certificate) for pair in self._pairs)
        return f"<ServerTLS {certificates}{', asks for certificates' if self.asks_certificate else ''}>"

    def __eq__(self, other: object) -> bool:
        """Two of the same settings, so that listeners which read the same files can share a port."""
        return isinstance(other, ServerTLS) and self._settings == other._settings

    def __hash__(self) -> int:
        return hash(self._settings)

    @property
    def _settings(self) -> tuple[object, ...]:
        return self._pairs, self._client_ca, self._required

    @property
    def asks_certificate(self) -> bool:
        """Whether stations are asked for a certificate (security profile 3)."""
        return self._client_ca is not None

    def context(self) -> ssl.SSLContext:
        """The context for the next connection; reloads first if a file has changed."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self.reload()
                log.info("TLS certificates reloaded")
            except ConfigurationError as error:
                log.error("the changed TLS files cannot be used, the old ones stay in force: %s", error)
        return self._context

    def reload(self) -> None:
        """Read the files anew. Raises ConfigurationError and keeps the old context if they are wrong."""
        self._context = self._build()
        self._seen = self._stamp()

    def _build(self) -> ssl.SSLContext:
        context = _base(ssl.PROTOCOL_TLS_SERVER)
        for pair in self._pairs:
            _load_pair(context, pair)
        if self._client_ca is not None:
            _load_ca(context, self._client_ca)
            context.verify_mode = ssl.CERT_REQUIRED if self._required else ssl.CERT_OPTIONAL
        return context

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        stamps = []
        for file in self._files:
            try:
                stat = file.stat()
                stamps.append((stat.st_mtime_ns, stat.st_ino))
            except OSError:
                stamps.append((0, 0))
        return tuple(stamps)


_NO_WILDCARDS = 0x2  # X509_CHECK_FLAG_NO_WILDCARDS of OpenSSL


def client_context(
    *,
    ca: str | Path | None = None,
    roots: str | None = None,
    certificate: KeyPair | None = None,
    check_hostname: bool = True,
    wildcards: bool = True,
) -> ssl.SSLContext:
    """A station's TLS: verifies the CSMS's chain and host name (A00.FR.308, .309, .411, .412).

    ``ca`` is a PEM file of trusted roots, by default the system's. ``roots`` are PEM text in its place; each of them is
    trusted by itself, whoever has signed it (M05.FR.10). ``certificate`` is the station's own (profile 3).
    ``wildcards``: whether the CSMS's may be for ``*.example.com`` (AllowCSMSTLSWildcards of the errata).
    """
    context = _base(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = check_hostname
    if not wildcards:
        context._host_flags |= _NO_WILDCARDS  # type: ignore[attr-defined]  # ssl itself has no word for it
    if roots is not None:
        context.load_verify_locations(cadata=roots)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    elif ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        _load_ca(context, ca)
    if certificate is not None:
        _load_pair(context, certificate)
    return context


def _base(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # A00.FR.313, .416
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION  # A00.FR.321, .424
    return context


def _load_pair(context: ssl.SSLContext, pair: KeyPair) -> None:
    for file in pair.files:
        _must_exist(file)
    try:
        # A callback, or OpenSSL would ask for the pass phrase of an encrypted key on the terminal.
        context.load_cert_chain(pair.certificate, pair.key, lambda: pair.password or "")
    except ssl.SSLError as error:
        key = pair.key or pair.certificate
        if error.reason == "KEY_VALUES_MISMATCH":
            text = f"the key in {key} does not belong to the certificate in {pair.certificate}"
        elif pair.password is None and "ENCRYPTED" in Path(key).read_text(errors="replace"):
            text = f"the key in {key} is encrypted and no password was given"
        else:
            text = f"{pair.certificate} and {key} do not hold a PEM certificate with its key ({error.reason})"
        raise ConfigurationError(text) from error


def _load_ca(context: ssl.SSLContext, ca: str | Path) -> None:
    _must_exist(Path(ca))
    try:
        context.load_verify_locations(ca)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{ca} holds no PEM certificates ({error.reason})") from error


def _must_exist(file: Path) -> None:
    if not file.is_file():
        raise ConfigurationError(f"there is no file {file}")


def peer_certificate(tls: ssl.SSLObject) -> ClientCertificate | None:
    """The verified certificate of the peer; None if it showed none."""
    described = tls.getpeercert()
    raw = tls.getpeercert(binary_form=True)
    if not described or raw is None:
        return None
    names: tuple[tuple[tuple[str, str], ...], ...] = described.get("subject", ())  # type: ignore[assignment]
    subject = {name: value for group in names for name, value in group}
    return ClientCertificate(
        common_name=subject.get("commonName", ""),
        organization=subject.get("organizationName", ""),
        fingerprint=sha256(raw).hexdigest(),
        subject=subject,
    )


def alert(description: int) -> bytes:
    """A fatal alert (RFC 8446, 6.2), in clear: for a peer that TLS was not begun with."""
    return bytes((0x15, 3, 3, 0, 2, 2, description))


_REASONS = {
    "HTTP_REQUEST": "plain HTTP on a TLS port: use wss://",
    "WRONG_VERSION_NUMBER": "the peer does not speak TLS, or only an older one than 1.2",
    "UNSUPPORTED_PROTOCOL": "the peer speaks only TLS older than 1.2 (A00.FR.313)",
    "UNKNOWN_PROTOCOL": "the peer does not speak TLS, or only an older one than 1.2",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the peers have no TLS version in common; TLS 1.2 or later is needed",
    "NO_SHARED_CIPHER": "the peers have no cipher suite in common (A00.FR.318 names those needed)",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the peers have no cipher suite in common, or a certificate is missing",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the station showed no certificate; security profile 3 needs one",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the CSMS wants a client certificate (security profile 3)",
    "TLSV1_ALERT_UNKNOWN_CA": "the peer does not know the authority that signed our certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the peer refused our certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the peer refused our certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the peer refused our certificate: expired",
}


def explain_tls_failure(error: BaseException) -> str:
    """Why a TLS handshake failed, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the peer's certificate is not valid here: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError):
        known = _REASONS.get(error.reason or "")
        return f"TLS failed: {known}" if known else f"TLS failed: {error.reason or error}"
    if isinstance(error, asyncio.CancelledError):
        return "the connection was lost during the TLS handshake"
    if isinstance(error, ConnectionResetError):
        return "the peer broke off the TLS handshake; perhaps it does not trust our certificate"
    return f"the TLS handshake was not finished: {error}" if str(error) else "the TLS handshake was not finished"


_FAULTS = {
    "HTTP_REQUEST": "version",
    "WRONG_VERSION_NUMBER": "version",
    "UNSUPPORTED_PROTOCOL": "version",
    "UNKNOWN_PROTOCOL": "version",
    "TLSV1_ALERT_PROTOCOL_VERSION": "version",
    "NO_SHARED_CIPHER": "ciphers",
    "WRONG_CIPHER_RETURNED": "ciphers",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "ciphers",
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": "ciphers",
}


def tls_fault(error: ssl.SSLError) -> str:
    """What is wrong with the peer's TLS, seen from a client: ``"certificate"``, ``"version"`` or ``"ciphers"``; empty
    if it is something else, such as a peer that does not like ours."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate"
    return _FAULTS.get(error.reason or "", "")

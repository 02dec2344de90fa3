"""URLs: where a station connects to, and where a CSMS listens.

A URL may hold a password, and a query may hold a token. No error and no log line shows either: see :func:`shown_url`.

Sources: OCPP-J 1.6 3.1.1 and 2.1 Part 4, 3.1.1 (the identity is the last segment of the path), RFC 6455 3, RFC 3986.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

from ocppflow.errors import ConfigurationError
from ocppflow.plain_text import excerpt

PLACEHOLDER = "{identity}"
DEFAULT_PORTS = {"ws": 80, "wss": 443}

_PLAIN_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:@\[\]]*)(:[0-9]*)?")
_NOT_IN_A_URL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class StationAddress:
    """Where one station connects to. ``url`` has the identity in it; ``route`` is the path before the identity."""

    url: str
    host: str
    port: int
    secure: bool
    route: str


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where a CSMS listens. An empty ``host`` is all interfaces, port 0 any free one, ``path`` the route."""

    scheme: str
    host: str
    port: int
    path: str

    def url(self, port: int) -> str:
        """What stations append their identity to, ``port`` being the one in use."""
        return f"{self.scheme}://{shown_host(self.host)}:{port}{self.path if self.path != '/' else ''}"


def station_address(url: str, identity: str) -> StationAddress:
    """The address of the station ``identity`` at the CSMS ``url``.

    The URL is kept as it is: query, doubled slashes, a slash at the end. ``{identity}`` says where the identity goes,
    percent-encoded; without it, the identity becomes the last segment of the path, before a query::

        ws://csms.example/ocpp                   ->  ws://csms.example/ocpp/CS1
        wss://csms.example/ws/{identity}/?v=2    ->  wss://csms.example/ws/CS1/?v=2

    Raises ConfigurationError for a URL or an identity that makes no sense.
    """
    if fault := identity_fault(identity):
        raise ConfigurationError(fault)
    parts = _split(url, "the URL")
    name = quote(identity, safe="")
    if PLACEHOLDER in parts.netloc:
        raise _wrong("the URL", url, f"{PLACEHOLDER} belongs into the path or the query")
    before, found, _ = parts.path.partition(PLACEHOLDER)
    if PLACEHOLDER in url:
        whole = url.replace(PLACEHOLDER, name)
    else:
        path, question, query = url.partition("?")
        # After the authority there must be a slash, even if the path is empty.
        whole = f"{path}{'' if path.endswith('/') else '/'}{name}{question}{query}"
    route = before.rpartition("/")[0] if found else parts.path
    scheme = parts.scheme
    host, port = parts.hostname or "", parts.port or DEFAULT_PORTS[scheme]
    return StationAddress(whole, host, port, scheme == "wss", normal_path(route))


def split_identity(url: str) -> tuple[str, str]:
    """A station's whole URL, as people write it, as the URL with ``{identity}`` in it, and the identity.

    The identity is the last segment of the path, one slash at the end aside. Raises ConfigurationError, for instance
    if the URL names no station.
    """
    parts = _split(url, "the URL")
    ending = "/" if parts.path.endswith("/") else ""
    prefix, _, last = parts.path.removesuffix("/").rpartition("/")
    if not last:
        raise _wrong("the URL", url, "append the station's identity, as in ws://host:9000/ocpp/CS1")
    identity = decode_identity(last)
    if fault := identity_fault(identity) if identity is not None else "the identity is wrongly percent-encoded":
        raise _wrong("the URL", url, fault)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{prefix}/{PLACEHOLDER}{ending}{query}", identity or ""


def listen_address(url: str, *, tls: bool) -> ListenAddress:
    """Where ``url`` (``ws://host:port/route``) says to listen; ``*`` and an empty host are all interfaces.

    Raises ConfigurationError for a URL that makes no sense, or does not go with ``tls``.
    """
    parts = _split(url, "the listen URL", needs_host=False)
    if parts.query or PLACEHOLDER in url:
        raise _wrong("the listen URL", url, "it ends with the route; stations append their identity")
    if (parts.scheme == "wss") is not tls:
        need = "needs a certificate (tls=)" if parts.scheme == "wss" else "has TLS settings: write wss://"
        raise ConfigurationError(f"the listen URL {shown_url(url)} {need}")
    host = parts.hostname or ""
    port = DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    return ListenAddress(parts.scheme, "" if host == "*" else host, port, normal_path(parts.path))


def shown_url(url: str, *, quoted: bool = True) -> str:
    """A URL fit for a log line or an error: bounded, on one line, and without credentials or a query's values."""
    scheme, slashes, rest = url.partition("//") if "//" in url else ("", "", url)
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    # A password with an unescaped "/" or "?" is not part of the authority, but must not be seen either.
    if "@" in authority or ("@" in rest and not _PLAIN_AUTHORITY.fullmatch(authority)):
        rest = "***@" + rest.rpartition("@")[2]
    rest, question, _ = rest.partition("?")
    return excerpt(f"{scheme}{slashes}{rest}{question and '?***'}", 200, quoted=quoted)


def shown_host(host: str) -> str:
    """A host as a URL shows it: IPv6 in brackets, all interfaces, of IPv4 and IPv6, as ``*``."""
    return f"[{host}]" if ":" in host else host or "*"


def normal_path(path: str) -> str:
    """The one spelling of a route: a leading slash, none at the end, none doubled; ``/`` for the root."""
    return "/" + re.sub("/+", "/", path).strip("/")


def decode_identity(segment: str) -> str | None:
    """A segment of a path, percent-decoded; None if it cannot be."""
    if _BROKEN_ESCAPE.search(segment):
        return None
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeError:
        return None


def identity_fault(identity: str) -> str:
    """Why no station of any version can have this identity; empty if one can."""
    if not identity:
        return "the identity is empty"
    try:
        identity.encode()
    except UnicodeEncodeError:
        return f"{excerpt(identity)} cannot be a station's identity: it is not Unicode text"
    if _CONTROL.search(identity) or identity in {".", ".."} or not identity.strip():
        return f"{excerpt(identity)} cannot be a station's identity"
    return ""


def _split(url: str, what: str, *, needs_host: bool = True) -> SplitResult:
    """The URL taken apart, all that is always wrong being refused."""
    if _NOT_IN_A_URL.search(url):
        raise _wrong(what, url, "it has blanks or control characters")
    try:
        parts = urlsplit(url)
        port: int | None = parts.port
    except ValueError:
        # The cause's own text may quote a password.
        raise _wrong(what, url, "host and port cannot be read, as in ws://host:9000/ocpp") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise _wrong(what, url, "it must begin with ws:// or wss://")
    if "@" in parts.netloc:
        raise _wrong(what, url, "it must not hold credentials; give the password separately")
    if (needs_host and (not parts.hostname or port == 0)) or not url.partition(":")[2].startswith("//"):
        raise _wrong(what, url, "it lacks a host, as in ws://host:9000/ocpp")
    if parts.fragment or url.endswith("#"):
        raise _wrong(what, url, "a WebSocket URL has no fragment; write # as %23")
    return parts


def _wrong(what: str, url: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{what} {shown_url(url)} makes no sense: {why}")

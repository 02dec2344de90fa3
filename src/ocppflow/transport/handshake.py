"""The opening handshake as plain data and functions: who asks, for what, with which credentials; no I/O.

Sources: OCPP-J 1.6 4.1, OCPP-J 2.0.1 Part 4 3.1 (connection URL, subprotocol), RFC 7617 (Basic), rows 1 to 5.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from ocppflow.messages.base import Version
from ocppflow.transport.link import ClientCertificate

MAX_IDENTITY_2X = 48
# identifierString without ":", which would end the user name in Basic credentials
_IDENTITY_2X = re.compile(r"[A-Za-z0-9*\-_=+|@.]+")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Handshake:
    """A station at the door: what an :data:`Acceptor` decides on.

    ``path`` is the route, without the identity. ``offered`` are the subprotocols as sent, ``versions``
    those of them that this route speaks, in the station's order of preference: the first will be used.
    ``password`` is raw bytes, None if none was sent; ``credentials_problem`` says why an Authorization
    header could not be read. ``headers`` have lower-case names.
    """

    identity: str
    path: str = "/"
    offered: tuple[str, ...] = ()
    versions: tuple[Version, ...] = ()
    username: str | None = None
    password: bytes | None = None
    credentials_problem: str = ""
    certificate: ClientCertificate | None = None
    address: str = ""
    tls: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> Version:
        """The version that the connection will speak."""
        return self.versions[0]


@dataclass(frozen=True, slots=True)
class Accept:
    """Let the station in. ``security_profile`` is what it has proved; None: told by TLS, certificate,
    password.
    """

    security_profile: int | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Keep the station out, with an HTTP status and a reason that a person understands."""

    status: int
    reason: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefusedInfo:
    """A connection that was not let in. ``status`` is the HTTP status sent, 101 where the connection was
    finished and closed for want of a common subprotocol (OCPP-J 2.0.1 Part 4, 3.1.2), None if no answer could be
    sent (TLS, time-out).
    """

    identity: str
    address: str
    path: str
    status: int | None
    reason: str


Acceptor = Callable[[Handshake], Awaitable[Accept | Refuse]]
"""Decides on a Handshake. What it raises is logged and refused with 500."""


def unauthorized(reason: str) -> Refuse:
    """401 with the challenge that HTTP asks for (row 4)."""
    return Refuse(401, reason, {"WWW-Authenticate": 'Basic realm="OCPP", charset="UTF-8"'})


@dataclass(frozen=True, slots=True)
class Target:
    """A request target taken apart: ``/ocpp/CS%201?x`` is path ``/ocpp``, identity ``CS 1``."""

    path: str
    identity: str


def parse_target(target: str) -> Target | Refuse:
    """Route and identity from the request target; the last path segment is the identity (row 1).

    Slashes doubled where a configured URL and the identity meet are forgiven, a query is ignored.
    """
    path = target.partition("?")[0]
    if not path.startswith("/"):
        return Refuse(400, f"the request target {_short(target)} is not a path")
    prefix, _, last = path.rpartition("/")
    if not last:
        return Refuse(404, f"the path {_short(path)} names no station: its last segment must be the identity")
    if _BROKEN_ESCAPE.search(path):
        return Refuse(400, f"the path {_short(path)} is wrongly percent-encoded")
    try:
        identity = unquote_to_bytes(last).decode()
    except UnicodeDecodeError:
        return Refuse(400, f"the identity {_short(last)} is not UTF-8 once percent-decoded")
    if _CONTROL.search(identity) or identity in {".", ".."} or not identity.strip():
        return Refuse(400, f"{_short(identity)} cannot be a station's identity")
    return Target(normal_path(prefix), identity)


def normal_path(path: str) -> str:
    """The one spelling of a route's path: a leading slash and no trailing one, ``/`` for the root."""
    return "/" + path.strip("/")


def check_identity(identity: str, version: Version) -> Refuse | None:
    """Whether ``version`` allows the identity (row 1): in 2.x at most 48 characters of identifierString,
    no ':'.
    """
    if version is Version.V16:
        return None
    if len(identity) > MAX_IDENTITY_2X:
        what = f"the identity {_short(identity)} has {len(identity)} characters"
        return Refuse(400, f"{what}; OCPP {version} allows {MAX_IDENTITY_2X}")
    # The example of 2.0.1 Part 4, 3.1.1, is "RDAM 123", though the type it names knows no space; 2.1 has mended it.
    plain = identity.replace(" ", "-") if version is Version.V201 else identity
    if not _IDENTITY_2X.fullmatch(plain):
        return Refuse(400, f"the identity {_short(identity)} has characters other than A-Z a-z 0-9 * - _ = + | @ .")
    return None


def parse_subprotocols(header: str) -> tuple[str, ...]:
    """The offered subprotocols in order, rubbish included: it is shown in the refusal."""
    return tuple(name for part in header.split(",") if (name := part.strip()))


def common_versions(offered: Iterable[str], spoken: Iterable[Version]) -> tuple[Version, ...]:
    """The versions both speak, in the client's order, which is its preference (row 2)."""
    by_name = {version.subprotocol: version for version in spoken}
    return tuple(dict.fromkeys(by_name[name] for name in offered if name in by_name))


def no_common_version(identity: str, offered: Sequence[str], spoken: Sequence[Version]) -> str:
    """The reason for row 3, for people."""
    wanted = f"offered {_short(', '.join(offered), quote=False)}" if offered else "offered no subprotocol"
    return f"{_short(identity, quote=False)} {wanted}; this listener speaks {', '.join(spoken)}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an Authorization header holds: user and raw password, or why there is none."""

    username: str | None = None
    password: bytes | None = None
    problem: str = ""


def parse_basic(header: str | None, identity: str) -> Credentials:
    """Basic credentials (RFC 7617). The password stays bytes: in 1.6 it is a key of up to 20 raw bytes
    (row 5).

    The user should equal ``identity``. Where it does, the password is all that follows, so that a 1.6
    identity which contains ':' can still be told from its password; else the first ':' parts them.
    """
    if header is None:
        return Credentials()
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return Credentials(problem=f"the Authorization scheme is {_short(scheme)}, not Basic")
    try:
        raw = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return Credentials(problem="the Basic credentials are not base64")
    known = identity.encode() + b":"
    if raw.startswith(known):
        return Credentials(identity, raw[len(known) :])
    user, colon, password = raw.partition(b":")
    if not colon:
        return Credentials(problem="the Basic credentials lack the ':' between user and password")
    return Credentials(user.decode(errors="backslashreplace"), password)


def build_basic(identity: str, password: bytes) -> str:
    """The Authorization header of a station (row 5)."""
    return "Basic " + base64.b64encode(identity.encode() + b":" + password).decode()


def _short(text: str, *, quote: bool = True) -> str:
    """A peer's text, fit for a log line: bounded, and without control characters."""
    text = text if len(text) <= 60 else text[:57] + "..."
    shown = repr(text)
    return shown if quote else shown[1:-1]

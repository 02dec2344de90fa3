"""The opening handshake as plain data and functions: who asks, for what, with which credentials; no I/O.

Sources: OCPP-J 1.6 3.1, 2.1 Part 4, 3.1 (connection URL, subprotocol), RFC 7617 (Basic).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ocppflow.messages.base import Version
from ocppflow.plain_text import excerpt
from ocppflow.transport.address import decode_identity, identity_fault, normal_path
from ocppflow.transport.link import ClientCertificate

MAX_IDENTITY_2X = 48
# identifierString without ":", which would end the user name in Basic credentials
_IDENTITY_2X = re.compile(r"[A-Za-z0-9*\-_=+|@.]+")
# RFC 9112 3.2.2: a server must take the absolute form, which is meant for proxies; some stations send it.
_ABSOLUTE = re.compile(r"(?:https?|wss?)://[^/?#]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Handshake:
    """A station that asks to be let in: what an :data:`Acceptor` decides on."""

    identity: str
    """The station's identity, percent-decoded; or the one that a Leniency assumes."""

    path: str = "/"
    """The route, without the identity."""

    offered: tuple[str, ...] = ()
    """The subprotocols as sent, unknown ones included."""

    versions: tuple[Version, ...] = ()
    """Those offered that this route speaks, in the station's order of preference: the first will be used."""

    username: str | None = None
    """The user of the Basic credentials; None if there are none."""

    password: bytes | None = field(default=None, repr=False)
    """The password as raw bytes (the AuthorizationKey of OCPP 1.6 need not be text); None if none was sent."""

    credentials_problem: str = ""
    """Why an Authorization header could not be read; empty if it could, or there is none."""

    certificate: ClientCertificate | None = None
    """The station's TLS certificate, verified; None if it showed none (security profile 3)."""

    address: str = ""
    """``host:port`` of the peer."""

    tls: bool = False
    """Whether the connection is ``wss://``."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # which hold the password, too
    """All HTTP headers, names in lower case; those that came several times are joined with commas."""

    assumed: tuple[str, ...] = ()
    """What a Leniency has made good: ``"version"``, ``"identity"``, ``"username"``, ``"connection header"``."""

    @property
    def version(self) -> Version:
        """The version that the connection will speak."""
        return self.versions[0]


@dataclass(frozen=True, slots=True)
class Accept:
    """Let the station in."""

    security_profile: int | None = None
    """What the station has proved, 0 to 3 (OCPP 2.0.1 Part 2, A00); None: as TLS, certificate and password tell."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Keep the station out."""

    status: int
    """The HTTP status, such as 401, 403, 404 or 503."""

    reason: str
    """Why, for people: it is the body of the answer, and goes to the log, the trace and ``on_refused``."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers of the answer, such as ``Retry-After`` (in seconds)."""

    private: str = ""
    """What strangers should not read: it follows the reason in the log, the trace and ``on_refused`` alone."""

    impartial: bool = False
    """Whether it says nothing of the identity that a stranger could not know: it would be the same for any, or the peer
    has shown who it is. Where identities are hidden, all other refusals become one and the same 401."""

    @property
    def whole_reason(self) -> str:
        """The reason and what is private, for those who run the server."""
        return f"{self.reason}; {self.private}" if self.private else self.reason


@dataclass(frozen=True, slots=True)
class RefusedInfo:
    """A connection that was not let in."""

    identity: str
    """The station's identity; empty where the refusal came before it was known."""

    address: str
    """``host:port`` of the peer."""

    path: str
    """The route, or the path that came if it could not be read."""

    status: int | None
    """The HTTP status sent; 101 where the handshake was finished and the connection then closed for want of a common
    subprotocol (2.1 Part 4, 3.3); None if no answer could be sent (TLS, time-out)."""

    reason: str
    """Why, for people; what the peer was not told included."""

    more: int = 0
    """How many like it, from the same address, are told of with this one: the first ones of each address are told of
    one by one, later ones together (``ServerLimits.refusals_per_address``)."""


Acceptor = Callable[[Handshake], Awaitable[Accept | Refuse]]
"""Decides on a Handshake, and may take its time: a database can be asked. What it raises is logged and refused with
500."""


def unauthorized(reason: str) -> Refuse:
    """A refusal with 401 and the challenge that HTTP asks for (RFC 7617 2; 2.1 Part 4, 3.3)."""
    return Refuse(401, reason, {"WWW-Authenticate": 'Basic realm="OCPP", charset="UTF-8"'})


@dataclass(frozen=True, slots=True)
class Target:
    """A request target taken apart: ``/ocpp/CS%201?x`` is path ``/ocpp``, identity ``CS 1``."""

    path: str
    identity: str


def target_path(target: str) -> str | Refuse:
    """The path of a request target, without a query and, in absolute form, without scheme and host."""
    path = target.partition("?")[0]
    if not path.startswith("/"):
        absolute = _ABSOLUTE.match(target)
        if absolute is None:
            return Refuse(400, f"the request target {excerpt(target)} is not a path")
        path = target[absolute.end() :].partition("?")[0] or "/"
    return path


def parse_target(target: str) -> Target | Refuse:
    """Route and identity from the request target; the last path segment is the identity (2.1 Part 4, 3.1.1).

    Forgiven: doubled slashes, and one at the end. A query is ignored.
    """
    path = target_path(target)
    if isinstance(path, Refuse):
        return path
    prefix, _, last = path.removesuffix("/").rpartition("/")
    if not last:
        return Refuse(404, f"the path {excerpt(path)} names no station: its last segment must be the identity")
    identity = decode_identity(last)
    if identity is None:
        return Refuse(400, f"the identity {excerpt(last)} is wrongly percent-encoded, or not UTF-8")
    if fault := identity_fault(identity):
        return Refuse(400, fault)
    return Target(normal_path(prefix), identity)


def check_identity(identity: str, version: Version) -> Refuse | None:
    """Why ``version`` does not allow the identity; None if it does. 2.x allows at most 48 characters of
    identifierString, and no ':' (2.1 Part 4, 3.1.1).
    """
    if version is Version.V16:
        return None
    if len(identity) > MAX_IDENTITY_2X:
        what = f"the identity {excerpt(identity)} has {len(identity)} characters"
        return Refuse(400, f"{what}; OCPP {version} allows {MAX_IDENTITY_2X}")
    # The example of 2.0.1 Part 4, 3.1.1, is "RDAM 123", though the type it names knows no space; 2.1 has mended it.
    plain = identity.replace(" ", "-") if version is Version.V201 else identity
    if not _IDENTITY_2X.fullmatch(plain):
        return Refuse(400, f"the identity {excerpt(identity)} has characters other than A-Z a-z 0-9 * - _ = + | @ .")
    return None


def parse_subprotocols(header: str) -> tuple[str, ...]:
    """The offered subprotocols in order, those that make no sense included: the refusal shows them."""
    return tuple(name for part in header.split(",") if (name := part.strip()))


def common_versions(offered: Iterable[str], spoken: Iterable[Version]) -> tuple[Version, ...]:
    """The versions both speak, in the client's order, which is its preference (RFC 6455 4.1; OCPP-J 2.0.1 Part 4,
    3.1.2)."""
    by_name = {version.subprotocol: version for version in spoken}
    return tuple(dict.fromkeys(by_name[name] for name in offered if name in by_name))


def no_common_version(identity: str, offered: Sequence[str], spoken: Sequence[Version]) -> str:
    """Why the versions do not go together, for both sides to read."""
    wanted = f"offered {excerpt(', '.join(offered), quoted=False)}" if offered else "offered no subprotocol"
    spoke = f"{excerpt(identity, quoted=False)} {wanted}; this listener speaks {', '.join(spoken)}"
    example = spoken[0].subprotocol if spoken else "ocpp2.0.1"
    return (
        spoke if offered else f"{spoke}: send Sec-WebSocket-Protocol: {example}, or have a version assumed (leniency)"
    )


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an Authorization header holds: user and raw password, or why there is none."""

    username: str | None = None
    password: bytes | None = field(default=None, repr=False)
    problem: str = ""


def parse_basic(header: str | None, identity: str) -> Credentials:
    """Basic credentials (RFC 7617). The password stays bytes: in 1.6 it is a key of up to 20 raw bytes (OCPP-J 1.6,
    6.2.1).

    The user should equal ``identity``. Where it does, the password is all that follows, so that a 1.6
    identity which contains ':' can still be told from its password; else the first ':' parts them.
    """
    if header is None:
        return Credentials()
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return Credentials(problem=f"the Authorization scheme is {excerpt(scheme)}, not Basic")
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
    """The Authorization header of a station whose user name is ``identity`` (RFC 7617)."""
    return "Basic " + base64.b64encode(identity.encode() + b":" + password).decode()


def security_profile(shake: Handshake, accept: Accept) -> int:
    """The security profile in force (A00): what the acceptor says, else what TLS and credentials show."""
    if accept.security_profile is not None:
        return accept.security_profile
    if shake.tls and shake.certificate is not None:
        return 3
    if shake.password is None:
        return 0
    return 2 if shake.tls else 1

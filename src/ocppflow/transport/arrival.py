"""Which route a request means, who comes, and what the acceptor is told. No I/O.

Sources: OCPP-J 1.6 3.1 and 3.2; 2.1 Part 4, 3.1 and 3.3 (URL, subprotocol, refusals); RFC 9112 3.2 (targets).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from websockets.http11 import Request

from ocppflow.messages.base import Version
from ocppflow.plain_text import excerpt
from ocppflow.transport.address import normal_path
from ocppflow.transport.handshake import (
    Handshake,
    Refuse,
    common_versions,
    parse_basic,
    parse_subprotocols,
    parse_target,
    target_path,
)
from ocppflow.transport.http_request import plain_headers
from ocppflow.transport.route import Mount, Route
from ocppflow.transport.tls import peer_certificate


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a request goes: the route's path, and the identity, empty if the URL names none and none is assumed."""

    path: str
    identity: str
    identity_assumed: bool = False


def arrive(target: str, mounts: Mapping[str, Mount]) -> Arrival | Refuse:
    """Take a request target apart. A target that ends at a route names no station; nor does one without a path."""
    path = target_path(target)
    if isinstance(path, Refuse):
        return path
    whole = normal_path(path)
    if whole in mounts:
        return _assumed(whole, mounts[whole].route)
    if whole == "/":
        lenient = [path for path, mount in mounts.items() if mount.route.leniency.identity is not None]
        return _assumed(lenient[0], mounts[lenient[0]].route) if len(lenient) == 1 else Arrival("/", "")
    parsed = parse_target(path)
    return parsed if isinstance(parsed, Refuse) else Arrival(parsed.path, parsed.identity)


def _assumed(path: str, route: Route) -> Arrival:
    identity = route.leniency.identity
    return Arrival(path, identity or "", identity_assumed=identity is not None)


def no_route(arrival: Arrival, mounts: Mapping[str, Mount]) -> Refuse:
    """Why there is nowhere to go (404). Where there would be is for the server's own people: a path may be what a
    stranger has to know."""
    path, served = (
        arrival.path,
        f"paths on this port: {excerpt(', '.join(sorted(mounts)), 200, quoted=False) or 'none'}",
    )
    if arrival.identity:
        return Refuse(404, f"nothing is served at the path {excerpt(path, 100)}", private=served)
    if path in mounts:
        example = f"append the identity, as in {path.rstrip('/')}/CS1"
        return Refuse(404, f"the URL ends at the route {path} and names no station: {example}")
    return Refuse(404, "the URL names no station: append the route and the identity", private=served)


def describe(
    request: Request, arrival: Arrival, route: Route, *, address: str, tls: ssl.SSLObject | None, assumed: list[str]
) -> Handshake:
    """The Handshake, ``assumed`` being what was forgiven so far."""
    headers, leniency = plain_headers(request), route.leniency
    offered = parse_subprotocols(headers.get("sec-websocket-protocol", ""))
    versions: tuple[Version, ...] = common_versions(offered, route.versions)
    credentials = parse_basic(headers.get("authorization"), arrival.identity)
    if arrival.identity_assumed:
        assumed.append("identity")
    if not offered and leniency.assumed_version is not None:
        assumed.append("version")
        versions = (leniency.assumed_version,)
    if leniency.any_username and credentials.username not in (None, arrival.identity):
        assumed.append("username")
    return Handshake(
        identity=arrival.identity,
        path=arrival.path,
        offered=offered,
        versions=versions,
        username=credentials.username,
        password=credentials.password,
        credentials_problem=credentials.problem,
        certificate=peer_certificate(tls) if tls is not None else None,
        address=address,
        tls=tls is not None,
        headers=headers,
        assumed=tuple(assumed),
    )

"""Whether a web page poses as a station: the header Origin (RFC 6455 4.1, 10.2; RFC 6454).

A browser lets every page open a WebSocket to anywhere, to loopback and into an intranet as well, and names the page in
Origin. Stations are not browsers, and few send it; those that do send what their WebSocket library makes up.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address

from ocppflow.plain_text import excerpt
from ocppflow.transport.handshake import Refuse

ANY = "*"
"""As an allowed origin: all of them."""

# What a browser makes of a page's origin (RFC 6454 6.2): scheme, host and port, and nothing behind them.
_OF_A_PAGE = re.compile(r"(?:null|(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#]*)/?)", re.IGNORECASE)
# No page is loaded over these.
_OF_NO_PAGE = frozenset({"ws", "wss"})
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def check_origin(origin: str, host: str, *, tls: bool, allowed: Collection[str]) -> Refuse | None:
    """Why a request with this Origin is refused; None if it is not, or the header is missing (empty).

    Let in is what ``allowed`` names (see :func:`plain_origin`), and what no page of strangers can have sent:

    - what is not the origin of a page at all: a path behind the host, no scheme, or the scheme ws or wss;
    - our own address, as ``host`` (the header Host) has it, if that is an IP address or ``localhost``, or if with
      ``tls`` the scheme is https: a page with that origin came from this very port, which serves none, or from a
      server that has a certificate for this name. A name without TLS is not enough: its owner can have it point to any
      address (DNS rebinding), and the browser then sends this name in both headers.

    ``null`` is refused: any page sends it from a sandboxed frame. So is ``file://``, which Chromium sends for a page
    that was saved, and a mailed one is; but see :func:`may_be_a_station`.
    """
    faults = [each for part in origin.split(",") if (each := part.strip()) and not _is_let_in(each, host, tls, allowed)]
    if not faults:
        return None
    shown = excerpt(faults[0], 100, quoted=False)
    return Refuse(
        403,
        f"the request comes from a web page (Origin: {shown}), which must not pose as a station; if it is a station, "
        "the operator of the CSMS can allow it (leniency, origins)",
        private="--allow-origin of ocppflow csms, allowOrigins of the node",
    )


def may_be_a_station(origin: str) -> bool:
    """Whether a refused Origin is what many a station sends as well, which is let in once it has shown a password or a
    certificate: a widespread WebSocket library for microcontrollers says ``file://`` unless it is told otherwise."""
    return plain_origin(origin) == "file://"


def plain_origin(text: str) -> str:
    """An origin as it is compared: in lower case, without the port that the scheme implies, and without a slash at the
    end."""
    origin = text.strip().lower()
    scheme, found, authority = origin.partition("://")
    return f"{scheme}://{_without_port(authority.removesuffix('/'), _DEFAULT_PORTS.get(scheme))}" if found else origin


def _is_let_in(origin: str, host: str, tls: bool, allowed: Collection[str]) -> bool:
    page = _OF_A_PAGE.fullmatch(origin)
    if page is None or (page["scheme"] or "").lower() in _OF_NO_PAGE:
        return True
    if ANY in allowed or plain_origin(origin) in allowed:
        return True
    scheme, ours = (page["scheme"] or "").lower(), "https" if tls else "http"
    if scheme != ours or not host:
        return False
    port = _DEFAULT_PORTS[ours]
    own = _without_port(host.strip().lower(), port)
    return _without_port(page["authority"].lower(), port) == own and (tls or _is_an_address(own))


def _without_port(authority: str, port: str | None) -> str:
    return authority.removesuffix(f":{port}") if port is not None else authority


def _is_an_address(authority: str) -> bool:
    """Whether nobody can let it point elsewhere: an IP address, or a name that means loopback to every browser."""
    name = re.sub(r":\d*$", "", authority) if not authority.endswith("]") else authority
    if name == "localhost":
        return True
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True

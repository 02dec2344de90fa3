"""What is served at a path of a port."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ocppflow.messages.base import Version
from ocppflow.transport.handshake import Acceptor
from ocppflow.transport.leniency import EXACT, Leniency
from ocppflow.transport.link import Link
from ocppflow.transport.link_context import LinkContext
from ocppflow.transport.settings import LinkLimits


@dataclass(frozen=True, slots=True)
class Route:
    """What is served at one path.

    ``acceptor`` decides on every Handshake whose syntax and subprotocol are right. ``on_link`` gets the
    Link of an accepted one and must call ``link.attach(handler)`` before it returns; only then does
    anything arrive. ``check_identity`` False lets identities in that OCPP 2.x forbids (2.1 Part 4, 3.1.1).
    ``limits`` are those of its connections, by default the server's. ``leniency`` is what a handshake may lack.
    """

    acceptor: Acceptor
    on_link: Callable[[Link], None]
    versions: tuple[Version, ...] = tuple(Version)
    check_identity: bool = True
    limits: LinkLimits | None = None
    leniency: Leniency = EXACT


@dataclass(slots=True)
class Mount:
    """A Route in service, with its Links."""

    route: Route
    context: LinkContext
    links: set[Link]

"""Why a CSMS node does not get its port, where that may change by itself."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import Final, Protocol

from ocppflow.csms import Listener
from ocppflow.nodes.configuration import CSMSSettings

_ALL: Final = ("", "*", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
"""Hosts that mean all interfaces."""


class Neighbour(Protocol):
    """Another CSMS node of this process."""

    @property
    def label(self) -> str:
        """What texts call the node."""

    @property
    def listener(self) -> Listener | None:
        """What it listens with; None while it does not."""


def passing_problem(settings: CSMSSettings, exc: Exception, neighbours: Iterable[Neighbour]) -> str:
    """What keeps a node from its port for now, in words; empty if waiting will not help."""
    for each in neighbours:
        listener = each.listener
        if listener is not None and listener.port == settings.port and _overlap(listener.host, settings.host):
            return f"port {settings.port} is in use by {each.label}: {exc}"
    cause = exc.__cause__ if isinstance(exc.__cause__, OSError) else exc
    match cause.errno if isinstance(cause, OSError) else None:
        case errno.EADDRINUSE:
            return f"port {settings.port} is in use"
        case errno.EADDRNOTAVAIL:
            return f"no interface of this machine has the address {settings.host}"
        case _:
            return ""


def _overlap(host: str, other: str) -> bool:
    return host == other or host in _ALL or other in _ALL

"""Station: a connected charging station as the CSMS sees it."""

from __future__ import annotations

import time
from typing import Any

from ocppflow.endpoint import Endpoint
from ocppflow.messages import Role
from ocppflow.transport.link import Link


class Station(Endpoint):
    """One connection of a station. A station that comes back is a new Station with the same ``identity``.

    ``data`` is the handlers' own, kept as long as the connection.
    """

    __slots__ = ("_data", "listener")

    def __init__(self, link: Link, **settings: Any) -> None:
        self._data: dict[str, Any] | None = None
        self.listener: object = None
        """Where the station came in."""
        super().__init__(link, Role.CSMS, **settings)

    @property
    def identity(self) -> str:
        """The station's identity."""
        return self.peer.identity

    @property
    def data(self) -> dict[str, Any]:
        """Room for the handlers' own notes."""
        if self._data is None:
            self._data = {}
        return self._data

    @property
    def last_seen(self) -> float:
        """When anything came from the station last, a pong included; seconds since 1970."""
        return time.time() - self.idle_for

    def __repr__(self) -> str:
        return f"<Station {self.identity} {self.version.value}{'' if self.is_open else ' closed'}>"

"""Station: a connected charging station as the CSMS sees it."""

from __future__ import annotations

import time
from typing import Any

from ocppflow.csms.known_stations import KnownStation
from ocppflow.endpoint import Connection, Link
from ocppflow.messages import Role


class Station(Connection):
    """One connection of a station. A station that comes back is a new Station with the same ``identity``.

    ``data`` is the handlers' own, kept as long as the connection; ``known.data`` as long as the CSMS.
    """

    __slots__ = ("_data", "listener")

    def __init__(self, link: Link, role: Role, **settings: Any) -> None:
        self._data: dict[str, Any] | None = None
        self.listener: object = None
        """Where the station came in."""
        super().__init__(link, role, **settings)

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
    def known(self) -> KnownStation:
        """What is known of the station beyond this connection: vendor, model, firmware, notes."""
        known = self.history
        assert isinstance(known, KnownStation)  # noqa: S101 - the CSMS gives no other
        return known

    @property
    def last_seen(self) -> float:
        """When anything came from the station last, a pong included; seconds since 1970."""
        return time.time() - self.idle_for

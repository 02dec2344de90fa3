"""What a CSMS knows of stations, connected or not; and the file in which who they are outlives a restart."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ocppflow.endpoint import History
from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.plain_text import one_line

log = budgeted("ocppflow")

LONG_IDENTITY = 255
"""OCPP 2.x allows 48 characters, 1.6 sets no limit; a longer identity is not worth remembering."""


class KnownStation(History):
    """A station by identity, beyond its connections.

    ``vendor``, ``model``, ``firmware``: from its last BootNotification, empty before the first. ``data``: the handlers'
    own notes, kept as long as this process runs. ``last_seen``: seconds since 1970, None if it never connected to this
    process.
    """

    __slots__ = ("_data", "_on_identified", "connected_times", "identity", "last_seen")

    def __init__(self, identity: str, on_identified: Callable[[KnownStation], None] | None = None) -> None:
        super().__init__()
        self.identity = identity
        self.last_seen: float | None = None
        self.connected_times: tuple[float, ...] = ()
        """Clock times of connections that replaced a living one, of late."""
        self._data: dict[str, Any] | None = None
        self._on_identified = on_identified

    @property
    def data(self) -> dict[str, Any]:
        """Room for the handlers' own notes."""
        if self._data is None:
            self._data = {}
        return self._data

    @property
    def is_blank(self) -> bool:
        return not self._data and super().is_blank

    def identified(self, vendor: str, model: str, firmware: str) -> None:
        news = (vendor, model, firmware) != (self.vendor, self.model, self.firmware)
        super().identified(vendor, model, firmware)
        if news and self._on_identified is not None:
            self._on_identified(self)

    def __repr__(self) -> str:
        who = " ".join(word for word in (self.vendor, self.model, self.firmware) if word)
        return one_line(f"<KnownStation {self.identity}{': ' + who if who else ''}>")


class StationRecord(msgspec.Struct, omit_defaults=True):
    """Who a station says it is, as it stands in a file."""

    identity: str
    vendor: str = ""
    model: str = ""
    firmware: str = ""


class StationMemory(Protocol):
    """Where it is written down who stations are; a store may take the place of :class:`StationFile`."""

    def load(self) -> Iterator[StationRecord]:
        """All that is written down; of one identity the last counts."""

    def save(self, record: StationRecord) -> None:
        """Write one down."""


class StationFile:
    """A StationMemory in a file of JSON lines, one for each change; :meth:`load` leaves one for each station.

    A station boots seldom and says the same each time, so a line is written rarely. A line cut off by a power cut costs
    only itself. The file is private to its owner (0600), like all that says which stations there are.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def __repr__(self) -> str:
        return f"<StationFile {self._path}>"

    def load(self) -> Iterator[StationRecord]:
        """Raises ConfigurationError for a file that cannot be read or written."""
        records: dict[str, StationRecord] = {}
        lines = 0
        try:
            with self._path.open("rb") as file:
                for line in file:
                    lines += 1
                    try:
                        record = msgspec.json.decode(line, type=StationRecord)
                    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                        log.warning("%s, line %d: left out, it does not hold a station", self._path, lines)
                        continue
                    records[record.identity] = record
            if lines > len(records):
                self._rewrite(records)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ConfigurationError(f"{self._path}: {error.strerror or error}") from error
        return iter(records.values())

    def _rewrite(self, records: dict[str, StationRecord]) -> None:
        new = self._path.with_name(self._path.name + ".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for record in records.values():
                file.write(msgspec.json.encode(record) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    def save(self, record: StationRecord) -> None:
        """Append one. A full disk is logged and costs no station anything."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab", buffering=0) as file:
                file.write(msgspec.json.encode(record) + b"\n")
        except OSError as error:
            log.error("%s: %s is not written down: %s", self._path, record.identity, error.strerror or error)


class KnownStations:
    """KnownStation by identity, the one seen last at the end. ``most`` are kept: an anonymous peer may invent
    identities."""

    def __init__(self, memory: StationMemory | None = None) -> None:
        self._stations: OrderedDict[str, KnownStation] = OrderedDict()
        self._memory = memory
        for record in memory.load() if memory is not None else ():
            station = KnownStation(record.identity, self._identified)
            History.identified(station, record.vendor, record.model, record.firmware)
            self._stations[record.identity] = station

    def __len__(self) -> int:
        return len(self._stations)

    def get(self, identity: str) -> KnownStation | None:
        """The station, if it is known."""
        return self._stations.get(identity)

    def seen(self, identity: str, most: int) -> KnownStation:
        """The station, which has just connected."""
        station = self._stations.get(identity)
        if station is None:
            station = self._stations[identity] = KnownStation(identity, self._identified)
            if len(self._stations) > most:
                self._stations.popitem(last=False)
        else:
            self._stations.move_to_end(identity)
        station.last_seen = time.time()
        return station

    def left(self, station: KnownStation, *, keep: bool) -> None:
        """Its connection is over. Unless ``keep``, what says nothing about it is not kept."""
        station.last_seen = time.time()
        if (station.is_blank and not keep) or len(station.identity) > LONG_IDENTITY:
            self._stations.pop(station.identity, None)

    def _identified(self, station: KnownStation) -> None:
        if self._memory is not None and len(station.identity) <= LONG_IDENTITY:
            self._memory.save(StationRecord(station.identity, station.vendor, station.model, station.firmware))

"""The security log of a station, and which events the CSMS has to hear of (A04; Part 2 appendices, 1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from ocppflow.station.station_store import StationStore

CRITICAL: Final = frozenset(
    {
        "DiscardedRenewedClientCertificate",
        "FirmwareUpdated",
        "InvalidChargingStationCertificate",
        "InvalidCsmsCertificate",
        "InvalidFirmwareSignature",
        "InvalidFirmwareSigningCertificate",
        "InvalidTLSCipherSuite",
        "InvalidTLSVersion",
        "MaintenanceLoginAccepted",
        "MaintenanceLoginFailed",
        "MemoryExhaustion",
        "ResetOrReboot",
        "SecurityLogWasCleared",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "TamperDetectionActivated",
    }
)
NOT_CRITICAL: Final = frozenset(
    {
        "AttemptedReplayAttacks",
        "CsmsFailedToAuthenticate",
        "FailedToAuthenticateAtCsms",
        "InvalidMessages",
        "ReconfigurationOfSecurityParameters",
    }
)
"""Logged only. What stands in neither list is a vendor's, and is taken for critical."""

_AREA: Final = "security_log"
_MOST: Final = 500
"""Entries that are kept; of more, the oldest goes (A04.FR.04: a rolling log). At the usual few a day, months."""


class SecurityLogEntry(msgspec.Struct, frozen=True):
    """One security event."""

    time: datetime
    kind: str
    info: str = ""


class SecurityLog:
    """The entries, in the store alone: they are seldom read."""

    __slots__ = ("_next", "_store")

    def __init__(self, store: StationStore) -> None:
        self._store = store
        self._next = max((int(key) for key in store.keys(_AREA)), default=0) + 1

    def add(self, entry: SecurityLogEntry) -> None:
        """Stage an entry, for the caller to commit."""
        self._store.put(_AREA, f"{self._next:010}", entry)
        if self._next > _MOST:
            self._store.remove(_AREA, f"{self._next - _MOST:010}")
        self._next += 1

    def entries(self) -> Iterator[SecurityLogEntry]:
        """What is durable, the oldest first."""
        yield from self._store.load(_AREA, SecurityLogEntry).values()

    def clear(self) -> None:
        """Stage forgetting all of it."""
        self._store.replace(_AREA, {})

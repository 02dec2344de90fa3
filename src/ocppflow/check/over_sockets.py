"""A complete station of ours that comes to the bench over a real socket, by any security profile: for the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ocppflow.check.authorities import CSMS_ROOT, Authorities
from ocppflow.check.bench import Bench
from ocppflow.check.check_door import CheckDoor
from ocppflow.check.check_settings import CheckSettings
from ocppflow.check.in_process import InProcessOperator, running
from ocppflow.check.workshop import Workshop
from ocppflow.endpoint import Backoff, sleep
from ocppflow.messages import Version
from ocppflow.station import CompleteStation, Provisions, StationConfig

PASSWORD = "check-password-0001"  # noqa: S105 - of stations that live for a test

_GOODBYES = 10.0
"""Seconds in which connections that were closed before are gone for good."""


@asynccontextmanager
async def station_over_sockets(
    version: Version | str,
    profile: int,
    folder: Path,
    settings: CheckSettings,
    config: StationConfig,
    *,
    prepare: Callable[[CompleteStation], object] = lambda _: None,
    **more: Any,
) -> AsyncIterator[tuple[Bench, InProcessOperator, CompleteStation]]:
    """A bench that listens on this machine, and a station with what its security profile needs. ``folder``: for
    certificates. ``prepare`` and ``more`` as for :func:`~ocppflow.check.in_process.station_in_process`."""
    authorities = Authorities(folder)
    door = CheckDoor(authorities, ["localhost"], profile) if profile >= 2 else None
    password = PASSWORD if profile in (1, 2) else None
    bench = Bench("CS1", version, settings, password=password, workshop=Workshop(authorities), door=door)
    scheme = "ws" if door is None else "wss"
    async with bench.csms.listen(f"{scheme}://localhost:0/ocpp", tls=door) as listener:
        made = {"clock": bench.clock, "start_time": bench.now(), "versions": [bench.version], **more}
        made.setdefault("backoff", Backoff(wait_minimum=1.0, random_range=0.0))
        if profile >= 2:
            made.setdefault("provisions", _provisions(authorities, profile, config))
        station = CompleteStation("CS1", listener.url, config=config, password=password, **made)
        try:
            async with running(bench, station, prepare) as operator:
                yield bench, operator, station
        finally:
            await sleep(bench.clock, _GOODBYES)


def _provisions(authorities: Authorities, profile: int, config: StationConfig) -> Provisions:
    root = authorities[CSMS_ROOT]
    if profile < 3:
        return Provisions(csms_roots=root.pem)
    certificate, key = root.issue(config.serial_number)
    return Provisions(csms_roots=root.pem, certificate=certificate, key=key)

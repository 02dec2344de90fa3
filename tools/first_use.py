"""What a new user would try first, with nothing but the installed package: every public name, and a talk of both roles.

Run by ``tools/check_dist.py`` in an empty environment; it needs no package but ocppflow itself.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from datetime import UTC, datetime
from pathlib import Path

import ocppflow
from ocppflow import CSMS, ChargingStation, Version, v201

ROOMS = ("nodes", "cli", "errors", "trace", "messages.v16", "messages.v201", "messages.v21")


def _public_names() -> int:
    for name in ocppflow.__all__:
        getattr(ocppflow, name)
    for room in ROOMS:
        importlib.import_module(f"ocppflow.{room}")
    return len(ocppflow.__all__)


async def _talk(version: Version) -> None:
    """A station asks a CSMS, and the CSMS asks the station."""
    password = "a-long-password-1"
    csms = CSMS(passwords={"CS1": password})

    @csms.on_any
    def answer(station: object, call: object) -> dict[str, str]:
        return {"currentTime": datetime.now(UTC).isoformat()}

    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        station = ChargingStation("CS1", listener.url, password=password, versions=[version])

        @station.on_any
        def accept(station: object, call: object) -> dict[str, str]:
            return {"status": "Accepted"}

        async with station:
            heartbeat = await station.call_raw("Heartbeat", timeout=30)
            assert isinstance(heartbeat.message.current_time, datetime)
            connected = await csms.wait_for("CS1", 30)
            assert (await connected.call_raw("ClearCache", timeout=30)).message.status == "Accepted"


def main() -> int:
    home = Path(ocppflow.__file__).resolve()
    if not home.is_relative_to(Path(sys.prefix).resolve()):
        sys.exit(f"ocppflow is imported from {home}, not from the environment {sys.prefix}")
    count = _public_names()
    for version in Version:
        asyncio.run(asyncio.wait_for(_talk(version), 60))
    assert v201.HeartbeatRequest() == v201.HeartbeatRequest()
    print(f"ocppflow {ocppflow.__version__}: {count} public names; both roles talk in {', '.join(Version)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

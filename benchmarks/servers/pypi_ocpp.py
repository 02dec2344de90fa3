"""PyPI ``ocpp`` on ``websockets``, as its README has it, validation on. ``--tuned``: on uvloop, and validating without
the hop to a thread (``ocpp.messages.ASYNC_VALIDATION``), which is the fastest that it can be made to go."""

from __future__ import annotations

import argparse
import contextlib
import logging
from datetime import UTC, datetime
from typing import Any

import ocpp.messages
import websockets
from ocpp.routing import on
from ocpp.v16 import ChargePoint as ChargePoint16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as ChargePoint201
from ocpp.v201 import call_result as result201

from benchmarks.servers import common

logging.getLogger("ocpp").setLevel(logging.WARNING)


class Station201(ChargePoint201):
    @on("TransactionEvent")
    async def on_transaction_event(self, **kwargs: Any) -> result201.TransactionEvent:
        return result201.TransactionEvent()

    @on("Heartbeat")
    async def on_heartbeat(self) -> result201.Heartbeat:
        return result201.Heartbeat(current_time=datetime.now(UTC).isoformat())


class Station16(ChargePoint16):
    @on("MeterValues")
    async def on_meter_values(self, **kwargs: Any) -> result16.MeterValues:
        return result16.MeterValues()


async def on_connect(connection: websockets.ServerConnection) -> None:
    identity = connection.request.path.strip("/")
    kind = Station16 if connection.subprotocol == "ocpp1.6" else Station201
    with contextlib.suppress(websockets.ConnectionClosed):
        await kind(identity, connection).start()


async def main() -> None:
    async with websockets.serve(on_connect, "127.0.0.1", 0, subprotocols=["ocpp2.0.1", "ocpp1.6"]) as server:
        await common.serve(server.sockets[0].getsockname()[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tuned", action="store_true")
    tuned = parser.parse_args().tuned
    ocpp.messages.ASYNC_VALIDATION = not tuned
    common.run(main(), uvloop=tuned)

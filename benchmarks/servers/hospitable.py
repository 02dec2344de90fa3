"""A bare CSMS that takes all that a complete station says.

Asked ``late``, it says as JSON how old meter values were when they came, in seconds: how many, the worst, and how many
were older than a second; and begins to count anew."""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime
from typing import Any

from benchmarks.servers import common
from ocppflow import CSMS, ServerLimits, Station, v21

logging.getLogger("ocppflow").setLevel(logging.ERROR)
csms = CSMS()


class Lateness:
    """How old values were when they came."""

    def __init__(self) -> None:
        self.count = self.late = 0
        self.worst = 0.0

    def saw(self, moment: datetime) -> None:
        age = time.time() - moment.timestamp()
        self.count += 1
        self.worst = max(self.worst, age)
        self.late += age > 1.0


lateness = Lateness()


def told() -> str:
    """What has been seen since it was last asked."""
    global lateness
    seen, lateness = lateness, Lateness()
    return json.dumps({"count": seen.count, "late": seen.late, "worst": seen.worst})


@csms.on(v21.BootNotificationRequest)
def boot(station: Station, request: v21.BootNotificationRequest) -> v21.BootNotificationResponse:
    return v21.BootNotificationResponse(current_time=datetime.now(UTC), interval=300, status="Accepted")


@csms.on(v21.HeartbeatRequest)
def heartbeat(station: Station, request: v21.HeartbeatRequest) -> v21.HeartbeatResponse:
    return v21.HeartbeatResponse(current_time=datetime.now(UTC))


@csms.on(v21.AuthorizeRequest)
def authorize(station: Station, request: v21.AuthorizeRequest) -> v21.AuthorizeResponse:
    return v21.AuthorizeResponse(id_token_info=v21.IdTokenInfoType(status="Accepted"))


@csms.on(v21.TransactionEventRequest)
def transaction_event(station: Station, request: v21.TransactionEventRequest) -> v21.TransactionEventResponse:
    lateness.saw(request.timestamp)
    return v21.TransactionEventResponse()


@csms.on_any
def anything(station: Station, call: Any) -> dict[str, Any]:
    return {}


async def main() -> None:
    limits = ServerLimits(handshakes_per_second=0)
    async with csms.listen("ws://127.0.0.1:0", limits=limits) as listener:
        await common.serve(listener.port, {b"late": told})


if __name__ == "__main__":
    common.run(main(), uvloop=True)

"""CSMSs for ``ocppflow csms --app``, as users write them: one that answers, one whose handlers fail, one whose handlers
never end."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from datetime import UTC, datetime
from typing import Any

from ocppflow import CSMS, Station, v16, v201

_GRACE = float(os.environ.get("ATTACK_GRACE", "5"))
csms, failing, endless = CSMS(grace=_GRACE), CSMS(grace=_GRACE), CSMS(grace=_GRACE)
_TELL_EVERY = 0.25


def _answer_well_known_calls(one: CSMS) -> None:
    @one.on(v201.BootNotificationRequest)
    async def boot(station: Station, request: v201.BootNotificationRequest) -> v201.BootNotificationResponse:
        return v201.BootNotificationResponse(current_time=datetime.now(UTC), interval=300, status="Accepted")

    @one.on(v201.HeartbeatRequest)
    async def heartbeat(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
        return v201.HeartbeatResponse(current_time=datetime.now(UTC))

    @one.on(v201.TransactionEventRequest)
    async def event(station: Station, request: v201.TransactionEventRequest) -> v201.TransactionEventResponse:
        return v201.TransactionEventResponse()

    @one.on(v16.HeartbeatRequest)
    async def heartbeat_16(station: Station, request: v16.HeartbeatRequest) -> v16.HeartbeatResponse:
        return v16.HeartbeatResponse(current_time=datetime.now(UTC))


for _each in (csms, failing, endless):
    _answer_well_known_calls(_each)


@csms.on(v201.DataTransferRequest)
async def transfer(station: Station, request: v201.DataTransferRequest) -> v201.DataTransferResponse:
    return v201.DataTransferResponse(status="Accepted")


@failing.on(v201.DataTransferRequest)
async def transfer_that_fails(station: Station, request: v201.DataTransferRequest) -> v201.DataTransferResponse:
    raise KeyError(f"an error of the app's, about {request.vendor_id}")


@endless.on(v201.DataTransferRequest)
async def transfer_that_never_ends(station: Station, request: v201.DataTransferRequest) -> v201.DataTransferResponse:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


@endless.on_connect
async def count_tasks(station: Station) -> None:
    """Say, from the first station on, how many tasks there are: on stdout, which is the app's own."""
    if not _telling:
        _telling.append(threading.Thread(target=_tell_tasks, args=(asyncio.get_running_loop(),), daemon=True))
        _telling[0].start()


_telling: list[threading.Thread] = []


def _tell_tasks(loop: Any) -> None:
    def count() -> None:
        print(len(asyncio.all_tasks(loop)), flush=True)

    while True:
        loop.call_soon_threadsafe(count)
        time.sleep(_TELL_EVERY)

"""ocppflow as a CSMS: typed handlers, validation on, uvloop where it is installed. ``--passwords N``: N stations with
hashed passwords. ``--unbounded``: without any bound that can do without."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import logging
from datetime import UTC, datetime

from benchmarks.servers import common
from ocppflow import CSMS, ServerLimits, Station, hash_password, v16, v201
from ocppflow.errors import ConfigurationError
from ocppflow.transport.passwords import HashedPasswords

logging.getLogger("ocppflow").setLevel(logging.ERROR)  # not to say at every start that all are let in
csms = CSMS()


@csms.on(v201.TransactionEventRequest)
async def transaction_event(station: Station, request: v201.TransactionEventRequest) -> v201.TransactionEventResponse:
    return v201.TransactionEventResponse()


@csms.on(v201.HeartbeatRequest)
async def heartbeat(station: Station, request: v201.HeartbeatRequest) -> v201.HeartbeatResponse:
    return v201.HeartbeatResponse(current_time=datetime.now(UTC))


@csms.on(v16.MeterValuesRequest)
async def meter_values(station: Station, request: v16.MeterValuesRequest) -> v16.MeterValuesResponse:
    return v16.MeterValuesResponse()


def password_of(identity: str) -> str:
    """The password that the load generator sends, too."""
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def without_bounds() -> ServerLimits:
    """Limits that are 0, which switches a bound off, wherever 0 is not refused."""
    off: dict[str, int] = {}
    for field in dataclasses.fields(ServerLimits):
        if field.name != "compression":
            with contextlib.suppress(ConfigurationError):
                ServerLimits(**{field.name: 0})
                off[field.name] = 0
    return ServerLimits(**off)


async def main(passwords: int, *, unbounded: bool = False) -> None:
    if passwords:
        identities = [f"CS{number}" for number in range(passwords)]
        csms.passwords = HashedPasswords({identity: hash_password(password_of(identity)) for identity in identities})
    limits = without_bounds() if unbounded else ServerLimits(handshakes_per_second=0)
    async with csms.listen("ws://127.0.0.1:0", limits=limits) as listener:
        await common.serve(listener.port)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--passwords", type=int, default=0)
    parser.add_argument("--unbounded", action="store_true")
    given = parser.parse_args()
    common.run(main(given.passwords, unbounded=given.unbounded), uvloop=True)

"""A station's life in a process of its own, which somebody kills: an EV comes, drivers present tokens, energy flows."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path
from typing import Any

from ocppflow.endpoint import Backoff
from ocppflow.messages.v21 import IdTokenType
from ocppflow.station import CompleteStation, StationConfig, StoreFile, VariableConfig
from ocppflow.station.hardware import ElectricVehicle


def _variable(name: str, value: str, instance: str = "") -> VariableConfig:
    component, _, variable = name.partition(".")
    return VariableConfig(component=component, variable=variable, value=value, variable_instance=instance)


CONFIG = StationConfig(
    variables=(
        _variable("TxCtrlr.TxStartPoint", "EVConnected,Authorized"),
        _variable("SampledDataCtrlr.TxUpdatedInterval", "1"),
        _variable("AuthCtrlr.OfflineTxForUnknownIdEnabled", "true"),
        _variable("OCPPCommCtrlr.MessageTimeout", "1", "Default"),
        _variable("OCPPCommCtrlr.MessageAttempts", "1000", "TransactionEvent"),
        _variable("OCPPCommCtrlr.MessageAttemptInterval", "0", "TransactionEvent"),
    )
)

TOKEN = IdTokenType(id_token="TOKEN", type="ISO14443")


class Eager(Backoff):
    """Comes back at once: a life is short."""

    def next(self, retry_after: float | None = None) -> float:
        return 0.03


EV = ElectricVehicle(reaction=0.0, capacity=1e6, soc=10.0)


def live(url: str, folder: str, life: int, last: bool) -> None:
    """One life, until it is killed; the ``last`` one ends all transactions, tells all, and ends by itself."""
    asyncio.run(_live(url, Path(folder), random.Random(life), last))


async def _live(url: str, folder: Path, chance: random.Random, last: bool) -> None:
    with StoreFile(folder / "station.db") as file:
        station: Any = CompleteStation("CS1", url, config=CONFIG, store=file.store("CS1"), backoff=Eager())
        station.power_up(chance.choice(["PowerUp", "Watchdog"]))
        _note_what_may_charge(station, folder / "charged")
        station.start()
        if last:
            await _end_all(station)
            await station.close()
        while not last:
            _do_something(station, chance)
            await asyncio.sleep(chance.uniform(0.0, 0.02))


def _note_what_may_charge(station: Any, journal: Path) -> None:
    """Write down, beside the store, each transaction in which the contactor is closed. What a process has written to a
    file outlives its death."""
    descriptor = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    evse = station.simulated.evses[0]
    energize = type(evse).energize

    def noted(self: Any, on: bool) -> None:
        if on:
            os.write(descriptor, (station.transactions.on_evse(1).id + "\n").encode())
        energize(self, on)

    type(evse).energize = noted


def _do_something(station: Any, chance: random.Random) -> None:
    hardware = station.simulated
    session = station.transactions.sessions[1]
    deed = chance.choices(["cable", "token", "pause", "go on"], [2, 4, 2, 3])[0]
    if deed == "cable" and not session.connector:
        hardware.plug(1, 1, EV)
    elif deed == "cable":
        hardware.unplug(1)
    elif deed == "token":
        hardware.present(1, TOKEN)
    elif session.ev:
        hardware.pause(1, deed == "pause")


async def _end_all(station: Any) -> None:
    if station.transactions.sessions[1].connector:
        station.simulated.unplug(1)
    for transaction in list(station.transactions.running.values()):
        await station.transactions.stop(transaction, "ImmediateReset", "ResetCommand")
    await station.message_queue.drained()
    await asyncio.sleep(0.05)  # for the last answer to be taken in
    await station.store.commit()

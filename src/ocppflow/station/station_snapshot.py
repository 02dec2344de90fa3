"""StationSnapshot: all that is to be seen of a station at one moment, for people and programs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.station.hardware import ElectricVehicle, SimulatedHardware

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

Connected = Literal["off", "stopped", "connecting", "connected", "waiting"]


class ConnectorSnapshot(msgspec.Struct, kw_only=True):
    """A connector."""

    connector: int
    type: str
    status: str
    """Available, Occupied, Reserved, Unavailable or Faulted; empty while the station is off."""
    plugged: bool
    """A cable with an EV behind it is in."""


class MeterSnapshot(msgspec.Struct, kw_only=True):
    """What a meter shows."""

    energy_import: float
    """Wh, the register."""
    energy_export: float
    """Wh, the register."""
    power: float
    """W."""
    currents: tuple[float, ...]
    """A, by phase."""
    voltages: tuple[float, ...]
    """V, by phase."""
    soc: float | None
    """Percent, as the EV tells it."""
    temperature: float | None
    """Degrees Celsius."""


class EvSnapshot(msgspec.Struct, kw_only=True):
    """The simulated EV that is plugged in."""

    soc: float
    """Percent, now."""
    demand: Literal["none", "connected", "ready"]
    """``ready``: it asks for energy."""
    car: ElectricVehicle
    """As it arrived."""


class EvseSnapshot(msgspec.Struct, kw_only=True):
    """An EVSE. What only simulated hardware tells is None for real one."""

    evse: int
    connectors: list[ConnectorSnapshot]
    meter: MeterSnapshot
    offered_watts: float | None
    energized: bool | None
    """The contactor is closed."""
    locked: bool | None
    ev: EvSnapshot | None
    faults: list[str]
    """Codes of what is broken."""
    transaction: str | None
    """The id of its transaction."""


class TransactionSnapshot(msgspec.Struct, kw_only=True):
    """A transaction that runs."""

    __repr__ = discreet_repr

    id: str
    evse: int
    state: str
    """Its charging state."""
    seq_no: int
    """Of the last message about it."""
    energy: float
    """Wh since it began."""
    token: str | None
    started_at: datetime


class StationSnapshot(msgspec.Struct, kw_only=True):
    """A station."""

    identity: str
    vendor: str
    model: str
    connection: Connected
    version: str | None
    """Of OCPP, while it is connected."""
    registration: str
    """What the CSMS has said to the BootNotification: none, Pending, Rejected or Accepted."""
    time: datetime
    """The station's time of day."""
    evses: list[EvseSnapshot]
    transactions: list[TransactionSnapshot]
    queue_length: int
    """Messages that must reach the CSMS and have not yet."""
    problems: list[str]
    """What the station cannot do now that it should, such as writing its store."""


def snapshot(station: CompleteStation) -> StationSnapshot:
    """What is to be seen now. While the station is off, only what its hardware shows by itself."""
    is_up = station.is_up
    failure = station.store.failure
    return StationSnapshot(
        identity=station.identity,
        vendor=station.config.vendor,
        model=station.config.model,
        connection=station.state.value if is_up else "off",
        version=station.version.value if station.version is not None else None,
        registration=station.provisioning.registration.value if is_up else "none",
        time=station.time.now(),
        evses=[_evse(station, number) for number in range(1, len(station.config.evses) + 1)],
        transactions=_transactions(station) if is_up else [],
        queue_length=station.message_queue.length if is_up else 0,
        problems=[str(failure)] if failure is not None else [],
    )


def _evse(station: CompleteStation, number: int) -> EvseSnapshot:
    hardware = station.hardware
    simulated = hardware.evses[number - 1] if isinstance(hardware, SimulatedHardware) else None
    transaction = station.transactions.on_evse(number) if station.is_up else None
    ev = None
    if simulated is not None and simulated.ev is not None:
        ev = EvSnapshot(soc=round(simulated.soc or 0.0, 2), demand=simulated.demand.value, car=simulated.ev)
    return EvseSnapshot(
        evse=number,
        connectors=[_connector(station, number, each) for each in range(1, len(_config(station, number)) + 1)],
        meter=_meter(station, number),
        offered_watts=simulated.offered.watts if simulated is not None else None,
        energized=simulated.is_energized if simulated is not None else None,
        locked=simulated.is_locked if simulated is not None else None,
        ev=ev,
        faults=_faults(station, number),
        transaction=transaction.id if transaction is not None else None,
    )


def _config(station: CompleteStation, evse: int) -> tuple[str, ...]:
    return tuple(connector.type for connector in station.config.evses[evse - 1].connectors)


def _connector(station: CompleteStation, evse: int, connector: int) -> ConnectorSnapshot:
    is_up = station.is_up
    return ConnectorSnapshot(
        connector=connector,
        type=_config(station, evse)[connector - 1],
        status=station.availability.status(evse, connector) if is_up else "",
        plugged=is_up and station.transactions.occupied(evse, connector),
    )


def _faults(station: CompleteStation, evse: int) -> list[str]:
    hardware = station.hardware
    if isinstance(hardware, SimulatedHardware):
        return sorted({fault.code for fault in (*hardware.faults, *hardware.evses[evse - 1].faults)})
    if not station.is_up:
        return []
    return sorted({fault.code for (where, _), fault in station.availability.faults.items() if where in (0, evse)})


def _meter(station: CompleteStation, evse: int) -> MeterSnapshot:
    assert station.hardware is not None  # noqa: S101 - a complete station has some
    reading = station.hardware.evses[evse - 1].read()
    return MeterSnapshot(
        energy_import=round(reading.energy_import, 3),
        energy_export=round(reading.energy_export, 3),
        power=round(reading.power, 1),
        currents=tuple(round(each, 2) for each in reading.currents),
        voltages=tuple(round(each, 1) for each in reading.voltages),
        soc=None if reading.soc is None else round(reading.soc, 2),
        temperature=None if reading.temperature is None else round(reading.temperature, 1),
    )


def _transactions(station: CompleteStation) -> list[TransactionSnapshot]:
    shown = []
    for each in station.transactions.running.values():
        energy = 0.0
        if each.evse and each.register_at_start is not None and station.hardware is not None:
            energy = station.hardware.evses[each.evse - 1].read().energy_import - each.register_at_start
        shown.append(
            TransactionSnapshot(
                id=each.id,
                evse=each.evse,
                state=each.charging_state,
                seq_no=each.next_seq_no - 1,
                energy=round(energy, 3),
                token=each.token.id_token if each.token is not None else None,
                started_at=each.started_at,
            )
        )
    return shown

"""A charging station over hardware of one's own: one EVSE, whose controller board speaks lines over a serial port.

The board says `E 1234.5` (the meter's register, Wh), `P 11040` (W), `S C` (the pilot's state, IEC 61851-1),
`T 04A1B2C3` (a token), `F GroundFailure` or `F` (nothing is broken). It is told `ON`, `OFF` (the contactor) and `A 16`.
"""

import asyncio
import threading
from typing import Protocol

from ocppflow import Clock, EvDemand, Fault, HardwareEvents, MeterReading, Offer, StationStore, v21

DEMANDS = {"A": EvDemand.NONE, "B": EvDemand.CONNECTED, "C": EvDemand.READY, "D": EvDemand.READY}


class Port(Protocol):
    """A serial port of pySerial's, or what behaves like one."""

    def readline(self) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...


class SerialHardware:
    """Hardware and EvseHardware in one."""

    events: HardwareEvents | None = None
    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, port: Port) -> None:
        self.evses, self.port = (self,), port
        self.energy = self.power = 0.0
        self.pilot, self.known = "A", threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()
        self.known.wait(5)  # the board says all once a second

    def listen(self) -> None:
        while line := self.port.readline():
            kind, _, value = line.decode().strip().partition(" ")
            if self.loop is None:
                self.hear(kind, value)
            else:  # what the station is told, it is told on the event loop's thread
                self.loop.call_soon_threadsafe(self.hear, kind, value)

    def hear(self, kind: str, value: str) -> None:
        if kind == "E":
            self.energy = max(self.energy, float(value))
        elif kind == "P":
            self.power = float(value)
        elif kind == "S":
            before, self.pilot = self.pilot, value
            self.known.set()
            if self.events is not None and value != before:
                self.tell_pilot(self.events, before)
        elif kind == "T" and self.events is not None:
            self.events.presented(1, v21.IdTokenType(id_token=value, type="ISO14443"))
        elif kind == "F" and self.events is not None:
            self.events.faulted(1, 0, Fault(code=value)) if value else self.events.cleared(1, 0)

    def tell_pilot(self, events: HardwareEvents, before: str) -> None:
        if before == "A":
            events.plugged(1, 1)
        events.demand(1, DEMANDS[self.pilot])
        if self.pilot == "A":
            events.unplugged(1, 1)

    # --- what the station asks of its hardware ---

    def start(self, events: HardwareEvents, clock: Clock, store: StationStore) -> None:
        self.events, self.loop = events, asyncio.get_running_loop()
        if self.pilot != "A":
            self.tell_pilot(events, "A")

    def stop(self) -> None:
        self.events = None
        self.energize(False)

    async def lock(self, connector: int) -> bool:
        return True  # the cable is fixed

    async def unlock(self, connector: int) -> bool:
        return True

    def energize(self, on: bool) -> None:
        self.port.write(b"ON\n" if on else b"OFF\n")

    def offer(self, offer: Offer) -> None:
        self.port.write(f"A {offer.amps:.1f}\n".encode())

    def read(self) -> MeterReading:
        return MeterReading(energy_import=self.energy, power=self.power)

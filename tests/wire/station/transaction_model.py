"""What the standard says of transactions at one EVSE with a fixed cable, told once more, step by step and without the
station's tables: which step starts one, which ends one, and when energy flows. StopTxOnEVSideDisconnect is on."""

from __future__ import annotations

from collections.abc import Iterable

TIMEOUT = 60


class TransactionModel:
    """``started`` counts transactions; ``runs``: whether one is running; ``flows``: whether energy flows."""

    def __init__(self, starts: Iterable[str], stops: Iterable[str]) -> None:
        self.begin, self.stop = set(starts), set(stops)
        self.plugged = self.wants = self.driver = self.broken = self.runs = self.bay = False
        self.started = 0
        self.waiting: float | None = None
        """Seconds until a driver has had enough time to plug in."""

    @property
    def flows(self) -> bool:
        return self.plugged and self.driver and self.wants and not self.broken

    # --- starting and ending -------------------------------------------------------------------------------------

    def _may_begin(self, *points: str) -> None:
        """A transaction begins if one of these is reached, or energy flows; without ``points``, any."""
        together = self.plugged and self.driver and not self.broken
        reached = {
            "ParkingBayOccupancy": self.bay,
            "EVConnected": self.plugged,
            "Authorized": self.driver,
            "PowerPathClosed": together,
            "EnergyTransfer": self.flows,
        }
        if not self.runs and (self.flows or any(reached[each] for each in self.begin & set(points or reached))):
            self.runs = True
            self.started += 1

    def _end(self) -> None:
        self.runs = self.driver = False
        self.waiting = None

    def _lost(self, *what: str) -> bool:
        """Whether the transaction ends because these points are no longer reached."""
        if self.runs and self.stop & set(what):
            self._end()
            return True
        return False

    def _no_driver(self) -> None:
        flowed = self.flows
        self.driver = False
        if not self.runs:
            self.waiting = None
        else:
            self._lost("Authorized", "PowerPathClosed", *(["EnergyTransfer"] if flowed else []))

    # --- steps ---------------------------------------------------------------------------------------------------

    def plug(self) -> None:
        if not self.plugged:
            self.plugged = self.wants = True
            self.waiting = None
            self._may_begin("EVConnected", "PowerPathClosed", "EnergyTransfer")

    def unplug(self) -> None:
        if not self.plugged:
            return
        points = ["EVConnected", "PowerPathClosed"]
        points += ["Authorized"] if self.driver else []
        points += ["EnergyTransfer"] if self.flows else []
        self.plugged = self.wants = self.driver = False
        if not self._lost(*points) and self.runs:
            self.waiting = TIMEOUT

    def swipe(self) -> None:
        if self.driver:
            self._no_driver()
        elif not self.broken:
            self.driver = True
            self._may_begin()
            if not self.plugged:
                self.waiting = TIMEOUT

    def remote_stop(self) -> None:
        if self.runs and self.driver:
            self._no_driver()

    def pause(self) -> None:
        if self.plugged and self.wants:
            flowed = self.flows
            self.wants = False
            if flowed:
                self._lost("EnergyTransfer")

    def go_on(self) -> None:
        if self.plugged and not self.wants:
            self.wants = True
            if self.driver:
                self._may_begin("EnergyTransfer")

    def arrive(self) -> None:
        if not self.bay:
            self.bay = True
            self._may_begin("ParkingBayOccupancy")

    def depart(self) -> None:
        if self.bay:
            self.bay = False
            self._lost("ParkingBayOccupancy")

    def fault(self) -> None:
        self.broken = True
        self.driver = False
        if self.runs:
            self._end()
        self.waiting = None

    def clear(self) -> None:
        self.broken = False

    def power_cut(self) -> None:
        """Ten seconds: transactions go on, drivers without one are forgotten, nothing is broken any more."""
        self.broken = self.bay = False  # until somebody tells
        if self.runs:
            self.waiting = None if self.plugged else TIMEOUT
            return
        self.driver, self.waiting = False, None
        self._may_begin("EVConnected")

    def wait(self, seconds: float) -> None:
        if self.waiting is None:
            return
        self.waiting -= seconds
        if self.waiting > 0:
            return
        self.waiting = None
        stays = "ParkingBayOccupancy" in self.stop and not (
            self.driver and self.stop & {"Authorized", "PowerPathClosed"}
        )
        self.driver = False
        if self.runs and not stays:
            self._end()

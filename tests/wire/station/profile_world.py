"""A station whose EVSEs keep what they are offered, and whose transactions a test begins and ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from fake_hardware import FakeEvse, FakeHardware
from station_world import StationWorld

from ocppflow.messages import Version, v21
from ocppflow.station import EvseConfig, StationConfig
from ocppflow.station.hardware import MeterReading, Offer
from ocppflow.station.transaction import Transaction

TWO_AC = StationConfig(evses=(EvseConfig(), EvseConfig()))


class DrawingEvse(FakeEvse):
    """Its EV takes what it is offered, or ``takes`` amperes if that is less."""

    takes: float | None = None

    def read(self) -> MeterReading:
        reading = super().read()
        if self.takes is None:
            return reading
        return msgspec.structs.replace(reading, currents=tuple(min(self.takes, one) for one in reading.currents))


class ProfileWorld(StationWorld):
    """``begin`` and ``end`` transactions; ``offered`` is what an EVSE is offered now. Where a profile says ``tx-1``,
    the CSMS names the first transaction that has begun."""

    def __init__(self, version: Version = Version.V21, config: StationConfig | None = None) -> None:
        config = config or StationConfig()
        self.hardware = FakeHardware(len(config.evses))
        self.hardware.evses = self.evses = [DrawingEvse() for _ in config.evses]
        self.labels: dict[str, str] = {}
        super().__init__(version, config, hardware=self.hardware)

    async def up(self) -> ProfileWorld:
        await self.station.connect()
        await self.clock.advance(1)
        return self

    async def again(self) -> None:
        """The power goes and comes."""
        await self.station.stop()
        self.station.power_down()
        self.station = self.complete_station(hardware=self.hardware)
        await self.up()

    async def begin(self, evse: int = 1) -> Transaction:
        """An EV comes, and charges."""
        self.hardware.plug(evse)
        self.hardware.swipe(f"TOKEN{evse}", evse)
        await self.clock.advance(0)
        transaction = self.station.transactions.on_evse(evse)
        assert transaction is not None
        assert transaction.charging_state in ("Charging", "SuspendedEVSE")
        self.labels[f"tx-{len(self.labels) + 1}"] = transaction.id
        return transaction

    async def end(self, evse: int = 1) -> None:
        """It goes."""
        self.hardware.unplug(evse)
        await self.clock.advance(0)
        assert self.station.transactions.on_evse(evse) is None

    def offered(self, evse: int = 1) -> Offer:
        return self.evses[evse - 1].offered

    @property
    def rates_told(self) -> int:
        """How often the CSMS was told of another charging rate."""
        return sum(one["triggerReason"] == "ChargingRateChanged" for one in self.sent("TransactionEvent"))

    # --- what the CSMS asks ---

    def at(self, seconds: float) -> str:
        """A time of day, from now on."""
        return (self.now() + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    async def set_profile(self, profile: dict[str, Any], evse: int = 1) -> dict[str, Any]:
        if "transactionId" in profile:
            label = profile["transactionId"]
            profile = {**profile, "transactionId": self.labels.get(label, label)}
        answer = await self.call("SetChargingProfile", {"evseId": evse, "chargingProfile": profile})
        await self.clock.advance(0)
        return answer

    async def install(self, profile: dict[str, Any], evse: int = 1) -> None:
        answer = await self.set_profile(profile, evse)
        assert answer["status"] == "Accepted", answer

    async def refused(self, profile: dict[str, Any], evse: int = 1) -> str:
        """The reason code."""
        answer = await self.set_profile(profile, evse)
        assert answer["status"] == "Rejected", answer
        reason: str = answer["statusInfo"]["reasonCode"]
        return reason

    async def schedule(self, evse: int = 1, seconds: int = 400, unit: str | None = "A") -> list[tuple[int, float]]:
        """The composite schedule, as (second, limit)."""
        request = {"evseId": evse, "duration": seconds, **({"chargingRateUnit": unit} if unit else {})}
        answer = await self.call("GetCompositeSchedule", request)
        assert answer["status"] == "Accepted", answer
        assert answer["schedule"]["duration"] == seconds
        assert answer["schedule"]["evseId"] == evse
        return [(one["startPeriod"], one["limit"]) for one in answer["schedule"]["chargingSchedulePeriod"]]

    async def reported(self, criterion: dict[str, Any], request_id: int = 7, **more: Any) -> list[dict[str, Any]]:
        """The reports that the CSMS gets."""
        since = len(self.sent("ReportChargingProfiles"))
        request = {"requestId": request_id, "chargingProfile": criterion, **more}
        answer = await self.call("GetChargingProfiles", request)
        await self.clock.advance(1)
        found = self.sent("ReportChargingProfiles")[since:]
        assert (answer["status"] == "Accepted") is bool(found)
        assert all(one["requestId"] == request_id for one in found)
        assert [bool(one.get("tbc")) for one in found] == [True] * (len(found) - 1) + [False] * bool(found)
        return found


def profile(
    number: int = 1, *periods: tuple[int, float], unit: str = "A", phases: int | None = 3, **more: Any
) -> dict[str, Any]:
    """A TxDefaultProfile that is Relative; ``more`` are other fields of the profile, or of its schedule."""
    made: dict[str, Any] = {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute" if "startSchedule" in more else "Relative",
    }
    each = [{"startPeriod": start, "limit": limit} for start, limit in periods or ((0, 6.0),)]
    if phases is not None:
        each = [{**one, "numberPhases": phases} for one in each]
    schedule: dict[str, Any] = {"id": 1, "chargingRateUnit": unit, "chargingSchedulePeriod": each}
    of_schedule = {field.encode_name for field in msgspec.structs.fields(v21.ChargingScheduleType)} - {"id"}
    for name, value in more.items():
        (schedule if name in of_schedule else made)[name] = value
    return {**made, "chargingSchedule": [schedule]}

"""The back office of the demo: a CSMS that knows one card, counts what it sells, and limits and stops what charges."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import UNSET

from ocppflow.csms import CSMS, Station
from ocppflow.endpoint import Router
from ocppflow.messages import Role, Version, v16, v21

TOKEN = "04A2B3C4D5E680"  # noqa: S105 - an RFID card's number
REGISTER = "Energy.Active.Import.Register"

office: Router[Station] = Router(Role.CSMS, "the demo's back office")


class Sale:
    """What one station has sold. Energy is in Wh."""

    def __init__(self) -> None:
        self.energy = 0.0
        self.transactions = 0
        self.running: Any = None
        """The id of the transaction that runs."""
        self.began_at = 0.0
        self.metered = asyncio.Event()
        """A meter value has come in the middle of the transaction."""
        self.ended = asyncio.Event()

    def begin(self, transaction: Any, register: float) -> None:
        """A transaction has begun."""
        self.running, self.began_at = transaction, register

    def end(self, register: float) -> None:
        """It is over."""
        self.energy += register - self.began_at
        self.transactions += 1
        self.ended.set()


class DemoOffice:
    """The CSMS and its books. ``now``: the time of day of the demo."""

    def __init__(self, passwords: dict[str, str], versions: Iterable[str], now: Callable[[], datetime]) -> None:
        self.csms = CSMS(passwords=passwords, versions=versions)
        self.csms.include(office)
        self.sales = {identity: Sale() for identity in passwords}
        self._numbers = itertools.count(1001)
        self.now = now
        self.csms.on_connect(self._connected)

    def _connected(self, station: Station) -> None:
        station.data["office"] = self

    def next_number(self) -> int:
        """For a transaction of 1.6, which the CSMS numbers."""
        return next(self._numbers)

    async def limit(self, identity: str, amps: float) -> None:
        """Let the transaction of a station draw no more than this per phase."""
        station, running = self.csms[identity], self.sales[identity].running
        if station.version is Version.V16:
            schedule = v16.ChargingSchedule(
                charging_rate_unit="A",
                charging_schedule_period=[v16.ChargingSchedulePeriod(start_period=0, limit=amps)],
            )
            profile = v16.ChargingProfile(
                charging_profile_id=1,
                stack_level=0,
                charging_profile_purpose="TxProfile",
                charging_profile_kind="Relative",
                charging_schedule=schedule,
                transaction_id=running,
            )
            await station.call(v16.SetChargingProfileRequest(connector_id=1, cs_charging_profiles=profile))
            return
        period = v21.ChargingSchedulePeriodType(start_period=0, limit=amps)
        await station.call(
            v21.SetChargingProfileRequest(
                evse_id=1,
                charging_profile=v21.ChargingProfileType(
                    id=1,
                    stack_level=0,
                    charging_profile_purpose="TxProfile",
                    charging_profile_kind="Relative",
                    charging_schedule=[
                        v21.ChargingScheduleType(id=1, charging_rate_unit="A", charging_schedule_period=[period])
                    ],
                    transaction_id=running,
                ),
            )
        )

    async def stop(self, identity: str) -> None:
        """End the transaction of a station."""
        station, running = self.csms[identity], self.sales[identity].running
        if station.version is Version.V16:
            await station.call(v16.RemoteStopTransactionRequest(transaction_id=running))
        else:
            await station.call(v21.RequestStopTransactionRequest(transaction_id=running))


# --- what it answers -----------------------------------------------------------------------------------------------


def _of(station: Station) -> DemoOffice:
    made: DemoOffice = station.data["office"]
    return made


def _sale(station: Station) -> Sale:
    return _of(station).sales[station.identity]


def _register(values: Iterable[v21.MeterValueType]) -> float | None:
    """Wh, of the last reading of the whole register."""
    found = [
        sampled.value
        for value in values
        for sampled in value.sampled_value
        if (sampled.measurand or REGISTER) == REGISTER and not sampled.phase
    ]
    return found[-1] if found else None


@office.on(v21.BootNotificationRequest)
def boot(station: Station, request: v21.BootNotificationRequest) -> v21.BootNotificationResponse:
    """Every station is welcome."""
    return v21.BootNotificationResponse(current_time=_of(station).now(), interval=3600, status="Accepted")


@office.on(v21.HeartbeatRequest)
def heartbeat(station: Station, request: v21.HeartbeatRequest) -> v21.HeartbeatResponse:
    """The time of the demo."""
    return v21.HeartbeatResponse(current_time=_of(station).now())


@office.on(v21.StatusNotificationRequest)
def status(station: Station, request: v21.StatusNotificationRequest) -> v21.StatusNotificationResponse:
    """Heard."""
    return v21.StatusNotificationResponse()


@office.on(v21.NotifyEventRequest)
def event(station: Station, request: v21.NotifyEventRequest) -> v21.NotifyEventResponse:
    """Heard."""
    return v21.NotifyEventResponse()


@office.on(v21.SecurityEventNotificationRequest)
def security(station: Station, request: v21.SecurityEventNotificationRequest) -> v21.SecurityEventNotificationResponse:
    """Heard."""
    return v21.SecurityEventNotificationResponse()


@office.on(v21.AuthorizeRequest)
def authorize(station: Station, request: v21.AuthorizeRequest) -> v21.AuthorizeResponse:
    """One card is known."""
    known = request.id_token.id_token == TOKEN
    return v21.AuthorizeResponse(id_token_info=v21.IdTokenInfoType(status="Accepted" if known else "Unknown"))


@office.on(v21.TransactionEventRequest)
def transaction(station: Station, request: v21.TransactionEventRequest) -> v21.TransactionEventResponse:
    """Into the books."""
    register = _register(request.meter_value or ())
    sale = _sale(station)
    match request.event_type:
        case "Started":
            sale.begin(request.transaction_info.transaction_id, register or 0.0)
        case "Updated" if register is not None and request.trigger_reason == "MeterValuePeriodic":
            sale.metered.set()
        case "Ended":
            sale.end(register if register is not None else sale.began_at)
    if not request.id_token:
        return v21.TransactionEventResponse()
    return v21.TransactionEventResponse(id_token_info=v21.IdTokenInfoType(status="Accepted"))


@office.on(v16.BootNotificationRequest)
def boot_16(station: Station, request: v16.BootNotificationRequest) -> v16.BootNotificationResponse:
    """As above."""
    return v16.BootNotificationResponse(current_time=_of(station).now(), interval=3600, status="Accepted")


@office.on(v16.HeartbeatRequest)
def heartbeat_16(station: Station, request: v16.HeartbeatRequest) -> v16.HeartbeatResponse:
    """As above."""
    return v16.HeartbeatResponse(current_time=_of(station).now())


@office.on(v16.StatusNotificationRequest)
def status_16(station: Station, request: v16.StatusNotificationRequest) -> v16.StatusNotificationResponse:
    """Heard."""
    return v16.StatusNotificationResponse()


@office.on(v16.SecurityEventNotificationRequest)
def security_16(
    station: Station, request: v16.SecurityEventNotificationRequest
) -> v16.SecurityEventNotificationResponse:
    """Heard."""
    return v16.SecurityEventNotificationResponse()


@office.on(v16.AuthorizeRequest)
def authorize_16(station: Station, request: v16.AuthorizeRequest) -> v16.AuthorizeResponse:
    """As above."""
    return v16.AuthorizeResponse(id_tag_info=_verdict_16(request.id_tag))


def _verdict_16(tag: str) -> v16.IdTagInfo:
    return v16.IdTagInfo(status="Accepted" if tag == TOKEN else "Invalid")


@office.on(v16.StartTransactionRequest)
def start_16(station: Station, request: v16.StartTransactionRequest) -> v16.StartTransactionResponse:
    """Into the books, with a number."""
    number = _of(station).next_number()
    _sale(station).begin(number, request.meter_start)
    return v16.StartTransactionResponse(id_tag_info=_verdict_16(request.id_tag), transaction_id=number)


@office.on(v16.MeterValuesRequest)
def meter_values_16(station: Station, request: v16.MeterValuesRequest) -> v16.MeterValuesResponse:
    """Heard."""
    contexts = {sampled.context for value in request.meter_value for sampled in value.sampled_value}
    if request.transaction_id is not UNSET and "Transaction.Begin" not in contexts:
        _sale(station).metered.set()
    return v16.MeterValuesResponse()


@office.on(v16.StopTransactionRequest)
def stop_16(station: Station, request: v16.StopTransactionRequest) -> v16.StopTransactionResponse:
    """Into the books."""
    _sale(station).end(request.meter_stop)
    return v16.StopTransactionResponse()


def time_of(clock_now: Callable[[], float]) -> Callable[[], datetime]:
    """The time of day that runs with a clock, from now on."""
    start, began = datetime.now(UTC), clock_now()
    return lambda: start + timedelta(seconds=clock_now() - began)

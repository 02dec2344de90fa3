"""I12: what a station tells of the costs that it calculates (2.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, PRESENT, Heard
from ocppflow.check.reservation_steps import reservations_on, reserve
from ocppflow.check.reusable_states import energy_transfer_started
from ocppflow.check.station.i_tariffs import tariff_changed
from ocppflow.check.tariff_steps import (
    COST_INTERVAL,
    calculated,
    change,
    conditions_are,
    ended_with_cost,
    fixed,
    minutes,
    moment,
    near,
    running_cost,
    running_costs,
    seconds_of,
    set_default,
    starts_with,
    tariff,
    taxed,
    volume,
)
from ocppflow.check.trial import Trial
from ocppflow.check.variables import get_variable
from ocppflow.check.visit import visit_of
from ocppflow.messages import Version, v21

_NEW = (Version.V21,)

_TIME = "costDetails.totalCost.chargingTime"

_FULL = 30.0
"""Seconds after which the other price applies."""


def _first(trial: Trial, transaction: object, **where: Any) -> Heard[v21.TransactionEventRequest]:
    """The first event of a transaction that fits."""
    wanted = {"transactionInfo.transactionId": transaction, **{k.replace("_", "."): v for k, v in where.items()}}
    for heard in trial.bench.inbox:
        if heard.action == "TransactionEvent" and heard.fits(wanted):
            return heard
    raise trial.bench.inbox[-1].wrong(f"no TransactionEvent came with {where}")


def _began(trial: Trial, event: Heard[Any]) -> datetime:
    """When the transaction of an event started."""
    return moment(_first(trial, event.at("transactionInfo.transactionId"), eventType="Started"))


def _only_charging_time(event: Heard[Any]) -> None:
    for part in ("fixed", "energy", "idleTime", "reservationTime", "reservationFixed"):
        event.must(f"costDetails.totalCost.{part}", ABSENT)


@station_case("I07.FR.10", "I07.FR.14", "I12.FR.02", "I12.FR.03", "I12.FR.10", "I12.FR.16", versions=_NEW)
async def TC_I_101_CS(trial: Trial) -> None:
    """A price that begins at a time of day."""
    await running_costs(trial)
    await conditions_are(trial, True)
    offset = await get_variable(trial, "ClockCtrlr", "TimeOffset") or "+00:00"
    await trial.wait(60.0 - trial.now().second)  # a minute by the clock lies ahead
    local = trial.now() + _shift(offset)
    free = {
        "priceMinute": 0.0,
        "conditions": {
            "startTimeOfDay": f"{local:%H:%M}",
            "endTimeOfDay": f"{local + timedelta(minutes=1):%H:%M}",
        },
    }
    over = trial.bench.clock.now() + 60.0 - trial.now().second
    await set_default(trial, tariff("Test System1", chargingTime={"prices": [free, {"priceMinute": 10.0}]}))
    await energy_transfer_started(trial)
    while trial.bench.clock.now() + COST_INTERVAL < over:
        event = await running_cost(trial)
        _only_charging_time(event)
        near(event, f"{_TIME}.exclTax", 0.0, 0.0, by="I12.FR.10")
        near(event, f"{_TIME}.inclTax", 0.0, 0.0, by="I12.FR.10")
    await trial.wait(max(0.0, over - trial.bench.clock.now()) + 1.0)
    trial.mark()
    event = await running_cost(trial)
    _only_charging_time(event)
    for side in ("exclTax", "inclTax"):
        value = event.must(f"{_TIME}.{side}", PRESENT, by="I12.FR.10")
        trial.check(value > 0, f"{_TIME}.{side} is {value}, although the minute is over", at=event, by="I12.FR.37")
    _first(trial, visit_of(trial).transaction, transactionInfo_tariffId="Test System1")


def _shift(offset: str) -> timedelta:
    """A TimeOffset such as +01:30."""
    sign = -1 if offset.startswith("-") else 1
    hours, _, rest = offset.lstrip("+-").partition(":")
    return sign * timedelta(hours=int(hours or 0), minutes=int(rest or 0))


@station_case("I11.FR.06", "I11.FR.08", versions=_NEW)
async def TC_I_116_CS(trial: Trial) -> None:
    """Another tariff counts from when it has come."""
    await running_costs(trial)
    rates = {"VAT": 0.0}
    await set_default(trial, tariff("Test System1", chargingTime=minutes(0.1, taxes=rates)))
    await energy_transfer_started(trial)
    await _costs_between(trial, 0.1, 0.2)
    to = tariff("Test System99", chargingTime=minutes(1.0, taxes=rates))
    begin = await change(trial, str(visit_of(trial).transaction), to, "Accepted", by="I11.FR.06")
    await tariff_changed(trial, begin, "Test System99")
    await _costs_between(trial, 1.0, 2.0)


async def _costs_between(trial: Trial, least: float, most: float) -> None:
    """Running costs are told for a minute; what they are then."""
    since = trial.bench.clock.now()
    event = await running_cost(trial)
    while event.when - since < 60.0:
        event = await running_cost(trial)
    for side in ("exclTax", "inclTax"):
        value = event.must(f"{_TIME}.{side}", PRESENT, by="I12.FR.10 I12.FR.12")
        fits = least <= value <= most
        trial.check(fits, f"{_TIME}.{side} is {value}, not from {least:g} to {most:g}", at=event, by="I11.FR.08")


# --- taxes and parts -------------------------------------------------------------------------------------------------


def _whole_tariff() -> v21.TariffType:
    def rates(first: float) -> list[dict[str, Any]]:
        return [{"type": f"t{first:g}".replace(".", "_"), "tax": first}, {"type": "t5_5", "tax": 5.5}]

    return tariff(
        "Test System1",
        energy={"prices": [{"priceKwh": 5.0}], "taxRates": rates(4.5)},
        chargingTime={"prices": [{"priceMinute": 6.0}, {"priceMinute": 60.0}], "taxRates": rates(34.5)},
        idleTime={"prices": [{"priceMinute": 12.0}], "taxRates": rates(24.5)},
        fixedFee={"prices": [{"priceFixed": 10.0}], "taxRates": rates(14.5)},
    )


def _whole_cost(trial: Trial, event: Heard[Any], seconds: float) -> None:
    """All parts, after so many seconds of charging."""
    for part in ("reservationTime", "reservationFixed"):
        event.must(f"costDetails.totalCost.{part}", ABSENT)
    tolerance = trial.settings.tolerance
    taxed(event, "energy", 4.5, 5.5)
    energy = event.must("costDetails.totalUsage.energy", PRESENT, by="I12.FR.09")
    trial.check(energy > 0, f"costDetails.totalUsage.energy is {energy}", at=event, by="I12.FR.09")
    used = near(event, "costDetails.totalUsage.chargingTime", seconds, tolerance, by="I12.FR.10")
    taxed(event, "chargingTime", 34.5, 5.5)
    near(event, f"{_TIME}.exclTax", used * 0.1, 0.1, by="I12.FR.10 I12.FR.34")
    idle = near(event, "costDetails.totalUsage.idleTime", 0.0, tolerance, by="I12.FR.11")
    taxed(event, "idleTime", 24.5, 5.5)
    near(event, "costDetails.totalCost.idleTime.exclTax", idle * 0.2, 0.2, by="I12.FR.11")
    near(event, "costDetails.totalCost.fixed.exclTax", 10.0, by="I12.FR.05")
    taxed(event, "fixed", 14.5, 5.5)


@station_case(
    *("I12.FR.01", "I12.FR.03", "I12.FR.05", "I12.FR.09", "I12.FR.10", "I12.FR.11", "I12.FR.12", "I12.FR.13"),
    *("I12.FR.16", "I12.FR.17", "I12.FR.34"),
    versions=_NEW,
)
async def TC_I_118_CS(trial: Trial) -> None:
    """The cost of a transaction by a tariff without conditions."""
    await running_costs(trial)
    await set_default(trial, _whole_tariff())
    await energy_transfer_started(trial)
    charging = _first(trial, visit_of(trial).transaction, transactionInfo_chargingState="Charging")
    for _ in range(3):
        event = await running_cost(trial)
        _whole_cost(trial, event, seconds_of(event, charging))
    ended = await ended_with_cost(trial)
    seconds = seconds_of(ended, charging)
    _whole_cost(trial, ended, seconds)
    tolerance = trial.settings.tolerance
    dimensions = starts_with(ended, 0, _began(trial, ended), "Test System1", tolerance)
    trial.check(volume(dimensions, "Energy") > 0, "the first period has no Energy", at=ended, by="I12.FR.35")
    for kind, wanted in (("ChargingTime", seconds), ("IdleTime", 0.0)):
        told = volume(dimensions, kind)
        near_enough = abs(told - wanted) <= tolerance
        trial.check(near_enough, f"the first period has {told} of {kind}, not {wanted}", at=ended, by="I12.FR.35")


@station_case("I12.FR.06", "I12.FR.30", "I12.FR.35", "I12.FR.36", versions=_NEW)
async def TC_I_119_CS(trial: Trial) -> None:
    """The cost of a transaction by a tariff with a condition, that changes the price after half a minute."""
    await running_costs(trial)
    await conditions_are(trial, True)
    later = {"priceMinute": 6.0, "conditions": {"minTime": 30}}
    fee = {"prices": [{"priceFixed": 10.0}, {"priceFixed": 5.0}], "taxRates": [{"type": "t5_0", "tax": 5.0}]}
    await set_default(
        trial,
        tariff(
            "Test System1",
            reservationFixed=fixed(20.0, {"t5_0": 5.0}),
            fixedFee=fee,
            chargingTime={
                "prices": [later, {"priceMinute": 60.0}],
                "taxRates": [{"type": "t20_0", "tax": 20.0}],
            },
        ),
    )
    await energy_transfer_started(trial)
    for _ in range(3):
        _two_prices(trial, await running_cost(trial))
    ended = await ended_with_cost(trial)
    _two_prices(trial, ended)
    begin, tolerance = _began(trial, ended), trial.settings.tolerance
    first = volume(starts_with(ended, 0, begin, "Test System1", tolerance), "ChargingTime")
    second = volume(starts_with(ended, 1, begin + timedelta(seconds=_FULL), "Test System1", tolerance), "ChargingTime")
    whole = float(ended.at("costDetails.totalUsage.chargingTime"))
    fits = abs(first - _FULL) <= tolerance and abs(first + second - whole) <= tolerance
    trial.check(fits, f"the periods have {first} and {second} s of {whole}", at=ended, by="I12.FR.35")


def _two_prices(trial: Trial, event: Heard[Any]) -> None:
    for part in ("reservationTime", "reservationFixed"):
        event.must(f"costDetails.totalCost.{part}", ABSENT)
    near(event, "costDetails.totalCost.fixed.exclTax", 10.0, by="I12.FR.30")
    taxed(event, "fixed", 5.0)
    used = float(event.must("costDetails.totalUsage.chargingTime", PRESENT, by="I12.FR.10"))
    seconds = seconds_of(
        event, _first(trial, event.at("transactionInfo.transactionId"), transactionInfo_chargingState="Charging")
    )
    trial.check(
        abs(used - seconds) <= trial.settings.tolerance,
        f"chargingTime is {used}, not {seconds}",
        at=event,
        by="I12.FR.10",
    )
    wanted = min(used, _FULL) + max(0.0, used - _FULL) * 0.1
    near(event, f"{_TIME}.exclTax", wanted, trial.settings.tolerance, by="I12.FR.10 I12.FR.34")
    taxed(event, "chargingTime", 20.0)


@station_case("I12.FR.06", "I12.FR.07", "I12.FR.08", versions=_NEW)
async def TC_I_120_CS(trial: Trial) -> None:
    """The cost of a reservation, once and by its time."""
    await running_costs(trial)
    await reservations_on(trial)
    await set_default(
        trial,
        tariff(
            "Test System1",
            fixedFee=fixed(10.0, {"t5_0": 5.0}),
            reservationFixed=fixed(20.0, {"t5_0": 5.0}),
            reservationTime=minutes(6.0, taxes={"t20_0": 20.0}),
        ),
    )
    await reserve(trial, trial.token, by="H01.FR.04")
    since = trial.now()
    await trial.wait(_FULL)
    await energy_transfer_started(trial)
    event = await running_cost(trial)
    seconds = (_began(trial, event) - since).total_seconds()
    _reservation_cost(trial, event, seconds)
    ended = await ended_with_cost(trial)
    _reservation_cost(trial, ended, seconds)
    begin, tolerance = _began(trial, ended), trial.settings.tolerance
    told = volume(starts_with(ended, 0, begin, "Test System1", tolerance), "ChargingTime")
    fits = abs(told - (moment(ended) - begin).total_seconds()) <= tolerance
    trial.check(fits, f"the first period has {told} s of ChargingTime", at=ended, by="I12.FR.35")


def _reservation_cost(trial: Trial, event: Heard[Any], seconds: float) -> None:
    total, tolerance = "costDetails.totalCost", trial.settings.tolerance
    near(event, f"{total}.fixed.exclTax", 10.0, by="I12.FR.05")
    taxed(event, "fixed", 5.0)
    near(event, f"{total}.reservationFixed.exclTax", 20.0, by="I12.FR.08")
    taxed(event, "reservationFixed", 5.0)
    near(event, f"{total}.reservationTime.exclTax", seconds / 60 * 6.0, tolerance / 10, by="I12.FR.07")
    taxed(event, "reservationTime", 20.0)
    for part in ("energy", "chargingTime", "idleTime"):
        event.must(f"costDetails.totalUsage.{part}", PRESENT)
    near(event, "costDetails.totalUsage.reservationTime", seconds, tolerance, by="I12.FR.07")


# --- the least and the most ------------------------------------------------------------------------------------------


@station_case("I12.FR.17", "I12.FR.38", "I12.FR.39", "I12.FR.40", versions=_NEW)
async def TC_I_121_CS(trial: Trial) -> None:
    """A cost below minCost, one in between, and one that reaches maxCost.

    At maxCost the text has the whole in ``fixed``; I12.FR.39 says that the parts keep what they have. Both pass."""
    await running_costs(trial)
    rates = [{"type": "t10_0", "tax": 10.0}]
    limits: dict[str, Any] = {
        "minCost": {"exclTax": 16.0, "inclTax": 17.6, "taxRates": rates},
        "maxCost": {"exclTax": 35.0, "inclTax": 38.5, "taxRates": rates},
    }
    await set_default(trial, tariff("Test System1", chargingTime=minutes(60.0, taxes={"t20_0": 20.0}), **limits))
    await energy_transfer_started(trial)
    await trial.wait(_left(trial, 12.0))
    least = await ended_with_cost(trial, "MinCost")
    for part in ("energy", "chargingTime", "idleTime", "reservationTime", "reservationFixed"):
        least.must(f"costDetails.totalCost.{part}", ABSENT, by="I12.FR.38")
    for part in ("fixed", "total"):
        near(least, f"costDetails.totalCost.{part}.exclTax", 16.0, by="I12.FR.38 I12.FR.17")
        near(least, f"costDetails.totalCost.{part}.inclTax", 17.6, by="I12.FR.38 I12.FR.17")
    least.must("costDetails.totalCost.fixed.taxRates[0].tax", 10, by="I12.FR.38")
    _one_period(trial, least, None)
    await energy_transfer_started(trial)
    await trial.wait(_left(trial, 25.0))
    between = await ended_with_cost(trial)
    used = float(between.must("costDetails.totalUsage.chargingTime", PRESENT, by="I12.FR.10"))
    near(between, f"{_TIME}.exclTax", used, 1.0, by="I12.FR.10")
    taxed(between, "chargingTime", 20.0)
    _one_period(trial, between, used)
    await _most(trial)


def _left(trial: Trial, seconds: float) -> float:
    """What is left of so many seconds, when the state StopAuthorized has waited as well."""
    return max(0.0, seconds - trial.settings.transaction_seconds)


def _one_period(trial: Trial, event: Heard[Any], seconds: float | None) -> None:
    tolerance = trial.settings.tolerance
    told = volume(starts_with(event, 0, _began(trial, event), "Test System1", tolerance), "ChargingTime")
    fits = told > 0 if seconds is None else abs(told - seconds) <= tolerance
    trial.check(fits, f"the first period has {told} s of ChargingTime, not {seconds}", at=event, by="I12.FR.40")


async def _most(trial: Trial) -> None:
    await energy_transfer_started(trial)
    for count in range(1, 5):
        transaction = visit_of(trial).transaction
        where = {"transactionInfo.transactionId": transaction, "triggerReason": "RunningCost"}
        event = await trial.expect(v21.TransactionEventRequest, where, within=COST_INTERVAL * 2.0, by="I12.FR.02")
        event.must("costDetails.chargingPeriods", ABSENT, by="I12.FR.02")
        if count <= 2:
            calculated(event)
            used = float(event.must("costDetails.totalUsage.chargingTime", PRESENT, by="I12.FR.10"))
            near(event, f"{_TIME}.exclTax", used, 1.0, by="I12.FR.10")
            taxed(event, "chargingTime", 20.0)
        else:
            calculated(event, "MaxCost")
            _at_most(trial, event)
    ended = await ended_with_cost(trial, "MaxCost")
    _at_most(trial, ended)
    used = float(ended.must("costDetails.totalUsage.chargingTime", PRESENT, by="I12.FR.40"))
    trial.check(used > 55, f"chargingTime is {used}: usage is counted on", at=ended, by="I12.FR.40")
    _one_period(trial, ended, used)


def _at_most(trial: Trial, event: Heard[Any]) -> None:
    """One of the two limits is reached, and none is passed."""
    net = float(event.must("costDetails.totalCost.total.exclTax", PRESENT, by="I12.FR.17"))
    gross = float(event.must("costDetails.totalCost.total.inclTax", PRESENT, by="I12.FR.17"))
    reached = abs(net - 35.0) <= 0.01 or abs(gross - 38.5) <= 0.01
    fits = reached and net <= 35.01 and gross <= 38.51
    trial.check(fits, f"the total is {net} and with taxes {gross}, not 35 or 38.5", at=event, by="I12.FR.39")

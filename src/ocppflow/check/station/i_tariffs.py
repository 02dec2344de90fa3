"""I07 to I11: tariffs that the CSMS installs, gives to drivers, changes and clears (2.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, Heard
from ocppflow.check.reusable_states import (
    authorized,
    booted,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_unoccupied,
    stop_authorized,
)
from ocppflow.check.station.e_start import connection_timed_out
from ocppflow.check.tariff_steps import (
    CTRLR,
    change,
    clear,
    conditions_are,
    energy,
    fixed,
    minutes,
    most_elements,
    set_default,
    tariff,
    tariff_with_conditions,
    tariffs,
    tariffs_on,
)
from ocppflow.check.token_steps import no_energy
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there, get_variable
from ocppflow.check.visit import visit_of
from ocppflow.messages import Version, v21

_NEW = (Version.V21,)


async def _assigned(trial: Trial, number: str, valid_from: Any, *, by: str) -> None:
    """Just one default tariff is there."""
    found = await tariffs(trial)
    trial.check([each.get("tariffId") for each in found] == [number], f"there is {found}, not {number}", by=by)
    told = found[0].get("validFrom")
    if valid_from is None:
        trial.check(told is None, f"validFrom of {number} is {told}", by="I09.FR.07")
    else:
        sent = tariff(number, valid_from=valid_from).valid_from
        same = told is not None and datetime.fromisoformat(told) == sent
        trial.check(same, f"validFrom of {number} is {told}, not {sent}", by="I09.FR.07")


@station_case(
    *("I07.FR.10", "I07.FR.20", "I07.FR.21", "I07.FR.22", "I07.FR.23", "I09.FR.02", "I09.FR.07", "I10.FR.01"),
    versions=_NEW,
)
async def TC_I_100_CS(trial: Trial) -> None:
    """A default tariff takes the place of another, depending on their validFrom."""
    await tariffs_on(trial)
    now = trial.now().replace(microsecond=0)
    hour = timedelta(hours=1)
    for first, second, left, by in (
        (None, now - hour, "B", "I07.FR.20"),
        (now - 2 * hour, now - hour, "B", "I07.FR.21"),
        (now, now - hour, "A", "I07.FR.21"),
        (None, None, "B", "I07.FR.22"),
    ):
        await set_default(trial, tariff("Test System1A", valid_from=first, energy=energy(1.0)))
        await set_default(trial, tariff("Test System1B", valid_from=second, energy=energy(2.0)))
        await _assigned(trial, f"Test System1{left}", first if left == "A" else second, by=by)
        await clear(trial, cleared={f"Test System1{left}"})


def _full(most: int, lists: int, more: int) -> dict[str, Any]:
    """So many lists of prices, of which the last has ``more`` than the station takes."""
    return {
        name: {"prices": [{price: 1.0}] * (most + (more if index == lists else 0))}
        for index, (name, price) in enumerate(_LISTS[:lists], 1)
    }


_LISTS = (
    ("energy", "priceKwh"),
    ("chargingTime", "priceMinute"),
    ("idleTime", "priceMinute"),
    ("fixedFee", "priceFixed"),
)


@station_case("I07.FR.02", "I07.FR.04", versions=_NEW)
async def TC_I_102_CS(trial: Trial) -> None:
    """A default tariff with more prices than the station takes, or with an id that is there."""
    await tariffs_on(trial)
    most = await most_elements(trial)
    for number in range(1, 5):
        sent = tariff(f"Test System{number}", **_full(most, number, 1))
        await set_default(trial, sent, "TooManyElements", by="I07.FR.02")
        await set_default(trial, tariff(f"Test System{number}", **_full(most, number, 0)))
    await set_default(trial, tariff("Test System4", energy=energy(2.0)), "DuplicateTariffId", by="I07.FR.04")


@station_case("I07.FR.10", "I07.FR.14", "I07.FR.32", versions=_NEW)
async def TC_I_104_CS(trial: Trial) -> None:
    """A transaction has the default tariff."""
    await tariffs_on(trial)
    await set_default(trial, tariff("Test System1", energy=energy(2.0)))
    begin = trial.mark()
    await energy_transfer_started(trial)
    _told_tariff(trial, begin, "Test System1", by="I07.FR.32")


def _told_tariff(trial: Trial, begin: int, number: str, *, by: str) -> None:
    told = {
        heard.at("transactionInfo.tariffId")
        for heard in trial.bench.inbox[begin:]
        if heard.action == "TransactionEvent"
    } - {ABSENT}
    trial.check(told == {number}, f"transactionInfo.tariffId was {sorted(told) or 'not told'}, not {number}", by=by)


@station_case("I07.FR.03", versions=_NEW)
async def TC_I_105_CS(trial: Trial) -> None:
    """A default tariff with conditions, at a station that has none."""
    await tariffs_on(trial)
    await conditions_are(trial, False)
    await set_default(trial, tariff_with_conditions("Test System1"), "ConditionNotSupported", by="I07.FR.03")


@station_case(
    *("I07.FR.05", "I07.FR.06", "I07.FR.10", "I07.FR.11", "I07.FR.12", "I07.FR.13", "I09.FR.01", "I09.FR.04"),
    versions=_NEW,
)
async def TC_I_106_CS(trial: Trial) -> None:
    """Default tariffs are checked, are for one EVSE or all, and outlive a reboot."""
    await tariffs_on(trial)
    answer = await set_default(trial, tariff("Test System1"), "Rejected", by="I07.FR.05")
    answer.must("statusInfo.reasonCode", ABSENT, "InvalidValue", by="I07.FR.05")
    await set_default(trial, tariff("Test System1", energy=energy(1.0)))
    await set_default(trial, tariff("Test System2", chargingTime=minutes(1.0)))
    await set_default(trial, tariff("Test System3", idleTime=minutes(1.0)))
    await set_default(trial, tariff("Test System4", fixedFee=fixed(1.0)))
    nowhere = len(trial.settings.connectors) + 1
    last = tariff("Test System5", energy=energy(1.0))
    answer = await set_default(trial, last, "Rejected", evse=nowhere, by="I07.FR.06")
    answer.must("statusInfo.reasonCode", ABSENT, "UnknownEVSE", "UnknownEvse", by="I07.FR.06")
    await set_default(trial, tariff("Test System5", energy=energy(2.0)), evse=trial.evse)
    await _defaults_are_there(trial, by="I07.FR.11 I07.FR.12")
    await booted(trial)
    await _defaults_are_there(trial, by="I07.FR.13")


async def _defaults_are_there(trial: Trial, *, by: str) -> None:
    others = [evse for evse in range(1, len(trial.settings.connectors) + 1) if evse != trial.evse]
    wanted = {"Test System5": ("DefaultTariff", [trial.evse])}
    if others:
        wanted["Test System4"] = ("DefaultTariff", others)
    found = await tariffs(trial)
    told = {each.get("tariffId"): (each.get("tariffKind"), sorted(each.get("evseIds", []))) for each in found}
    trial.check(told == wanted, f"there is {told}, not {wanted}", by=by)


# --- tariffs of drivers ----------------------------------------------------------------------------------------------


def _driver_tariff(trial: Trial) -> None:
    """The CSMS has a tariff for whoever is authorized."""
    prices = {"tariffId": "Test System1", "currency": "EUR", "energy": energy(2.0)}
    trial.answer(v21.AuthorizeRequest, {"idTokenInfo": {"status": "Accepted"}, "tariff": prices})


async def _cannot_process(trial: Trial, *handling: str) -> None:
    """The station does not calculate with tariffs, and what it does if it is given one."""
    await configure_if_there(trial, "AuthCtrlr", "Enabled", "true")
    await configure_if_there(trial, "AuthCtrlr", "AuthorizeRemoteStart", "true")
    if await get_variable(trial, CTRLR, "Available", instance="Tariff") == "true":
        await configure(trial, CTRLR, "Enabled", "false", instance="Tariff")
    if await get_variable(trial, CTRLR, "HandleFailedTariff", instance="Tariff") not in (None, *handling):
        await configure(trial, CTRLR, "HandleFailedTariff", handling[0], instance="Tariff")


def _is_problem(heard: Heard[v21.NotifyEventRequest]) -> bool:
    return any(
        event.get("component", {}).get("name") == CTRLR
        and event.get("variable", {}).get("name") == "Problem"
        and event.get("actualValue") == "true"
        and event.get("trigger") in ("Alerting", "Delta")
        for event in heard.payload.get("eventData", [])
    )


@station_case("I08.FR.30", "I08.FR.32", "I08.FR.33", versions=_NEW)
async def TC_I_107_CS(trial: Trial) -> None:
    """A driver's tariff at a station that does not calculate: the default is used, or the CSMS calculates.

    The text has a default tariff installed when that is off already, which I07.FR.01 forbids; so it comes before."""
    if await get_variable(trial, CTRLR, "Enabled", instance="Tariff") == "true":
        trial.notes["tariffs"] = True
        await set_default(trial, tariff("Test System1A", energy=energy(1.0)))
    await _cannot_process(trial, "CentralCost", "UseDefaultTariff", "UseDefault")
    await ev_connected_pre_session(trial)
    _driver_tariff(trial)
    begin = trial.mark()
    await authorized(trial)
    await energy_transfer_started(trial)
    await trial.expect(v21.NotifyEventRequest, _is_problem, since=begin, by="I08.FR.30 I08.FR.31")


@station_case("I08.FR.30", "I08.FR.31", versions=_NEW)
async def TC_I_108_CS(trial: Trial) -> None:
    """A driver's tariff at a station that does not calculate: the driver is not authorized."""
    await _cannot_process(trial, "Deauthorize")
    await ev_connected_pre_session(trial)
    _driver_tariff(trial)
    begin = trial.mark()
    await trial.operator.present(trial.evse, trial.token)
    trial.notes["cached"] = True
    await trial.expect(v21.AuthorizeRequest, since=begin, by="C01.FR.02")
    await trial.expect(v21.NotifyEventRequest, _is_problem, since=begin, by="I08.FR.30 I08.FR.31")
    await no_energy(trial, since=begin, by="I08.FR.31")


@station_case("I08.FR.04", "I08.FR.05", "I08.FR.06", "I08.FR.07", "I09.FR.03", versions=_NEW)
async def TC_I_109_CS(trial: Trial) -> None:
    """A driver's tariff is used for the driver's transaction, and gone afterwards."""
    await tariffs_on(trial)
    await configure(trial, "TxCtrlr", "EVConnectionTimeOut", str(trial.settings.connection_timeout))
    await configure_if_there(trial, "AuthCtrlr", "Enabled", "true")
    await configure_if_there(trial, "AuthCtrlr", "AuthorizeRemoteStart", "true")
    await ev_connected_pre_session(trial)
    _driver_tariff(trial)
    begin = trial.mark()
    await authorized(trial)
    await energy_transfer_started(trial)
    _told_tariff(trial, begin, "Test System1", by="I08.FR.22")
    found = await tariffs(trial, trial.evse, by="I09.FR.02")
    told = [(each.get("tariffId"), each.get("tariffKind"), each.get("idTokens", [])[:1]) for each in found]
    wanted = ("Test System1", "DriverTariff", [trial.token.id_token])
    trial.check(told[:1] == [wanted], f"there is {told}, not {wanted}", by="I09.FR.05 I09.FR.06")
    await stop_authorized(trial)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    await parking_bay_unoccupied(trial)
    await tariffs(trial, trial.evse, status="NoTariff", by="I08.FR.06 I09.FR.03")
    await authorized(trial)
    await connection_timed_out(trial)
    await tariffs(trial, trial.evse, status="NoTariff", by="I08.FR.07 I09.FR.03")


# --- clearing and changing -------------------------------------------------------------------------------------------


@station_case("I10.FR.02", "I10.FR.03", "I10.FR.06", versions=_NEW)
async def TC_I_110_CS(trial: Trial) -> None:
    """Default tariffs are cleared, some and all."""
    await tariffs_on(trial)
    now = trial.now()
    for index, letter in enumerate("ABCD"):
        valid = now + timedelta(hours=index) if index else None
        await set_default(
            trial, tariff(f"Test System1{letter}", valid_from=valid, energy=energy(round(0.1 * (index + 1), 1)))
        )
    await clear(trial, "Test System1B", "Test System1A", cleared={"Test System1A", "Test System1B"}, by="I10.FR.02")
    await clear(trial, cleared={"Test System1C", "Test System1D"})


@station_case("I10.FR.01", "I10.FR.07", "I07.FR.10", versions=_NEW)
async def TC_I_111_CS(trial: Trial) -> None:
    """A tariff is cleared while a transaction uses it."""
    await tariffs_on(trial)
    await set_default(trial, tariff("Test System1", energy=energy(2.0)))
    await energy_transfer_started(trial)
    await clear(trial, cleared={"Test System1"}, by="I10.FR.07")
    found = await tariffs(trial, by="I10.FR.07")
    told = [(each.get("tariffId"), each.get("tariffKind")) for each in found]
    wanted = [("Test System1", "DefaultTariff")]
    trial.check(told == wanted, f"there is {told}, not {wanted}", by="I10.FR.07")


async def _charging(trial: Trial) -> str:
    await energy_transfer_started(trial)
    return str(visit_of(trial).transaction)


@station_case("I11.FR.02", versions=_NEW)
async def TC_I_113_CS(trial: Trial) -> None:
    """A transaction's tariff is changed to one with more prices than the station takes."""
    await tariffs_on(trial)
    most = await most_elements(trial)
    transaction = await _charging(trial)
    for number in range(1, 5):
        name = f"Test System{number}"
        await change(trial, transaction, tariff(name, **_full(most, number, 1)), "TooManyElements", by="I11.FR.02")
        await change(trial, transaction, tariff(name, **_full(most, number, 0)), "Accepted", by="I11.FR.06")


@station_case("I11.FR.03", versions=_NEW)
async def TC_I_114_CS(trial: Trial) -> None:
    """A transaction's tariff is changed to one with conditions, at a station that has none."""
    await tariffs_on(trial)
    await conditions_are(trial, False)
    transaction = await _charging(trial)
    sent = tariff_with_conditions("Test System99")
    await change(trial, transaction, sent, "ConditionNotSupported", by="I11.FR.03")


@station_case("I11.FR.03", "I11.FR.06", "I11.FR.07", versions=_NEW)
async def TC_I_115_CS(trial: Trial) -> None:
    """A transaction's tariff is changed to one with conditions."""
    await tariffs_on(trial)
    await conditions_are(trial, True)
    transaction = await _charging(trial)
    begin = await change(trial, transaction, tariff_with_conditions("Test System99"), "Accepted", by="I11.FR.06")
    await tariff_changed(trial, begin, "Test System99")


async def tariff_changed(trial: Trial, begin: int, number: str) -> None:
    """The station tells of its new tariff."""
    where = {"triggerReason": "TariffChanged"}
    event = await trial.expect(v21.TransactionEventRequest, where, since=begin, by="I11.FR.07")
    event.must("transactionInfo.tariffId", number, by="I11.FR.07")


@station_case("I11.FR.04", "I11.FR.05", versions=_NEW)
async def TC_I_117_CS(trial: Trial) -> None:
    """A change of tariff for a transaction that is not known, and to another currency."""
    await tariffs_on(trial)
    transaction = await _charging(trial)
    unknown = "00000000-0000-4000-8000-000000000000"
    prices = minutes(6.0)
    await change(trial, unknown, tariff("Test System99", chargingTime=prices), "TxNotFound", by="I11.FR.04")
    await change(trial, transaction, tariff("Test System1", chargingTime=prices), "Accepted", by="I11.FR.06")
    other = tariff("Test System2", currency="ALL", chargingTime=prices)
    await change(trial, transaction, other, "NoCurrencyChange", by="I11.FR.05")

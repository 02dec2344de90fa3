"""K01: charging profiles that the CSMS sets, and those that are refused."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.charging_steps import profile, reported_is, set_profile, transaction_id
from ocppflow.check.reusable_states import booted, energy_transfer_started
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import members
from ocppflow.messages import v21

_UNKNOWN = "UNKNOWN-TRANSACTION-ID"


@station_case("K01.FR.07", "K01.FR.15")
async def TC_K_01_CS(trial: Trial) -> None:
    """TxDefaultProfile for one EVSE."""
    one = profile(trial)
    await set_profile(trial, one)
    await reported_is(trial, one)


@station_case("K01.FR.04", "K01.FR.07", "K01.FR.09")
async def TC_K_02_CS(trial: Trial) -> None:
    """TxProfile for an EVSE without a transaction."""
    one = profile(trial, "TxProfile", kind="Relative", transaction_id=_UNKNOWN)
    await set_profile(trial, one, status="Rejected", by="K01.FR.09")


@station_case("K01.FR.07")
async def TC_K_03_CS(trial: Trial) -> None:
    """ChargingStationMaxProfile."""
    one = profile(trial, "ChargingStationMaxProfile")
    await set_profile(trial, one, 0)
    await reported_is(trial, one, 0)


@station_case("K01.FR.05")
async def TC_K_04_CS(trial: Trial) -> None:
    """A profile replaces the one with its id."""
    await set_profile(trial, profile(trial))
    one = profile(trial, "TxDefaultProfile", (0, 10.0))
    await set_profile(trial, one, by="K01.FR.05")
    await reported_is(trial, one, by="K01.FR.05")


@station_case("K01.FR.07", "K01.FR.14")
async def TC_K_10_CS(trial: Trial) -> None:
    """TxDefaultProfile for all EVSEs."""
    one = profile(trial)
    await set_profile(trial, one, 0, by="K01.FR.14")
    await reported_is(trial, one, 0, by="K01.FR.14")


@station_case("K01.FR.04", "K01.FR.16")
async def TC_K_11_CS(trial: Trial) -> None:
    """TxProfile for all EVSEs at once."""
    one = profile(trial, "TxProfile", kind="Relative", transaction_id=_UNKNOWN)
    await set_profile(trial, one, 0, "Rejected", by="K01.FR.16")


@station_case("K01.FR.26")
async def TC_K_12_CS(trial: Trial) -> None:
    """A unit of limits that the station does not support."""
    one = profile(trial)
    one.charging_schedule[0].charging_rate_unit = await unsupported_unit(trial)
    await set_profile(trial, one, status="Rejected", by="K01.FR.26")


async def unsupported_unit(trial: Trial) -> v21.ChargingRateUnitEnumType:
    """The unit that the station does not have. Raises NotForThis if it has both."""
    known = await members(trial, "SmartChargingCtrlr", "RateUnit")
    if {"A", "W"} <= known:
        raise NotForThis("the station supports limits in A and in W")
    return "A" if "A" not in known else "W"


@station_case("K01.FR.27")
async def TC_K_13_CS(trial: Trial) -> None:
    """A profile is still there after a reboot."""
    one = profile(trial)
    await set_profile(trial, one)
    await booted(trial)
    await reported_is(trial, one, by="K01.FR.27")


@station_case("K01.FR.28")
async def TC_K_14_CS(trial: Trial) -> None:
    """An EVSE that does not exist."""
    await set_profile(trial, profile(trial), len(trial.settings.connectors) + 1, "Rejected", by="K01.FR.28")


@station_case("K01.FR.33")
async def TC_K_16_CS(trial: Trial) -> None:
    """TxProfile for another transaction than the one on the EVSE."""
    await energy_transfer_started(trial)
    one = profile(trial, "TxProfile", kind="Relative", transaction_id=_UNKNOWN)
    await set_profile(trial, one, status="Rejected", by="K01.FR.33")


@station_case("K01.FR.40")
async def TC_K_19_CS(trial: Trial) -> None:
    """A profile that recurs."""
    await set_profile(trial, profile(trial, kind="Recurring", recurrency_kind="Daily"))


@station_case("K01.FR.04", "K01.FR.07", "K01.FR.15")
async def TC_K_60_CS(trial: Trial) -> None:
    """TxProfile for the transaction on the EVSE."""
    await energy_transfer_started(trial)
    running = await transaction_id(trial)
    one = profile(trial, "TxProfile", kind="Relative", duration=None, transaction_id=running)
    await set_profile(trial, one)
    await reported_is(trial, one)

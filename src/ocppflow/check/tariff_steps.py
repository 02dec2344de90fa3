"""Steps with tariffs (2.1): installing, changing and clearing them, and judging the costs that a station calculates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ocppflow.check.heard import ABSENT, PRESENT, Answer, Heard
from ocppflow.check.reusable_states import (
    ev_connected_post_session,
    ev_disconnected,
    parking_bay_unoccupied,
    stop_authorized,
)
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import configure, get_variable
from ocppflow.check.visit import transaction_event, visit_of
from ocppflow.messages import v21

CTRLR = "TariffCostCtrlr"

COST_INTERVAL = 15
"""TariffCostCtrlr.Interval[Cost] of the cases, in seconds."""

RATES = 0.01
"""By how much a price may be off that does not depend on time."""


def energy(price: float, **conditions: Any) -> dict[str, Any]:
    """A list with one price of a kWh."""
    return {"prices": [{"priceKwh": price, **({"conditions": conditions} if conditions else {})}]}


def minutes(*prices: float, taxes: Mapping[str, float] | None = None) -> dict[str, Any]:
    """A list of prices of a minute."""
    return {"prices": [{"priceMinute": price} for price in prices], **_rates(taxes)}


def fixed(price: float, taxes: Mapping[str, float] | None = None) -> dict[str, Any]:
    """A list with one price that is paid once."""
    return {"prices": [{"priceFixed": price}], **_rates(taxes)}


def _rates(taxes: Mapping[str, float] | None) -> dict[str, Any]:
    return {"taxRates": [{"type": kind, "tax": tax} for kind, tax in taxes.items()]} if taxes else {}


def tariff(number: str, *, valid_from: datetime | None = None, currency: str = "EUR", **lists: Any) -> v21.TariffType:
    """A tariff with these lists of prices, in wire names."""
    made = msgspec.convert({"tariffId": number, "currency": currency, **lists}, v21.TariffType)
    if valid_from is not None:
        made.valid_from = valid_from
    return made


ALL_CONDITIONS: dict[str, Any] = {
    "startTimeOfDay": "00:00",
    "endTimeOfDay": "00:00",
    "validFromDate": "2012-01-01",
    "validToDate": "2027-12-31",
    "minEnergy": 10,
    "maxEnergy": 10_000,
    "minCurrent": 1,
    "maxCurrent": 10,
    "minPower": 1000,
    "maxPower": 10_000,
    "minTime": 0,
    "maxTime": 3600,
    "minChargingTime": 0,
    "maxChargingTime": 3600,
    "minIdleTime": 0,
    "maxIdleTime": 3600,
    "dayOfWeek": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "evseKind": "AC",
}


def tariff_with_conditions(number: str) -> v21.TariffType:
    """A tariff with every condition that there is."""
    fee = [{"priceFixed": 1.0, "conditions": {"paymentBrand": "PayMe", "paymentRecognition": "Debit"}}]
    return tariff(number, energy=energy(1.0, **ALL_CONDITIONS), fixedFee={"prices": fee})


# --- configuration ---------------------------------------------------------------------------------------------------


async def tariffs_on(trial: Trial) -> None:
    """The station calculates with tariffs. Raises NotForThis if it cannot."""
    if await get_variable(trial, CTRLR, "Available", instance="Tariff") != "true":
        raise NotForThis("TariffCostCtrlr.Available[Tariff] is not true")
    await configure(trial, CTRLR, "Enabled", "true", instance="Tariff")
    trial.notes["tariffs"] = True


async def running_costs(trial: Trial) -> None:
    """It also tells what a transaction costs while that runs, every 15 s, and nothing else at intervals."""
    await tariffs_on(trial)
    await configure(trial, CTRLR, "Enabled", "true", instance="RunningCost")
    await configure(trial, CTRLR, "Enabled", "true", instance="Cost")
    await configure(trial, CTRLR, "Interval", str(COST_INTERVAL), instance="Cost")
    await configure(trial, "SampledDataCtrlr", "TxUpdatedInterval", "0")
    await configure(trial, "AlignedDataCtrlr", "Interval", "0")


async def conditions_are(trial: Trial, supported: bool) -> None:
    """Whether prices may depend on conditions. Raises NotForThis if that is otherwise."""
    if (await get_variable(trial, CTRLR, "ConditionsSupported", instance="Tariff") == "true") is not supported:
        raise NotForThis(f"TariffCostCtrlr.ConditionsSupported[Tariff] is not {str(supported).lower()}")


async def most_elements(trial: Trial) -> int:
    """MaxElements. Raises NotForThis if it is too much to be tried."""
    value = await get_variable(trial, CTRLR, "MaxElements", instance="Tariff")
    if value is None or int(value) > 1000:
        raise NotForThis(f"TariffCostCtrlr.MaxElements[Tariff] is {value}")
    return int(value)


# --- requests --------------------------------------------------------------------------------------------------------


async def set_default(
    trial: Trial, default: v21.TariffType, *answered: str, evse: int = 0, by: str = "I07.FR.10"
) -> Answer[v21.SetDefaultTariffResponse]:
    """SetDefaultTariff, and how it has to be answered: Accepted without more."""
    answer = await trial.call(v21.SetDefaultTariffRequest(evse_id=evse, tariff=default))
    answer.must("status", *(answered or ("Accepted",)), by=by)
    return answer


async def change(trial: Trial, transaction: str, to: v21.TariffType, answered: str, *, by: str) -> int:
    """ChangeTransactionTariff, and how it has to be answered. The mark from which on what follows counts."""
    begin = trial.mark()
    answer = await trial.call(v21.ChangeTransactionTariffRequest(transaction_id=transaction, tariff=to))
    answer.must("status", answered, by=by)
    return begin


async def tariffs(trial: Trial, evse: int = 0, *, status: str = "Accepted", by: str = "I09.FR.01") -> list[Any]:
    """GetTariffs: what there is, by wire names."""
    answer = await trial.call(v21.GetTariffsRequest(evse_id=evse))
    answer.must("status", status, by=by)
    found = answer.at("tariffAssignments")
    return [] if found is ABSENT else found


async def clear(trial: Trial, *numbers: str, cleared: set[str], by: str = "I10.FR.01") -> None:
    """ClearTariffs: of these ids, or all; and which must be told to have gone."""
    request = v21.ClearTariffsRequest()
    if numbers:
        request.tariff_ids = list(numbers)
    answer = await trial.call(request)
    results = answer.at("clearTariffsResult")
    gone = {each.get("tariffId") for each in results if each.get("status") == "Accepted"}
    trial.check(gone == cleared, f"{sorted(map(str, gone))} were cleared, not {sorted(cleared)}", at=answer, by=by)
    wrong = [each for each in results if each.get("status") != "Accepted"]
    trial.check(not wrong, f"also {wrong}", at=answer, by=by)


# --- costs -----------------------------------------------------------------------------------------------------------


async def running_cost(trial: Trial) -> Heard[v21.TransactionEventRequest]:
    """The next event that tells a running cost, and what each has to have."""
    event = await transaction_event(
        trial, visit_of(trial), {"triggerReason": "RunningCost"}, within=COST_INTERVAL * 2.0, by="I12.FR.02 I12.FR.03"
    )
    event.must("eventType", "Updated", by="I12.FR.03")
    calculated(event)
    event.must("costDetails.chargingPeriods", ABSENT, by="I12.FR.02")
    return event


def calculated(event: Heard[Any], kind: str = "NormalCost") -> None:
    """The cost in an event was calculated without trouble."""
    event.must("costDetails", PRESENT, by="I12.FR.01 I12.FR.02")
    event.must("costDetails.failureToCalculate", ABSENT, False)
    event.must("costDetails.failureReason", ABSENT)
    event.must("costDetails.totalCost.currency", "EUR", by="I12.FR.16")
    event.must("costDetails.totalCost.typeOfCost", kind, by="I12.FR.38 I12.FR.39 I12.FR.41")


async def ended_with_cost(trial: Trial, kind: str = "NormalCost") -> Heard[v21.TransactionEventRequest]:
    """The driver stops and leaves; the event that ends the transaction, which has the cost."""
    visit = visit_of(trial)
    begin = len(trial.bench.inbox)
    await stop_authorized(trial)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    await parking_bay_unoccupied(trial)
    for heard in trial.bench.inbox[begin:]:
        mine = heard.at("transactionInfo.transactionId") == visit.transaction
        if heard.action == "TransactionEvent" and mine and heard.at("eventType") == "Ended":
            calculated(heard, kind)
            return heard
    raise trial.bench.inbox[-1].wrong("the transaction has not ended", by="E06.FR.15")


def near(event: Heard[Any], path: str, wanted: float, tolerance: float = RATES, *, by: str = "") -> float:
    """The number at a path, which may be off by so much."""
    value = event.must(path, PRESENT, by=by)
    if not isinstance(value, int | float) or abs(value - wanted) > tolerance:
        raise event.wrong(f"{path} is {value}, not {wanted:g}", by=by)
    return float(value)


def taxed(event: Heard[Any], part: str, *taxes: float) -> float:
    """A part of the cost has its taxes, and the cost with them; the cost without."""
    path = f"costDetails.totalCost.{part}"
    net = event.must(f"{path}.exclTax", PRESENT, by="I12.FR.12")
    told = sorted(rate.get("tax") for rate in event.must(f"{path}.taxRates", PRESENT, by="I12.FR.13"))
    if told != sorted(taxes):
        raise event.wrong(f"{path}.taxRates has {told}, not {sorted(taxes)}", by="I12.FR.13")
    near(event, f"{path}.inclTax", float(net) * (1 + sum(taxes) / 100), by="I12.FR.13")
    return float(net)


def seconds_of(event: Heard[Any], since: Heard[Any]) -> float:
    """The seconds between the timestamps of two events."""
    return (moment(event) - moment(since)).total_seconds()


def moment(event: Heard[Any]) -> datetime:
    """When an event happened, as it says."""
    return datetime.fromisoformat(str(event.at("timestamp")))


def starts_with(event: Heard[Any], index: int, since: datetime, number: str, tolerance: float) -> list[Any]:
    """A charging period: of which tariff, and when it began. Its dimensions."""
    path = f"costDetails.chargingPeriods[{index}]"
    event.must(f"{path}.tariffId", number, by="I12.FR.04")
    start = datetime.fromisoformat(str(event.must(f"{path}.startPeriod", PRESENT, by="I12.FR.36")))
    if abs(start - since) > timedelta(seconds=tolerance):
        raise event.wrong(f"{path}.startPeriod is {start}, not {since}", by="I12.FR.36")
    dimensions = event.at(f"{path}.dimensions")
    return [] if dimensions is ABSENT else dimensions


def volume(dimensions: list[Any], kind: str) -> float:
    """How much of a dimension; 0 if there is nothing of it."""
    return sum(float(each.get("volume", 0)) for each in dimensions if str(each.get("type", "")).lower() == kind.lower())

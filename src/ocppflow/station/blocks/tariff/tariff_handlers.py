"""What a station answers to the messages of tariff and cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.errors import NotSupported
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, v21
from ocppflow.station.blocks.reasons import because
from ocppflow.station.station_store import StoreFailed, unkeepable

if TYPE_CHECKING:
    from ocppflow.station.blocks.tariff.tariff_block import Tariff
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

_LARGEST = 100_000
"""Bytes of a tariff."""

tariff: Router[CompleteStation] = Router(Role.CS, "tariff")


def _calculating(station: CompleteStation) -> Tariff:
    if not station.tariff.calculates:  # I07.FR.01, I11.FR.01
        raise NotSupported("the station does not calculate costs (TariffCostCtrlr)")
    return station.tariff


@tariff.on(v21.CostUpdatedRequest)
def _cost_updated(station: CompleteStation, request: v21.CostUpdatedRequest) -> v21.CostUpdatedResponse:
    if not station.tariff.shows_costs:
        raise NotSupported("the station does not show costs (TariffCostCtrlr)")
    transaction = station.transactions.running.get(request.transaction_id)
    if transaction is None:  # the response has no word for it
        log.warning("%s: CostUpdated for a transaction that does not run", station.identity)
    else:
        station.transactions.told_cost(transaction, float(request.total_cost))
        station.store.commit()
        station.tariff.show_cost(transaction, float(request.total_cost))
    return v21.CostUpdatedResponse()


@tariff.on(v21.SetDefaultTariffRequest)
async def _set_default_tariff(
    station: CompleteStation, request: v21.SetDefaultTariffRequest
) -> v21.SetDefaultTariffResponse:
    book = _calculating(station).book
    if not station.config.has_evse(request.evse_id):  # I07.FR.06
        why = because("UnknownEvse", f"there is no EVSE {request.evse_id}")
        return v21.SetDefaultTariffResponse(status="Rejected", status_info=why)
    if book.knows(request.tariff.tariff_id):  # I07.FR.04
        return v21.SetDefaultTariffResponse(status="DuplicateTariffId")
    if book.is_full(request.evse_id) or unkeepable(request.tariff, _LARGEST):
        why = because("OutOfStorage", "there is no room for a further tariff, or for one of that size")
        return v21.SetDefaultTariffResponse(status="Rejected", status_info=why)
    fault = book.fault_in(request.tariff)
    if fault is not None:
        status = fault[0]
        if status in ("TooManyElements", "ConditionNotSupported"):
            return v21.SetDefaultTariffResponse(status=status, status_info=because("UnsupportedParam", fault[1]))
        return v21.SetDefaultTariffResponse(status="Rejected", status_info=because("InvalidValue", fault[1]))
    book.install(request.evse_id, request.tariff)
    try:
        await station.store.commit()
    except StoreFailed as exc:
        log.error("%s: SetDefaultTariff was refused: %s", station.identity, exc)
        book.clear([request.tariff.tariff_id], request.evse_id)
        why = because("OutOfStorage", "the tariff cannot be kept over a reboot")
        return v21.SetDefaultTariffResponse(status="Rejected", status_info=why)
    return v21.SetDefaultTariffResponse(status="Accepted")


@tariff.on(v21.GetTariffsRequest)
def _get_tariffs(station: CompleteStation, request: v21.GetTariffsRequest) -> v21.GetTariffsResponse:
    block = _calculating(station)
    if not station.config.has_evse(request.evse_id):
        why = because("UnknownEvse", f"there is no EVSE {request.evse_id}")
        return v21.GetTariffsResponse(status="Rejected", status_info=why)
    found = block.book.assignments(request.evse_id, block.costs.in_use())
    if not found:  # I09.FR.03
        return v21.GetTariffsResponse(status="NoTariff")
    return v21.GetTariffsResponse(status="Accepted", tariff_assignments=found)


@tariff.on(v21.ClearTariffsRequest)
def _clear_tariffs(station: CompleteStation, request: v21.ClearTariffsRequest) -> v21.ClearTariffsResponse:
    evse = 0 if request.evse_id is UNSET else request.evse_id
    gone = _calculating(station).book.clear(request.tariff_ids, evse)
    station.store.commit()
    if not gone:  # I10.FR.06
        return v21.ClearTariffsResponse(clear_tariffs_result=[v21.ClearTariffsResultType(status="NoTariff")])
    results = [v21.ClearTariffsResultType(status="Accepted", tariff_id=number) for number in gone]
    return v21.ClearTariffsResponse(clear_tariffs_result=results)


@tariff.on(v21.ChangeTransactionTariffRequest)
def _change_transaction_tariff(
    station: CompleteStation, request: v21.ChangeTransactionTariffRequest
) -> v21.ChangeTransactionTariffResponse:
    block = _calculating(station)
    fault = block.book.fault_in(request.tariff)
    if fault is not None:
        status, text = fault
        return v21.ChangeTransactionTariffResponse(status=status, status_info=because("InvalidValue", text))
    transaction = station.transactions.running.get(request.transaction_id)
    if transaction is None or not transaction.evse:  # I11.FR.04
        return v21.ChangeTransactionTariffResponse(status="TxNotFound")
    meter = block.costs.of(transaction)
    if meter is not None and meter.tariff.currency != request.tariff.currency:  # I11.FR.05
        return v21.ChangeTransactionTariffResponse(status="NoCurrencyChange")
    block.costs.apply(transaction, request.tariff).told_id = True
    number = request.tariff.tariff_id  # I11.FR.07
    station.respond_then(lambda: station.transactions.touch(transaction, "TariffChanged", tariff_id=number))
    return v21.ChangeTransactionTariffResponse(status="Accepted")

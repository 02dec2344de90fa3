"""I: prices and costs on the display; costs that the station calculates (2.1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from profile_world import TWO_AC, ProfileWorld

from ocppflow.errors import RemoteCallError
from ocppflow.messages import Version, v21


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def two(request: pytest.FixtureRequest) -> AsyncIterator[ProfileWorld]:
    async with ProfileWorld(request.param, TWO_AC) as world:
        yield await world.up()


@pytest.fixture
async def newest() -> AsyncIterator[ProfileWorld]:
    async with ProfileWorld(Version.V21, TWO_AC) as world:
        yield await world.up()


def shown(world: ProfileWorld) -> list[str]:
    return [one.text for one in world.station.display.shown]


def text(content: str, language: str = "en") -> dict[str, str]:
    return {"format": "UTF8", "content": content, "language": language}


def event_answers(world: ProfileWorld, **by_type: dict[str, Any]) -> None:
    world.answers["TransactionEvent"] = lambda call: by_type.get(call.data["eventType"], {})


# --- what drivers see ------------------------------------------------------------------------------------------------


async def test_I01FR03_the_drivers_own_price_is_shown(two: ProfileWorld) -> None:
    two.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted", "personalMessage": text("0.31 per kWh")}}
    await two.begin()
    assert shown(two) == ["0.31 per kWh"]
    await two.end()
    assert shown(two) == []


async def test_I04FR01_else_what_the_CSMS_has_set_for_that(two: ProfileWorld) -> None:
    two.station.device_model.set("TariffCostCtrlr", "TariffFallbackMessage", "0.50 per kWh")
    two.station.device_model.set("TariffCostCtrlr", "OfflineTariffFallbackMessage", "")
    await two.begin()
    assert shown(two) == ["0.50 per kWh"]


async def test_I01_a_price_is_not_shown_for_ever_to_somebody_who_does_not_begin(two: ProfileWorld) -> None:
    two.hardware.swipe("TOKEN", 1)
    await two.clock.advance(1)
    assert len(shown(two)) == 1
    await two.clock.advance(60)
    assert shown(two) == []


async def test_I02FR02_I02FR03_the_running_cost_by_CostUpdated(two: ProfileWorld) -> None:
    transaction = await two.begin()
    assert await two.call("CostUpdated", {"totalCost": 1.5, "transactionId": transaction.id}) == {}
    assert "So far: 1.50 EUR" in shown(two)
    assert await two.call("CostUpdated", {"totalCost": 2, "transactionId": transaction.id}) == {}
    assert "So far: 2.00 EUR" in shown(two)
    assert "So far: 1.50 EUR" not in shown(two)
    assert transaction.total_cost == 2.0


async def test_I02_a_cost_for_a_transaction_that_does_not_run(two: ProfileWorld) -> None:
    assert await two.call("CostUpdated", {"totalCost": 1.5, "transactionId": "unknown"}) == {}
    assert shown(two) == []


async def test_I02FR04_I06FR03_the_running_cost_and_a_new_price_by_an_answer(two: ProfileWorld) -> None:
    event_answers(two, Updated={"totalCost": 3.25, "updatedPersonalMessage": text("0.40 per kWh")})
    await two.begin()
    await two.clock.advance(1)
    assert sorted(shown(two)) == ["0.40 per kWh", "So far: 3.25 EUR"]


async def test_I03FR03_the_total_at_the_end(two: ProfileWorld) -> None:
    await two.begin()
    event_answers(two, Ended={"totalCost": 4.1})
    await two.end()
    await two.clock.advance(1)
    assert shown(two) == ["Total: 4.10 EUR"]
    await two.clock.advance(60)
    assert shown(two) == []


async def test_I03FR05_not_if_the_driver_has_left(two: ProfileWorld) -> None:
    two.station.device_model.set("TxCtrlr", "TxStopPoint", "EVConnected,ParkingBayOccupancy")
    await two.begin()
    event_answers(two, Ended={"totalCost": 4.1})
    await two.end()
    await two.clock.advance(1)
    assert shown(two) == []


async def test_I05FR02_offline_there_is_another_text_at_the_end(two: ProfileWorld) -> None:
    two.station.device_model.set("TariffCostCtrlr", "TotalCostFallbackMessage", "You will get a bill.")
    await two.begin()
    await two.station.stop()
    await two.end()
    assert shown(two) == ["You will get a bill."]


# --- tariffs ---------------------------------------------------------------------------------------------------------


def tariff(number: str = "T1", price: float = 0.25, **more: Any) -> dict[str, Any]:
    return {"tariffId": number, "currency": "EUR", "energy": {"prices": [{"priceKwh": price}]}, **more}


async def install(world: ProfileWorld, sent: dict[str, Any], evse: int = 0) -> str:
    answer = await world.call("SetDefaultTariff", {"evseId": evse, "tariff": sent})
    status: str = answer["status"]
    return status


async def assigned(world: ProfileWorld, evse: int = 0) -> list[dict[str, Any]]:
    answer = await world.call("GetTariffs", {"evseId": evse})
    assert (answer["status"] == "Accepted") is ("tariffAssignments" in answer)
    found: list[dict[str, Any]] = answer.get("tariffAssignments", [])
    return found


def told(world: ProfileWorld) -> dict[str, Any]:
    """The costs that the last event had."""
    details: dict[str, Any] = world.sent("TransactionEvent")[-1]["costDetails"]
    return details


async def test_I07_I12_a_default_tariff_makes_the_cost_of_a_transaction(newest: ProfileWorld) -> None:
    description = [text("A quarter for a kWh"), text("Een kwartje per kWh", "nl")]
    assert await install(newest, tariff(description=description)) == "Accepted"
    await newest.begin()
    ids = [one["transactionInfo"].get("tariffId") for one in newest.sent("TransactionEvent")]
    assert [one for one in ids if one] == ["T1"]  # I08.FR.22: once
    assert "A quarter for a kWh" in shown(newest)
    await newest.clock.advance(1800)  # at 22.08 kW
    assert "So far: 2.76 EUR" in shown(newest)
    await newest.end()
    await newest.clock.advance(0)
    costs = told(newest)
    assert costs["totalUsage"]["energy"] == pytest.approx(11_040, abs=10)
    assert costs["totalCost"]["total"]["exclTax"] == pytest.approx(2.76, abs=0.01)
    assert costs["totalCost"]["currency"] == "EUR"
    assert costs["chargingPeriods"][0]["tariffId"] == "T1"


async def test_I07FR13_tariffs_and_costs_outlive_a_boot(newest: ProfileWorld) -> None:
    newest.station.device_model.set("TxCtrlr", "ResumptionTimeout", 3600)
    await install(newest, tariff())
    await newest.begin()
    await newest.clock.advance(1800)
    await newest.again()
    assert [one["tariffId"] for one in await assigned(newest)] == ["T1"]
    await newest.clock.advance(1800)
    await newest.end()
    await newest.clock.advance(0)
    assert told(newest)["totalCost"]["total"]["exclTax"] == pytest.approx(5.52, abs=0.02)
    assert newest.sent("TransactionEvent")[-1]["transactionInfo"].get("tariffId") is None


@pytest.mark.parametrize(
    ("sent", "evse", "status"),
    [
        (tariff("T2", energy={"prices": [{"priceKwh": 1}] * 101}), 0, "TooManyElements"),
        (tariff("T1"), 1, "DuplicateTariffId"),
        ({"tariffId": "T2", "currency": "EUR"}, 0, "Rejected"),
        (tariff("T2"), 3, "Rejected"),
        (tariff("T2", energy={"prices": [{"priceKwh": 1, "conditions": {"startTimeOfDay": "8"}}]}), 0, "Rejected"),
    ],
)
async def test_I07FR02_to_I07FR06_tariffs_are_checked(
    newest: ProfileWorld, sent: dict[str, Any], evse: int, status: str
) -> None:
    await install(newest, tariff("T1"))
    assert await install(newest, sent, evse) == status


async def test_MaxElements_is_for_each_list_of_prices(newest: ProfileWorld) -> None:
    each = [{"priceMinute": 1}] * 100
    sent = tariff("T2", energy={"prices": [{"priceKwh": 1}] * 100}, chargingTime={"prices": each})
    assert await install(newest, sent) == "Accepted"


@pytest.mark.parametrize("handling", ["CentralCost", "Deauthorize"])
async def test_I08FR30_a_drivers_tariff_at_a_station_that_does_not_calculate(
    newest: ProfileWorld, handling: str
) -> None:
    model = newest.station.device_model
    model.set("TariffCostCtrlr", "Enabled", False, variable_instance="Tariff")
    model.set("TariffCostCtrlr", "HandleFailedTariff", handling, variable_instance="Tariff")
    newest.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted"}, "tariff": tariff("D1")}
    newest.hardware.plug()
    newest.hardware.swipe()
    await newest.clock.advance(60)
    assert model.flag("TariffCostCtrlr", "Problem")
    transaction = newest.station.transactions.on_evse(1)
    assert (transaction is not None) is (handling != "Deauthorize")
    told = [one["variable"]["name"] for call in newest.sent("NotifyEvent") for one in call["eventData"]]
    assert "Problem" in told  # I08.FR.31


async def test_I07FR03_conditions_need_support(newest: ProfileWorld) -> None:
    newest.station.device_model.set("TariffCostCtrlr", "ConditionsSupported", False, variable_instance="Tariff")
    sent = tariff(energy={"prices": [{"priceKwh": 1, "conditions": {"evseKind": "AC"}}]})
    assert await install(newest, sent) == "ConditionNotSupported"


async def test_I07FR01_without_local_calculation_it_is_not_supported(newest: ProfileWorld) -> None:
    newest.station.device_model.set("TariffCostCtrlr", "Enabled", False, variable_instance="Tariff")
    for action, payload in (
        ("SetDefaultTariff", {"evseId": 0, "tariff": tariff()}),
        ("GetTariffs", {"evseId": 0}),
        ("ClearTariffs", {}),
        ("ChangeTransactionTariff", {"transactionId": "1", "tariff": tariff()}),
    ):
        with pytest.raises(RemoteCallError) as refused:
            await newest.call(action, payload)
        assert refused.value.code == "NotSupported"


async def test_I07FR11_I07FR22_a_new_default_takes_the_place_of_the_old_one(newest: ProfileWorld) -> None:
    await install(newest, tariff("T1"))
    await newest.clock.advance(1)
    await install(newest, tariff("T2"), 2)
    assert await assigned(newest) == [
        {"tariffId": "T1", "tariffKind": "DefaultTariff", "evseIds": [1]},
        {"tariffId": "T2", "tariffKind": "DefaultTariff", "evseIds": [2]},
    ]
    assert [one["tariffId"] for one in await assigned(newest, 2)] == ["T2"]


async def test_I07FR20_a_tariff_with_validFrom_takes_the_place_of_one_without(newest: ProfileWorld) -> None:
    await install(newest, tariff("T1"))
    await install(newest, tariff("T2", validFrom="2020-01-01T00:00:00Z"))
    assert [one["tariffId"] for one in await assigned(newest)] == ["T2"]
    await install(newest, tariff("T3", validFrom="2019-01-01T00:00:00Z"))
    assert [one["tariffId"] for one in await assigned(newest)] == ["T2"]


async def test_I07FR22_of_two_in_the_same_moment_the_newest_counts(newest: ProfileWorld) -> None:
    for number in ("T1", "T2", "T3"):
        await install(newest, tariff(number))
    assert [one["tariffId"] for one in await assigned(newest)] == ["T3"]


async def test_I10FR07_a_default_that_is_cleared_while_it_is_used_is_a_default_still(newest: ProfileWorld) -> None:
    await install(newest, tariff("T1"))
    await newest.begin()
    await newest.call("ClearTariffs")
    told = [(one["tariffId"], one["tariffKind"], one["evseIds"]) for one in await assigned(newest)]
    assert told == [("T1", "DefaultTariff", [1])]


async def test_I07FR19_I07FR20_a_tariff_that_becomes_valid_later(newest: ProfileWorld) -> None:
    await install(newest, tariff("T1", 1.0))
    await install(newest, tariff("T2", 2.0, validFrom=newest.at(100)))
    assert [one["tariffId"] for one in await assigned(newest)] == ["T1", "T2"]
    assert "validFrom" in (await assigned(newest))[1]  # I09.FR.07
    await newest.begin()  # I07.FR.24: it goes on with T1
    await newest.clock.advance(101)
    assert [one["tariffId"] for one in await assigned(newest)] == ["T2", "T1"]
    await newest.end()
    await newest.clock.advance(0)
    assert told(newest)["chargingPeriods"][0]["tariffId"] == "T1"
    assert [one["tariffId"] for one in await assigned(newest)] == ["T2"]


async def test_I08FR04_a_driver_has_a_tariff_of_his_own(newest: ProfileWorld) -> None:
    await install(newest, tariff("T1", 1.0))
    newest.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted"}, "tariff": tariff("D1", 3.0)}
    await newest.begin()
    ids = [one["transactionInfo"].get("tariffId") for one in newest.sent("TransactionEvent")]
    assert "D1" in ids
    assert {"tariffId": "D1", "tariffKind": "DriverTariff", "evseIds": [1], "idTokens": ["TOKEN1"]} in await assigned(
        newest
    )
    await newest.end()
    assert [one["tariffId"] for one in await assigned(newest)] == ["T1"]  # I08.FR.06


@pytest.mark.parametrize(
    ("handling", "used"), [("CentralCost", None), ("UseDefaultTariff", "T1"), ("Deauthorize", "not authorized")]
)
async def test_I08FR30_to_I08FR33_a_drivers_tariff_that_cannot_be_used(
    newest: ProfileWorld, handling: str, used: str | None
) -> None:
    await install(newest, tariff("T1", 1.0))
    newest.station.device_model.set("TariffCostCtrlr", "HandleFailedTariff", handling, variable_instance="Tariff")
    wrong = tariff("D1", chargingTime={"prices": [{"priceMinute": 1, "conditions": {"startTimeOfDay": "8"}}]})
    newest.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted"}, "tariff": wrong}
    newest.hardware.plug()
    newest.hardware.swipe()
    await newest.clock.advance(60)
    assert newest.station.device_model.flag("TariffCostCtrlr", "Problem")
    transaction = newest.station.transactions.on_evse(1)
    assert (transaction is not None and transaction.authorized) is (handling != "Deauthorize")
    problems = [one for call in newest.sent("NotifyEvent") for one in call["eventData"]]
    assert [one["actualValue"] for one in problems if one["component"]["name"] == "TariffCostCtrlr"] == ["true"]
    await newest.end()
    await newest.clock.advance(0)
    details = [one["costDetails"] for one in newest.sent("TransactionEvent") if "costDetails" in one]
    assert [one["chargingPeriods"][0]["tariffId"] for one in details] == ([used] if used == "T1" else [])
    newest.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted"}, "tariff": tariff("D2")}
    await newest.begin()
    assert not newest.station.device_model.flag("TariffCostCtrlr", "Problem")  # I08.FR.35


async def test_I10_tariffs_are_cleared(newest: ProfileWorld) -> None:
    none = {"clearTariffsResult": [{"status": "NoTariff"}]}
    assert await newest.call("ClearTariffs") == none
    await install(newest, tariff("T1"), 1)
    await install(newest, tariff("T2"), 2)
    assert await newest.call("ClearTariffs", {"evseId": 1, "tariffIds": ["T2"]}) == none
    cleared = await newest.call("ClearTariffs", {"evseId": 1})
    assert cleared == {"clearTariffsResult": [{"status": "Accepted", "tariffId": "T1"}]}
    await newest.begin(2)
    cleared = await newest.call("ClearTariffs", {"tariffIds": ["T2"]})
    assert cleared == {"clearTariffsResult": [{"status": "Accepted", "tariffId": "T2"}]}
    await newest.clock.advance(600)
    await newest.end(2)
    await newest.clock.advance(0)
    assert told(newest)["totalCost"]["total"]["exclTax"] > 0  # I10.FR.07


async def test_I11_the_tariff_of_a_transaction_is_changed(newest: ProfileWorld) -> None:
    async def change(sent: dict[str, Any], transaction_id: str) -> str:
        answer = await newest.call("ChangeTransactionTariff", {"transactionId": transaction_id, "tariff": sent})
        await newest.clock.advance(0)
        status: str = answer["status"]
        return status

    assert await change(tariff("T2"), "unknown") == "TxNotFound"
    await install(newest, tariff("T1", 1.0))
    transaction = await newest.begin()
    await newest.clock.advance(1800)
    assert await change({**tariff("T2"), "currency": "USD"}, transaction.id) == "NoCurrencyChange"
    assert await change(tariff("T2", 2.0), transaction.id) == "Accepted"
    last = newest.sent("TransactionEvent")[-1]
    assert (last["triggerReason"], last["transactionInfo"]["tariffId"]) == ("TariffChanged", "T2")  # I11.FR.07
    await newest.clock.advance(1800)
    await newest.end()
    await newest.clock.advance(0)
    assert told(newest)["totalCost"]["total"]["exclTax"] == pytest.approx(11.04 * 3, abs=0.1)


async def test_I12FR02_I12FR03_the_running_cost_is_told_if_that_is_enabled(newest: ProfileWorld) -> None:
    newest.station.device_model.set("TariffCostCtrlr", "Enabled", True, variable_instance="RunningCost")
    newest.station.device_model.set("TariffCostCtrlr", "Interval", 120, variable_instance="Cost")
    newest.station.device_model.set("SampledDataCtrlr", "TxUpdatedInterval", 0)  # with whose events it would go
    await install(newest, tariff())
    await newest.begin()
    first = [one for one in newest.sent("TransactionEvent") if "costDetails" in one]
    assert len(first) == 1
    await newest.clock.advance(605)
    running = [one for one in newest.sent("TransactionEvent") if one["triggerReason"] == "RunningCost"]
    assert 4 <= len(running) <= 5
    assert all("costDetails" in one for one in running)
    assert not any("chargingPeriods" in one["costDetails"] for one in running)
    costs = [one["costDetails"]["totalCost"]["total"]["exclTax"] for one in running]
    assert costs == sorted(costs)


async def test_I12FR06_I12FR07_a_reservation_costs_what_it_has_lasted(newest: ProfileWorld) -> None:
    newest.station.device_model.set("ReservationCtrlr", "Enabled", True)
    waiting = {"prices": [{"priceMinute": 6.0}], "taxRates": [{"type": "VAT", "tax": 20.0}]}
    await install(newest, tariff(reservationTime=waiting, reservationFixed={"prices": [{"priceFixed": 20.0}]}))
    expiry = newest.station.time.now().replace(microsecond=0).isoformat().replace("2026", "2027")
    token = {"idToken": "TOKEN1", "type": "ISO14443"}
    answer = await newest.call("ReserveNow", {"id": 7, "expiryDateTime": expiry, "idToken": token, "evseId": 1})
    assert answer["status"] == "Accepted"
    await newest.clock.advance(30)
    await newest.begin()
    await newest.end()
    await newest.clock.advance(0)
    costs = told(newest)
    assert costs["totalUsage"]["reservationTime"] == 30
    assert costs["totalCost"]["reservationTime"]["exclTax"] == pytest.approx(3.0)
    assert costs["totalCost"]["reservationTime"]["inclTax"] == pytest.approx(3.6)
    assert costs["totalCost"]["reservationFixed"]["exclTax"] == pytest.approx(20.0)


async def test_E16_a_limit_of_cost_counts_the_cost_that_the_station_calculates(newest: ProfileWorld) -> None:
    await install(newest, tariff("T1", 1.0))
    event_answers(newest, Started={"transactionLimit": {"maxCost": 2.0}}, Updated={})
    await newest.begin()
    await newest.clock.advance(1800)
    reached = [one["triggerReason"] for one in newest.sent("TransactionEvent")]
    assert "CostLimitReached" in reached


async def test_I_over_2_0_1_nothing_of_2_1_is_told(two: ProfileWorld) -> None:
    if two.version is Version.V201:
        two.station.tariff.book.install(0, msgspec.convert(tariff(), v21.TariffType))  # of a CSMS before this one
        await two.begin()
        await two.clock.advance(100)
        assert all("costDetails" not in one for one in two.sent("TransactionEvent"))

"""N09 and N10: what a station holds of a customer, told and cleared; P: DataTransfer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from charging_world import ChargingWorld

from ocppflow.messages import Version, v21
from ocppflow.station import StoreFailed, VariableConfig

VENDOR = VariableConfig(
    component="CustomizationCtrlr",
    variable="CustomImplementationEnabled",
    variable_instance="org.example",
    data_type="boolean",
    value="true",
    mutability="ReadWrite",
)
TOKEN = {"idToken": "TOKEN", "type": "ISO14443"}


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[ChargingWorld]:
    async with ChargingWorld(version=request.param, variables=(VENDOR,)) as one:
        await one.online()
        yield one


async def ask(world: ChargingWorld, *, report: bool = True, clear: bool = False, **who: Any) -> tuple[str, str | None]:
    """The status, and the text that followed; None if none did."""
    before = len(world.sent("NotifyCustomerInformation"))
    payload = {"requestId": 5, "report": report, "clear": clear, **(who or {"idToken": TOKEN})}
    answer = await world.call("CustomerInformation", payload)
    await world.clock.advance(0)
    pages = world.sent("NotifyCustomerInformation")[before:]
    assert [page["seqNo"] for page in pages] == list(range(len(pages)))
    assert [page.get("tbc", False) for page in pages] == [True] * (len(pages) - 1) + [False] * bool(pages)
    assert {page["requestId"] for page in pages} <= {5}
    return answer["status"], "".join(page["data"] for page in pages) if pages else None


async def cache(world: ChargingWorld) -> None:
    world.hardware.swipe()
    await world.clock.advance(200)  # it is authorized, and nothing is plugged in


async def test_N09FR05_what_is_held_is_told(world: ChargingWorld) -> None:
    await cache(world)
    entry = {"idToken": {"idToken": "token", "type": "ISO14443"}, "idTokenInfo": {"status": "Blocked"}}
    update = {"updateType": "Full", "versionNumber": 1, "localAuthorizationList": [entry]}
    assert (await world.call("SendLocalList", update))["status"] == "Accepted"
    status, text = await ask(world)
    assert (status, text is not None) == ("Accepted", True)
    assert [line.partition(":")[0] for line in (text or "").splitlines()] == [
        "authorization cache",
        "local authorization list",
    ]
    assert '"status":"Blocked"' in (text or "")


async def test_N09FR06_nothing_is_held(world: ChargingWorld) -> None:
    assert await ask(world) == ("Accepted", "")


async def test_N09_running_transactions_and_waiting_messages_are_told(world: ChargingWorld) -> None:
    world.hardware.plug()
    world.hardware.swipe()
    world.answers["TransactionEvent"] = {"wrong": True}  # so they wait
    await world.clock.advance(5)
    _, text = await ask(world)
    (transaction,) = world.station.transactions.running
    assert f'transaction: ISO14443 TOKEN {{"transactionId":"{transaction}"' in (text or "")
    assert "message that waits: ISO14443 TOKEN" in (text or "")


async def test_N09_a_long_report_comes_in_parts(world: ChargingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocppflow.station.blocks.customer_information._LONGEST", 20)
    await cache(world)
    _, text = await ask(world)
    assert len(world.sent("NotifyCustomerInformation")) == (len(text or "") + 19) // 20 > 2


async def test_N10FR03_what_is_cleared_is_told_once(world: ChargingWorld) -> None:
    await cache(world)
    status, text = await ask(world, clear=True)
    assert (status, (text or "").partition(":")[0]) == ("Accepted", "authorization cache")
    assert await ask(world) == ("Accepted", "")
    world.station.power_down()
    world.station.power_up()
    assert world.station.authorization.cache.held(v21.IdTokenType(id_token="TOKEN", type="ISO14443")) is None


async def test_N10FR03_the_local_list_stays(world: ChargingWorld) -> None:
    entry = {"idToken": TOKEN, "idTokenInfo": {"status": "Accepted"}}
    await world.call("SendLocalList", {"updateType": "Full", "versionNumber": 1, "localAuthorizationList": [entry]})
    await ask(world, clear=True)
    _, text = await ask(world)
    assert (text or "").startswith("local authorization list")


async def test_N10FR04_N10FR06_clearing_is_confirmed(world: ChargingWorld) -> None:
    assert await ask(world, clear=True) == ("Accepted", "")
    assert await ask(world, report=False, clear=True) == ("Accepted", "cleared")


async def test_N10_a_customerIdentifier_is_that_of_a_token_of_any_type(world: ChargingWorld) -> None:
    await cache(world)
    status, text = await ask(world, clear=True, customerIdentifier="TOKEN")
    assert (status, (text or "").partition(":")[0]) == ("Accepted", "authorization cache")
    assert await ask(world, customerIdentifier="TOKEN") == ("Accepted", "")


async def test_N09_nothing_is_kept_of_certificates(world: ChargingWorld) -> None:
    hashes = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}
    assert await ask(world, customerCertificate=hashes) == ("Accepted", "")


async def test_N09FR09_the_customer_is_named_in_one_way(world: ChargingWorld) -> None:
    answer = await world.call("CustomerInformation", {"requestId": 5, "report": True, "clear": False})
    assert answer["status"] == "Invalid"
    assert await ask(world, idToken=TOKEN, customerIdentifier="x") == ("Invalid", None)


async def test_N09FR07_neither_report_nor_clear(world: ChargingWorld) -> None:
    assert await ask(world, report=False) == ("Rejected", None)


async def test_N10FR05_what_cannot_be_cleared_for_good_is_rejected(world: ChargingWorld) -> None:
    await cache(world)

    def full() -> None:
        raise StoreFailed("the disk is full")

    world.store.failing = full
    assert await ask(world, clear=True) == ("Rejected", None)
    world.store.failing = None


# --- P ---------------------------------------------------------------------------------------------------------------


async def test_P02FR06_an_unknown_vendor(world: ChargingWorld) -> None:
    answer = await world.call("DataTransfer", {"vendorId": "org.openchargealliance.octt", "messageId": "1"})
    assert answer == {"status": "UnknownVendorId"}


async def test_P02FR07_a_known_vendor_and_an_unknown_message(world: ChargingWorld) -> None:
    assert await world.call("DataTransfer", {"vendorId": "ORG.example"}) == {"status": "UnknownMessageId"}
    world.station.device_model.set(
        "CustomizationCtrlr", "CustomImplementationEnabled", False, variable_instance="org.example"
    )
    answer = await world.call("DataTransfer", {"vendorId": "org.example"})
    assert answer == {"status": "Rejected", "statusInfo": {"reasonCode": "NotEnabled"}}


async def test_P02_a_handler_of_the_users_goes_before(world: ChargingWorld) -> None:
    @world.station.on(v21.DataTransferRequest)
    def mine(station: Any, request: v21.DataTransferRequest) -> v21.DataTransferResponse:
        return v21.DataTransferResponse(status="Accepted", data=request.data)

    answer = await world.call("DataTransfer", {"vendorId": "org.example", "data": {"a": [1]}})
    assert answer == {"status": "Accepted", "data": {"a": [1]}}


async def test_P01_a_station_may_send_one(world: ChargingWorld) -> None:
    world.answers["DataTransfer"] = {"status": "UnknownVendorId"}
    answer = await world.station.call(v21.DataTransferRequest(vendor_id="org.example", data="x"))
    assert answer.status == "UnknownVendorId"

"""P: data transfer of a complete CSMS."""

from __future__ import annotations

from typing import Any

import pytest
from csms_world import CSMSWorld, Puppet

from ocppflow import v21
from ocppflow.csms.station import Station
from ocppflow.messages import Version

TWO = [Version.V201, Version.V21]


@pytest.mark.parametrize("version", TWO)
async def test_P02_FR_06_a_vendor_that_nobody_knows(csms_world: CSMSWorld, version: Version) -> None:
    puppet = await Puppet(csms_world, "CS1", version).connect()
    answer = await puppet.call("DataTransfer", {"vendorId": "org.example", "messageId": "price"})
    assert answer == {"status": "UnknownVendorId"}


@pytest.mark.parametrize("version", TWO)
async def test_P02_FR_07_a_message_that_nobody_knows_of_a_vendor_that_is_known(
    csms_world: CSMSWorld, version: Version
) -> None:
    csms_world.csms.data_transfer.hook("org.example", "price")(lambda station, request: None)
    puppet = await Puppet(csms_world, "CS1", version).connect()
    for payload in ({"messageId": "other"}, {}):
        answer = await puppet.call("DataTransfer", {"vendorId": "org.example", **payload})
        assert answer == {"status": "UnknownMessageId"}


@pytest.mark.parametrize("version", TWO)
async def test_a_hook_answers_with_data_or_a_response_and_the_vendors_own_takes_the_rest(
    csms_world: CSMSWorld, version: Version
) -> None:
    @csms_world.csms.data_transfer.hook("org.example", "price")
    async def price(station: Station, request: v21.DataTransferRequest) -> Any:
        return {"of": station.identity, "kWh": request.data["kWh"]}

    @csms_world.csms.data_transfer.hook("org.example")
    def rest(station: Station, request: v21.DataTransferRequest) -> Any:
        return v21.DataTransferResponse(status="Rejected")

    puppet = await Puppet(csms_world, "CS1", version).connect()
    asked = {"vendorId": "org.example", "messageId": "price", "data": {"kWh": 3}}
    assert await puppet.call("DataTransfer", asked) == {"status": "Accepted", "data": {"of": "CS1", "kWh": 3}}
    assert await puppet.call("DataTransfer", {"vendorId": "org.example", "messageId": "x"}) == {"status": "Rejected"}


async def test_P01_the_csms_sends_data(csms_world: CSMSWorld) -> None:
    puppet = await Puppet(csms_world, "CS1", Version.V201).connect()
    puppet.answers["DataTransfer"] = {"status": "Accepted", "data": "ok"}
    answer = await csms_world.csms.data_transfer.send("CS1", "org.example", "ping", [1])
    assert (answer.status, answer.data) == ("Accepted", "ok")
    assert puppet.asked("DataTransfer") == [{"vendorId": "org.example", "messageId": "ping", "data": [1]}]

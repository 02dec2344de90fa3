"""O: display messages are checked, kept, shown, reported and removed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from profile_world import TWO_AC, ProfileWorld

from ocppflow.errors import RemoteCallError
from ocppflow.messages import Version, v21
from ocppflow.station.hardware import Fault
from ocppflow.station.station_store import StoreFailed


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def two(request: pytest.FixtureRequest) -> AsyncIterator[ProfileWorld]:
    async with ProfileWorld(request.param, TWO_AC) as world:
        yield await world.up()


@pytest.fixture
async def newest() -> AsyncIterator[ProfileWorld]:
    async with ProfileWorld(Version.V21, TWO_AC) as world:
        yield await world.up()


def message(number: int = 1, text: str = "Hello", **more: Any) -> dict[str, Any]:
    content = {"format": "UTF8", "content": text, **({"language": more.pop("language")} if "language" in more else {})}
    return {"id": number, "priority": "NormalCycle", "message": content, **more}


async def put(world: ProfileWorld, sent: dict[str, Any]) -> str:
    answer = await world.call("SetDisplayMessage", {"message": sent})
    status: str = answer["status"]
    return status


async def reported(world: ProfileWorld, **criteria: Any) -> list[dict[str, Any]] | None:
    """What the CSMS gets; None: Unknown."""
    since = len(world.sent("NotifyDisplayMessages"))
    answer = await world.call("GetDisplayMessages", {"requestId": 5, **criteria})
    await world.clock.advance(1)
    found = world.sent("NotifyDisplayMessages")[since:]
    if answer["status"] == "Unknown":
        assert not found
        return None
    assert all(one["requestId"] == 5 for one in found)
    assert [one["tbc"] for one in found] == [True] * (len(found) - 1) + [False]
    return [each for one in found for each in one["messageInfo"]]


def texts(world: ProfileWorld) -> list[str]:
    return [one.text for one in world.station.display.shown if one.id is not None]


async def test_O01_a_message_is_shown_and_reported_as_it_was_set(two: ProfileWorld) -> None:
    sent = message(1, "Hello", language="en")
    assert await put(two, sent) == "Accepted"
    assert await reported(two, id=[1]) == [sent]
    assert texts(two) == ["Hello"]
    assert two.station.device_model.integer("DisplayMessageCtrlr", "DisplayMessages") == 1


async def test_O06FR01_one_with_a_known_id_takes_its_place(two: ProfileWorld) -> None:
    await put(two, message(1, "Hello", state="Idle"))
    assert await put(two, message(1, "Good bye")) == "Accepted"
    assert await reported(two) == [message(1, "Good bye")]


async def test_O01FR10_messages_outlive_a_boot(two: ProfileWorld) -> None:
    await put(two, message(1, "Hello"))
    await two.again()
    assert await reported(two, id=[1]) == [message(1, "Hello")]
    assert texts(two) == ["Hello"]


async def test_O01FR10_what_cannot_be_kept_is_refused(two: ProfileWorld) -> None:
    await put(two, message(1, "Hello", priority="AlwaysFront"))

    def full() -> None:
        raise StoreFailed("the disk is full")

    two.store.failing = full
    assert await put(two, message(2, "Good bye", priority="AlwaysFront")) == "Rejected"
    two.store.failing = None
    assert texts(two) == ["Hello"]


@pytest.mark.parametrize(
    ("variable", "value", "status"),
    [
        ("SupportedPriorities", "InFront,AlwaysFront", "NotSupportedPriority"),
        ("SupportedStates", "Idle", "NotSupportedState"),
        ("SupportedFormats", "ASCII", "NotSupportedMessageFormat"),
    ],
)
async def test_O01FR01_to_O01FR03_what_is_not_supported(
    two: ProfileWorld, variable: str, value: str, status: str
) -> None:
    two.station.device_model.set("DisplayMessageCtrlr", variable, value)
    assert await put(two, message(state="Charging")) == status
    assert await reported(two) is None


async def test_O02FR01_O02FR02_a_message_for_a_transaction(two: ProfileWorld) -> None:
    assert await put(two, message(1, transactionId="unknown")) == "UnknownTransaction"
    transaction = await two.begin()
    for number, text in ((1, "Hello"), (2, "Hello 2")):
        sent = message(number, text, transactionId=transaction.id, priority="InFront")
        assert await put(two, sent) == "Accepted"
    assert [one["transactionId"] for one in await reported(two) or ()] == [transaction.id] * 2
    assert texts(two) == ["Hello", "Hello 2"]
    await two.end()
    assert await reported(two, id=[1, 2]) is None
    assert texts(two) == []


async def test_O02FR02_the_transaction_ended_while_the_power_was_off(two: ProfileWorld) -> None:
    transaction = await two.begin()
    await put(two, message(1, transactionId=transaction.id))
    await two.station.stop()
    two.station.power_down()
    two.hardware.unplug(1)
    await two.again()
    assert await reported(two) is None


async def test_O01FR06_not_before_its_start(two: ProfileWorld) -> None:
    await put(two, message(1, "Later", startDateTime=two.at(60)))
    assert texts(two) == []
    await two.clock.advance(61)
    assert texts(two) == ["Later"]
    (one,) = await reported(two) or ()
    assert "startDateTime" in one


async def test_O01FR07_not_after_its_end(two: ProfileWorld) -> None:
    await put(two, message(1, "Soon over", endDateTime=two.at(60)))
    await put(two, message(2, "Over later", endDateTime=two.at(120)))
    assert len(await reported(two) or ()) == 2
    await two.clock.advance(60)
    assert [one["id"] for one in await reported(two) or ()] == [2]
    await two.clock.advance(60)
    assert await reported(two) is None


async def test_O01FR12_to_O01FR16_priorities(two: ProfileWorld) -> None:
    await put(two, message(1, "normal"))
    assert texts(two) == ["normal"]
    await put(two, message(2, "front", priority="InFront"))
    await put(two, message(3, "front too", priority="InFront"))
    assert texts(two) == ["front", "front too"]
    await put(two, message(4, "alone", priority="AlwaysFront"))
    assert texts(two) == ["alone"]
    await put(two, message(5, "alone now", priority="AlwaysFront"))
    assert texts(two) == ["alone now"]
    assert await reported(two, id=[4]) is None
    assert len(await reported(two, id=[5]) or ()) == 1


async def test_O01FR11_there_are_as_many_as_DisplayMessages_says(two: ProfileWorld) -> None:
    for number in range(100):
        assert await put(two, message(number)) == "Accepted"
    assert await put(two, message(100)) == "Rejected"
    assert await put(two, message(99, "instead")) == "Accepted"
    assert [one["id"] for one in await reported(two) or ()] == list(range(100))  # O03.FR.03, in ten reports


async def test_O04_messages_are_found_by_id_priority_and_state(two: ProfileWorld) -> None:
    await put(two, message(1, state="Idle"))
    await put(two, message(2, priority="InFront", state="Charging"))
    assert [one["id"] for one in await reported(two, priority="InFront") or ()] == [2]
    assert [one["id"] for one in await reported(two, state="Idle") or ()] == [1]
    assert await reported(two, state="Idle", priority="InFront") is None
    assert await reported(two, id=[9]) is None


async def test_O05_a_message_is_cleared(two: ProfileWorld) -> None:
    await put(two, message(1))
    assert await two.call("ClearDisplayMessage", {"id": 1}) == {"status": "Accepted"}
    assert await reported(two, id=[1]) is None
    assert (await two.call("ClearDisplayMessage", {"id": 1}))["status"] == "Unknown"
    await two.again()
    assert await reported(two) is None


async def test_O01FR02_a_message_is_shown_in_its_state(two: ProfileWorld) -> None:
    for number, state in enumerate(("Idle", "Charging", "Faulted", "Unavailable")):
        await put(two, message(number, state, state=state))
    assert texts(two) == ["Idle"]
    await two.begin(1)
    assert texts(two) == ["Idle", "Charging"]  # each at one EVSE
    two.station.availability.fault(2, 0, Fault(code="GroundFailure"))
    assert texts(two) == ["Charging", "Faulted"]


async def test_O01FR08_O01FR09_the_language_of_the_driver(newest: ProfileWorld) -> None:
    newest.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted", "language1": "nl"}}
    extra = [{"format": "UTF8", "content": "Hallo", "language": "nl"}]
    declared = newest.station.device_model.find("DisplayMessageCtrlr", "Language")
    assert declared is not None
    sent = message(1, "Hello", language="en-GB", messageExtra=extra)
    assert await put(newest, sent) == "LanguageNotSupported"  # O01.FR.18
    newest.station.display.put(_typed(sent))
    assert texts(newest) == ["Hello"]
    await newest.begin()
    assert texts(newest) == ["Hallo"]
    await newest.end()


async def test_O_without_a_display_it_is_not_supported(two: ProfileWorld) -> None:
    two.station.device_model.set("DisplayMessageCtrlr", "Enabled", False)
    for action, payload in (
        ("SetDisplayMessage", {"message": message()}),
        ("GetDisplayMessages", {"requestId": 1}),
        ("ClearDisplayMessage", {"id": 1}),
    ):
        with pytest.raises(RemoteCallError) as refused:
            await two.call(action, payload)
        assert refused.value.code == "NotSupported"


def _typed(sent: dict[str, Any]) -> v21.MessageInfoType:
    return msgspec.convert(sent, v21.MessageInfoType)

"""C10, D01: what is bounded, the authorization cache and the local list, and what happens at the bound."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from connector_reports import up
from station_world import StationWorld
from token_steps import info, power_cut, setting, token, wire

from ocppflow.messages import v21
from ocppflow.station.station_config import StationConfig, VariableConfig

BOUND = 700


def learn(world: StationWorld, text: str = "CARD1", status: str = "Accepted") -> None:
    said = v21.IdTokenInfoType(status=status)  # type: ignore[arg-type]
    world.station.authorization.learn(token(text), said)


def known(world: StationWorld, text: str) -> bool:
    return world.station.authorization.cache.find(token(text)) is not None


def item(text: str, status: str = "Accepted", **more: Any) -> dict[str, Any]:
    return {"idToken": wire(text), "idTokenInfo": info(status, **more)}


async def send(world: StationWorld, kind: str, version: int, *items: dict[str, Any]) -> dict[str, Any]:
    payload = {"updateType": kind, "versionNumber": version, "localAuthorizationList": list(items)}
    return await world.call("SendLocalList", payload)


@pytest.fixture
async def small() -> AsyncIterator[StationWorld]:
    """A station whose cache has room for a few tokens."""
    variable = VariableConfig(component="AuthCacheCtrlr", variable="Storage", max_limit=BOUND)
    async with StationWorld(config=StationConfig(variables=(variable,))) as one:
        await up(one)
        yield one


@pytest.mark.parametrize(
    ("policy", "goes"), [("LRU", "SECOND"), ("LFU", "THIRD"), ("FIFO", "FIRST"), ("CUSTOM", "BAD")]
)
async def test_C10FR07_a_full_cache_takes_new_tokens_and_lets_others_go(
    small: StationWorld, policy: str, goes: str
) -> None:
    setting(small, AuthCacheCtrlr_Policy=policy)
    names = ["FIRST", "SECOND", "THIRD", "BAD"]
    for name in names:
        learn(small, name, "Invalid" if name == "BAD" else "Accepted")
        await small.clock.advance(1)
    for name, times in {"SECOND": 2, "THIRD": 0, "BAD": 3, "FIRST": 2}.items():
        for _ in range(times):
            assert known(small, name)
            await small.clock.advance(1)
    if policy in ("LRU", "CUSTOM"):
        assert known(small, "THIRD")
        await small.clock.advance(1)
    size = small.station.device_model.integer("AuthCacheCtrlr", "Storage")
    learn(small, "X" * 20)
    assert known(small, "X" * 20)
    assert [name for name in names if not known(small, name)] == [goes]
    assert size <= small.station.device_model.integer("AuthCacheCtrlr", "Storage") + 50 <= BOUND + 50


async def test_C10FR07_it_never_holds_more_than_its_storage(small: StationWorld) -> None:
    for number in range(200):
        learn(small, f"CARD{number}")
        assert 0 < small.station.device_model.integer("AuthCacheCtrlr", "Storage") <= BOUND
    await power_cut(small)
    assert known(small, "CARD199")
    assert len(small.station.authorization.cache) == 4


async def test_a_token_that_alone_is_too_large_is_left_out(small: StationWorld) -> None:
    learn(small)
    huge = v21.MessageContentType(format="UTF8", content="x" * 1000)
    said = v21.IdTokenInfoType(status="Accepted", personal_message=huge)
    small.station.authorization.learn(token("HUGE"), said)
    assert not known(small, "HUGE")


BOUNDS = StationConfig(
    variables=(
        VariableConfig(component="LocalAuthListCtrlr", variable="Entries", max_limit=3),
        VariableConfig(component="LocalAuthListCtrlr", variable="ItemsPerMessage", value="2"),
        VariableConfig(component="LocalAuthListCtrlr", variable="BytesPerMessage", value="400"),
    )
)


@pytest.fixture
async def bounded() -> AsyncIterator[StationWorld]:
    async with StationWorld(config=BOUNDS) as one:
        await up(one)
        yield one


async def test_D01FR11_D01FR12_limits_of_a_message_and_of_the_list(bounded: StationWorld) -> None:
    answer = await send(bounded, "Full", 1, item("A"), item("B"), item("C"))
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "TooManyElements")
    long = item("A", groupIdToken=wire("G" * 36, "Central"), personalMessage={"format": "UTF8", "content": "x" * 300})
    answer = await send(bounded, "Full", 1, long)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "TooLargeElement")
    await send(bounded, "Full", 1, item("A"), item("B"))
    assert (await send(bounded, "Differential", 2, item("B"), item("C")))["status"] == "Accepted"
    answer = await send(bounded, "Differential", 3, item("D"))
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "TooManyElements")
    assert (await send(bounded, "Full", 3, item("D"), item("E")))["status"] == "Accepted"

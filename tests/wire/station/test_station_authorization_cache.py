"""C10: what the cache keeps, for how long, and who goes when it is full."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from connector_reports import up
from station_world import StationWorld
from token_steps import power_cut, setting, token

from ocppflow.messages import Version, v21


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[StationWorld]:
    async with StationWorld(request.param) as one:
        await up(one)
        yield one


def learn(world: StationWorld, text: str = "CARD1", status: str = "Accepted", kind: str = "ISO14443") -> None:
    said = v21.IdTokenInfoType(status=status)  # type: ignore[arg-type]
    world.station.authorization.learn(token(text, kind), said)


def known(world: StationWorld, text: str = "CARD1", kind: str = "ISO14443") -> bool:
    return world.station.authorization.cache.find(token(text, kind)) is not None


@pytest.mark.parametrize("kind", ["NoAuthorization", "Central"])
async def test_C02FR03_C03FR02_C05FR02_some_kinds_are_not_cached(world: StationWorld, kind: str) -> None:
    learn(world, kind=kind)
    assert not known(world, kind=kind)


async def test_C10FR08_C10FR10_it_expires_LifeTime_after_it_was_last_used_or_in_2_1_updated(
    world: StationWorld,
) -> None:
    setting(world, AuthCacheCtrlr_LifeTime=100)
    learn(world)
    await world.clock.advance(60)
    assert known(world)
    await world.clock.advance(60)
    assert known(world) == (world.version is Version.V201)
    await world.clock.advance(101)
    assert not known(world)
    setting(world, AuthCacheCtrlr_LifeTime=0)
    learn(world)
    await world.clock.advance(20_000)
    assert known(world)


async def test_C10FR13_cacheExpiryDateTime_goes_before_LifeTime(world: StationWorld) -> None:
    setting(world, AuthCacheCtrlr_LifeTime=100)
    until = world.station.time.now() + timedelta(seconds=1000)
    said = v21.IdTokenInfoType(status="Accepted", cache_expiry_date_time=until)
    world.station.authorization.learn(token(), said)
    await world.clock.advance(999)
    assert known(world)
    await world.clock.advance(1)
    assert not known(world)


async def test_C10FR10_C17FR01_what_has_expired_already_is_not_kept(world: StationWorld) -> None:
    learn(world)
    past = v21.IdTokenInfoType(status="Accepted", cache_expiry_date_time=world.station.time.now())
    world.station.authorization.learn(token(), past)
    assert not known(world)
    await power_cut(world)
    assert not known(world)


async def test_C10FR11_a_disabled_cache_neither_learns_nor_tells_nor_forgets(world: StationWorld) -> None:
    learn(world)
    setting(world, AuthCacheCtrlr_Enabled=False)
    learn(world, "CARD2")
    assert not known(world)
    setting(world, AuthCacheCtrlr_Enabled=True)
    assert known(world)
    assert not known(world, "CARD2")


async def test_C10FR14_additional_info_of_a_group_is_not_kept(world: StationWorld) -> None:
    more = [v21.AdditionalInfoType(additional_id_token="x", type="y")]
    group = v21.IdTokenType(id_token="G", type="Central", additional_info=more)
    world.station.authorization.learn(token(), v21.IdTokenInfoType(status="Accepted", group_id_token=group))
    verdict = world.station.authorization.local(token())
    assert verdict is not None
    assert verdict.group == v21.IdTokenType(id_token="G", type="Central")

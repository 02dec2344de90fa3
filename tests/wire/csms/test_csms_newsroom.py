"""What happens is told to whoever listens, and kept."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest
from csms_world import CSMSWorld, Puppet

from ocppflow.csms.newsroom import KEPT, News
from ocppflow.messages import Version


async def _take(world: CSMSWorld, count: int, after: int | None = None) -> list[News]:
    taken: list[News] = []
    async for news in world.csms.newsroom.listen(after):
        taken.append(news)
        if len(taken) == count:
            break
    return taken


async def test_news_come_as_they_happen(csms_world: CSMSWorld) -> None:
    listening = asyncio.ensure_future(_take(csms_world, 2))
    await asyncio.sleep(0)
    csms_world.csms.newsroom.tell("status", "CS1", evse=1)
    csms_world.csms.newsroom.tell("status", "CS2", evse=2)
    assert [(news.station, news.data) for news in await listening] == [("CS1", {"evse": 1}), ("CS2", {"evse": 2})]


async def test_who_was_away_hears_everything_in_order_even_what_memory_has_no_more(csms_world: CSMSWorld) -> None:
    for number in range(KEPT + 1500):
        csms_world.csms.newsroom.tell("status", "CS1", number=number)
        if number % 100 == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    taken = await _take(csms_world, KEPT + 1500, after=0)
    assert [news.data["number"] for news in taken] == list(range(KEPT + 1500))


@pytest.mark.parametrize("version", list(Version))
async def test_G02_FR_06_a_heartbeat_is_answered_with_the_time_of_day(csms_world: CSMSWorld, version: Version) -> None:
    puppet = await Puppet(csms_world, "CS1", version).connect()
    answer = await puppet.call("Heartbeat")
    assert datetime.fromisoformat(answer["currentTime"]) == csms_world.now()

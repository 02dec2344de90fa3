"""Whatever a CSMS sends that the schemas allow: each request is answered, nothing in the station dies, all it says is
valid, and afterwards it charges as before. FUZZ_EXAMPLES makes it longer."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from hostile_world import HostileWorld
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from near_payloads import answers_to_station, requests_to_station

from ocppflow.messages import Version

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))

seed = st.integers(0, 2**32 - 1)
evse = st.sampled_from([1, 2])


def steps_of(version: Version) -> Any:
    request = st.tuples(st.just("request"), st.sampled_from(requests_to_station(version)), seed)
    return st.lists(
        st.one_of(
            *[request] * 8,
            st.tuples(st.just("answer"), st.sampled_from(answers_to_station(version)), seed),
            st.tuples(st.just("hands"), st.sampled_from(["plug", "unplug", "swipe", "swipe", "fault", "clear"]), evse),
            st.tuples(st.just("wait"), st.sampled_from([1, 60, 3600])),
        ),
        min_size=10,
        max_size=40,
    )


async def play(version: Version, charging: bool, registration: str, steps: list[tuple[Any, ...]]) -> None:
    async with HostileWorld(version) as world:
        now = world.now().isoformat()
        world.answers["BootNotification"] = {"currentTime": now, "interval": 300, "status": registration}
        await world.station.connect()
        await world.clock.advance(1)
        world.answers.clear()
        if charging:
            await world.hands("plug", 1)
            await world.hands("swipe", 1)
        for kind, *what in steps:
            if kind == "wait":
                await world.clock.advance(*what)
            else:
                await getattr(world, kind)(*what) if kind != "answer" else world.answer(*what)
            world.judge()
        await world.heal()
        await world.session()
        world.check_books()
        world.judge()


@pytest.mark.parametrize("version", list(Version))
def test_nothing_that_the_schemas_allow_stops_a_station(version: Version) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        charging=st.booleans(),
        registration=st.sampled_from(["Accepted", "Accepted", "Accepted", "Pending", "Rejected"]),
        steps=steps_of(version),
    )
    def check(charging: bool, registration: str, steps: list[tuple[Any, ...]]) -> None:
        asyncio.run(play(version, charging, registration, steps))

    check()

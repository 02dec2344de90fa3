"""The registry: stations by hand and at the door, over restarts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from csms_world import START, CSMSWorld, Puppet
from sqlalchemy import event

from ocppflow.csms.blocks.station_registry import NoSuchStation, StationExists
from ocppflow.endpoint import memory_pair, settle
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.store import Store
from ocppflow.testing import ScriptedPeer


async def test_a_station_is_added_changed_and_removed(csms_world: CSMSWorld) -> None:
    registry = csms_world.csms.registry
    entry = await registry.add("CS1", note="in the yard", security_profile=2)
    assert (entry.note, entry.security_profile, entry.registration) == ("in the yard", 2, "Accepted")
    assert (await registry.change("CS1", note="", is_quiet=True)).is_quiet
    await registry.remove("CS1")
    with pytest.raises(NoSuchStation, match="'CS1'"):
        await registry.get("CS1")


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"registration": "accepted"}, "Accepted, Pending or Rejected"),
        ({"security_profile": 4}, "0 to 3"),
        ({"vendor": "Acme"}, "vendor cannot be set"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    csms_world: CSMSWorld, settings: dict[str, object], what: str
) -> None:
    with pytest.raises(ConfigurationError, match=what):
        await csms_world.csms.registry.add("CS1", **settings)
    assert await csms_world.csms.registry.all() == []
    for identity in ("", "x" * 256):
        with pytest.raises(ConfigurationError, match="1 to 255"):
            await csms_world.csms.registry.add(identity)


async def test_a_station_is_there_once(csms_world: CSMSWorld) -> None:
    await csms_world.csms.registry.add("CS1")
    with pytest.raises(StationExists):
        await csms_world.csms.registry.add("CS1", note="again")


async def test_stations_page_by_page(csms_world: CSMSWorld) -> None:
    for number in range(7):
        await csms_world.csms.registry.add(f"CS{number}")
    first = await csms_world.csms.registry.all(count=5)
    rest = await csms_world.csms.registry.all(after=first[-1].identity, count=5)
    assert [entry.identity for entry in first + rest] == [f"CS{number}" for number in range(7)]


async def test_a_station_that_is_removed_is_hung_up_on(csms_world: CSMSWorld) -> None:
    puppet = await csms_world.puppet("CS1")
    await csms_world.csms.registry.remove("CS1")
    assert "CS1" not in csms_world.csms
    assert csms_world.csms.registry.entry("CS1") is None
    await puppet.disconnect()


async def test_when_a_station_was_heard_of_last_costs_one_statement_for_all(csms_world: CSMSWorld) -> None:
    puppets = [await csms_world.puppet(f"CS{number}") for number in range(3)]
    statements: list[str] = []
    event.listen(csms_world.store.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    await csms_world.advance(25)
    for puppet in puppets:
        await puppet.call("Heartbeat")
    assert statements == []
    await csms_world.advance(5)
    assert [text.partition(" ")[0] for text in statements] == ["BEGIN", "UPDATE"]
    seen = [(await csms_world.csms.registry.get(f"CS{number}")).last_seen for number in range(3)]
    assert seen == [START + timedelta(seconds=25)] * 3


@pytest.mark.parametrize("version", list(Version))
async def test_whoever_is_let_in_is_known_from_then_on(any_store: Store, version: Version) -> None:
    async with CSMSWorld(store=any_store) as world:
        puppet = await Puppet(world, "CS1", version).connect()
        await puppet.call("Heartbeat")  # which is answered once the store has the station
        entry = world.csms.registry.entry("CS1")
        assert entry is not None
        assert (entry.security_profile, entry.version, entry.connected_at) == (1, version.value, START)
    await any_store.write(lambda _: None)  # behind what nobody waits for
    async with CSMSWorld(store=any_store) as again:
        assert (await again.csms.registry.get("CS1")).disconnected_at == START


async def test_a_stranger_is_held_to_what_it_has_shown_at_first(csms_world: CSMSWorld) -> None:
    theirs, ours = memory_pair("CS1", Version.V201, clock=csms_world.clock, security_profile=2)
    ScriptedPeer(theirs)
    csms_world.csms.accept(ours)
    await settle()
    entry = csms_world.csms.registry.entry("CS1")
    assert entry is not None
    assert entry.security_profile == 2

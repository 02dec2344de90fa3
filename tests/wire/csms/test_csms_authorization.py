"""C: what a token may, for each version."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from csms_world import START, CSMSWorld, Puppet, changed
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from ocppflow import v21
from ocppflow.csms.blocks.authorization import NoSuchToken, TokenExists
from ocppflow.csms.csms_config import CSMSConfig
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.store import Store, station_tables, transaction_tables

TWO = [Version.V201, Version.V21]


async def _asked(puppet: Puppet, token: str, kind: str = "ISO14443") -> dict[str, Any]:
    if puppet.version is Version.V16:
        info: dict[str, Any] = (await puppet.call("Authorize", {"idTag": token}))["idTagInfo"]
        return info
    answer = await puppet.call("Authorize", {"idToken": {"idToken": token, "type": kind}})
    other: dict[str, Any] = answer["idTokenInfo"]
    return other


@pytest.mark.parametrize("version", list(Version))
async def test_C01_FR_25_a_token_is_compared_without_case(csms_world: CSMSWorld, version: Version) -> None:
    await csms_world.csms.tokens.add("04AbCd")
    puppet = await csms_world.puppet("CS1", version)
    for written in ("04AbCd", "04abcd", "04ABCD"):
        assert (await _asked(puppet, written))["status"] == "Accepted"


@pytest.mark.parametrize(
    ("status", "in_16"),
    [("Blocked", "Blocked"), ("Expired", "Expired"), ("NoCredit", "Invalid"), ("Invalid", "Invalid")],
)
async def test_C01_each_status_is_said_as_what_it_is(csms_world: CSMSWorld, status: str, in_16: str) -> None:
    await csms_world.csms.tokens.add("T1", status=status)
    assert (await _asked(await csms_world.puppet("NEW"), "T1"))["status"] == status
    assert (await _asked(await csms_world.puppet("OLD", Version.V16), "T1"))["status"] == in_16


@pytest.mark.parametrize("unknown", ["Unknown", "Invalid", "Accepted"])
async def test_C01_a_token_that_nobody_knows_is_what_the_configuration_says(unknown: str) -> None:
    async with CSMSWorld(changed(CSMSConfig(), tokens={"unknown": unknown})) as world:
        assert (await _asked(await world.puppet("NEW"), "T1"))["status"] == unknown
        in_16 = "Accepted" if unknown == "Accepted" else "Invalid"
        assert (await _asked(await world.puppet("OLD", Version.V16), "T1"))["status"] == in_16


@pytest.mark.parametrize("version", TWO)
async def test_C02_FR_01_without_authorization_there_is_nobody_to_be_judged(
    csms_world: CSMSWorld, version: Version
) -> None:
    puppet = await csms_world.puppet("CS1", version)
    assert await _asked(puppet, "", "NoAuthorization") == {"status": "Accepted"}


async def test_C09_group_language_message_and_priority_go_with_the_verdict(csms_world: CSMSWorld) -> None:
    await csms_world.csms.tokens.add(
        "T1",
        group_token="G1",
        language="de",
        second_language="en",
        message={"format": "UTF8", "content": "Hallo"},
        priority=3,
        expires_at=START + timedelta(days=1),
    )
    puppet = await csms_world.puppet("CS1")
    assert await _asked(puppet, "T1") == {
        "status": "Accepted",
        "groupIdToken": {"idToken": "G1", "type": "Central"},
        "language1": "de",
        "language2": "en",
        "personalMessage": {"format": "UTF8", "content": "Hallo"},
        "chargingPriority": 3,
        "cacheExpiryDateTime": "2026-01-02T00:00:00Z",
    }
    old = await csms_world.puppet("OLD", Version.V16)
    told = await _asked(old, "T1")
    assert (told["parentIdTag"], datetime.fromisoformat(told["expiryDate"])) == ("G1", START + timedelta(days=1))


async def test_a_token_is_judged_by_its_type_where_there_is_one(csms_world: CSMSWorld) -> None:
    await csms_world.csms.tokens.add("T1", type="eMAID", status="Blocked")
    await csms_world.csms.tokens.add("T1")
    puppet = await csms_world.puppet("CS1")
    assert (await _asked(puppet, "T1", "eMAID"))["status"] == "Blocked"
    assert (await _asked(puppet, "T1", "ISO14443"))["status"] == "Accepted"


async def test_C07_what_rests_on_a_certificate_that_nobody_checks_is_not_accepted(csms_world: CSMSWorld) -> None:
    await csms_world.csms.tokens.add("EMAID1")
    puppet = await csms_world.puppet("CS1")
    token = {"idToken": "EMAID1", "type": "eMAID"}
    answer = await puppet.call("Authorize", {"idToken": token, "certificate": "-----BEGIN CERTIFICATE-----"})
    assert answer == {"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "NoCertificateAvailable"}


_SETTINGS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["Accepted", "Blocked", "Invalid"]),
        "expires": st.sampled_from([None, -1, 0, 1]),
        "groups": st.sampled_from([None, [], ["A"], ["B"], ["A", "B"]]),
        "max_active": st.sampled_from([None, 0, 1, 2]),
    }
)


def _model(token: dict[str, Any], evse: int | None, starts: bool) -> str:
    """CS1 is in A as a whole, and in B with its EVSE 2; one transaction goes on with the token."""
    if token["status"] != "Accepted":
        return str(token["status"])
    if token["expires"] is not None and token["expires"] <= 0:
        return "Expired"
    groups = token["groups"]
    if groups is not None and "A" not in groups and not ("B" in groups and evse in (None, 2)):
        return "NotAtThisLocation"
    if starts and token["max_active"] is not None and token["max_active"] <= 1:
        return "ConcurrentTx"
    return "Accepted"


async def _prepared(world: CSMSWorld) -> None:
    await world.csms.registry.add("CS1")
    groups = [{"name": name, "created_at": START} for name in ("A", "B")]
    members = [{"group_name": "A", "station": "CS1", "evse": 0}, {"group_name": "B", "station": "CS1", "evse": 2}]
    one = {"station": "CS9", "transaction_id": "1", "state": "active", "started_at": START, "last_event_at": START}
    rows = [(station_tables.GROUPS, groups), (station_tables.GROUP_MEMBERS, members)]
    rows.append((transaction_tables.TRANSACTIONS, [one | {"token": "T1", "version": "2.1"}]))
    for table, some in rows:
        await world.csms.store.write(lambda c, table=table, some=some: c.execute(insert(table), some))


@given(_SETTINGS, st.sampled_from([None, 1, 2]), st.booleans())
async def test_a_verdict_is_that_of_a_simple_model(token: dict[str, Any], evse: int | None, starts: bool) -> None:
    async with CSMSWorld() as world:
        await _prepared(world)
        ends = None if token["expires"] is None else START + timedelta(seconds=token["expires"])
        await world.csms.tokens.add(
            "T1",
            status=token["status"],
            expires_at=ends,
            station_groups=token["groups"],
            max_active=token["max_active"],
        )
        shown = v21.IdTokenType(id_token="t1", type="ISO14443")
        info = await world.csms.tokens.judge(shown, "CS1", evse, starts=starts)
        assert info.status == _model(token, evse, starts)


async def test_tokens_are_made_changed_listed_and_removed_in_both_databases(any_store: Store) -> None:
    async with CSMSWorld(store=any_store) as world:
        tokens = world.csms.tokens
        for name in ("C", "a", "B"):
            await tokens.add(name)
        with pytest.raises(TokenExists):
            await tokens.add("A")
        assert (await tokens.change("A", status="Blocked")).status == "Blocked"
        assert [token.shown_as for token in await tokens.all()] == ["a", "B", "C"]
        assert [token.shown_as for token in await tokens.all(after="a", count=1)] == ["B"]
        await tokens.remove("b")
        for wrong in (tokens.get("B"), tokens.remove("B"), tokens.change("B", note="x")):
            with pytest.raises(NoSuchToken):
                await wrong


@pytest.mark.parametrize(
    "settings", [{"status": "Unknown"}, {"priority": 10}, {"message": {"content": "x"}}, {"colour": "red"}]
)
async def test_what_makes_no_sense_of_a_token_is_refused(csms_world: CSMSWorld, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        await csms_world.csms.tokens.add("T1", **settings)
    with pytest.raises(ConfigurationError, match="1 to 255"):
        await csms_world.csms.tokens.add("")
    assert await csms_world.csms.tokens.all() == []

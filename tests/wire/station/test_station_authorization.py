"""C: who may charge. The order of list, cache, CSMS and offline rules; groups, master pass, EVSEs, key codes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from connector_reports import up
from station_world import StationWorld
from token_steps import found, info, lose, power_cut, setting, token, told, wire

from ocppflow.messages import Version
from ocppflow.station.blocks.authorization import TokenVerdict
from ocppflow.station.station_store import StoreFailed

CARD = token()


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[StationWorld]:
    async with StationWorld(request.param) as one:
        await up(one)
        yield one


async def ask(world: StationWorld, which: Any = CARD, evse: int = 0) -> TokenVerdict:
    return await world.station.authorization.authorize(which, evse)


async def know(world: StationWorld, status: str = "Accepted", group: str | None = None, **more: Any) -> None:
    """Let the cache learn CARD."""
    world.answers["Authorize"] = told(status, group, **more)
    await ask(world)
    world.answers.pop("Authorize")
    world.heard.clear()


async def enlist(world: StationWorld, *items: tuple[str, dict[str, Any]], version: int = 1) -> None:
    data = [{"idToken": wire(text), "idTokenInfo": said} for text, said in items]
    payload = {"versionNumber": version, "updateType": "Full", "localAuthorizationList": data}
    assert (await world.call("SendLocalList", payload))["status"] == "Accepted"


@pytest.mark.parametrize("status", ["Invalid", "Blocked", "Expired", "Unknown", "ConcurrentTx", "NotAtThisLocation"])
async def test_C01FR02_an_unknown_token_is_asked_about_and_the_answer_counts(world: StationWorld, status: str) -> None:
    world.answers["Authorize"] = told(status)
    verdict = await ask(world)
    assert (verdict.accepted, verdict.status, verdict.by) == (False, status, "csms")
    assert world.sent("Authorize") == [{"idToken": wire()}]
    world.answers.clear()
    assert (await ask(world)).accepted


@pytest.mark.parametrize("kind", ["eMAID", "ISO15693", "KeyCode", "Local", "MacAddress"])
async def test_C04_C06_all_other_kinds_are_asked_about(world: StationWorld, kind: str) -> None:
    assert (await ask(world, token("X1", kind))).accepted
    assert world.sent("Authorize") == [{"idToken": wire("X1", kind)}]


@pytest.mark.parametrize("kind", ["DirectPayment", "EVCCID", "VIN"])
async def test_kinds_of_2_1_are_refused_where_2_0_1_has_no_word_for_them(world: StationWorld, kind: str) -> None:
    verdict = await ask(world, token("X1", kind))
    assert verdict.accepted == (world.version is Version.V21)
    assert len(world.sent("Authorize")) == (world.version is Version.V21)


@pytest.mark.parametrize(("text", "kind"), [("", "NoAuthorization"), ("APP1", "Central")])
async def test_C02_C03FR01_a_button_and_a_central_id_are_not_asked_about(
    world: StationWorld, text: str, kind: str
) -> None:
    assert (await ask(world, token(text, kind))).accepted
    assert not world.sent("Authorize")


async def test_C01FR01_without_authorization_everybody_may(world: StationWorld) -> None:
    setting(world, AuthCtrlr_Enabled=False)
    assert (await ask(world)).accepted
    assert not world.sent("Authorize")


async def test_C12FR02_a_cached_token_is_accepted_without_asking(world: StationWorld) -> None:
    await know(world, group="FAMILY")
    setting(world, AuthCtrlr_LocalPreAuthorize=True)
    verdict = await ask(world, token("card1", "iso14443"))  # whatever the case
    assert (verdict.accepted, verdict.by) == (True, "cache")
    assert verdict.group is not None
    assert verdict.group.id_token == "FAMILY"
    assert not world.sent("Authorize")


async def test_C10_the_type_is_part_of_a_token(world: StationWorld) -> None:
    await know(world)
    setting(world, AuthCtrlr_LocalPreAuthorize=True)
    await ask(world, token("CARD1", "ISO15693"))
    assert len(world.sent("Authorize")) == 1


async def test_C10FR11_without_LocalPreAuthorize_the_CSMS_is_asked(world: StationWorld) -> None:
    await know(world)
    world.answers["Authorize"] = told("Invalid")
    assert not (await ask(world)).accepted
    assert len(world.sent("Authorize")) == 1


@pytest.mark.parametrize("status", ["Invalid", "Blocked", "Expired"])
async def test_C10FR03_C12FR05_a_cached_token_that_is_not_Accepted_is_asked_about(
    world: StationWorld, status: str
) -> None:
    await know(world, status)
    setting(world, AuthCtrlr_LocalPreAuthorize=True)
    assert (await ask(world)).accepted
    assert len(world.sent("Authorize")) == 1
    assert (await ask(world)).by == "cache"  # C10.FR.04
    assert len(world.sent("Authorize")) == 1


async def test_C12FR05_unless_DisablePostAuthorize(world: StationWorld) -> None:
    await know(world, "Blocked")
    setting(world, AuthCtrlr_LocalPreAuthorize=True, AuthCacheCtrlr_DisablePostAuthorize=True)
    verdict = await ask(world)
    assert (verdict.accepted, verdict.status, verdict.by) == (False, "Blocked", "cache")
    assert not world.sent("Authorize")


async def test_C10FR05_C12FR06_learnt_from_a_transaction_too(world: StationWorld) -> None:
    from ocppflow.messages import v21

    setting(world, AuthCtrlr_LocalPreAuthorize=True)
    world.station.authorization.learn(CARD, v21.IdTokenInfoType(status="Accepted"))
    assert (await ask(world)).by == "cache"
    world.station.authorization.learn(CARD, v21.IdTokenInfoType(status="Invalid"))
    world.answers["Authorize"] = told("Invalid")
    assert not (await ask(world)).accepted
    assert len(world.sent("Authorize")) == 1


async def test_C14FR02_a_listed_token_is_accepted_without_asking(world: StationWorld) -> None:
    await enlist(world, ("CARD1", info()))
    setting(world, AuthCtrlr_LocalPreAuthorize=True)
    assert (await ask(world)).by == "list"
    assert not world.sent("Authorize")


async def test_C14FR03_a_listed_token_that_is_not_Accepted_is_asked_about(world: StationWorld) -> None:
    await enlist(world, ("CARD1", info("Invalid")))
    setting(world, AuthCtrlr_LocalPreAuthorize=True)
    assert (await ask(world)).by == "csms"
    setting(world, LocalAuthListCtrlr_DisablePostAuthorize=True)
    world.heard.clear()
    verdict = await ask(world)
    assert (verdict.accepted, verdict.by) == (False, "list")
    assert not world.sent("Authorize")


async def test_C13FR01_C14FR01_the_list_goes_before_the_cache(world: StationWorld) -> None:
    await know(world)
    await enlist(world, ("CARD1", info("Invalid")))
    setting(world, AuthCtrlr_LocalPreAuthorize=True, AuthCtrlr_OfflineTxForUnknownIdEnabled=True)
    await lose(world)
    verdict = await ask(world)
    assert (verdict.accepted, verdict.by) == (False, "list")


async def test_C14FR04_C14FR05_a_listed_token_expires(world: StationWorld) -> None:
    await enlist(world, ("CARD1", info(cacheExpiryDateTime="2026-01-01T01:00:00Z")))
    setting(
        world,
        AuthCtrlr_LocalPreAuthorize=True,
        LocalAuthListCtrlr_DisablePostAuthorize=True,
        AuthCtrlr_OfflineTxForUnknownIdEnabled=True,
    )
    assert (await ask(world)).by == "list"
    await world.clock.advance(3600)
    assert (await ask(world)).by == "csms"
    await lose(world)
    verdict = await ask(world)  # C13.FR.06: it is known, and has expired
    assert (verdict.accepted, verdict.status, verdict.by) == (False, "Expired", "list")
    setting(world, LocalAuthListCtrlr_SupportsExpiryDateTime=False)
    assert (await ask(world)).accepted  # C13.FR.02


@pytest.mark.parametrize("may", [True, False])
async def test_C13FR02_C15FR08_offline(world: StationWorld, may: bool) -> None:
    await enlist(world, ("LISTED", info()), ("BLOCKED", info("Blocked")))
    await know(world)
    setting(world, AuthCtrlr_OfflineTxForUnknownIdEnabled=may)
    await lose(world)
    assert (await ask(world, token("LISTED"))).accepted
    assert (await ask(world)).by == "cache"
    assert not (await ask(world, token("BLOCKED"))).accepted
    stranger = await ask(world, token("STRANGER"))
    assert (stranger.accepted, stranger.by) == (may, "offline" if may else "none")
    assert world.station.authorization.local(token("STRANGER")) is None  # C15.FR.01
    await found(world)
    assert (await ask(world, token("STRANGER"))).by == "csms"


async def test_C13_without_LocalAuthorizeOffline_known_tokens_do_not_start(world: StationWorld) -> None:
    await know(world)
    setting(world, AuthCtrlr_LocalAuthorizeOffline=False)
    await lose(world)
    assert not (await ask(world)).accepted


async def test_a_CSMS_that_does_not_answer_leaves_the_driver_to_the_rules_for_being_offline(
    world: StationWorld,
) -> None:
    await know(world)
    world.network.links[-1].hold()
    asked = world.station.authorization.authorize(CARD)
    import asyncio

    task = asyncio.ensure_future(asked)
    await world.clock.advance(100)
    assert task.done()
    assert task.result().by == "cache"


async def test_a_CALLERROR_refuses(world: StationWorld) -> None:
    def broken(call: Any) -> Any:
        raise RuntimeError("no database")

    world.answers["Authorize"] = broken
    verdict = await ask(world)
    assert (verdict.accepted, verdict.status) == (False, "Invalid")


async def test_DisableRemoteAuthorization_never_asks(world: StationWorld) -> None:
    await know(world)
    setting(world, AuthCtrlr_DisableRemoteAuthorization=True)
    assert (await ask(world)).by == "cache"
    assert not (await ask(world, token("STRANGER"))).accepted
    assert not world.sent("Authorize")


async def test_C01FR21_only_the_EVSEs_of_the_answer(world: StationWorld) -> None:
    world.answers["Authorize"] = told(evseId=[2, 3])
    verdict = await ask(world, evse=1)
    assert (verdict.accepted, verdict.status) == (False, "NotAtThisLocation")
    assert (await ask(world, evse=3)).accepted
    anywhere = await ask(world)
    assert anywhere.accepted
    assert [anywhere.allows(evse) for evse in (1, 2, 3)] == [False, True, True]


async def test_C09_C16_groups_and_the_master_pass(world: StationWorld) -> None:
    world.answers["Authorize"] = told(group="POLICE")
    verdict = await ask(world)
    authorization = world.station.authorization
    assert not authorization.is_master_pass(CARD, verdict.group)
    setting(world, AuthCtrlr_MasterPassGroupId="police")
    assert authorization.is_master_pass(CARD, verdict.group)
    assert not authorization.is_master_pass(CARD, None)
    assert authorization.same_group(verdict.group, token("Police", "Central"))
    assert not authorization.same_group(None, None)


async def test_C10FR02_the_cache_outlives_a_power_cut(world: StationWorld) -> None:
    await know(world, group="FAMILY")
    await power_cut(world)
    setting(world, AuthCtrlr_LocalPreAuthorize=True)
    assert (await ask(world)).by == "cache"
    assert not world.sent("Authorize")


async def test_C10FR12_tokens_are_kept_as_hashes(world: StationWorld) -> None:
    await know(world)
    kept = world.store._kept("authorization_cache")
    assert kept
    assert "card1" not in str(kept).lower()


async def test_C11FR03_C11FR04_ClearCache(world: StationWorld) -> None:
    await know(world)
    assert (await world.call("ClearCache"))["status"] == "Accepted"
    setting(world, AuthCtrlr_LocalPreAuthorize=True)
    assert (await ask(world)).by == "csms"
    await power_cut(world)
    assert (await ask(world)).by == "cache"
    setting(world, AuthCacheCtrlr_Enabled=False)
    assert (await world.call("ClearCache"))["status"] == "Rejected"


async def test_C11FR05_a_cache_that_cannot_be_cleared_stays(world: StationWorld) -> None:
    await know(world)

    def full() -> None:
        raise StoreFailed("disk full")

    world.store.failing = full
    assert (await world.call("ClearCache"))["status"] == "Rejected"
    world.store.failing = None
    await power_cut(world)
    setting(world, AuthCtrlr_LocalPreAuthorize=True)
    assert (await ask(world)).by == "cache"


async def test_C04FR06_key_codes_cannot_be_guessed(world: StationWorld) -> None:
    world.answers["Authorize"] = told("Invalid")
    for number in range(100):
        assert not (await ask(world, token(f"{number:04}", "KeyCode"))).accepted
    assert len(world.sent("Authorize")) == 2
    assert not (await ask(world)).accepted  # cards are another matter
    assert len(world.sent("Authorize")) == 3
    world.answers.clear()
    await world.clock.advance(300)
    assert (await ask(world, token("1234", "KeyCode"))).accepted


async def test_C04FR04_a_key_code_is_in_no_log(world: StationWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await ask(world, token("987654", "KeyCode"))
    await ask(world)
    assert "987654" not in caplog.text
    assert "ISO14443 CARD1 is accepted (csms)" in caplog.text


async def test_AdditionalInfoItemsPerMessage(world: StationWorld) -> None:
    from ocppflow.messages import v21

    setting(world, AuthCtrlr_AdditionalInfoItemsPerMessage=2)
    more = [v21.AdditionalInfoType(additional_id_token=str(number), type="x") for number in range(3)]
    await ask(world, v21.IdTokenType(id_token="CARD1", type="ISO14443", additional_info=more))
    assert len(world.sent("Authorize")[0]["idToken"]["additionalInfo"]) == 2


async def test_while_Pending_the_rules_for_being_offline_hold(world: StationWorld) -> None:
    world.answers["BootNotification"] = {"currentTime": "2026-01-01T00:00:00Z", "interval": 99, "status": "Pending"}
    await power_cut(world)
    assert not (await ask(world)).accepted
    assert not world.sent("Authorize")

"""A: who is let in, and why not."""

from __future__ import annotations

import pytest
from csms_world import CSMSWorld, changed
from sqlalchemy import select

from ocppflow.csms.csms_config import CSMSConfig
from ocppflow.endpoint import Accept, ClientCertificate, Handshake, Refuse, RefusedInfo
from ocppflow.messages import Version
from ocppflow.store import device_tables, station_tables

PASSWORD = "a-long-password-1"


def _shake(password: str | None = None, **more: object) -> Handshake:
    made = {"identity": "CS1", "versions": (Version.V201,), "address": "10.0.0.1:1", **more}
    if password is not None:
        made |= {"username": "CS1", "password": password.encode()}
    return Handshake(**made)  # type: ignore[arg-type]


async def _verdict(world: CSMSWorld, handshake: Handshake) -> int | None:
    """The security profile, or the HTTP status of a refusal."""
    verdict = await world.csms.security.decide(handshake)
    return verdict.security_profile if isinstance(verdict, Accept) else verdict.status


async def test_a_stranger_is_refused_unless_strangers_are_let_in(csms_world: CSMSWorld) -> None:
    verdict = await csms_world.csms.security.decide(_shake())
    assert isinstance(verdict, Refuse)
    assert (verdict.status, "'CS1' is not a known station" in verdict.reason) == (404, True)
    async with CSMSWorld(changed(CSMSConfig(), stations={"admit": True})) as world:
        assert await _verdict(world, _shake()) == 0


@pytest.mark.parametrize(
    ("profile", "handshake", "expected"),
    [
        (None, _shake(PASSWORD), 1),
        (None, _shake(PASSWORD, tls=True), 2),
        (None, _shake(), 401),
        (None, _shake("wrong"), 401),
        (0, _shake(), 0),
        (0, _shake("wrong"), 401),
        (2, _shake(PASSWORD), 403),
        (2, _shake(PASSWORD, tls=True), 2),
        (3, _shake(PASSWORD, tls=True), 401),
    ],
)
async def test_A00_a_station_is_held_to_its_security_profile(
    csms_world: CSMSWorld, profile: int | None, handshake: Handshake, expected: int
) -> None:
    await csms_world.csms.registry.add("CS1", password=PASSWORD, security_profile=profile)
    assert await _verdict(csms_world, handshake) == expected


@pytest.mark.parametrize(("name", "expected"), [("CS1", 3), ("CS2", 403)])
async def test_A00_FR_405_a_certificate_is_the_stations_own(csms_world: CSMSWorld, name: str, expected: int) -> None:
    await csms_world.csms.registry.add("CS1", security_profile=3)
    certificate = ClientCertificate(name, "x", "00")
    assert await _verdict(csms_world, _shake(tls=True, certificate=certificate)) == expected


async def test_a_station_that_is_disabled_or_has_no_password_is_told_so(csms_world: CSMSWorld) -> None:
    await csms_world.csms.registry.add("CS1")
    verdict = await csms_world.csms.security.decide(_shake("anything"))
    assert isinstance(verdict, Refuse)
    assert "has no password yet" in verdict.reason
    await csms_world.csms.security.set_password("CS1", PASSWORD)
    assert await _verdict(csms_world, _shake(PASSWORD)) == 1
    await csms_world.csms.registry.change("CS1", is_disabled=True)
    assert await _verdict(csms_world, _shake(PASSWORD)) == 403


async def test_a_refusal_is_kept_once_however_often_it_happens(csms_world: CSMSWorld) -> None:
    for address in ("10.0.0.1:1", "10.0.0.1:2"):
        csms_world.csms.security.refused(RefusedInfo("CS1", address, "/ocpp", 404, "not known", more=4))
    csms_world.csms.security.refused(RefusedInfo("CS1", "10.0.0.1:3", "/ocpp", 401, "wrong password"))
    refused = station_tables.REFUSED
    rows = await csms_world.store.read(lambda c: c.execute(select(refused).order_by(refused.c.id)).all())
    assert [(row.status, row.reason, row.times) for row in rows] == [(404, "not known", 10), (401, "wrong password", 1)]


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_A04_a_security_event_is_kept(csms_world: CSMSWorld, version: Version) -> None:
    puppet = await csms_world.puppet("CS1", version)
    said = {"type": "SettingSystemTime", "timestamp": "2026-01-01T00:00:00Z", "techInfo": "by hand"}
    assert await puppet.call("SecurityEventNotification", said) == {}
    row = await csms_world.store.read(lambda c: c.execute(select(device_tables.DEVICE_EVENTS)).one())
    assert (row.station, row.type, row.data) == ("CS1", "SettingSystemTime", {"techInfo": "by hand"})

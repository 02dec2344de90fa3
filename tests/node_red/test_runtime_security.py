"""Security profiles 2 and 3 with the certificates of ``tls-config`` nodes, and three versions on one port."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from runtime_flow import SECRET, Tab
from runtime_peers import BEAT, station

sys.path.insert(0, str(Path(__file__).parents[1] / "wire" / "transport"))

from transport_peers import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"), "Test Root")


def tls_config(tab: Tab, name: str, pair: Any, ca: Path, *, inline: bool) -> str:
    """A ``tls-config`` node, with the certificates in it, or with the names of their files."""
    if inline:
        texts = {"cadata": ca.read_text()}
        if pair is not None:
            texts |= {"certdata": Path(pair.certificate).read_text(), "keydata": Path(pair.key).read_text()}
        return tab.add(name, "tls-config", cert="", key="", ca="", verifyservercert=True, credentials=texts)
    files = {"cert": "", "key": "", "ca": str(ca)}
    if pair is not None:
        files |= {"cert": str(pair.certificate), "key": str(pair.key)}
    return tab.add(name, "tls-config", verifyservercert=True, **files)


@pytest.mark.parametrize(("profile", "inline"), [(2, True), (3, False)])
async def test_a_csms_and_a_cs_node_over_tls(tab: Tab, authority: Authority, profile: int, inline: bool):
    ours = tls_config(tab, "server-tls", authority.server(), authority.root, inline=inline)
    pair = authority.issue("CS1") if profile == 3 else None
    if pair is None:
        theirs = tls_config(tab, "station-tls", None, authority.root, inline=True)
    else:
        theirs = tls_config(tab, "station-tls", pair, authority.root, inline=inline)
    port = tab.csms(securityProfile=profile, tls=ours, passwords={"CS1": SECRET} if profile == 2 else {})
    tab.cs(f"wss://localhost:{port}/ocpp", tls=theirs, password=SECRET if profile == 2 else None)
    await tab.deploy()
    online = await tab.next("cs-all")
    assert (online["ocpp"]["websocket"], online["payload"]["securityProfile"]) == ("ONLINE", profile)
    tab.inject("cs-in", {"payload": {"command": "Heartbeat"}})
    msg = await tab.message("all")
    tab.inject("in", {**msg, "payload": {"msgType": 3, "data": BEAT}})
    assert (await tab.message("cs-all"))["payload"]["data"] == BEAT


async def test_a_profile_without_certificates_is_a_status(tab: Tab):
    tab.csms(securityProfile="2")
    await tab.deploy()
    assert (await tab.status("csms", "needs a certificate"))["fill"] == "red"


async def test_three_versions_on_one_port(tab: Tab):
    port = tab.csms(versions=["1.6", "2.0.1", "2.1"])
    await tab.deploy()
    await tab.status("csms", "(0)")
    for version in ("1.6", "2.0.1", "2.1"):
        peer = await station(port, version=f"ocpp{version}")
        await peer.says([2, "m1", "Heartbeat", {}])
        assert (await tab.message("all"))["ocpp"]["ocppVersion"] == version
        await peer.close()

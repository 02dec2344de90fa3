"""What flows send to the nodes and get from them, in a real Node-RED."""

from __future__ import annotations

from runtime_flow import Tab
from runtime_peers import BEAT, station


async def test_a_request_of_a_station_comes_out_of_port_1_and_the_flow_answers_it(tab: Tab):
    port = tab.csms()
    await tab.deploy()
    await tab.status("csms", "(0)")
    cs = await station(port)
    await cs.says([2, "m1", "Heartbeat", {}])
    msg = await tab.message("all")
    msg["payload"] = {"msgType": 3, "data": BEAT}
    tab.inject("in", msg)
    assert await cs.hears() == [3, "m1", BEAT]
    await cs.close()

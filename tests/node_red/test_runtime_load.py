"""A thousand stations at one CSMS node, and what the JavaScript costs for each message."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from runtime_flow import SECRET, Tab
from runtime_peers import BEAT

from ocppflow import ChargingStation

STATIONS = 1000
ANSWER = f"""
    if (msg.payload.msgType !== 2) return null
    msg.payload.msgType = 3
    msg.payload.data = {json.dumps(BEAT)}
    return msg
"""


async def test_a_thousand_stations_and_the_cost_of_the_hop(tab: Tab, record_property: Any):
    if tab.red.name == "nr4":
        pytest.skip("on Node-RED 5 only, for the sake of time")
    names = [f"CS{n}" for n in range(STATIONS)]
    tab.add("answer", "function", func=ANSWER, wires=[["csms"]])
    port = tab.csms(wires=[["answer"], []], passwords=dict.fromkeys(names, SECRET))
    await tab.deploy()
    await tab.status("csms", "(0)")
    url = f"ws://127.0.0.1:{port}/ocpp"
    stations = [ChargingStation(name, url, password=SECRET, versions=["2.0.1"]) for name in names]
    for one in stations:
        one.start()
    try:
        await tab.status("csms", f"({STATIONS})")
        beats = 5
        before = await tab.usage()
        for _ in range(beats):
            answers = await asyncio.gather(*(one.call_raw("Heartbeat", timeout=30) for one in stations))
            assert all(answer.message.current_time for answer in answers)
        after = await tab.usage()
        spent = sum(after["cpu"][kind] - before["cpu"][kind] for kind in ("user", "system"))
        # Each beat is a msg out of the node and one into it, and Node-RED's own work and a function between them.
        per_message = spent / (2 * beats * STATIONS)
        record_property("microseconds_of_node_red_per_message", per_message)
        print(f"Node-RED: {per_message:.0f} µs of CPU per message, {after['rss'] / 2**20:.0f} MiB")
        assert per_message < 100
    finally:
        await asyncio.gather(*(one.stop() for one in stations))
    await tab.status("csms", "(0)")

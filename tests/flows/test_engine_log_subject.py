"""A line of the log says which node it is about."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from engine_runtime import Runtime
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from ocppflow.nodes.engine.log_lines import log_to_the_runtime


@pytest.fixture
async def runtime() -> AsyncIterator[Runtime]:
    one = Runtime()
    level = logging.getLogger("ocppflow").level
    with log_to_the_runtime(one.engine.outbox, one.engine.nodes.log_subject):
        one.say(op="hello", protocol=1, log="warning")
        yield one
        await one.engine.detach()
    logging.getLogger("ocppflow").setLevel(level)


async def refused(port: int, path: str) -> None:
    """A stranger knocks."""
    with pytest.raises(InvalidStatus):
        await connect(f"ws://127.0.0.1:{port}{path}/Nobody", subprotocols=["ocpp2.0.1"], proxy=None)


async def warning(runtime: Runtime) -> dict[str, Any]:
    return await runtime.next("log", level="warning")


async def test_a_warning_about_a_node_names_it(runtime: Runtime):
    ports = [(await runtime.csms(name))["port"] for name in ("one", "two")]
    for name, port in zip(("one", "two"), ports, strict=True):
        await refused(port, "/ocpp")
        line = await warning(runtime)
        assert "refused 'Nobody'" in line["text"]
        assert line["node"] == name


async def test_what_an_input_causes_is_about_its_node(runtime: Runtime):
    await runtime.csms("one")
    seen = asyncio.get_running_loop().create_future()
    slot = runtime.engine.nodes.get("one")
    assert slot is not None
    slot.node.take = lambda msg, done: seen.set_result(runtime.engine.nodes.log_subject())  # type: ignore[method-assign]
    runtime.say(op="input", node="one", msg={"payload": {}})
    assert await seen == "one"
    assert runtime.engine.nodes.log_subject() is None


async def test_of_two_nodes_on_one_port_none_is_named(runtime: Runtime):
    port = (await runtime.csms("one", path="/a"))["port"]
    assert (await runtime.csms("two", path="/b", port=port))["port"] == port
    await refused(port, "/b")
    assert "node" not in await warning(runtime)

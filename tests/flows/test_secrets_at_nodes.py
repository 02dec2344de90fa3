"""What a node tells beside its msgs (statuses, refusals of inputs, the ocpp log, log lines) shows no secret; the msgs
of the flow have it."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from flow_peers import Site, refusal

from ocppflow.messages import Role, Version, action_info
from ocppflow.nodes.engine.log_lines import LogLines
from ocppflow.transport.clock import settle

sys.path.append(str(Path(__file__).parents[1] / "unit" / "secrecy"))
from secret_planter import MARK, Planted, planted, shows


class _Outbox:
    """Takes the lines to the runtime."""

    is_behind = False
    is_attached = True
    on_drained: Any = None

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def put(self, line: dict[str, Any]) -> None:
        self.lines.append(line)


def _requests(version: Version, sender: Role) -> list[Planted]:
    return [
        each
        for each in planted(version)
        if each.is_request and action_info(version, each.action).sent_by(sender) and MARK in str(each.payload)
    ]


def _wrong(each: Planted) -> Any:
    return json.loads(json.dumps(each.payload).replace(MARK, MARK * 200)) | {"password": MARK}


@pytest.mark.parametrize("version", Version)
async def test_nothing_but_the_msgs_of_the_flow_shows_a_secret(version: Version) -> None:
    site, outbox = Site(), _Outbox()
    handler = LogLines(outbox, asyncio.get_running_loop())  # type: ignore[arg-type]
    logging.getLogger().addHandler(handler)
    try:
        node, flow = await site.csms(validation="tolerant", versions=str(version), ocpp_logging=True)
        wire = await site.station(node, "CS1", version)
        for number, each in enumerate(_requests(version, Role.CS)):
            for form, payload in (("a", each.payload), ("b", _wrong(each))):
                await wire.says([2, f"{form}{number}", each.action, payload])
        told = []
        for each in _requests(version, Role.CSMS):
            told.append(await refusal(node, {"payload": {"command": each.action, "cbId": "CS1", "data": _wrong(each)}}))
            answer = node.input({"payload": {"command": each.action, "cbId": "CS1", "data": each.payload}})
            await settle()
            if wire.heard[-1][0] == 2:
                await wire.says([4, wire.heard[-1][1], "GenericError", f"{MARK}?", {"what": MARK}])
            await asyncio.wait_for(answer, 5)
    finally:
        logging.getLogger().removeHandler(handler)
        await site.close()
    assert any(shows(str(msg["payload"].get("data"))) for msg in flow.messages), "the flow has it"
    assert len(flow.port(3)) > 4
    violations = [msg["ocpp"].get("violations") for msg in flow.port(1)]
    assert any(violations)
    texts = [*told, *map(str, flow.port(3)), *map(str, flow.statuses), *map(str, outbox.lines), *map(str, violations)]
    assert [text[:300] for text in texts if shows(text)] == []

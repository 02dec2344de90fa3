"""The debug sidebar, where a user looks first when something is wrong: whole sentences, each with its node."""

from __future__ import annotations

import re
from typing import Any

import pytest
from editor_page import Editor, chromium
from playwright.sync_api import expect
from runtime_process import NodeRed, free_port
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect


@pytest.fixture(params=["nr4", "nr5"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_errors_and_warnings_are_sentences_with_their_node(start, name: str):
    port = free_port()
    red: NodeRed = start(name, flows=flow(port))
    with chromium() as browser:
        editor = Editor(browser, red.port)
        editor.script("() => RED.sidebar.show('debug')")
        editor.page.locator('[id="button"] .red-ui-flow-node-button-button').click()
        shows(editor, 20, "\"Reset: station 'EVSE-1' is not connected\"")  # the node is at work by then
        with pytest.raises(InvalidStatus):
            connect(f"ws://127.0.0.1:{port}/ocpp/CS9", subprotocols=["ocpp2.0.1"], proxy=None)
        text = re.compile(r'^"refused \'CS9\' from 127\.0\.0\.1:\d+ \(404\): \'CS9\' is not a known station"$')
        shows(editor, 30, text)
        editor.close()


def shows(editor: Editor, level: int, text: str | re.Pattern[str]) -> None:
    """Wait for a line of the sidebar. ``level`` is Node-RED's number: 20 for errors, 30 for warnings."""
    message = editor.page.locator(f".red-ui-debug-msg-level-{level}").last
    expect(message.locator(".red-ui-debug-msg-payload")).to_have_text(text)
    expect(message.locator(".red-ui-debug-msg-name")).to_have_text("node: My CSMS")


def flow(port: int) -> list[dict[str, Any]]:
    """A button that asks for what cannot be done."""
    payload = '{"command": "Reset", "cbId": "EVSE-1", "data": {"type": "Immediate"}}'
    return [
        {"id": "flow", "type": "tab", "label": "Flow"},
        {"id": "csms", "type": "CSMS", "z": "flow", "name": "My CSMS", "port": str(port), "host": "127.0.0.1",
         "path": "/ocpp", "outputs": 2, "x": 400, "y": 100, "wires": [[], []]},
        {"id": "button", "type": "inject", "z": "flow", "name": "", "props": [{"p": "payload"}], "payload": payload,
         "payloadType": "json", "x": 150, "y": 100, "wires": [["csms"]]},
    ]  # fmt: skip

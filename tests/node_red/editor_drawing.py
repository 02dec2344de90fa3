"""A tab with one node of each kind in the editor, and the fixtures for tests that open their dialogs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from editor_page import Editor, chromium
from playwright.sync_api import Browser, Locator
from runtime_process import NodeRed, free_port

KINDS = ["CSMS", "CS", "ocpp-request", "ocpp-router"]
CONFIGS = ["target-csms", "ocppflow-engine"]
ON_5 = pytest.mark.parametrize("red", ["nr5"], indirect=True)
"""For what does not depend on the version of Node-RED; opening dialogs takes time."""
TOLERANCE: dict[str, Any] = {"validation": "strict", "rules": [], "assumeVersion": "", "maxMessageSize": 1048576,
                             "pingInterval": 60, "engine": ""}  # fmt: skip
"""What CSMS and CS have in common."""
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def loaded(red: NodeRed, browser: Browser) -> Iterator[Editor]:
    editor = Editor(browser, red.port)
    yield editor
    editor.close()


@pytest.fixture
def editor(loaded: Editor) -> Iterator[Editor]:
    """The editor, left without a complaint and with nothing changed."""
    if loaded.page.locator(".red-ui-tray").count():  # a test that failed has left its dialog open
        loaded.load_anew()
    loaded.complaints.clear()
    yield loaded
    assert loaded.complaints == []


class Drawing:
    """A tab with one node of each kind, with ids of its own."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.key = f"d{next(_numbers)}x"
        self.port = free_port()
        target = {"id": self.id("target-csms"), "type": "target-csms", "name": "", "url": "ws://localhost:9/ocpp"}
        engine = {"id": self.id("ocppflow-engine"), "type": "ocppflow-engine", "name": "", "mode": "auto",
                  "command": "", "socket": ""}  # fmt: skip
        editor.load(
            [
                {"id": self.id("tab"), "type": "tab", "label": self.key},
                target,
                engine,
                self.node("CSMS", 0, port=str(self.port), host="127.0.0.1", path="/ocpp", versions=["2.0.1"],
                          messageTimeout=10000, securityProfile=1, answer=[], tls="", ocpp_logging=False,
                          assumeIdentity="", anyUser=False, anyConnectionHeader=False,
                          allowOrigins="", hideIdentities=False, **TOLERANCE),
                self.node("CS", 1, cbId="CS1", csms=self.id("target-csms"), versions=["2.0.1"], messageTimeout=10000,
                          answer=[], tls="", ws_rt_minimum=10, ws_rt_repeat=2, ws_rt_rnd_range=2, auto_connect=False,
                          ocpp_logging=False, **TOLERANCE),
                self.node("ocpp-request", 2, version="2.0.1", direction="CSMS", via=[self.id("CSMS")], station="CS1",
                          stationType="str", action="Reset", data='{"type": "Immediate"}', dataType="json",
                          dataFrom="", timeout="", validate=True),
                self.node("ocpp-router", 3, rules=[
                    {"kind": "Request", "version": "", "action": "Heartbeat", "station": ""},
                    {"kind": "Request", "version": "", "action": "Boot*", "station": "CS?"}],
                    outputs=3, wires=[[self.id("CS")], [self.id("CSMS")], [self.id("ocpp-request")]]),
            ]
        )  # fmt: skip

    def id(self, name: str) -> str:
        return self.key + name.replace("-", "")

    def node(self, kind: str, place: int, **properties: Any) -> dict[str, Any]:
        ports = {"outputs": 2, "wires": [[], []]} if kind in ("CSMS", "CS") else {"wires": [[], []]}
        return {"id": self.id(kind), "type": kind, "z": self.id("tab"), "name": "", "x": 300, "y": 80 + 100 * place,
                **ports, **properties}  # fmt: skip

    def exported(self, kind: str) -> dict[str, Any]:
        return self.editor.node(self.id(kind))


@pytest.fixture
def drawing(editor: Editor) -> Drawing:
    return Drawing(editor)


def findings(tray: Locator) -> Locator:
    """The verdicts on data that are in sight."""
    return tray.locator(".ocppflow-findings:visible")

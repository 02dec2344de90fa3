"""Draws the pictures of the editor for both READMEs anew, in a real Node-RED: ``make screenshots``."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "node_red"))

from editor_page import Editor, chromium  # noqa: E402
from playwright.sync_api import Browser, Locator  # noqa: E402
from runtime_process import NodeRed, free_port  # noqa: E402

IMAGES = ROOT / "node-red" / "images"
MARGIN = 12
"""Pixels below the last thing in a dialog."""
STATIONS = ROOT / "tools" / "demo_stations.py"
DEMO = ROOT / "docs" / "images" / "node-red-demo.png"
RULES = [
    {"kind": "Request", "version": "2.0.1", "action": "BootNotification", "station": "", "answers": True,
     "answerType": "jsonata", "answer": '{"currentTime": $now(), "interval": 300, "status": "Accepted"}'},
    {"kind": "Request", "version": "", "action": "TransactionEvent, MeterValues", "station": "DEPOT-*"},
    {"kind": "Connection", "version": "", "action": "", "station": ""},
]  # fmt: skip
FLOW: list[dict[str, Any]] = [
    {"id": "tab", "type": "tab", "label": "Charging"},
    {"id": "target", "type": "target-csms", "name": "", "url": "ws://localhost:9000/ocpp"},
    {"id": "csms", "type": "CSMS", "z": "tab", "name": "", "host": "127.0.0.1", "port": "9000", "path": "/ocpp",
     "versions": ["2.1", "2.0.1", "1.6"], "messageTimeout": 10000, "securityProfile": 1, "validation": "rules",
     "rules": [{"vendor": "ACME*", "action": "BootNotification", "path": "$.chargingStation.*", "forgive": ["value"]}],
     "assumeVersion": "1.6", "outputs": 2, "x": 160, "y": 100, "wires": [["router"], []],
     "credentials": {"basic_auths": '{"DEPOT-1": "a-long-password-1", "DEPOT-2": "a-long-password-2"}'}},
    {"id": "router", "type": "ocpp-router", "z": "tab", "name": "", "rules": RULES, "outputs": 5, "x": 390, "y": 100,
     "wires": [[], ["reset"], [], [], ["csms"]]},
    {"id": "reset", "type": "ocpp-request", "z": "tab", "name": "", "version": "2.0.1", "direction": "CSMS",
     "via": ["csms"], "station": "ocpp.cbId", "stationType": "msg", "action": "Reset", "data": '{"type": "Now"}',
     "dataType": "json", "dataFrom": "", "timeout": "", "validate": True, "x": 600, "y": 100, "wires": [[], []]},
    {"id": "cs", "type": "CS", "z": "tab", "name": "", "cbId": "DEPOT-1", "csms": "target", "versions": ["2.0.1"],
     "messageTimeout": 10000, "validation": "strict", "pingInterval": 30, "ws_rt_minimum": 10, "ws_rt_repeat": 2,
     "ws_rt_rnd_range": 2, "auto_connect": False, "outputs": 2, "x": 160, "y": 200, "wires": [[], []],
     "credentials": {"csms_pw": "a-long-password-1"}},
]  # fmt: skip


def main() -> None:
    with chromium() as browser:
        if "--demo" not in sys.argv:
            dialogs(browser)
        demo(browser)


def demo(browser: Browser) -> None:
    """The flow of ``make run``, once its stations charge."""
    (file,) = (ROOT / "node-red" / "examples").glob("12 - *.json")
    text = file.read_text(encoding="utf-8")
    ports = {port: free_port() for port in (9100, 9121, 9122, 9123)}
    flow = json.loads(re.sub(r"\b91\d\d\b", lambda found: str(ports[int(found[0])]), text))
    csms, *control = ports.values()
    with tempfile.TemporaryDirectory() as folder:
        red = NodeRed("nr5", Path(folder), flows=flow)
        stations = subprocess.Popen(
            [sys.executable, str(STATIONS), f"ws://127.0.0.1:{csms}/ocpp", *map(str, control)], stdin=subprocess.PIPE
        )
        try:
            editor = Editor(browser, red.port, width=1600)
            editor.script("() => RED.sidebar.show('debug')")
            editor.page.locator("#red-ui-palette-search input").press_sequentially("ocpp")
            charging = editor.page.locator(".red-ui-flow-node-status-label", has_text="kW ·")
            charging.nth(2).wait_for(timeout=60_000)
            sold = editor.page.locator(".red-ui-debug-msg", has_text="energy sold")
            sold.nth(5).wait_for(timeout=60_000)
            editor.page.screenshot(path=DEMO)
            editor.close()
        finally:
            red.stop()
            stations.communicate()


def dialogs(browser: Browser) -> None:
    """The edit dialogs."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        red = NodeRed("nr5", Path(folder), flows=[])
        try:
            red.admin("POST", "/flows", FLOW)
            editor = Editor(browser, red.port, height=800)
            draw(editor)
            editor.close()
        finally:
            red.stop()


def draw(editor: Editor) -> None:
    """All pictures."""
    tray = editor.open("csms")
    tray.get_by_text("Security", exact=True).click()
    tray.locator("#csms-stations li").nth(1).wait_for()
    save(editor, tray, "csms")
    tray = editor.open("csms")
    tray.get_by_text("Tolerance", exact=True).click()
    tray.locator("#csms-rules li").wait_for()
    save(editor, tray, "tolerance")
    tray = editor.open("cs")
    tray.locator("#cs-url").get_by_text("DEPOT-1").wait_for()
    save(editor, tray, "cs")
    tray = editor.open("reset")
    tray.locator(".ocppflow-findings li").wait_for()
    save(editor, tray, "request")
    tray = editor.open("router")
    tray.locator(".ocppflow-rule-template").first.wait_for()
    save(editor, tray, "router")


def save(editor: Editor, tray: Locator, name: str) -> None:
    """A picture of the dialog, without what is empty at its foot; then Cancel."""
    editor.page.evaluate("() => document.fonts.ready.then(() => true)")
    box, content = tray.bounding_box(), tray.locator(".ocppflow-dialog").bounding_box()
    assert box is not None
    assert content is not None
    height = min(content["y"] + content["height"] + MARGIN - box["y"], box["height"])
    clip = {"x": box["x"], "y": box["y"], "width": box["width"], "height": height}
    editor.page.screenshot(path=IMAGES / f"{name}.png", clip=clip)  # type: ignore[arg-type]
    editor.cancel()


if __name__ == "__main__":
    main()

"""The CSMS dialog's list of stations and passwords in a real browser, with the server behind it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from editor_drawing import ON_5, Drawing
from editor_page import Editor
from playwright.sync_api import expect
from runtime_peers import basic
from runtime_process import NodeRed
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol


def stations(tray: Any) -> Any:
    tray.get_by_text("Security", exact=True).click()
    return tray.locator("#csms-stations li")


def stored(red: NodeRed, ident: str) -> list[str]:
    return list(red.admin("GET", f"/ocppflow/csms/{ident}/stations")["stations"])


@pytest.fixture
def deployable(editor: Editor, red: NodeRed) -> Iterator[Drawing]:
    """Nodes in an editor that holds nothing else, so that Deploy has nothing to ask about."""
    editor.load_anew()
    drawing = Drawing(editor)
    yield drawing
    red.admin("DELETE", f"/flow/{drawing.id('tab')}")


def test_passwords_go_to_the_server_and_never_come_back(editor: Editor, red: NodeRed, deployable: Drawing):
    ident = deployable.id("CSMS")
    tray = editor.open(ident)
    rows = stations(tray)
    expect(tray.locator("#csms-stations-tip")).to_contain_text("The list is empty")
    for name, password in (("CS1", "first-secret-word"), ("CS2", "second-secret-word")):
        tray.get_by_role("button", name="station").click()
        rows.last.locator(".ocppflow-identity").fill(name)
        rows.last.locator(".ocppflow-password").fill(password)
    expect(tray.locator("#csms-stations-tip")).to_be_hidden()
    editor.done()
    assert editor.is_changed(ident)
    editor.deploy()
    assert stored(red, ident) == ["CS1", "CS2"]

    secrets = []
    editor.page.on("response", lambda answer: secrets.append(answer))
    tray = editor.open(ident)
    rows = stations(tray)
    expect(rows).to_have_count(2)
    assert [row.locator(".ocppflow-password").input_value() for row in rows.all()] == ["__PWRD__"] * 2
    assert any("/stations" in each.url for each in secrets)
    assert all("secret" not in each.text() for each in secrets if "json" in (each.header_value("content-type") or ""))
    rows.nth(0).locator(".ocppflow-identity").fill("CS9")
    rows.nth(1).locator(".red-ui-editableList-item-remove").click()
    editor.cancel()
    assert not editor.is_changed(ident)
    assert stored(red, ident) == ["CS1", "CS2"]

    tray = editor.open(ident)
    rows = stations(tray)
    expect(rows).to_have_count(2)
    rows.nth(0).locator(".ocppflow-identity").fill("CS9")
    tray.get_by_role("button", name="station").click()
    expect(tray.locator("#csms-stations-tip")).to_contain_text("without an identity")
    rows.last.locator(".ocppflow-identity").fill("CS2")
    rows.last.locator(".ocppflow-password").fill("x")
    expect(tray.locator("#csms-stations-tip")).to_contain_text("twice")
    rows.last.locator(".ocppflow-identity").fill("CS:3")
    expect(tray.locator("#csms-stations-tip")).to_contain_text("CS:3: no station of OCPP 2.x can be called this")
    expect(rows.last.locator(".ocppflow-identity")).to_have_class("ocppflow-identity input-error")
    rows.last.locator(".ocppflow-identity").fill("CS3")
    expect(tray.locator("#csms-stations-tip")).to_contain_text("CS3: OCPP 2.x knows passwords of 16 to 40 characters")
    expect(rows.last.locator(".ocppflow-password")).to_have_class("ocppflow-password ocppflow-doubt")
    editor.done()
    tray = editor.open(ident)  # once more before the deploy
    rows = stations(tray)
    expect(rows).to_have_count(3)
    rows.nth(1).locator(".red-ui-editableList-item-remove").click()
    editor.done()
    editor.deploy()
    assert stored(red, ident) == ["CS3", "CS9"]

    opened = admitted(deployable.port, "CS9", "first-secret-word")  # renamed, with the password it had
    assert opened == 101
    assert admitted(deployable.port, "CS9", "second-secret-word") == 401
    assert admitted(deployable.port, "CS1", "first-secret-word") == 404
    assert admitted(deployable.port, "CS2", "second-secret-word") == 404


@ON_5
def test_what_the_dialog_forgives_is_forgiven_at_the_door(editor: Editor, deployable: Drawing):
    tray = editor.open(deployable.id("CSMS"))
    tray.get_by_text("Security", exact=True).click()
    tray.locator("#node-input-securityProfile").select_option("0")
    tray.get_by_text("Tolerance", exact=True).click()
    tray.locator("#node-input-assumeVersion").select_option("2.0.1")
    tray.locator("#node-input-assumeIdentity").fill("LONER")
    editor.done()
    editor.deploy()
    assert version_spoken(f"ws://127.0.0.1:{deployable.port}/ocpp") == "2.0.1"


def version_spoken(url: str) -> str:
    """The version that a station speaks by the answer to a Request of 1.6, once the node listens."""
    limit = time.monotonic() + 15
    while True:
        try:
            with connect(url, proxy=None) as socket:
                socket.send('[2,"1","StartTransaction",{}]')
                said = str(socket.recv(10))
                return re.findall(r"OCPP ([\d.]+\d)", said)[0]
        except ConnectionRefusedError:
            assert time.monotonic() < limit, "the node does not listen"
            time.sleep(0.05)  # there is nothing to wait on: another process binds the port


def admitted(port: int, identity: str, password: str) -> int:
    """The HTTP status that a station gets, from the moment when the node listens."""
    limit = time.monotonic() + 15
    while True:
        try:
            headers = {"Authorization": basic(identity, password)}
            url = f"ws://127.0.0.1:{port}/ocpp/{identity}"
            with connect(url, additional_headers=headers, subprotocols=[Subprotocol("ocpp2.0.1")], proxy=None):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code
        except ConnectionRefusedError:
            assert time.monotonic() < limit, "the node does not listen"
            time.sleep(0.05)  # there is nothing to wait on: another process binds the port

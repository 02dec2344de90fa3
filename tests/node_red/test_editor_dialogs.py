"""The edit dialogs in a real browser: opened, filled, cancelled and saved, without a complaint in its console."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from editor_page import Editor, chromium
from playwright.sync_api import Browser, expect
from runtime_peers import basic
from runtime_process import NodeRed, free_port
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

KINDS = ["CSMS", "CS", "ocpp-request", "ocpp-router"]
CONFIGS = ["target-csms", "ocppflow-engine"]
ON_5 = pytest.mark.parametrize("red", ["nr5"], indirect=True)
"""For what does not depend on the version of Node-RED; opening dialogs takes time."""
numbers = itertools.count(1)


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
        self.key = f"d{next(numbers)}x"
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
                          messageTimeout=10000, securityProfile=1, validation="strict", answer=[], tls="", engine="",
                          ocpp_logging=False),
                self.node("CS", 1, cbId="CS1", csms=self.id("target-csms"), versions=["2.0.1"], messageTimeout=10000,
                          validation="strict", answer=[], tls="", engine="", pingInterval=30, ws_rt_minimum=10,
                          ws_rt_repeat=2, ws_rt_rnd_range=2, auto_connect=False, ocpp_logging=False),
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


def test_the_palette_has_the_nodes_with_their_icons(editor: Editor):
    palette = editor.page.locator('[data-palette-type="CSMS"], [data-palette-type="CS"]')
    expect(palette).to_have_count(2)
    for kind in KINDS:
        node = editor.page.locator(f'[data-palette-type="{kind}"]')
        expect(node.locator(".red-ui-palette-label")).to_have_text(kind.replace("-", " "))
        assert editor.script("type => RED.nodes.getType(type).category", kind) == "OCPP"
        icon = editor.script("type => RED.utils.getNodeIcon(RED.nodes.getType(type))", kind)
        assert editor.script("async url => (await fetch(url)).headers.get('content-type')", icon) == "image/svg+xml"


def test_cancel_changes_nothing_and_done_without_a_change_neither(drawing: Drawing):
    editor = drawing.editor
    for kind, leave in itertools.product(KINDS, (editor.cancel, editor.done)):
        before = drawing.exported(kind)
        editor.open(drawing.id(kind))
        leave()
        assert drawing.exported(kind) == before
        assert not editor.is_changed(drawing.id(kind))


@ON_5
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_typed_and_cancelled_is_gone(drawing: Drawing, kind: str):
    editor, before = drawing.editor, drawing.exported(kind)
    tray = editor.open(drawing.id(kind))
    tray.locator("#node-input-name").fill("another")
    if kind in ("CSMS", "CS"):
        tray.get_by_text("Messages", exact=True).click()
        tray.locator("#node-input-ocpp_logging").check()
        tray.locator("#node-input-messageTimeout").fill("5")
    if kind == "CSMS":
        tray.get_by_text("Security", exact=True).click()
        tray.get_by_role("button", name="station").click()
        tray.locator(".ocppflow-identity").fill("CS7")
        tray.locator(".ocppflow-password").fill("secret")
    if kind == "ocpp-router":
        tray.locator(".red-ui-editableList-item-remove").first.click()
    if kind == "ocpp-request":
        tray.locator("#node-input-action").select_option("GetReport")
    editor.cancel()
    assert drawing.exported(kind) == before
    assert not editor.is_changed(drawing.id(kind))


@ON_5
def test_the_csms_dialog_saves_what_it_shows(drawing: Drawing):
    editor = drawing.editor
    tray = editor.open(drawing.id("CSMS"))
    tray.locator("#node-input-port").fill("99999")
    tray.locator("#node-input-port").blur()
    expect(tray.locator("#node-input-port")).to_have_class("ocppflow-short input-error")
    tray.locator("#node-input-port").fill("9123")
    tray.locator("#node-input-port").blur()
    expect(tray.locator("#node-input-port")).to_have_class("ocppflow-short")
    tray.locator("#csms-versions input[value='1.6']").check()
    expect(tray.locator("#csms-url")).to_have_text("ws://127.0.0.1:9123/ocpp/<identity>")
    tray.get_by_text("Security", exact=True).click()
    tray.locator("#node-input-securityProfile").select_option("2")
    expect(tray.locator("#node-input-tls")).to_be_visible()
    expect(tray.locator("#node-input-tls")).to_have_class("input-error")
    expect(tray.locator("#csms-url")).to_have_text("wss://127.0.0.1:9123/ocpp/<identity>")
    tray.locator("#node-input-securityProfile").select_option("0")
    expect(tray.locator("#csms-passwords")).to_be_hidden()
    tray.get_by_text("Messages", exact=True).click()
    tray.locator("#node-input-validation").select_option("tolerant")
    tray.locator("#node-input-messageTimeout").fill("${TIMEOUT}")
    editor.done()
    after = drawing.exported("CSMS")
    assert after["port"] == "9123"
    assert after["versions"] == ["2.0.1", "1.6"]
    assert after["securityProfile"] == "0"
    assert after["validation"] == "tolerant"
    assert after["messageTimeout"] == "${TIMEOUT}"
    assert "credentials" not in after


@ON_5
@pytest.mark.parametrize("kind", ["CSMS", "CS"])
def test_the_log_output_comes_and_goes_with_done_and_its_wires_with_it(drawing: Drawing, kind: str):
    editor, ident = drawing.editor, drawing.id(kind)

    def log(is_on: bool) -> None:
        tray = editor.open(ident)
        tray.get_by_text("Messages", exact=True).click()
        tray.locator("#node-input-ocpp_logging").set_checked(is_on)
        assert len(drawing.exported(kind)["wires"]) == (2 if is_on else 3)
        editor.done()

    log(True)
    assert drawing.exported(kind)["outputs"] == 3
    labels = "id => [0, 1, 2].map(port => RED.nodes.node(id)._def.outputLabels.call(RED.nodes.node(id), port))"
    assert editor.script(labels, ident) == ["all", "link call", "ocpp log"]
    editor.script(
        "([from, to]) => { const [a, b] = [RED.nodes.node(from), RED.nodes.node(to)];"
        " [0, 2].forEach(sourcePort => RED.nodes.addLink({source: a, sourcePort, target: b})) }",
        [ident, drawing.id("ocpp-router")],
    )
    log(False)
    assert drawing.exported(kind)["wires"] == [[drawing.id("ocpp-router")], []]


@ON_5
def test_the_cs_dialog_saves_what_it_shows_and_hides_the_password(drawing: Drawing):
    editor = drawing.editor
    tray = editor.open(drawing.id("CS"))
    expect(tray.locator("#cs-url")).to_have_text("ws://localhost:9/ocpp/CS1")
    tray.locator("#node-input-cbId").fill("CS 2")
    expect(tray.locator("#cs-url")).to_have_text("ws://localhost:9/ocpp/CS%202")
    tray.locator("#cs-password").fill("open-sesame")
    assert tray.locator("#cs-password").get_attribute("type") == "password"
    tray.get_by_text("Reconnecting", exact=True).click()
    tray.locator("#node-input-ws_rt_minimum").fill("5")
    expect(tray.locator("#cs-waits")).to_contain_text("Waits 5, 10, 20 s")
    editor.done()
    after = drawing.exported("CS")
    assert (after["cbId"], after["ws_rt_minimum"]) == ("CS 2", "5")
    assert after["credentials"] == {"csms_pw": "open-sesame"}
    editor.open(drawing.id("CS"))
    editor.cancel()
    assert drawing.exported("CS")["credentials"] == {"csms_pw": "open-sesame"}


@ON_5
def test_a_cs_of_the_older_format_keeps_what_it_has(drawing: Drawing):
    editor = drawing.editor
    old = {"csms_url": "ws://old:1/ocpp", "csms_user": "me", "csms_pw": "plain"}
    editor.load([{"id": drawing.id("old"), "type": "CS", "z": drawing.id("tab"), "name": "", "cbId": "CS9", "x": 600,
                  "y": 80, "wires": [[], []], **old}])  # fmt: skip
    tray = editor.open(drawing.id("old"))
    expect(tray.locator("#cs-url")).to_have_text("ws://old:1/ocpp/CS9")
    assert tray.locator("#cs-password").input_value() == "__PWRD__"
    editor.done()
    after = editor.node(drawing.id("old"))
    assert {name: after.get(name) for name in old} == old
    assert after["ws_rt_minimum"] == "10"
    assert after["auto_connect"] is True
    tray = editor.open(drawing.id("old"))
    tray.locator("#cs-password").fill("new")
    editor.done()
    after = editor.node(drawing.id("old"))
    assert after["credentials"] == {"csms_pw": "new"}
    assert after["csms_pw"] is None


@ON_5
def test_target_csms_says_what_is_wrong_with_its_url(drawing: Drawing):
    tray = drawing.editor.open_config(drawing.id("target-csms"))
    field = tray.locator("#node-config-input-url")
    right = ["ws://host:9000/ocpp", "wss://host/a/b", "${CSMS_URL}", "ws://${HOST}:9000/"]
    wrong = ["http://host", "host:9000", "ws://me:pw@host/", "ws://host/?a=1", ""]
    for url in itertools.chain.from_iterable(itertools.zip_longest(right, wrong, fillvalue="ws://host")):
        field.fill(url)
        field.blur()
        expect(field).to_have_class("input-error" if url in wrong else "")
    drawing.editor.cancel()


@ON_5
def test_the_engine_dialog_asks_for_what_its_mode_needs(drawing: Drawing):
    editor = drawing.editor
    tray = editor.open_config(drawing.id("ocppflow-engine"))
    expect(tray.locator("#node-config-input-command")).to_be_hidden()
    tray.locator("#node-config-input-mode").select_option("command")
    expect(tray.locator("#node-config-input-command")).to_have_class("input-error")
    tray.locator("#node-config-input-command").fill("ocppflow engine")
    tray.locator("#node-config-input-command").blur()
    expect(tray.locator("#node-config-input-command")).to_have_class("")
    expect(tray.locator("#node-config-input-socket")).to_be_hidden()
    editor.done()
    node = editor.script("id => RED.nodes.convertNode(RED.nodes.node(id))", drawing.id("ocppflow-engine"))
    assert (node["mode"], node["command"]) == ("command", "ocppflow engine")


def findings(tray: Any) -> Any:
    return tray.locator(".ocppflow-findings:visible")


def test_the_request_dialog_checks_the_data_while_it_is_typed(drawing: Drawing):
    editor, ident = drawing.editor, drawing.id("ocpp-request")
    tray = editor.open(ident)
    expect(findings(tray)).to_have_text("valid as ResetRequest")
    write = "([id, text]) => RED.nodes.node(id).ocppflowEditor.setValue(text, -1)"
    editor.script(write, [ident, '{"type": "Now", "evse": 1}'])
    expect(findings(tray).locator("li")).to_have_text(
        ["type expected one of Immediate, OnIdle", "evse there is no such field"]
    )
    editor.script(write, [ident, "{"])
    expect(findings(tray)).to_contain_text("not JSON")
    tray.locator("#ocpp-request-template").click()
    expect(findings(tray)).to_have_text("valid as ResetRequest")
    editor.done()
    assert json.loads(drawing.exported("ocpp-request")["data"]) == {"type": "Immediate"}


@ON_5
def test_the_request_dialog_lists_what_a_side_may_send_and_through_which_nodes(drawing: Drawing):
    editor = drawing.editor
    tray = editor.open(drawing.id("ocpp-request"))
    actions, via = tray.locator("#node-input-action"), tray.locator("#ocpp-request-via")
    expect(actions).to_have_value("Reset")
    assert actions.locator("option[value='BootNotification']").count() == 0
    tray.locator("#node-input-version").select_option("1.6")
    expect(actions.locator("option[value='RemoteStartTransaction']")).to_have_count(1)
    expect(actions).to_have_value("Reset")
    tray.locator("#node-input-direction").select_option("CS")
    expect(actions.locator("option[value='StartTransaction']")).to_have_count(1)
    expect(actions).to_have_value("")
    expect(tray.locator("#ocpp-request-station")).to_be_hidden()
    via.select_option(drawing.id("CS"))
    tray.locator("#ocpp-request-template").click()
    actions.select_option("StartTransaction")
    expect(findings(tray)).to_have_text("valid as StartTransactionRequest")
    editor.done()
    after = drawing.exported("ocpp-request")
    assert (after["via"], after["direction"], after["version"]) == ([drawing.id("CS")], "CS", "1.6")
    assert json.loads(after["data"]).keys() == {"connectorId", "idTag", "meterStart", "timestamp"}


@ON_5
def test_a_copy_of_the_request_goes_through_the_copy_of_its_csms(drawing: Drawing):
    copied = drawing.editor.script(
        "([csms, request]) => { const nodes = [csms, request].map(id => RED.nodes.convertNode(RED.nodes.node(id)));"
        " const made = RED.nodes.import(nodes, {generateIds: true});"
        " return made.nodes.map(node => [node.type, node.id, node.via]) }",
        [drawing.id("CSMS"), drawing.id("ocpp-request")],
    )
    by_type = {kind: (ident, via) for kind, ident, via in copied}
    assert by_type["CSMS"][0] != drawing.id("CSMS")
    assert by_type["ocpp-request"][1] == [by_type["CSMS"][0]]


@ON_5
def test_the_router_has_an_output_for_each_rule_and_one_for_answers(drawing: Drawing):
    editor, ident = drawing.editor, drawing.id("ocpp-router")
    tray = editor.open(ident)
    rules = tray.locator(".red-ui-editableList-list > li")
    tray.locator(".red-ui-editableList-item-remove").first.click()
    expect(rules).to_have_count(1)
    tray.locator(".red-ui-editableList-addButton").click()
    expect(rules).to_have_count(2)
    rules.nth(1).locator(".ocppflow-rule-action").fill("Heartbeat")
    rules.nth(1).locator(".ocppflow-rule-version").select_option("2.0.1")
    rules.nth(1).locator(".ocppflow-rule-answers").check()
    expect(findings(tray)).to_contain_text("currentTime is missing")
    rules.nth(1).locator(".ocppflow-rule-template").click()
    expect(findings(tray)).to_have_count(0)
    editor.done()
    after = drawing.exported("ocpp-router")
    assert after["rules"] == [
        {"kind": "Request", "version": "", "action": "Boot*", "station": "CS?"},
        {"kind": "Request", "version": "2.0.1", "action": "Heartbeat", "station": "", "answers": True,
         "answerType": "jsonata", "answer": '{"currentTime":$now()}'},
    ]  # fmt: skip
    assert after["wires"] == [[drawing.id("CSMS")], [], [drawing.id("ocpp-request")], []]
    labels = "id => [0, 1, 2, 3].map(port => RED.nodes.node(id)._def.outputLabels.call(RED.nodes.node(id), port))"
    assert editor.script(labels, ident) == [
        "Boot* Request (CS?)", "Heartbeat Request (2.0.1)", "everything else", "answers",
    ]  # fmt: skip


HELP = "types => types.map(type => RED.nodes.getNodeHelp(type))"


@ON_5
def test_dialogs_and_help_speak_german_as_well(editor: Editor, red: NodeRed, browser: Browser):
    english = editor.script(HELP, KINDS + CONFIGS)
    page = Editor(browser, red.port, language="de")
    german = page.script(HELP, KINDS + CONFIGS)
    assert all(len(text) > 200 for text in english + german)
    assert all(ours != theirs for ours, theirs in zip(english, german, strict=True))
    drawing = Drawing(page)
    tray = page.open(drawing.id("CSMS"))
    expect(tray.get_by_text("Sicherheit", exact=True)).to_be_visible()
    page.cancel()
    tray = page.open(drawing.id("ocpp-request"))
    expect(findings(tray)).to_have_text("gültig als ResetRequest")
    page.cancel()
    assert page.complaints == []
    page.close()


# --- stations and passwords, with the server behind -----------------------------------------------------------------


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
    for name, password in (("CS1", "first-secret"), ("CS2", "second-secret")):
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
    rows.last.locator(".ocppflow-identity").fill("CS3")
    editor.done()
    tray = editor.open(ident)  # once more before the deploy
    rows = stations(tray)
    expect(rows).to_have_count(3)
    rows.nth(1).locator(".red-ui-editableList-item-remove").click()
    editor.done()
    editor.deploy()
    assert stored(red, ident) == ["CS3", "CS9"]

    opened = admitted(deployable.port, "CS9", "first-secret")  # renamed, with the password it had
    assert opened == 101
    assert admitted(deployable.port, "CS9", "second-secret") == 401
    assert admitted(deployable.port, "CS1", "first-secret") == 404
    assert admitted(deployable.port, "CS2", "second-secret") == 404


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

"""The dialog of *ocpp request* in a real browser: what it lists, checks and saves."""

from __future__ import annotations

import json

from editor_drawing import ON_5, Drawing, findings
from playwright.sync_api import expect


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

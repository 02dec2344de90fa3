"""The edit dialogs in a real browser: opened, filled, cancelled and saved, without a complaint in its console."""

from __future__ import annotations

import itertools

import pytest
from editor_drawing import CONFIGS, KINDS, ON_5, Drawing, findings
from editor_page import Editor
from playwright.sync_api import Browser, expect
from runtime_process import NodeRed

LABELS = {"CSMS": "ocpp CSMS", "CS": "ocpp CS", "ocpp-request": "ocpp request", "ocpp-router": "ocpp router"}


def test_the_palette_finds_all_nodes_by_ocpp_and_has_their_icons(editor: Editor):
    search = editor.page.locator("#red-ui-palette-search input")
    search.press_sequentially("ocpp")
    for kind in KINDS:
        node = editor.page.locator(f'[data-palette-type="{kind}"]')
        expect(node).to_be_visible()
        expect(node.locator(".red-ui-palette-label")).to_have_text(LABELS[kind])
        assert editor.script("type => RED.nodes.getType(type).category", kind) == "OCPP"
        icon = editor.script("type => RED.utils.getNodeIcon(RED.nodes.getType(type))", kind)
        assert editor.script("async url => (await fetch(url)).headers.get('content-type')", icon) == "image/svg+xml"
    expect(editor.page.locator('[data-palette-type="inject"]')).to_be_hidden()
    search.fill("")
    search.press("Backspace")


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
    tray.locator("#node-input-messageTimeout").fill("${TIMEOUT}")
    tray.locator("#node-input-maxMessageSize").fill("100")
    tray.locator("#node-input-maxMessageSize").blur()
    expect(tray.locator("#node-input-maxMessageSize")).to_have_class("ocppflow-short input-error")
    tray.locator("#node-input-maxMessageSize").fill("4194304")
    tray.get_by_text("Tolerance", exact=True).click()
    tray.locator("#node-input-validation").select_option("tolerant")
    editor.done()
    after = drawing.exported("CSMS")
    assert after["port"] == "9123"
    assert after["versions"] == ["2.0.1", "1.6"]
    assert after["securityProfile"] == "0"
    assert after["validation"] == "tolerant"
    assert after["messageTimeout"] == "${TIMEOUT}"
    assert after["maxMessageSize"] == "4194304"
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
def test_what_is_forgiven_is_chosen_rule_by_rule(drawing: Drawing):
    editor = drawing.editor
    tray = editor.open(drawing.id("CSMS"))
    tray.locator("#csms-versions input[value='1.6']").check()
    tray.get_by_text("Tolerance", exact=True).click()
    tip = tray.locator("#csms-validation-tip")
    expect(tip).to_contain_text("refused with an Error")
    expect(tray.locator("#csms-rules")).to_be_hidden()
    tray.locator("#node-input-validation").select_option("rules")
    expect(tip).to_contain_text("No rule yet")
    tray.get_by_role("button", name="rule").click()
    expect(tip).to_contain_text("Rule 1: choose")
    tray.get_by_placeholder("every vendor").fill("ACME*")
    tray.get_by_placeholder("every field").fill("evse.id")
    tray.get_by_label("value", exact=True).check()
    expect(tip).to_contain_text("begins with $")
    tray.get_by_placeholder("every field").fill("$.evse.id")
    expect(tip).to_contain_text("What a rule forgives")
    assume = tray.locator("#node-input-assumeVersion")
    assert assume.locator("option").all_inner_texts() == [
        "refuse the connection",
        "assume OCPP 2.0.1",
        "assume OCPP 1.6",
    ]
    assume.select_option("1.6")
    identity = tray.locator("#node-input-assumeIdentity")
    identity.fill("a\tb")
    identity.blur()
    expect(identity).to_have_class("input-error")
    identity.fill("LONER")
    tray.locator("#node-input-allowOrigins").fill("file://")
    tray.locator("#node-input-anyUser").check()
    tray.get_by_text("Security", exact=True).click()
    tray.locator("#node-input-hideIdentities").check()
    editor.done()
    after = drawing.exported("CSMS")
    assert after["rules"] == [{"vendor": "ACME*", "path": "$.evse.id", "forgive": ["value"]}]
    assert (after["validation"], after["assumeVersion"], after["assumeIdentity"]) == ("rules", "1.6", "LONER")
    assert (after["anyUser"], after["anyConnectionHeader"], after["hideIdentities"]) == (True, False, True)
    assert after["allowOrigins"] == "file://"
    editor.open(drawing.id("CSMS"))
    editor.done()
    assert drawing.exported("CSMS") == after
    tray = editor.open(drawing.id("CSMS"))
    tray.locator("#csms-versions input[value='1.6']").uncheck()
    tray.get_by_text("Tolerance", exact=True).click()
    expect(tray.locator("#node-input-assumeVersion")).to_have_value("")
    editor.cancel()


@ON_5
def test_a_file_of_rules_that_a_flow_names_is_kept(drawing: Drawing):
    editor, ident = drawing.editor, drawing.id("CS")
    editor.script(
        "id => Object.assign(RED.nodes.node(id), {validation: 'rules', rules: '/etc/ocpp/rules.toml'})", ident
    )
    tray = editor.open(ident)
    tray.get_by_text("Tolerance", exact=True).click()
    expect(tray.locator(".ocppflow-rules-text")).to_have_value("/etc/ocpp/rules.toml")
    editor.done()
    assert drawing.exported("CS")["rules"] == "/etc/ocpp/rules.toml"


@ON_5
def test_the_cs_dialog_says_which_identity_and_password_no_station_has(drawing: Drawing):
    editor = drawing.editor
    tray = editor.open(drawing.id("CS"))
    identity, tip = tray.locator("#node-input-cbId"), tray.locator("#cs-password-tip")
    identity.fill("CS:1")
    identity.blur()
    expect(identity).to_have_class("input-error")
    tray.locator("#cs-password").fill("0123456789abcdef0123456789abcdef01234567")
    expect(tip).to_be_hidden()
    tray.locator("#cs-password").fill("0123456789ab")
    expect(tip).to_contain_text("16 to 40 characters")
    tray.locator("#cs-versions input[value='1.6']").check()
    expect(identity).to_have_class("")
    expect(tip).to_be_hidden()  # a key of six bytes
    tray.locator("#cs-password").fill("secret")
    expect(tip).to_contain_text("hexadecimal")
    editor.done()
    assert drawing.exported("CS")["credentials"] == {"csms_pw": "secret"}


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
def test_a_csms_of_the_older_format_shows_what_it_does(drawing: Drawing):
    editor, ident = drawing.editor, drawing.id("old")
    old = {"port": "9000", "path": "/ocpp", "ws_user": "me", "ws_pw": "plain", "log": False, "logpath": ""}
    editor.load([{"id": ident, "type": "CSMS", "z": drawing.id("tab"), "name": "", "x": 600, "y": 180,
                  "wires": [[], []], **old}])  # fmt: skip
    assert editor.script(
        "id => { const node = RED.nodes.node(id); RED.editor.validateNode(node); return node.valid }", ident
    )
    tray = editor.open(ident)
    shown = {"securityProfile": "1", "messageTimeout": "10000", "maxMessageSize": "1048576", "pingInterval": "60",
             "validation": "strict", "assumeVersion": "", "assumeIdentity": "",
             "allowOrigins": ""}  # fmt: skip
    for name, value in shown.items():
        expect(tray.locator(f"#node-input-{name}")).to_have_value(value)
    for name in ("anyUser", "anyConnectionHeader", "hideIdentities", "ocpp_logging"):
        expect(tray.locator(f"#node-input-{name}")).not_to_be_checked()
    editor.done()
    after = editor.node(ident)
    assert {name: after.get(name) for name in old} == old
    assert (after["versions"], after["rules"], after["wires"]) == (["2.0.1"], [], [[], []])


@ON_5
def test_target_csms_says_what_is_wrong_with_its_url(drawing: Drawing):
    tray = drawing.editor.open_config(drawing.id("target-csms"))
    field = tray.locator("#node-config-input-url")
    right = ["ws://host:9000/ocpp", "wss://host/a/b", "${CSMS_URL}", "ws://${HOST}:9000/", "ws://host/{identity}/?v=1"]
    wrong = ["http://host", "host:9000", "ws://me:pw@host/", "ws://host/#a", "ws://{identity}/", ""]
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
    tip, template = tray.locator("#ocpp-router-tip"), rules.nth(1).locator(".ocppflow-rule-template")
    expect(tip).to_contain_text("Output 3: everything else.")
    expect(tip).to_contain_text("Output 4: the answers")
    rules.nth(1).locator(".ocppflow-rule-action").fill("Hartbeat")
    expect(tip).to_contain_text("Rule 2 never applies to Hartbeat: there is no such action in OCPP 2.0.1.")
    expect(template).to_be_disabled()
    rules.nth(1).locator(".ocppflow-rule-action").fill("Heartbeat")
    expect(tip).not_to_contain_text("never applies")
    template.click()
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

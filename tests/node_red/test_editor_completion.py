"""The code editor of *ocpp request* completes fields and values: Monaco by a JSON Schema, Ace by a completer."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

import javascript
import jsonschema_rs
import pytest
from editor_drawing import ON_5, Drawing, findings
from editor_page import Editor
from editor_payloads import full, message_types, mutants, table
from playwright.sync_api import Browser, Page, expect
from runtime_process import NodeRed

from ocppflow.messages import Version
from ocppflow.messages.codec import violations

BEYOND_JSON_SCHEMA = ("date-time", "URI", "decimal")
"""What the editor's JSON worker leaves to the verdict below: it reads no date-times, and counts no decimals."""


@pytest.mark.parametrize("version", list(Version), ids=str)
def test_the_json_schema_says_what_the_engine_says(version: Version):
    chance, rules, types = random.Random(5), table(version), message_types(version)
    schemas = javascript.run(
        "resources/payload-editor.js",
        "return given.types.map(type => it.jsonSchema(given.table, type))",
        {"table": rules, "types": list(types)},
    )
    faulty = 0
    for (name, kind), schema in zip(types.items(), schemas, strict=True):
        validator = jsonschema_rs.validator_for(schema)
        for payload in mutants(full(rules["types"], {"ref": name}), chance, 15):
            found = violations(kind, json.dumps(payload))
            if all(any(word in each.expected for word in BEYOND_JSON_SCHEMA) for each in found) and found:
                continue
            assert validator.is_valid(payload) == (not found), (name, payload, found)
            faulty += bool(found)
    assert faulty > 10 * len(types)


def prefixes(value: Any, before: str = "") -> list[tuple[str, str, Any]]:
    """Every place in the JSON of ``value`` where a name or an enum value begins: (text before it, kind, what comes)."""
    if isinstance(value, dict):
        found, text = [], before + "{ "
        for name, each in value.items():
            found.append((text, "name", name))
            text += f"{json.dumps(name)}:\n "
            found += prefixes(each, text)
            text += json.dumps(each) + " , "
        return found
    if isinstance(value, list):
        return prefixes(value[0], before + "[") + prefixes(value[-1], before + f"[{json.dumps(value[0])},")
    return [(before, "value", value)]


@pytest.mark.parametrize("version", list(Version), ids=str)
def test_what_comes_next_in_a_payload_is_offered(version: Version):
    rules, types = table(version), message_types(version)
    cases = []
    for name in types:
        places = prefixes(full(rules["types"], {"ref": name}))
        cases += [(name, *each) for each in random.Random(3).sample(places, min(len(places), 30))]
    offers = javascript.run(
        "resources/payload-editor.js",
        "return given.cases.map(([type, text]) => it.candidates(given.table, type, text))",
        {"table": rules, "cases": [(name, text + quote) for name, text, _, _ in cases for quote in ("", '"')]},
    )
    names = enums = 0
    for (name, text, kind, wanted), plain, quoted in zip(cases, offers[::2], offers[1::2], strict=True):
        assert (plain["isInText"], quoted["isInText"]) == (False, True), text
        offered = [each["value"] for each in plain["found"]]
        if kind == "name":
            assert wanted in offered, (name, text)
            assert [each["value"] for each in quoted["found"]] == offered
            assert not any(f'"{each}":\n' in text.rpartition("{")[2] for each in offered)
            names += 1
        elif offered:
            assert wanted in offered, (name, text)
            enums += 1
    assert names > 5 * len(types) / 2
    assert enums > 20


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("", []),
        ("{", ["type*", "evseId", "customData"]),
        ('{"type": "Immediate", ', ["evseId", "customData"]),
        ('{"type": ', ["Immediate", "OnIdle"]),
        ('{"type": "', ["Immediate", "OnIdle"]),
        ('{"type": {"', []),
        ('{"no": ', []),
        ('{"no": {', []),
        ('{"type"', []),
        ('{"type": "OnIdle"', []),
        ('[{"', []),
        ('{"customData": {', ["vendorId*"]),
        ("{ty", ["type*", "evseId", "customData"]),
        ('{"type": Imm', ["Immediate", "OnIdle"]),
        ('{"type": Imm ', []),
        ("}", []),
        ("]]}} :,", []),
        ('{"a": [1, {"b": "{\\"type\\":", "c": "\\u0022"}], "ty', ["type*", "evseId", "customData"]),
        ('{"__proto__": ', []),
    ],
)
def test_a_text_that_is_no_payload_yet_offers_what_may_come(text: str, offered: list[str]):
    found = javascript.run(
        "resources/payload-editor.js",
        "return it.candidates(given.table, 'ResetRequest', given.text).found",
        {"table": table(Version.V201), "text": text},
    )
    assert [each["value"] + "*" * each["isRequired"] for each in found] == offered


# --- in the browser -----------------------------------------------------------------------------------------------


def offered(page: Page, editor: str) -> list[str]:
    """What the list of proposals shows, once it does."""
    rows = {"monaco": ".suggest-widget.visible .monaco-list-row .label-name", "ace": ".ace_autocomplete .ace_line"}
    expect(page.locator(rows[editor]).first).to_be_visible()
    return [text.strip() for text in page.locator(rows[editor]).all_inner_texts() if text.strip()]


def write(editor: Editor, ident: str, text: str) -> None:
    """Put a text into the code editor, with the caret at its end."""
    editor.script(
        "([id, text]) => { const one = RED.nodes.node(id).ocppflowEditor; one.setValue(text, 1); one.focus();"
        " if (one.setPosition) one.setPosition(one.getModel().getFullModelRange().getEndPosition()) }",
        [ident, text],
    )


def typed(editor: Editor, ident: str) -> str:
    return str(editor.script("id => RED.nodes.node(id).ocppflowEditor.getValue()", ident))


def test_monaco_completes_the_fields_and_values_of_the_action_chosen(drawing: Drawing):
    editor, ident = drawing.editor, drawing.id("ocpp-request")
    keys = editor.page.keyboard
    tray = editor.open(ident)
    tray.locator("#node-input-action").select_option("RequestStartTransaction")
    write(editor, ident, '{"idToken": {}, "evseId": 1, ')
    keys.press("Control+Space")
    names = offered(editor.page, "monaco")
    assert names == ["chargingProfile", "customData", "groupIdToken", "remoteStartId"]
    expect(tray.locator("#node-input-action")).to_have_attribute("title", re.compile("start charging for a token"))
    keys.press("Escape")
    tray.locator("#node-input-action").select_option("Reset")
    write(editor, ident, '{"type": ')
    keys.press("Control+Space")
    assert offered(editor.page, "monaco") == ['"Immediate"', '"OnIdle"']
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(editor.page.locator(".suggest-widget.visible")).to_have_count(0)
    assert typed(editor, ident).startswith('{"type": "OnIdle"')
    editor.cancel()
    left = "() => (monaco.json || monaco.languages.json).jsonDefaults.diagnosticsOptions.schemas"
    assert editor.script(left) == []


@pytest.mark.parametrize("name", ["nr4", "nr5"])
def test_ace_completes_them_as_well(name: str, start: Callable[..., NodeRed], browser: Browser):
    red = start(name, settings="editorTheme: { tours: false, codeEditor: { lib: 'ace' } }")
    drawing = Drawing(editor := Editor(browser, red.port))
    ident, keys = drawing.id("ocpp-request"), editor.page.keyboard
    tray = editor.open(ident)
    write(editor, ident, "{")
    keys.type("t")
    assert offered(editor.page, "ace") == ["typerequired", "customData"]
    expect(editor.page.locator(".ace_doc-tooltip")).to_contain_text("terminates ongoing transactions")
    keys.press("Enter")
    keys.press("Control+Space")
    assert offered(editor.page, "ace") == ["Immediate", "OnIdle"]
    keys.press("ArrowDown")
    keys.press("Enter")
    assert typed(editor, ident).startswith('{"type": "OnIdle"')
    write(editor, ident, '{"type": "OnIdle"}')
    expect(findings(tray)).to_have_text("valid as ResetRequest")
    editor.cancel()
    assert editor.complaints == []
    editor.close()


@ON_5
@pytest.mark.parametrize("language", ["en-US", "de"])
def test_the_verdict_is_in_sight_on_a_small_screen(language: str, red: NodeRed, browser: Browser):
    editor = Editor(browser, red.port, language=language)
    editor.page.set_viewport_size({"width": 1280, "height": 800})
    drawing = Drawing(editor)
    ident = drawing.id("ocpp-request")
    tray = editor.open(ident)
    for text in ("{}", '{"type": "Now", "evse": 1, "a": 2, "b": 3, "c": 4}'):
        write(editor, ident, text)
        expect(findings(tray)).to_have_class("ocppflow-findings wrong")
        edge = tray.locator(".red-ui-tray-footer").bounding_box()
        for part in (findings(tray), tray.locator("#node-input-validate")):
            box = part.bounding_box()
            assert edge is not None
            assert box is not None
            assert box["y"] + box["height"] <= edge["y"], (text, box, edge)
    editor.cancel()
    editor.close()

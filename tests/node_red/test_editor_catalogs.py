"""The catalogs of texts: English and German have the same keys, and no dialog shows a key in place of a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from editor_drawing import CONFIGS, KINDS, ON_5, Drawing
from editor_page import Editor
from playwright.sync_api import Browser
from runtime_process import PACKAGE, NodeRed

LOCALES = PACKAGE / "nodes" / "locales"
SETS = sorted(path.stem for path in (LOCALES / "en-US").glob("*.json"))


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path, node


def catalog(language: str, name: str) -> dict[str, str]:
    return dict(leaves(json.loads((LOCALES / language / f"{name}.json").read_text(encoding="utf-8"))))


def places(text: str) -> list[str]:
    """What a text leaves open, such as ``__n__``."""
    return sorted(re.findall(r"__\w+?__", text))


@pytest.mark.parametrize("name", SETS)
def test_both_languages_have_the_same_texts_with_the_same_places_in_them(name: str):
    english, german = catalog("en-US", name), catalog("de", name)
    assert english.keys() == german.keys()
    for key, text in english.items():
        assert places(text) == places(german[key]), key
        assert text.strip()
        assert german[key].strip()


KEY = re.compile(rf"\b(?:shared|{'|'.join(SETS)})\.[a-z]\w*(?:\.\w+)+")
SAID = """dialog => [dialog.innerText, ...[...dialog.querySelectorAll('*')].flatMap(each =>
    ['title', 'placeholder', 'aria-label'].map(name => each.getAttribute(name) || ''))].join('\\n')"""


@ON_5
@pytest.mark.parametrize("language", ["en-US", "de"])
def test_no_dialog_shows_a_key_in_place_of_a_text(language: str, red: NodeRed, browser: Browser):
    editor = Editor(browser, red.port, language=language)
    drawing = Drawing(editor)
    said = []
    for kind in KINDS + CONFIGS:
        tray = (editor.open if kind in KINDS else editor.open_config)(drawing.id(kind))
        for choice in tray.locator(
            "#node-input-validation, #node-input-securityProfile, #node-config-input-mode"
        ).all():
            for value in choice.locator("option").evaluate_all("all => all.map(each => each.value)"):
                choice.evaluate("(list, value) => $(list).val(value).trigger('change')", value)
                said.append(tray.locator(".ocppflow-dialog").evaluate(SAID))
        tray.locator(".red-ui-editableList-addButton").evaluate_all("all => all.forEach(each => each.click())")
        tray.locator(".red-ui-tab").evaluate_all("all => all.forEach(each => each.click())")
        said.append(tray.locator(".ocppflow-dialog").evaluate(SAID))
        editor.cancel()
    text = "\n".join(said)
    assert len(text) > 3000
    assert KEY.findall(text) == []
    assert editor.complaints == []
    editor.close()


RENDERED = """type => { const page = $('<div>').html(RED.nodes.getNodeHelp(type));
    return { terms: page.find('dl.message-properties > dt').length, text: page.text() } }"""


@pytest.mark.parametrize("language", ["en-US", "de"])
def test_every_property_in_a_help_text_is_shown_as_one(language: str, red: NodeRed, browser: Browser):
    """Node-RED reads ``: name (type) : text`` as a property only if the text has no further colon."""
    editor = Editor(browser, red.port, language=language)
    for kind in KINDS + CONFIGS:
        file = (PACKAGE / "nodes" if language == "en-US" else LOCALES / "de") / f"{kind.lower()}.html"
        written = len(re.findall(r"^: ", file.read_text(encoding="utf-8"), re.MULTILINE))
        shown = editor.script(RENDERED, kind)
        assert shown["terms"] == written, kind
        assert not re.search(r"^: | : ", shown["text"], re.MULTILINE), kind
    editor.close()

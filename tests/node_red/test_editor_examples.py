"""An example as a newcomer uses it: Import > Examples, Deploy, a click on the inject button, a look at the sidebar."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from editor_page import Editor, chromium
from playwright.sync_api import expect
from runtime_process import NodeRed

MODULE = "@ocppflow/node-red-contrib-ocpp"


@pytest.mark.parametrize("name", ["nr4", "nr5"])
def test_an_example_is_imported_deployed_and_clicked(name: str, start: Callable[..., NodeRed]) -> None:
    red = start(name)
    with chromium() as browser:
        editor = Editor(browser, red.port, width=1600)
        page = editor.page
        page.locator("#red-ui-header-button-sidemenu").click()
        page.locator("#menu-item-import").click()
        dialog = page.locator(".ui-dialog", has=page.locator("#red-ui-clipboard-dialog-ok"))
        dialog.get_by_role("link", name="Examples").click()
        package = dialog.locator(".red-ui-treeList-label", has_text=MODULE)
        package.click()
        dialog.locator(".red-ui-treeList-label", has_text="01 - Hello").click()
        page.locator("#red-ui-clipboard-dialog-ok").click()
        expect(dialog).to_be_hidden()
        hello = page.locator(".red-ui-tab-label", has_text="Hello")
        expect(hello.first).to_be_visible()

        port = editor.script(
            "() => { const of = t => RED.nodes.filterNodes({type: t}); return of('CSMS').map(n => n.port).at(-1) }"
        )
        assert port == "9101"
        editor.deploy()
        editor.script("() => RED.sidebar.show('debug')")
        said = page.locator(".red-ui-debug-msg")
        expect(said.filter(has_text="EVSE1 is ONLINE").first).to_be_visible()
        expect(said.filter(has_text="EVSE1 Request BootNotification").first).to_be_visible()

        ident = editor.script("() => RED.nodes.filterNodes({type: 'inject'}).find(n => n.name === 'reset EVSE1').id")
        editor.select(ident)
        page.locator(f'[id="{ident}"] .red-ui-flow-node-button-button').click()
        expect(said.filter(has_text='EVSE1 Response Reset {"status":"Accepted"}').first).to_be_visible()
        assert editor.complaints == []
        editor.close()

"""Node-RED's editor in Chromium, as a user's hands and eyes: dialogs opened by double click, left by Done or Cancel."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 6_000
NOT_OURS = ("google-analytics", "nodered.org", "Failed to load resource: net::ERR_", "Model is disposed!")
"""Lines of the browser's console that say only that this machine has no internet, or that Node-RED's own code editor
was closed while it was still at work."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine (``make browser`` installs it)."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found is not None, "there is no Chromium here: run 'make browser'"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        expect.set_options(timeout=PATIENCE_MS)
        yield browser
        browser.close()


class Editor:
    """The editor of the Node-RED on ``port``. ``complaints`` are the errors and warnings of the browser's console."""

    def __init__(
        self, browser: Browser, port: int, *, language: str = "en-US", width: int = 1280, height: int = 900
    ) -> None:
        self.complaints: list[str] = []
        self._context = browser.new_context(viewport={"width": width, "height": height}, locale=language)
        self._context.set_default_timeout(PATIENCE_MS)
        self._context.add_init_script(
            f"localStorage.setItem('editor-language', '{language}');localStorage.setItem('node-red-first-run', 'false')"
        )
        self.page: Page = self._context.new_page()
        self.page.on("pageerror", lambda error: self._note(f"error: {error}"))
        self.page.on("console", self._heard)
        self._url = f"http://127.0.0.1:{port}/"
        self.load_anew()

    def load_anew(self) -> None:
        """Open the editor, without what was drawn before."""
        self.script("() => { window.onbeforeunload = null; if (window.$) { $(window).off('beforeunload') } }")
        self.page.goto(self._url)
        self.page.wait_for_function(
            "window.RED && RED.nodes && RED.nodes.getType('CSMS') && $('.red-ui-palette-node').length"
        )
        self.page.locator("#red-ui-loading-progress").wait_for(state="hidden")
        self.page.add_style_tag(content="* { transition: none !important; animation: none !important }")

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning") or message.text.startswith(
            ("oneditprepare", "Validation error", "Unknown")
        ):
            self._note(f"{message.type}: {message.text} {message.location}")

    def _note(self, text: str) -> None:
        if not any(part in text for part in NOT_OURS):
            self.complaints.append(text)

    def close(self) -> None:
        """Close the tab of the browser."""
        self._context.close()

    # --- nodes -----------------------------------------------------------------------------------------------------

    def script(self, code: str, argument: Any = None) -> Any:
        """Run JavaScript in the page."""
        return self.page.evaluate(code, argument)

    def load(self, flow: list[dict[str, Any]]) -> None:
        """Import nodes as they are."""
        self.script(
            "flow => { RED.nodes.import(flow, {generateIds: false, addFlow: false}); RED.view.redraw(true) }", flow
        )

    def node(self, ident: str) -> dict[str, Any]:
        """The node as it would be exported, credentials included."""
        return dict(self.script("id => RED.nodes.convertNode(RED.nodes.node(id))", ident))

    def is_changed(self, ident: str) -> bool:
        """Whether the editor holds the node to be changed."""
        return bool(self.script("id => !!RED.nodes.node(id).changed", ident))

    def select(self, ident: str) -> None:
        """Show the tab that the node is on."""
        self.script("id => RED.workspaces.show(RED.nodes.node(id).z)", ident)

    # --- dialogs ---------------------------------------------------------------------------------------------------

    def open(self, ident: str) -> Locator:
        """Open the node's dialog by a double click."""
        self.select(ident)
        self.page.locator(f'[id="{ident}"] .red-ui-flow-node').dblclick()
        return self._tray()

    def open_config(self, ident: str) -> Locator:
        """Open the dialog of a configuration node."""
        self.script("id => { const n = RED.nodes.node(id); RED.editor.editConfig('', n.type, n.id) }", ident)
        return self._tray()

    def _tray(self) -> Locator:
        tray = self.page.locator(".red-ui-tray").last
        tray.locator(".red-ui-tray-toolbar .primary").wait_for()
        # Last of all Node-RED sets the focus, and would take it from what is being typed.
        self.page.wait_for_function(
            "() => !$('.red-ui-tray').is(':animated') && $('.red-ui-tray').last().css('right') === '0px'"
            " && $('.red-ui-tray').last()[0].contains(document.activeElement)"
        )
        return tray

    def done(self) -> None:
        """Leave the topmost dialog by its Done (Add, Update) button."""
        self._leave("ok")

    def cancel(self) -> None:
        """Leave the topmost dialog by Cancel."""
        self._leave("cancel")

    def _leave(self, how: str) -> None:
        trays = self.page.locator(".red-ui-tray")
        before = trays.count()
        trays.last.locator(f"#node-dialog-{how}, #node-config-dialog-{how}").click()
        self.page.wait_for_function("count => $('.red-ui-tray').length < count", arg=before)

    def deploy(self) -> None:
        """Press Deploy and wait until it is done."""
        self.page.locator("#red-ui-header-button-deploy").click()
        self.page.wait_for_function("() => !RED.nodes.dirty()")

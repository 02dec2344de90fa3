"""What ``ocppflow run`` shows: a line for each result, what was said last before a failure, and a page of diagrams."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ocppflow.cli.check_page import PAGE_STYLE
from ocppflow.cli.conversation import Conversation
from ocppflow.cli.entry_lines import clock, plain
from ocppflow.cli.sequence_svg import draw_trace
from ocppflow.plain_text import one_line

if TYPE_CHECKING:
    from ocppflow.scenario import ScenarioResult

_LAST: Final = 12
"""Messages that are shown with a failure: what led to it, on one screen."""

_WIDTH: Final = 140
_ROWS: Final = 200


def show_scenario(result: ScenarioResult) -> None:
    """Print it."""
    version = f"OCPP {result.version}" if result.version else "not connected"
    print(f"{result.verdict:6}{result.scenario} ({version}, {result.seconds:.1f} s): {one_line(result.title)}")
    if result.verdict != "pass":
        for line in last_messages(result):
            print(f"      {line}")
        where = f"step {result.step}: " if result.step else ""
        print(f"      {one_line(where + result.reason)}")
    for text in result.omitted:
        print(f"      {one_line(text)}")


def last_messages(result: ScenarioResult) -> list[str]:
    """What was said last, a line each."""
    conversation = Conversation()
    entries = [conversation.feed(record) for record in result.records]
    conversation.finish()
    while entries and entries[-1].kind == "disconnected":
        entries.pop()  # by us, at the end
    return [one_line(f"{clock(entry.record.time)}  {plain(entry)}", _WIDTH) for entry in entries[-_LAST:]]


def scenarios_page(results: Sequence[ScenarioResult], *, url: str = "") -> str:
    """A page with each scenario's sequence diagram, as text."""
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>Scenarios</title>',
        '<meta name="viewport" content="width=device-width"><style>' + PAGE_STYLE + "</style></head><body>",
        f"<h1>Scenarios against {html.escape(url or 'the CSMS')}</h1>",
        f'<p class="soft">Played by ocppflow run, {made}</p>',
        *map(_section, results),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _section(result: ScenarioResult) -> str:
    picture = draw_trace(result.records, title=result.scenario, rows=_ROWS) if result.records else ""
    svg = picture[picture.find("<svg") :] if picture else ""
    where = f"step {result.step}: " if result.step else ""
    lines = (
        [f'<li class="{result.verdict}">{html.escape(one_line(where + result.reason))}</li>'] if result.reason else []
    )
    lines += [f'<li class="partial">{html.escape(text)}</li>' for text in result.omitted]
    opened = "" if result.verdict == "pass" else " open"
    return (
        f"<details{opened}><summary><code>{html.escape(result.scenario)}</code> {html.escape(result.title)} "
        f'<span class="soft">OCPP {html.escape(result.version or "-")}</span>'
        f'<span class="verdict {result.verdict}">{result.verdict}</span></summary>'
        f'<div class="inside"><ul>{"".join(lines)}</ul>{svg}</div></details>'
    )

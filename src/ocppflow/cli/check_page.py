"""The report of ``ocppflow check``: one HTML file, with what was said in each case as a sequence diagram, and for a
failure which message broke which requirement."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ocppflow.cli.sequence_svg import draw_trace
from ocppflow.plain_text import one_line

if TYPE_CHECKING:
    from ocppflow.check.verdict import CaseResult

_ROWS = 120
"""Messages of a case that are drawn: a full report of a device model alone may take as many."""

PAGE_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b2430; --soft: #5b6776; --edge: #d8dee6; --page: #fff; --box: #f5f7fa;
  --good: #177245; --bad: #c0262d; --warn: #8a5a00; --plain: #5b6776; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa7b4; --edge: #30363d; --page: #0d1117;
  --box: #161b22; --good: #56d364; --bad: #ff7b72; --warn: #e3b341; --plain: #9aa7b4; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0 auto;
  padding: 24px; max-width: 1180px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 28px 0 8px; } p { margin: 4px 0; }
.soft { color: var(--soft); } .counts { display: flex; flex-wrap: wrap; gap: 10px; margin: 16px 0; }
.count { border: 1px solid var(--edge); border-radius: 8px; padding: 8px 14px; background: var(--box); }
.count b { font-size: 20px; display: block; } details { border: 1px solid var(--edge); border-radius: 8px;
  margin: 6px 0; background: var(--box); } summary { padding: 8px 12px; cursor: pointer; }
summary code { font-size: 14px; } .inside { padding: 4px 14px 14px; overflow-x: auto; }
.verdict { float: right; font-weight: 600; } .pass { color: var(--good); } .fail { color: var(--bad); }
.error, .partial { color: var(--warn); } .skipped { color: var(--plain); }
ul { margin: 4px 0 10px; padding-left: 20px; } .req { color: var(--soft); white-space: nowrap; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--edge); padding: 4px 8px;
  vertical-align: top; } svg { max-width: 100%; height: auto; }
"""

_CLASS: Final = {"pass": "pass", "fail": "fail", "error": "error", "partial": "partial"}


def check_page(results: Sequence[CaseResult], *, station: str = "") -> str:
    """The page as text."""
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    title = f"Conformance of {station or 'the station'}"
    counts: dict[str, int] = {}
    for result in results:
        counts[result.verdict.value] = counts.get(result.verdict.value, 0) + 1
    boxes = "".join(
        f'<div class="count"><b class="{_CLASS.get(name, "skipped")}">{count}</b>{html.escape(name)}</div>'
        for name, count in counts.items()
    )
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>',
        '<meta name="viewport" content="width=device-width"><style>' + PAGE_STYLE + "</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        f'<p class="soft">The official test cases (OCPP Part 6), played by ocppflow check station, {made}</p>',
        f'<div class="counts">{boxes}</div>',
        *(_version(name, [r for r in results if r.version.value == name]) for name in _versions(results)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _versions(results: Sequence[CaseResult]) -> list[str]:
    return list(dict.fromkeys(result.version.value for result in results))


def _version(name: str, results: Sequence[CaseResult]) -> str:
    carried_out = [result for result in results if _played(result)]
    others = [result for result in results if not _played(result)]
    rows = "".join(
        f"<tr><td><code>{html.escape(each.case)}</code></td><td>{html.escape(each.verdict.value)}</td>"
        f"<td>{html.escape(one_line(each.reason))}</td></tr>"
        for each in others
    )
    table = f"<details><summary>{len(others)} cases not carried out</summary>" if others else ""
    table += f'<div class="inside"><table>{rows}</table></div></details>' if others else ""
    return f"<h2>OCPP {html.escape(name)}</h2>" + "".join(map(_case, carried_out)) + table


def _played(result: CaseResult) -> bool:
    return bool(result.records) or result.verdict.value in _CLASS


def _case(result: CaseResult) -> str:
    verdict = result.verdict.value
    opened = " open" if verdict == "fail" else ""
    picture = draw_trace(result.records, title=result.case, rows=_ROWS) if result.records else ""
    svg = picture[picture.find("<svg") :] if picture else ""
    return (
        f"<details{opened}><summary><code>{html.escape(result.case)}</code> {html.escape(result.title)}"
        f'<span class="verdict {_CLASS.get(verdict, "skipped")}">{html.escape(verdict)}</span></summary>'
        f'<div class="inside">{_findings(result)}{svg}</div></details>'
    )


def _findings(result: CaseResult) -> str:
    lines: list[str] = []
    for finding in result.findings:
        broken = ", ".join(finding.requirements)
        which = f"{finding.action} {finding.message_id}".strip() if finding.message_id else ""
        about = "; ".join(each for each in (broken, which) if each)
        lines.append(
            f'<li class="fail">{html.escape(one_line(finding.text))} <span class="req">{html.escape(about)}</span></li>'
        )
    if result.reason and not result.findings:
        lines.append(f'<li class="{_CLASS.get(result.verdict.value, "skipped")}">{html.escape(result.reason)}</li>')
    lines += [f'<li class="partial">could not be judged: {html.escape(text)}</li>' for text in result.omitted]
    lines += [f'<li class="error">could not be put back: {html.escape(text)}</li>' for text in result.not_cleaned]
    if not lines:
        lines = [f'<li class="soft">proves {html.escape(", ".join(result.requirements))}</li>']
    return f"<ul>{''.join(lines)}</ul>"

"""What ``ocppflow check`` shows at the terminal: each case as it comes, and the sum of it all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ocppflow.plain_text import one_line

if TYPE_CHECKING:
    from rich.console import Console

    from ocppflow.check.runner import PlannedCase
    from ocppflow.check.verdict import CaseResult

_STYLES: Final = {
    "pass": "green",
    "fail": "bold red",
    "error": "yellow",
    "partial": "yellow",
    "not applicable": "dim",
    "not written": "dim",
}


def show_result(console: Console, result: CaseResult, number: int, of: int) -> None:
    """A line for the case, and one for each thing that is wrong."""
    from rich.text import Text

    verdict = result.verdict.value
    line = Text.assemble(
        (f"{number:>4}/{of} ", "dim"),
        (f"{result.case:12}", "bold"),
        f" {result.version.value:6}",
        (f"{verdict:15}", _STYLES[verdict]),
        one_line(result.title),
    )
    console.print(line, soft_wrap=True)
    for finding in result.findings:
        requirements = f" ({', '.join(finding.requirements)})" if finding.requirements else ""
        console.print(Text(f"          {one_line(finding.text)}{requirements}", "red"), soft_wrap=True)
    if verdict == "error":
        console.print(Text(f"          {one_line(result.reason)}", "yellow"), soft_wrap=True)
    for text in (*result.omitted, *(f"could not be put back: {left}" for left in result.not_cleaned)):
        console.print(Text(f"          {one_line(text)}", "yellow"), soft_wrap=True)


def show_plan(console: Console, planned: Sequence[PlannedCase]) -> None:
    """The list of cases that ``--list`` asks for."""
    from rich.text import Text

    for item in planned:
        verdict = item.verdict.value if item.verdict is not None else "to be played"
        title = item.case.title if item.case is not None else ""
        said = f"{title} ({one_line(item.reason)})" if item.reason and title else title or one_line(item.reason)
        line = Text.assemble(
            (f"{item.id:12}", "bold"),
            f" {item.version.value:6}",
            (f"{verdict:15}", _STYLES.get(verdict, "green")),
            said,
        )
        console.print(line, soft_wrap=True)
    console.print(f"\n{sum(item.verdict is None for item in planned)} of {len(planned)} cases would be played")


def show_summary(console: Console, results: Sequence[CaseResult]) -> None:
    """How many cases of each block came to which verdict."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_footer=True)
    table.add_column("block", footer="all")
    blocks = sorted({result.block for result in results})
    for verdict, style in _STYLES.items():
        count = sum(result.verdict.value == verdict for result in results)
        table.add_column(verdict, justify="right", style=style, footer=str(count))
    for block in blocks:
        mine = [result.verdict.value for result in results if result.block == block]
        table.add_row(block, *(str(mine.count(verdict) or "") for verdict in _STYLES))
    console.print(table)

"""What is seen of a fleet while it runs: one table at a terminal, a line now and then elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocppflow.fleet.plots import shown_time

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ocppflow.fleet import Figures, Fleet


class FleetView:
    """Draws a fleet. Rates are those since the last drawing."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._seen: dict[str, int] = {}
        self._seen_at = fleet.clock.now()
        self._rates: dict[str, float] = {}

    def line(self) -> str:
        """The whole in one line."""
        self._look()
        figures, fleet = self._fleet.figures, self._fleet
        together = figures.latencies
        failed = sum(action.failed for action in figures.actions.values())
        return (
            f"{shown_time(round(self._seen_at - figures.began))}: {fleet.connected} of {fleet.plan.count} connected, "
            f"{fleet.running} transactions, {fleet.queued} queued, {sum(self._rates.values()):.0f} answers/s, "
            f"{failed} failed, p50 {_ms(together.percentile(50))}, p99 {_ms(together.percentile(99))}"
        )

    def table(self) -> RenderableType:
        """For Rich: a line of state, and a table of actions."""
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        self._look()
        figures = self._fleet.figures
        table = Table(box=box.SIMPLE_HEAD)
        table.add_column("action", no_wrap=True)
        for heading in ("per second", "answered", "failed", "p50", "p95", "p99", "longest"):
            table.add_column(heading, justify="right")
        for action in sorted(figures.actions):
            table.add_row(action, *self._cells(figures, action))
        return Group(self._state(), table, Text(self._troubles(), "yellow"))

    def _state(self) -> RenderableType:
        from rich.table import Table

        fleet = self._fleet
        share = fleet.connected / fleet.plan.count
        state = Table.grid(padding=(0, 2))
        bar = "█" * round(share * 24)
        state.add_row(
            f"[bold]{fleet.plan.url}[/]",
            f"[green]{bar:░<24}[/] {fleet.connected} of {fleet.plan.count} connected",
            f"{fleet.registered} accepted",
            f"{fleet.running} transactions",
            f"{fleet.queued} queued",
            shown_time(round(self._seen_at - fleet.figures.began)),
        )
        return state

    def _cells(self, figures: Figures, action: str) -> list[str]:
        of_action = figures.actions[action]
        latencies = of_action.latencies
        failed = f"[red]{of_action.failed}[/]" if of_action.failed else "0"
        times = [_ms(latencies.percentile(percent)) for percent in (50, 95, 99)]
        return [f"{self._rates.get(action, 0):.1f}", str(latencies.count), failed, *times, _ms(latencies.longest)]

    def _troubles(self) -> str:
        figures = self._fleet.figures
        kinds: dict[str, int] = {}
        for action, of_action in figures.actions.items():
            for kind, count in of_action.errors.items():
                kinds[f"{action}: {kind}"] = count
        calm = ("connected", "sessions", "lost")
        kinds |= {what: count for what, count in figures.counts.items() if what not in calm and count}
        return "\n".join(f"{what}  {count}" for what, count in sorted(kinds.items(), key=lambda item: -item[1])[:6])

    def _look(self) -> None:
        now = self._fleet.clock.now()
        seconds = now - self._seen_at
        if seconds < 0.2 and self._seen:
            return
        answered = {action: figures.latencies.count for action, figures in self._fleet.figures.actions.items()}
        if seconds > 0:
            self._rates = {action: (n - self._seen.get(action, 0)) / seconds for action, n in answered.items()}
        self._seen, self._seen_at = answered, now


def _ms(seconds: float) -> str:
    milliseconds = seconds * 1000
    return f"{milliseconds:.1f} ms" if milliseconds < 100 else f"{milliseconds:.0f} ms"

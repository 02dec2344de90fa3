"""What the live view of ``ocppflow station`` draws: a station, its last messages, and the line that is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ocppflow.plain_text import one_line

if TYPE_CHECKING:
    from ocppflow.station.station_snapshot import EvseSnapshot, StationSnapshot, TransactionSnapshot

_COLOURS: Final = {
    "Available": "green",
    "Occupied": "cyan",
    "Reserved": "magenta",
    "Unavailable": "yellow",
    "Faulted": "bold red",
}
_BAR: Final = 10
_FIXED: Final = 1 + 4 + 2 + 1
"""Lines of the head, around the table's rows, of the panel's frame, and of what is typed."""

_COLUMNS: Final = (
    ("EVSE", 4, True),
    ("connector", 16, False),
    ("status", 11, False),
    ("EV", 22, False),
    ("power", 18, True),
    ("meter", 11, True),
    ("transaction", 20, False),
)
"""Heading, cells at least, whether it is aligned to the right."""


def draw(
    shown: StationSnapshot,
    messages: Sequence[Text],
    *,
    notice: Sequence[str] = (),
    typed: str = "",
    cursor: int = 0,
    waits: float | None = None,
    height: int = 24,
) -> RenderableType:
    """A picture of ``height`` lines. ``notice``: what has come of the last command. ``waits``: seconds until the next
    attempt to connect."""
    table = _table(shown)
    problems = [Text(f"! {one_line(problem)}", "bold red") for problem in shown.problems]
    notices = [Text(line, "yellow", no_wrap=True, overflow="ellipsis") for line in notice]
    rows = sum(len(evse.connectors) for evse in shown.evses)
    left = height - _FIXED - rows - len(problems) - max(len(notices), 1)
    recent = list(messages)[-left:] if left > 0 else []
    lines = [*recent, *[Text("")] * (left - len(recent))] if left > 0 else []
    parts: list[RenderableType] = [_head(shown, waits), table, *problems]
    parts += [Text("")] * (left + 2 if left <= 0 else 0)
    if left > 0:
        parts.append(Panel(Group(*lines), title="messages", title_align="left", border_style="dim", padding=(0, 1)))
    parts += [*(notices or [Text("help shows the commands", "dim")]), _prompt(typed, cursor)]
    return Group(*parts)


def _head(shown: StationSnapshot, waits: float | None) -> Text:
    connection = shown.connection
    colour = {"connected": "green", "off": "bold red"}.get(connection, "yellow")
    if waits is not None:
        connection = f"waiting {waits:.0f} s to connect"  # type: ignore[assignment]
    parts = [
        (f" {shown.identity} ", "bold reverse"),
        (f" {shown.vendor} {shown.model} ", ""),
        (f"· {connection}", colour),
        (f" · OCPP {shown.version}" if shown.version else "", ""),
        (f" · {shown.registration}", "green" if shown.registration == "Accepted" else "yellow"),
        (f" · {shown.time:%H:%M:%S} UTC", "dim"),
        (f" · {shown.queue_length} queued" if shown.queue_length else "", "yellow"),
    ]
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")


def _table(shown: StationSnapshot) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1))
    for heading, cells, is_right in _COLUMNS:
        justify: Literal["right", "left"] = "right" if is_right else "left"
        table.add_column(heading, justify=justify, min_width=cells, no_wrap=True, overflow="ellipsis")
    running = {each.id: each for each in shown.transactions}
    for evse in shown.evses:
        for number, connector in enumerate(evse.connectors):
            is_first = number == 0
            status = Text(connector.status or "off", _COLOURS.get(connector.status, "dim"))
            if is_first and evse.faults:
                status.append(f" {', '.join(evse.faults)}", "red")
            table.add_row(
                str(evse.evse) if is_first else "",
                f"{connector.connector} {connector.type}{' plugged' if connector.plugged else ''}",
                status,
                _ev(evse) if is_first else "",
                _power(evse) if is_first else "",
                f"{evse.meter.energy_import / 1000:.3f} kWh" if is_first else "",
                _transaction(running.get(evse.transaction or "")) if is_first else "",
            )
    return table


def _ev(evse: EvseSnapshot) -> Text:
    if evse.ev is None:
        return Text("-", "dim")
    filled = round(evse.ev.soc / 100 * _BAR)
    demand = {"ready": "asks", "connected": "rests"}.get(evse.ev.demand, evse.ev.demand)
    bar = ("█" * filled, "green"), ("░" * (_BAR - filled), "dim")
    return Text.assemble(*bar, f" {evse.ev.soc:.1f} % ", (demand, "dim"))


def _power(evse: EvseSnapshot) -> Text:
    watts = evse.meter.power
    if not watts:
        return Text("0 kW", "dim")
    amps = max(evse.meter.currents, default=0.0, key=abs)
    phases = sum(1 for each in evse.meter.currents if each)
    times = f" ×{phases}" if phases > 1 else ""
    return Text(f"{watts / 1000:.2f} kW {amps:.1f} A{times}", "bold green")


def _transaction(transaction: TransactionSnapshot | None) -> Text:
    if transaction is None:
        return Text("-", "dim")
    token = f" {one_line(transaction.token, 20)}" if transaction.token else ""
    return Text.assemble(
        (transaction.state, "bold"),
        f" {transaction.energy / 1000:.3f} kWh",
        (f"{token} {transaction.id[:8]} #{transaction.seq_no}", "dim"),
    )


def _prompt(typed: str, cursor: int) -> Text:
    under = typed[cursor : cursor + 1] or " "
    return Text.assemble(
        ("> ", "bold"), typed[:cursor], (under, "reverse"), typed[cursor + 1 :], no_wrap=True, overflow="crop"
    )

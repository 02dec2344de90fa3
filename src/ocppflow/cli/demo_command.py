"""``ocppflow demo``: a CSMS node and three CS nodes on a real port, their conversation shown as it happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocppflow.cli.failure import Failure

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ocppflow.cli.demo_flows import CSMSFlow, StationFlow
    from ocppflow.trace import TraceRecord

STATIONS = {"CS1": "1.6", "CS2": "2.0.1", "CS3": "2.1"}
MISBEHAVES = "CS2"
TIMEOUT = 120.0
"""Seconds after which the demo has failed; it takes six."""


def demo(
    pause: Annotated[float, typer.Option(metavar="S", min=0.0, help="Seconds between the steps of a station.")] = 0.35,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Directory for the trace and its diagram.")] = Path("out"),
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port of the CSMS; 0: a free one.")] = 0,
) -> None:
    """Watch a CSMS and three stations (OCPP 1.6, 2.0.1, 2.1) in conversation, on a real port of this machine.

    The stations boot, authorize and charge. The CSMS asks each for a variable and resets it. One of them sends an
    invalid message and is told why. The conversation is kept as a trace and a sequence diagram.
    """
    from rich.console import Console

    from ocppflow.cli.csms_log import silenced
    from ocppflow.transport.loop import run

    out.mkdir(parents=True, exist_ok=True)
    with silenced():
        run(Demo(Console(highlight=False), pause, out, port).play())


class Demo:
    """One performance of the demo."""

    def __init__(self, console: Console, pause: float, out: Path, port: int) -> None:
        from ocppflow.cli.conversation import Conversation

        self._console = console
        self._seconds = pause
        self._out = out
        self._port = port
        self._conversation = Conversation()
        self._records: list[TraceRecord] = []

    async def play(self) -> None:
        """Play it, then print a summary. Raises Failure if anything fails."""
        from ocppflow.cli.demo_flows import CSMSFlow, StationFlow
        from ocppflow.nodes import CSMSNode, CSNode

        began = time.monotonic()
        passwords = {name: f"demo-password-of-{name}" for name in STATIONS}
        csms = CSMSFlow()
        config = {"host": "127.0.0.1", "port": self._port, "path": "/ocpp", "versions": list(STATIONS.values())}
        node = CSMSNode(config, {"basic_auths": passwords}, send=csms.send, status=_no_status)
        csms.node = node
        await node.start()
        if node.problem:
            raise Failure(node.problem)
        node.csms.add_trace(self._show)
        url = f"ws://127.0.0.1:{node.port}/ocpp"
        self._console.print(f"[bold]CSMS[/] listens on [cyan]{url}[/]; three stations connect ...\n")
        stations = []
        for name, version in STATIONS.items():
            flow = StationFlow(name, version, self._pause)
            target = {"cbId": name, "csms": {"url": url}, "versions": [version]}
            flow.node = CSNode(target, {"csms_pw": passwords[name]}, send=flow.send, status=_no_status)
            stations.append(flow)
        try:
            await self._converse(csms, stations)
        finally:
            await asyncio.gather(*(flow.node.close() for flow in stations))
            await node.close()
        self._sum_up(csms, stations, time.monotonic() - began)

    async def _pause(self) -> None:
        await asyncio.sleep(self._seconds)

    async def _converse(self, csms: CSMSFlow, stations: list[StationFlow]) -> None:
        """All flows at once; the first that fails ends the demo."""
        work: list[Awaitable[Any]] = [csms.failure, *(flow.failure for flow in stations)]
        lives = []
        for flow in stations:
            await flow.node.start()
            lives.append(asyncio.ensure_future(flow.run(misbehave=flow.cb_id == MISBEHAVES)))
            lives.append(asyncio.ensure_future(csms.operate(flow.cb_id, flow.version, self._pause)))
            await self._pause()
        everything = asyncio.gather(*lives)
        try:
            async with asyncio.timeout(TIMEOUT):
                await asyncio.wait({everything, *map(asyncio.ensure_future, work)}, return_when="FIRST_COMPLETED")
        except TimeoutError:
            raise Failure(f"the demo was not over after {TIMEOUT:g} s") from None
        finally:
            everything.cancel()
        for each in (*lives, csms.failure, *(flow.failure for flow in stations)):
            if each.done() and not each.cancelled() and (error := each.exception()) is not None:
                raise Failure(f"the demo failed: {error}") from error

    def _show(self, record: TraceRecord) -> None:
        from ocppflow.cli.entry_lines import show

        self._records.append(record)
        show(self._console, self._conversation.feed(record), width=4)

    def _sum_up(self, csms: CSMSFlow, stations: list[StationFlow], seconds: float) -> None:
        from rich.text import Text

        from ocppflow.cli.sequence_svg import draw_trace
        from ocppflow.trace_file import TraceFile

        trace, picture = self._out / "demo.jsonl", self._out / "demo.svg"
        trace.unlink(missing_ok=True)
        with TraceFile(trace) as file:
            for record in self._records:
                file(record)
        picture.write_text(draw_trace(self._records, title="ocppflow demo"), encoding="utf-8")
        frames = sum(record.event in ("in", "out") for record in self._records)
        self._console.print(_summary(csms, stations, self._records))
        for flow in stations:
            if flow.refusal:
                refusal = Text(flow.refusal, "red")
                self._console.print(Text.assemble(f"{flow.cb_id} sent an invalid message and was told: ", refusal))
        self._console.print(f"\n{frames} messages in {seconds:.1f} s")
        self._console.print(f"trace    [cyan]{trace}[/]   (ocppflow trace {trace})")
        self._console.print(f"diagram  [cyan]{picture}[/]")


def _no_status(fill: str, shape: str, text: str) -> None:
    """The node's status, which a flow editor would show."""


def _summary(csms: CSMSFlow, stations: list[StationFlow], records: list[TraceRecord]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title="\nSummary", title_justify="left", title_style="bold")
    for heading in ("station", "OCPP", "messages", "transactions", "energy", "mean latency", "refused"):
        table.add_column(heading, justify="left" if heading == "station" else "right")
    for flow in stations:
        mine = [record for record in records if record.identity == flow.cb_id]
        frames = [record for record in mine if record.event in ("in", "out")]
        latencies = [record.latency for record in frames if record.latency is not None]
        mean = sum(latencies) / len(latencies) if latencies else 0.0
        table.add_row(
            flow.cb_id,
            flow.version,
            str(len(frames)),
            str(csms.transactions.get(flow.cb_id, 0)),
            f"{csms.energy.get(flow.cb_id, 0) / 1000:.2f} kWh",
            f"{mean * 1000:.2f} ms",
            str(sum(record.note.startswith("refused") for record in frames)),
        )
    return table

"""``ocppflow demo``: a CSMS and three complete stations on a real port, their conversation shown as it happens."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ocppflow.cli.failure import Failure

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ocppflow.cli.demo_office import DemoOffice, Sale
    from ocppflow.cli.fast_clock import FastClock
    from ocppflow.endpoint import Link
    from ocppflow.station import CompleteStation, StationConfig
    from ocppflow.trace import TraceRecord

STATIONS = {"CS1": "1.6", "CS2": "2.0.1", "CS3": "2.1"}
MISBEHAVES = "CS2"
SPEED = 60.0
TIMEOUT = 120.0
"""Seconds after which the demo has failed; it takes ten."""
MINUTE = 60.0
LIMIT = 6.0
"""A per phase."""


def demo(
    speed: Annotated[
        float, typer.Option(metavar="N", min=1.0, max=3600.0, help="How many times faster time passes at the stations.")
    ] = SPEED,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Directory for the trace and its diagram.")] = Path("out"),
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port of the CSMS; 0: a free one.")] = 0,
) -> None:
    """Watch a CSMS and three stations (OCPP 1.6, 2.0.1, 2.1) in conversation, on a real port of this machine.

    At each station an EV is plugged in, a card is swiped and energy flows, a minute a second. The CSMS limits the
    current and ends the session, and the EV leaves. One of the stations sends an invalid message and is told why. The
    conversation is kept as a trace and a sequence diagram.
    """
    from rich.console import Console

    from ocppflow.cli.csms_log import silenced
    from ocppflow.transport.loop import run

    out.mkdir(parents=True, exist_ok=True)
    with silenced():
        run(Demo(Console(highlight=False), speed, out, port).play())


class Demo:
    """One performance of the demo."""

    def __init__(self, console: Console, speed: float, out: Path, port: int) -> None:
        from ocppflow.cli.conversation import Conversation

        self._console = console
        self._speed = speed
        self._out = out
        self._port = port
        self._conversation = Conversation()
        self._records: list[TraceRecord] = []
        self._refusal = ""

    async def play(self) -> None:
        """Play it, then print a summary. Raises Failure if anything fails."""
        from ocppflow.cli.demo_office import DemoOffice, time_of
        from ocppflow.cli.fast_clock import FastClock

        began = time.monotonic()
        clock = FastClock(self._speed)
        passwords = {name: f"demo-password-of-{name}" for name in STATIONS}
        office = DemoOffice(passwords, STATIONS.values(), time_of(clock.now))
        office.csms.add_trace(self._show)
        async with office.csms.listen(f"ws://127.0.0.1:{self._port}/ocpp") as listener:
            self._console.print(f"[bold]CSMS[/] listens on [cyan]{listener.url}[/]; three stations connect ...\n")
            stations = [_station(name, listener.url, passwords[name], clock, office) for name in STATIONS]
            try:
                await self._converse([_Session(office, station, clock) for station in stations])
            finally:
                await asyncio.gather(*(station.close() for station in stations))
        self._sum_up(office.sales, time.monotonic() - began)

    async def _converse(self, sessions: list[_Session]) -> None:
        """All sessions at once; the first that fails ends the demo."""
        try:
            async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as group:
                for number, session in enumerate(sessions):
                    group.create_task(self._live(session, 0.5 * number))
        except TimeoutError:
            raise Failure(f"the demo was not over after {TIMEOUT:g} s") from None
        except ExceptionGroup as failures:
            error = failures.exceptions[0]
            raise Failure(f"the demo failed: {error}") from error

    async def _live(self, session: _Session, later: float) -> None:
        await session.pause(later)
        await session.begin()
        if session.identity == MISBEHAVES:
            self._refusal = await session.misbehave()
        await session.end()

    def _show(self, record: TraceRecord) -> None:
        from ocppflow.cli.entry_lines import show

        self._records.append(record)
        show(self._console, self._conversation.feed(record), width=4)

    def _sum_up(self, sales: dict[str, Sale], seconds: float) -> None:
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
        self._console.print(_summary(sales, self._records))
        refusal = Text(self._refusal, "red")
        self._console.print(Text.assemble(f"{MISBEHAVES} sent an invalid message and was told: ", refusal))
        self._console.print(f"\n{frames} messages in {seconds:.1f} s")
        self._console.print(f"trace    [cyan]{trace}[/]   (ocppflow trace {trace})")
        self._console.print(f"diagram  [cyan]{picture}[/]")


class _Session:
    """What happens at one station."""

    def __init__(self, office: DemoOffice, station: CompleteStation, clock: FastClock) -> None:
        self.identity = station.identity
        self._office, self._station, self._clock = office, station, clock
        self._sale = office.sales[station.identity]

    async def pause(self, minutes: float) -> None:
        """Minutes of the demo's time."""
        from ocppflow.endpoint import sleep

        await sleep(self._clock, minutes * MINUTE)

    async def begin(self) -> None:
        """It boots, an EV comes, a card is swiped, and energy flows."""
        from ocppflow.cli.demo_office import TOKEN
        from ocppflow.station.hardware import ElectricVehicle

        self._station.start()
        await self._station.registered()
        await self.pause(0.5)
        await self._station.plug(1, ev=ElectricVehicle(soc=20, max_amps=16, phases=3))
        await self.pause(0.5)
        await self._station.swipe(1, TOKEN)
        await self._sale.metered.wait()
        await self.pause(1.2)

    async def end(self) -> None:
        """The CSMS lets it have less, and then nothing; the EV leaves."""
        await self._office.limit(self.identity, LIMIT)
        await self.pause(2.5)
        await self._office.stop(self.identity)
        await self._sale.ended.wait()
        await self.pause(0.5)
        await self._station.unplug(1)
        await self.pause(0.7)

    async def misbehave(self) -> str:
        """Send what the schema forbids; what the CSMS says of it."""
        from ocppflow.errors import RemoteCallError

        now = self._office.now().isoformat(timespec="milliseconds")
        wrong = {"timestamp": now, "evseId": 1, "connectorId": 1, "connectorStatus": "Charging"}
        try:
            await self._station.call_raw("StatusNotification", wrong, validate=False)
        except RemoteCallError as exc:
            return f"{exc.code}: {exc.description}"
        raise Failure("the CSMS took a status that does not exist")


def _station(name: str, url: str, password: str, clock: FastClock, office: DemoOffice) -> CompleteStation:
    from ocppflow.endpoint import LoopClock, connect
    from ocppflow.station import CompleteStation

    async def dial() -> Link:
        # The line is real: its bounds hold in real time.
        return await connect(
            url, name, versions=station.versions, password=password, limits=station.link_limits, clock=LoopClock()
        )

    station = CompleteStation(
        name, url, config=_config(STATIONS[name]), clock=clock, start_time=office.now(), dial=dial
    )
    return station


def _config(version: str) -> StationConfig:
    from ocppflow.messages import Version
    from ocppflow.station import StationConfig, VariableConfig

    return StationConfig(
        model="Demo",
        versions=(Version.parse(version),),
        variables=(
            VariableConfig("SampledDataCtrlr", "TxUpdatedInterval", "60"),
            # A CSMS that answers within real seconds is late in fast ones.
            VariableConfig("OCPPCommCtrlr", "MessageTimeout", "3600", variable_instance="Default"),
        ),
    )


def _summary(sales: dict[str, Sale], records: list[TraceRecord]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title="\nSummary", title_justify="left", title_style="bold")
    for heading in ("station", "OCPP", "messages", "transactions", "energy", "mean latency", "refused"):
        table.add_column(heading, justify="left" if heading == "station" else "right")
    for name, sale in sales.items():
        frames = [record for record in records if record.identity == name and record.event in ("in", "out")]
        latencies = [record.latency for record in frames if record.latency is not None]
        mean = sum(latencies) / len(latencies) if latencies else 0.0
        table.add_row(
            name,
            STATIONS[name],
            str(len(frames)),
            str(sale.transactions),
            f"{sale.energy / 1000:.2f} kWh",
            f"{mean * 1000:.2f} ms",
            str(sum(record.note.startswith("refused") for record in frames)),
        )
    return table

"""``ocppflow fleet``: many complete stations in one process, to develop and load a CSMS."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ocppflow.cli import credential_options
from ocppflow.cli import fleet_options as options
from ocppflow.cli.arguments import read_versions
from ocppflow.cli.failure import INTERRUPTED, Failure
from ocppflow.cli.password_input import find_password

if TYPE_CHECKING:
    from ocppflow.fleet import Fleet, FleetPlan
    from ocppflow.station import StationConfig, StationStore
    from ocppflow.station.line_faults import FaultPlan

_LINE_EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


def fleet(
    url: options.Url,
    count: options.Count = 10,
    configs: options.Configs = None,
    makes: options.Makes = None,
    versions: options.Versions = None,
    prefix: options.Prefix = "FLEET",
    seed: options.Seed = 0,
    data: options.Data = None,
    password: options.Password = None,
    cert: options.Cert = None,
    key: credential_options.Key = None,
    ca: credential_options.CA = None,
    arrivals: options.ArrivalsOption = "1/h",
    stay: options.Stay = "1h",
    ramp: options.Ramp = 200.0,
    duration: options.Duration = None,
    faults: options.Faults = None,
    report: options.Report = None,
    page: options.Page = None,
    plain: options.Plain = False,
) -> None:
    """Run many complete stations in one process, with EVs that come, charge and leave.

    It shows rate, failures and latencies for each action. At the end it sums up, and writes a report where --report and
    --html say. Exit code 0: every call was answered; 1: some were not, or stations were not connected at the end.
    """
    from ocppflow.cli.csms_log import silenced
    from ocppflow.fleet import FleetPlan, read_arrivals, read_seconds
    from ocppflow.transport.address import station_address
    from ocppflow.transport.loop import run

    seconds = read_seconds(duration) if duration is not None else None
    found = find_password(password, None, False)
    plan = FleetPlan(
        url=url,
        count=count,
        configs=_make_ups(configs or [], makes or [], versions),
        prefix=prefix,
        password=found.decode() if isinstance(found, bytes) else found,
        arrivals=read_arrivals(arrivals, read_seconds(stay)),
        seed=seed,
        faults=_faults(faults, seed),
        per_second=ramp,
    )
    station_address(url, plan.identity(count))
    for file in (report, page):
        if file is not None and not file.parent.is_dir():
            raise Failure(f"{file}: there is no directory {file.parent}")
    with contextlib.ExitStack() as stack:
        settings = _settings(stack, url, data, cert, key, ca)
        lines = plain or not sys.stdout.isatty()
        if not lines:
            stack.enter_context(silenced())  # the view counts what the log would say
        code = run(_run(plan, settings, seconds, report, page, lines))
    if code:
        raise typer.Exit(code)


def _faults(text: str | None, seed: int) -> FaultPlan | None:
    """One seed is one run: faults without a seed of their own take the fleet's."""
    if text is None:
        return None
    import msgspec

    from ocppflow.station.line_faults import read_faults

    plan = read_faults(text)
    return msgspec.structs.replace(plan, seed=plan.seed or seed)


def _make_ups(files: list[Path], names: list[str], versions: list[str] | None) -> tuple[StationConfig, ...]:
    import msgspec

    from ocppflow.station import StationConfig
    from ocppflow.station.config_file import make_config, read_config

    made = [*map(read_config, files), *map(make_config, names)] or [StationConfig()]
    if versions:
        offered = read_versions(versions)
        made = [msgspec.structs.replace(config, versions=offered) for config in made]
    return tuple(made)


def _settings(
    stack: contextlib.ExitStack, url: str, data: Path | None, cert: Path | None, key: Path | None, ca: Path | None
) -> dict[str, Any]:
    from ocppflow.cli.call_command import tls_context

    settings: dict[str, Any] = {"ssl": tls_context(url, cert, key, ca)}
    if data is not None:
        from ocppflow.station import StoreFile

        data.mkdir(parents=True, exist_ok=True)
        file = stack.enter_context(StoreFile(data / "fleet.db"))
        store_of: Callable[[str], StationStore] = file.store
        settings["store_of"] = store_of
    return settings


async def _run(
    plan: FleetPlan,
    settings: dict[str, Any],
    seconds: float | None,
    report: Path | None,
    page: Path | None,
    plain: bool,
) -> int:
    from ocppflow.endpoint.stop_signals import stop_signals
    from ocppflow.fleet import Fleet, report_data

    running = Fleet(plan, **settings)
    with stop_signals() as signals:
        showing = asyncio.ensure_future(_show_lines(running) if plain else _show_table(running))
        starting = asyncio.ensure_future(running.start())
        try:
            async with asyncio.timeout(seconds):
                await signals.wait()
        except TimeoutError:
            pass
        finally:
            for task in (showing, starting):
                task.cancel()
            await asyncio.wait({showing, starting})
        data = report_data(running)
        at_once = await signals.end(running.stop())
    for task in (showing, starting):
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
    _write(data, report, page)
    _sum_up(data, report, page)
    if at_once:
        return INTERRUPTED
    return 1 if data["all"]["failed"] or data["connected"] < plan.count else 0


async def _show_table(running: Fleet) -> None:
    from rich.live import Live

    from ocppflow.cli.fleet_view import FleetView

    view = FleetView(running)
    with Live(view.table(), refresh_per_second=4, transient=True) as live:
        while True:
            await asyncio.sleep(0.5)
            live.update(view.table())


async def _show_lines(running: Fleet) -> None:
    from ocppflow.cli.fleet_view import FleetView

    view = FleetView(running)
    while True:
        await asyncio.sleep(_LINE_EVERY)
        print(view.line(), flush=True)


def _write(data: dict[str, Any], report: Path | None, page: Path | None) -> None:
    import msgspec

    from ocppflow.fleet import report_page

    if report is not None:
        report.write_bytes(msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n")
    if page is not None:
        page.write_text(report_page(data), encoding="utf-8")


def _sum_up(data: dict[str, Any], report: Path | None, page: Path | None) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("action", no_wrap=True)
    for heading in ("answered", "failed", "p50 ms", "p95 ms", "p99 ms", "longest ms"):
        table.add_column(heading, justify="right")
    for action, figures in (*data["actions"].items(), ("all", data["all"])):
        times = [f"{figures[name]:.1f}" for name in ("p50Ms", "p95Ms", "p99Ms", "maxMs")]
        table.add_row(action, str(figures["answered"]), str(figures["failed"]), *times)
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"{data['stations']} stations, {data['connected']} connected at the end, {data['queued']} messages queued, "
        f"{data['seconds']:.0f} s"
    )
    for what, file in (("report", report), ("page", page)):
        if file is not None:
            console.print(f"{what:<8} [cyan]{file}[/]")

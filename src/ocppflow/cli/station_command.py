"""``ocppflow station``: a complete charging station with simulated hardware."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import typer

from ocppflow.cli import credential_options
from ocppflow.cli import station_options as options
from ocppflow.cli.arguments import read_versions
from ocppflow.cli.csms_log import LEVELS
from ocppflow.cli.failure import INTERRUPTED, Failure
from ocppflow.cli.password_input import find_password

if TYPE_CHECKING:
    from ocppflow.cli.csms_log import CSMSLog
    from ocppflow.cli.station_face import StationFace
    from ocppflow.control import ControlServer
    from ocppflow.endpoint import Watchdog
    from ocppflow.station import CompleteStation, Provisions, StationConfig, StationStore


class _Ways(NamedTuple):
    """How it connects, as the options say."""

    password: str | bytes | None
    cert: Path | None
    key: Path | None
    ca: Path | None


def station(
    identity: options.Identity = "",
    url: options.Url = "",
    config: options.Config = None,
    make: options.Make = None,
    versions: options.Versions = None,
    seed: options.Seed = None,
    data: options.Data = None,
    password: credential_options.Password = None,
    password_file: credential_options.PasswordFile = None,
    password_hex: credential_options.PasswordHex = False,
    cert: credential_options.Cert = None,
    key: credential_options.Key = None,
    ca: credential_options.CA = None,
    control: options.Control = None,
    faults: options.Faults = None,
    plain: options.Plain = False,
    print_config: options.PrintConfig = False,
    features: options.Features = False,
    trace: options.Trace = None,
    json_log: options.JSONLog = False,
    log_level: options.LogLevel = "info",
) -> None:
    """Run a charging station with simulated hardware until quit, Ctrl-C or SIGTERM.

    At a terminal it shows connectors, meters, EVs and messages, and takes commands: help lists them. Elsewhere it logs
    lines, and takes the same commands from stdin.
    """
    made = _make_up(config, make, versions, seed)
    if print_config or features:
        _print(made, features)
        return
    _check(identity, url, log_level)
    ways = _Ways(find_password(password, password_file, password_hex), cert, key, ca)
    from ocppflow.cli.station_face import face_for
    from ocppflow.endpoint import Watchdog
    from ocppflow.transport.loop import run

    with contextlib.ExitStack() as stack:
        store = _store(stack, data, identity)
        at_terminal = not plain and not json_log and sys.stdin.isatty() and sys.stdout.isatty()
        face = stack.enter_context(contextlib.closing(face_for(at_terminal, log_level, as_json=json_log)))
        running = _station(identity, url, made, ways, store)
        _make_faulty(running, faults)
        _add_traces(running, face.log if log_level.lower() in ("debug", "info") else None, trace, stack)
        server = _control(running, control)
        words = face.log.last_words
        watchdog = stack.enter_context(Watchdog(running.closes_within, last_words=words, stays=True))
        if run(_serve(running, face, server, watchdog), wind_up=watchdog.left):
            raise typer.Exit(INTERRUPTED)


# --- what was typed --------------------------------------------------------------------------------------------------


def _make_up(config: Path | None, make: str | None, versions: list[str] | None, seed: int | None) -> StationConfig:
    import msgspec

    from ocppflow.station import StationConfig
    from ocppflow.station.config_file import make_config, read_config

    if config is not None and make is not None:
        raise Failure("give --config or --make, not both")
    made = read_config(config) if config is not None else make_config(make) if make is not None else StationConfig()
    changes: dict[str, Any] = {}
    if versions:
        changes["versions"] = read_versions(versions)
    if seed is not None:
        changes["seed"] = seed
    return msgspec.structs.replace(made, **changes)


def _print(made: StationConfig, features: bool) -> None:
    if features:
        from ocppflow.cli.feature_table import feature_lines

        for line in feature_lines(made):
            print(line)
        return
    from ocppflow.station.config_file import config_text

    print(config_text(made), end="")


def _check(identity: str, url: str, log_level: str) -> None:
    from ocppflow.transport.address import station_address

    if not identity or not url:
        raise Failure("name the station and the CSMS, as in: ocppflow station CS1 ws://127.0.0.1:9000/ocpp")
    if log_level.lower() not in LEVELS:
        raise Failure(f"--log-level {log_level}: the levels are {', '.join(LEVELS)}")
    station_address(url, identity)


def _store(stack: contextlib.ExitStack, data: Path | None, identity: str) -> StationStore | None:
    """The station's part of a file in ``data``; None without one."""
    if data is None:
        return None
    from ocppflow.station import StoreFile

    data.mkdir(parents=True, exist_ok=True)
    name = quote(identity, safe="").replace(".", "%2E")  # no identity leads out of the directory
    return stack.enter_context(StoreFile(data / f"{name}.db")).store(identity)


def _station(identity: str, url: str, made: StationConfig, ways: _Ways, store: StationStore | None) -> CompleteStation:
    from ocppflow.cli.call_command import tls_context
    from ocppflow.station import CompleteStation

    context = tls_context(url, ways.cert, ways.key, ways.ca)
    provisions = _provisions(ways) if context is not None else None
    return CompleteStation(
        identity,
        url,
        config=made,
        store=store,
        password=ways.password,
        ssl=None if provisions is not None else context,
        provisions=provisions,
    )


def _make_faulty(running: CompleteStation, faults: str | None) -> None:
    if faults is not None:
        from ocppflow.station.line_faults import inject, read_faults

        inject(running, read_faults(faults))


def _provisions(ways: _Ways) -> Provisions | None:
    """The certificates, for a station that keeps and renews them itself; None if its own does not lead to ``--ca``, or
    its key is encrypted: then it shows them as they are."""
    from ocppflow.station import Provisions
    from ocppflow.station.x509_tools import CertificateRefused

    if ways.ca is None:
        return None
    given = Provisions(csms_roots=ways.ca.read_text())
    if ways.cert is not None:
        key = ways.key or ways.cert
        given = Provisions(given.csms_roots, certificate=ways.cert.read_text(), key=key.read_text())
    try:
        given.check(datetime.now(UTC))
    except CertificateRefused:
        return None
    return given


def _add_traces(running: CompleteStation, log: CSMSLog | None, file: Path | None, stack: contextlib.ExitStack) -> None:
    from ocppflow.trace_file import TraceFile

    if file is not None:
        running.add_trace(stack.enter_context(TraceFile(file)))
    if log is not None:
        running.add_trace(log)


def _control(running: CompleteStation, address: str | None) -> ControlServer | None:
    if address is None:
        return None
    from ocppflow.control import TOKEN, ControlServer, read_address

    try:
        import litestar  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError:
        raise Failure("--control needs the extra control: pip install 'ocppflow[control]'") from None
    return ControlServer(running, read_address(address), os.environ.get(TOKEN))


# --- running it ------------------------------------------------------------------------------------------------------


async def _serve(running: CompleteStation, face: StationFace, server: ControlServer | None, watchdog: Watchdog) -> bool:
    """Run until told to stop. Returns whether it was told twice."""
    from ocppflow.endpoint.stop_signals import SIGNALS, stop_signals

    with stop_signals(watchdog) as signals:
        if server is not None:
            await server.start()
            face.tell(f"controlled at {server.url}, documented at {server.url}/openapi.json")
        try:
            face.begin(running)
            await _told(_connect(running), signals.wait(), face.quit.wait())
        except BaseException:
            face.end()
            await _close(running, server)
            raise
        face.end()
        face.tell("stopping (once more to stop at once)")
        at_once = await signals.end(_close(running, server))
        watchdog.exit_code = INTERRUPTED if at_once else 0
        face.tell("stopped")
    for number in SIGNALS:
        signal.signal(number, watchdog.hear)  # everything is closed; a late signal must not change the exit code
    return at_once


async def _connect(running: CompleteStation) -> None:
    """Connect, or keep trying; raises ConfigurationError for what no further attempt can change."""
    from ocppflow.errors import ConnectionRefused

    try:
        await running.connect()
    except ConnectionRefused:
        running.start()


async def _told(connecting: Coroutine[Any, Any, None], *ways: Coroutine[Any, Any, object]) -> None:
    """Return when the first of ``ways`` does, or raise what keeps it from ``connecting``."""
    beginning = asyncio.ensure_future(connecting)
    waiting = {asyncio.ensure_future(way) for way in ways}
    try:
        await asyncio.wait({beginning, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        if beginning.done():
            beginning.result()
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in (beginning, *waiting):
            each.cancel()


async def _close(running: CompleteStation, server: ControlServer | None) -> None:
    if server is not None:
        await server.stop()
    await running.close()

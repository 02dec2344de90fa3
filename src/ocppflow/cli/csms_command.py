"""``ocppflow csms``: serve a CSMS object, as ASGI servers serve an application."""

from __future__ import annotations

import contextlib
import logging
import signal
from typing import TYPE_CHECKING, Any

import typer

from ocppflow.cli import csms_options as options
from ocppflow.cli.app_loading import load_app
from ocppflow.cli.arguments import read_versions
from ocppflow.cli.csms_door import Door, open_door, read_tls
from ocppflow.cli.csms_log import LEVELS, CSMSLog, set_up
from ocppflow.cli.csms_settings import read_policy, set_leniency, set_limits
from ocppflow.cli.failure import INTERRUPTED, Failure
from ocppflow.cli.log_sink import FRAMES_PER_SECOND
from ocppflow.log_budget import budgeted
from ocppflow.trace_file import TraceFile

if TYPE_CHECKING:
    from pathlib import Path

    from ocppflow.csms import CSMS
    from ocppflow.endpoint import ServerLimits, ServerTLS, Watchdog

log = budgeted("ocppflow.cli")


def csms(
    app: options.App = "",
    listen: options.Listen = None,
    versions: options.Versions = None,
    auth: options.Auth = None,
    no_auth: options.NoAuth = False,
    hide_identities: options.HideIdentities = False,
    tls_cert: options.TLSCert = None,
    tls_key: options.TLSKey = None,
    client_ca: options.ClientCA = None,
    policy: options.PolicyName = None,
    rules: options.RulesFile = None,
    memory: options.StationsFile = None,
    assume_version: options.AssumeVersion = None,
    assume_identity: options.AssumeIdentity = None,
    any_username: options.AnyUsername = False,
    any_connection_header: options.AnyConnectionHeader = False,
    allow_origins: options.AllowOrigins = None,
    ping_interval: options.PingInterval = None,
    limits: options.LimitTexts = None,
    trace: options.Trace = None,
    json_log: options.JSONLog = False,
    log_level: options.LogLevel = "info",
    log_frames: options.LogFrames = FRAMES_PER_SECOND,
) -> None:
    """Run a CSMS object from a Python file or module until Ctrl-C or SIGTERM.

    Who is let in must be said once: by passwords or an acceptor in the app, by --auth, by --client-ca, or by --no-auth.
    """
    from ocppflow.csms import StationFile
    from ocppflow.endpoint import Watchdog
    from ocppflow.transport.descriptors import raise_limit
    from ocppflow.transport.loop import run

    raise_limit()
    _check_flags(app, log_level, tls_cert, tls_key, client_ca)
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(contextlib.closing(set_up(log_level, as_json=json_log, per_second=log_frames)))
        server = load_app(app)
        if versions:
            server.versions = read_versions(versions)
        server.policy = read_policy(policy, rules) or server.policy
        if memory is not None:
            server.remember_in(StationFile(memory))
        set_leniency(server, assume_version, assume_identity, any_username, any_connection_header, allow_origins)
        port_limits = set_limits(server, limits or [], ping_interval)
        server.hide_identities = server.hide_identities or hide_identities
        door = open_door(server, auth, no_auth, tls=tls_cert is not None, certificates=client_ca is not None)
        tls = read_tls(tls_cert, tls_key, client_ca, passwords=server.passwords is not None)
        _add_traces(server, lines if log_level.lower() in ("debug", "info") else None, trace, stack)
        watchdog = stack.enter_context(Watchdog(server.closes_within, last_words=lines.last_words, stays=True))
        serving = _serve(server, listen, tls, port_limits, app, door, watchdog)
        if run(serving, wind_up=watchdog.left):
            raise typer.Exit(INTERRUPTED)


def _check_flags(app: str, log_level: str, cert: Path | None, key: Path | None, client_ca: Path | None) -> None:
    """Raise Failure for flags that make no sense, whatever the app is."""
    if log_level.lower() not in LEVELS:
        raise Failure(f"--log-level {log_level}: the levels are {', '.join(LEVELS)}")
    if not app:
        raise Failure("--app is missing: name the CSMS to run, as in --app FILE.py:csms")
    if cert is None and (key is not None or client_ca is not None):
        raise Failure(f"{'--tls-key' if key is not None else '--client-ca'} without --tls-cert")


def _add_traces(server: CSMS, log: CSMSLog | None, file: Path | None, stack: contextlib.ExitStack) -> None:
    """Let the log and the trace file have what is said."""
    if file is not None:
        server.add_trace(stack.enter_context(TraceFile(file)))
    if log is not None:
        server.add_trace(log)


async def _serve(
    server: CSMS,
    url: str | None,
    tls: ServerTLS | None,
    limits: ServerLimits | None,
    app: str,
    door: Door,
    watchdog: Watchdog,
) -> bool:
    """Serve until told to stop. Returns whether it was told twice."""
    from ocppflow.endpoint.stop_signals import SIGNALS, stop_signals

    with stop_signals(watchdog) as signals:
        url = url or f"{'ws' if tls is None else 'wss'}://127.0.0.1:9000/ocpp"
        listener = server.listen(url, tls=tls, limits=limits)
        await listener.start()
        spoken = ", ".join(version.value for version in server.versions)
        facts = {"event": "listening", "app": app, "url": listener.url, "versions": spoken, "profiles": door.profiles}
        _tell(f"{app} listens; stations connect to {_reachable(listener.url)}/<identity>", facts)
        _tell(f"OCPP {spoken}; security profile {door.profiles} ({door.how})")
        await signals.wait()
        count = len(server)
        _tell(f"stopping; {count} station{'' if count == 1 else 's'} connected (once more to stop at once)")
        at_once = await signals.end(server.close())
        watchdog.exit_code = INTERRUPTED if at_once else 0
        _tell("stopped")
    for number in SIGNALS:
        signal.signal(number, watchdog.hear)  # everything is closed; a late signal must not change the exit code
    return at_once


def _reachable(url: str) -> str:
    """The URL as stations can use it: nobody connects to 0.0.0.0, which is IPv4 alone."""
    for everywhere, kind in (("*", ""), ("0.0.0.0", "IPv4 "), ("[::]", "IPv6 ")):  # noqa: S104 - it is only shown
        url = url.replace(f"//{everywhere}:", f"//<{kind}address of this machine>:", 1)
    return url


def _tell(text: str, fields: dict[str, Any] | None = None) -> None:
    """Log at any --log-level: what everybody who starts a server wants to know."""
    record = log.makeRecord(log.name, logging.INFO, "", 0, "%s", (text,), None, extra={"fields": fields or {}})
    logging.getLogger().handle(record)

"""``ocppflow csms``: serve a CSMS object, as ASGI servers serve an application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from ocppflow.cli import csms_options as options
from ocppflow.cli.arguments import read_versions
from ocppflow.cli.csms_log import LEVELS, set_up
from ocppflow.cli.csms_settings import read_policy, set_limits
from ocppflow.cli.failure import INTERRUPTED, Failure
from ocppflow.cli.log_sink import FRAMES_PER_SECOND

if TYPE_CHECKING:
    from ocppflow.csms import CSMS
    from ocppflow.endpoint import ServerLimits, ServerTLS

log = logging.getLogger("ocppflow.cli")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ECHO = 0.3  # seconds


class Door(NamedTuple):
    """Who is let in: the security profiles of OCPP 2.0.1 Part 2, A00, and how they are checked, for people."""

    profiles: str
    how: str


def csms(
    app: options.App = "",
    listen: options.Listen = None,
    versions: options.Versions = None,
    auth: options.Auth = None,
    no_auth: options.NoAuth = False,
    tls_cert: options.TLSCert = None,
    tls_key: options.TLSKey = None,
    client_ca: options.ClientCA = None,
    policy: options.PolicyName = None,
    rules: options.RulesFile = None,
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
    if log_level.lower() not in LEVELS:
        raise Failure(f"--log-level {log_level}: known are {', '.join(LEVELS)}")
    if not app:
        raise Failure("--app is missing: say which CSMS to run, as in --app FILE.py:csms")
    from ocppflow.cli.app_loading import load_app
    from ocppflow.trace import TraceFile
    from ocppflow.transport.loop import run

    if tls_cert is None and (tls_key is not None or client_ca is not None):
        raise Failure(f"{'--tls-key' if tls_key is not None else '--client-ca'} without --tls-cert")
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(contextlib.closing(set_up(log_level, as_json=json_log, per_second=log_frames)))
        server = load_app(app)
        if versions:
            server.versions = read_versions(versions)
        server.policy = read_policy(policy, rules) or server.policy
        port_limits = set_limits(server, limits or [], ping_interval)
        door = _door(server, auth, no_auth, tls=tls_cert is not None, certificates=client_ca is not None)
        tls = _tls(tls_cert, tls_key, client_ca, passwords=server.passwords is not None)
        url = listen or f"{'ws' if tls is None else 'wss'}://127.0.0.1:9000/ocpp"
        if trace is not None:
            server.add_trace(stack.enter_context(TraceFile(trace)))
        if log_level.lower() in ("debug", "info"):
            server.add_trace(lines.frame)
        if run(_serve(server, url, tls, port_limits, app, door)):
            raise typer.Exit(INTERRUPTED)


def _tls(cert: Path | None, key: Path | None, client_ca: Path | None, *, passwords: bool) -> ServerTLS | None:
    if cert is None:
        return None
    from ocppflow.transport.tls import KeyPair, ServerTLS

    return ServerTLS(KeyPair(cert, key), client_ca=client_ca, client_certificate_required=not passwords)


def _door(server: CSMS, auth: Path | None, no_auth: bool, *, tls: bool, certificates: bool) -> Door:
    """Put the flags' passwords into the app, and refuse what contradicts itself."""
    if auth is not None and no_auth:
        raise Failure("--auth and --no-auth contradict each other")
    if server.decides_itself:
        if auth is not None or no_auth:
            raise Failure("the app has an acceptor of its own, so --auth and --no-auth would change nothing")
        return Door("as the app decides", "the app's own acceptor")
    if no_auth and certificates:
        raise Failure("--no-auth and --client-ca contradict each other")
    if no_auth and server.passwords is not None:
        raise Failure("the app has passwords; --no-auth would ignore them: take one of the two away")
    if auth is not None:
        from ocppflow.transport.passwords import HashedPasswords

        server.passwords = HashedPasswords.from_toml(auth)
    if server.passwords is None and not certificates and not no_auth:
        raise Failure("say who is let in: --auth FILE.toml, or --no-auth for everybody (the app has no passwords)")
    source = f"passwords of {auth}" if auth is not None else "the app's passwords"
    if certificates:
        both = server.passwords is not None
        return Door("2 and 3" if both else "3", f"client certificates{', or ' + source if both else ''}")
    if server.passwords is not None:
        return Door("2" if tls else "1", source)
    return Door("0, over TLS" if tls else "0", "every station is let in without a password")


async def _serve(
    server: CSMS, url: str, tls: ServerTLS | None, limits: ServerLimits | None, app: str, door: Door
) -> bool:
    """Serve until told to stop. Returns whether it had to be told twice."""
    with _signals() as told:
        listener = server.listen(url, tls=tls, limits=limits)
        await listener.start()
        spoken = ", ".join(version.value for version in server.versions)
        facts = {"event": "listening", "app": app, "url": listener.url, "versions": spoken, "profiles": door.profiles}
        _tell(f"{app} listens; stations connect to {listener.url}/<identity>", facts)
        _tell(f"OCPP {spoken}; security profile {door.profiles} ({door.how})")
        await told.get()
        at_once = await _stop(server, told)
        _tell("stopped")
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # all is closed; a late one is not to spoil the exit code
    return at_once


async def _stop(server: CSMS, told: asyncio.Queue[int]) -> bool:
    """Close in order, or at once when told once more; whether that was so."""
    count = len(server)
    _tell(f"stopping; {count} station{'' if count == 1 else 's'} connected (once more to stop at once)")
    closing = asyncio.ensure_future(server.close())
    again = asyncio.ensure_future(_once_more(told))
    await asyncio.wait({closing, again}, return_when=asyncio.FIRST_COMPLETED)
    again.cancel()
    if closing.done():
        closing.result()
        return False
    closing.cancel()
    return True


async def _once_more(told: asyncio.Queue[int]) -> None:
    """Return when somebody insists. `timeout`, `make` and their like send a signal to a process and to its group, so
    that it comes twice at once; that is no insisting."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while True:
        await told.get()
        if loop.time() - begun > _ECHO:
            return


@contextlib.contextmanager
def _signals() -> Iterator[asyncio.Queue[int]]:
    """SIGINT and SIGTERM as things that can be awaited."""
    told: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    try:
        for number in _SIGNALS:
            loop.add_signal_handler(number, told.put_nowait, number)
    except NotImplementedError:  # Windows
        for number in _SIGNALS:
            signal.signal(number, lambda number, _: loop.call_soon_threadsafe(told.put_nowait, number))
        yield told
        return
    try:
        yield told
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _tell(text: str, fields: dict[str, Any] | None = None) -> None:
    """To the log, whatever its level: what somebody who starts a server wants to read."""
    record = log.makeRecord(log.name, logging.INFO, "", 0, "%s", (text,), None, extra={"fields": fields or {}})
    logging.getLogger().handle(record)

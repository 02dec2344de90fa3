"""``ocppflow call``: curl for OCPP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ocppflow.cli import call_options as options
from ocppflow.cli import credential_options
from ocppflow.cli.arguments import TypedMessage, read_headers, read_messages, read_versions
from ocppflow.cli.failure import CALL_ERROR, Failure
from ocppflow.cli.password_input import find_password
from ocppflow.errors import ConnectionLost, InvalidResponse, RemoteCallError

if TYPE_CHECKING:
    import ssl

    from ocppflow.cli.answer_printer import AnswerPrinter
    from ocppflow.endpoint import Link
    from ocppflow.station import ChargingStation

_GOODBYE = 2.0
"""Seconds that a CSMS has for its part of the closing handshake: the user waits for the prompt."""


def call(
    url: options.Url,
    messages: options.Messages,
    identity: options.Identity = None,
    versions: options.Versions = ["2.0.1"],  # noqa: B006 - Typer copies it
    assume_version: options.AssumeVersion = None,
    password: credential_options.Password = None,
    password_file: credential_options.PasswordFile = None,
    password_hex: credential_options.PasswordHex = False,
    cert: credential_options.Cert = None,
    key: credential_options.Key = None,
    ca: credential_options.CA = None,
    header: options.Headers = None,
    no_validate: options.NoValidate = False,
    keep_going: options.KeepGoing = False,
    timeout: options.Timeout = 30.0,
    verbose: options.Verbose = False,
) -> None:
    """Connect as a station, send messages, print the answers.

    Answers are JSON, one a line when they go to a pipe or a file. Exit code 0: all were answered; 1: one was answered
    with a CALLERROR; 2: refused, timed out, or mistyped. What the CSMS calls meanwhile is answered with
    NotSupported.
    """
    from ocppflow.cli.answer_printer import AnswerPrinter
    from ocppflow.cli.csms_log import silenced
    from ocppflow.endpoint import Leniency, LinkLimits
    from ocppflow.transport.loop import run

    base, station_identity = _target(url, identity)
    offered = read_versions(versions)
    typed = read_messages(messages, offered, validate=not no_validate)
    connecting = {
        "versions": offered,
        "limits": LinkLimits(close_timeout=_GOODBYE),
        "headers": read_headers(header or []),
        "ssl": tls_context(base, cert, key, ca),
        "password": find_password(password, password_file, password_hex),
        "leniency": Leniency(version=assume_version),
        "timeout": timeout,
    }
    station = _station(base, station_identity, connecting, validate=not no_validate, verbose=verbose)
    with silenced():
        run(_converse(station, typed, AnswerPrinter(sys.stdout), timeout, not no_validate, keep_going))


def _station(url: str, identity: str, connecting: dict[str, Any], *, validate: bool, verbose: bool) -> ChargingStation:
    """A station that connects once; ``connecting`` is how, for ``endpoint.connect``."""
    from ocppflow.cli.answer_printer import show_frame
    from ocppflow.endpoint import connect
    from ocppflow.messages.tolerance import STRICT, TOLERANT
    from ocppflow.station import ChargingStation

    async def dial() -> Link:
        return await connect(url, identity, **connecting)

    return ChargingStation(
        identity,
        url,
        versions=connecting["versions"],
        policy=STRICT if validate else TOLERANT,
        reconnect=False,
        trace=show_frame if verbose else None,
        dial=dial,
    )


def _target(url: str, identity: str | None) -> tuple[str, str]:
    """The URL, with ``{identity}`` in it unless it goes to the end, and the identity."""
    from ocppflow.transport.address import PLACEHOLDER, split_identity

    if identity is not None:
        return url, identity
    if PLACEHOLDER in url:
        raise Failure(f"the URL has {PLACEHOLDER} in it: say which with --identity ID")
    return split_identity(url)


def tls_context(base: str, cert: Path | None, key: Path | None, ca: Path | None) -> ssl.SSLContext | None:
    """What ``--cert``, ``--key`` and ``--ca`` ask for; None if they ask for nothing. Raises Failure."""
    if key is not None and cert is None:
        raise Failure("--key without --cert: give the certificate too")
    if cert is None and ca is None:
        return None
    if base.startswith("ws:"):
        raise Failure("--cert, --key and --ca are for wss:// URLs")
    from ocppflow.endpoint import KeyPair, client_context

    return client_context(ca=ca, certificate=KeyPair(cert, key) if cert is not None else None)


async def _converse(
    station: ChargingStation,
    typed: list[TypedMessage],
    answers: AnswerPrinter,
    timeout: float,
    validate: bool,
    go_on: bool,
) -> None:
    failed = False
    ends: list[str] = []
    station.on_disconnect(lambda _, code, reason: ends.append(f"{code} {reason}".strip()))
    await station.connect()
    try:
        for message in typed:
            try:
                await _say(station, message, answers, timeout, validate)
            except RemoteCallError as error:
                if not go_on:
                    raise Failure(_call_error(error), CALL_ERROR) from None
                answers.note(_call_error(error))
                failed = True
            except ConnectionLost as error:
                raise Failure(f"{error} (closed with {', '.join(ends)})") from None
    finally:
        await station.stop(1000)
    if failed:
        raise typer.Exit(CALL_ERROR)


async def _say(
    station: ChargingStation, message: TypedMessage, answers: AnswerPrinter, timeout: float, validate: bool
) -> None:
    if message.unconfirmed(station.connection.version):
        station.connection.send_raw(message.action, message.data, validate=validate)
        return
    try:
        answer = await station.call_raw(message.action, message.data, timeout=timeout, validate=validate)
    except InvalidResponse as error:
        raise Failure(f"{error} (--no-validate shows the answer anyway)") from None
    answers.show(message.action, answer.payload, answer.latency)


def _call_error(error: RemoteCallError) -> str:
    import msgspec

    details: Any = msgspec.json.encode(error.details).decode() if error.details else ""
    said = ": " + error.description if error.description else ""
    return f"{error.action} was answered with CALLERROR {error.code}{said}{' ' + details if details else ''}"

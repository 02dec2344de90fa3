"""``ocppflow call``: curl for OCPP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocppflow.cli.arguments import TypedMessage, read_headers, read_messages, read_versions
from ocppflow.cli.failure import CALL_ERROR, Failure
from ocppflow.cli.password_input import ENVIRONMENT, find_password
from ocppflow.errors import ConnectionLost, InvalidResponse, RemoteCallError

if TYPE_CHECKING:
    import ssl

    from ocppflow.cli.answer_printer import AnswerPrinter
    from ocppflow.station import ChargingStation


def call(
    url: Annotated[str, typer.Argument(metavar="URL", help="ws:// or wss://; its last segment is the identity.")],
    messages: Annotated[
        list[str],
        typer.Argument(
            metavar="ACTION [JSON|@FILE|-] ...", help="What to send, in this order; @FILE and - (stdin) hold the JSON."
        ),
    ],
    versions: Annotated[
        list[str], typer.Option("--versions", metavar="V,V", help="Offered in this order; may be repeated.")
    ] = ["2.0.1"],  # noqa: B006 - Typer copies it
    password: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help=f"HTTP Basic password; - asks for it. Else ${ENVIRONMENT} is used."),
    ] = None,
    password_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Read it from a file.")] = None,
    password_hex: Annotated[
        bool, typer.Option("--password-hex", help="It is the hex digits of a 1.6 key that is sent as bytes.")
    ] = False,
    cert: Annotated[Path | None, typer.Option(metavar="FILE", help="The station's certificate, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its key, if it is in another file.")] = None,
    ca: Annotated[Path | None, typer.Option(metavar="FILE", help="Trusted roots in place of the system's.")] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME:VALUE", help="Added to the handshake.")
    ] = None,
    no_validate: Annotated[bool, typer.Option("--no-validate", help="Send and take what the schema forbids.")] = False,
    keep_going: Annotated[bool, typer.Option("--keep-going", "-k", help="Go on after a CALLERROR.")] = False,
    timeout: Annotated[
        float, typer.Option(metavar="S", min=0.001, help="For the handshake, and for each answer.")
    ] = 30.0,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every frame on stderr.")] = False,
) -> None:
    """Connect as a station, send messages, print the answers.

    Answers are JSON, one a line when they go to a pipe or a file. Exit code 0: all were answered; 1: one was answered
    with a CALLERROR; 2: refused, timed out, or asked for wrongly. What the CSMS calls meanwhile is answered with
    NotSupported.
    """
    base, identity = _target(url)
    offered = read_versions(versions)
    outgoing = read_messages(messages, offered, validate=not no_validate)
    headers = read_headers(header or [])
    tls = _tls(base, cert, key, ca)
    secret = find_password(password, password_file, password_hex)

    from ocppflow.cli.answer_printer import AnswerPrinter, show_frame
    from ocppflow.cli.csms_log import silenced
    from ocppflow.messages.tolerance import STRICT, TOLERANT
    from ocppflow.station import ChargingStation
    from ocppflow.transport.client import connect
    from ocppflow.transport.loop import run

    station = ChargingStation(
        identity,
        base,
        versions=offered,
        policy=TOLERANT if no_validate else STRICT,
        reconnect=False,
        trace=show_frame if verbose else None,
        dial=lambda: connect(
            base, identity, versions=offered, password=secret, ssl=tls, headers=headers, timeout=timeout
        ),
    )
    with silenced():
        run(_converse(station, outgoing, AnswerPrinter(sys.stdout), timeout, not no_validate, keep_going))


def _target(url: str) -> tuple[str, str]:
    """The URL with ``{identity}`` in it, and the identity, which is the last segment of its path."""
    from ocppflow.errors import ConfigurationError
    from ocppflow.transport.address import split_identity

    try:
        return split_identity(url)
    except ConfigurationError as error:
        raise Failure(str(error)) from None


def _tls(base: str, cert: Path | None, key: Path | None, ca: Path | None) -> ssl.SSLContext | None:
    if key is not None and cert is None:
        raise Failure("--key without --cert: give the certificate too")
    if cert is None and ca is None:
        return None
    if base.startswith("ws:"):
        raise Failure("--cert, --key and --ca are for wss:// URLs")
    from ocppflow.transport.tls import KeyPair, client_context

    return client_context(ca=ca, certificate=KeyPair(cert, key) if cert is not None else None)


async def _converse(
    station: ChargingStation,
    outgoing: list[TypedMessage],
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
        for message in outgoing:
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
        raise Failure(f"{error} (--no-validate shows the answer all the same)") from None
    answers.show(message.action, answer.payload, answer.latency)


def _call_error(error: RemoteCallError) -> str:
    import msgspec

    details: Any = msgspec.json.encode(error.details).decode() if error.details else ""
    said = ": " + error.description if error.description else ""
    return f"{error.action} was answered with CALLERROR {error.code}{said}{' ' + details if details else ''}"

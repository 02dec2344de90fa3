"""``ocppflow replay``: a recorded station against a CSMS."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocppflow.cli import credential_options
from ocppflow.cli.failure import Failure
from ocppflow.cli.password_input import find_password

if TYPE_CHECKING:
    from ocppflow.scenario.recording import Recording
    from ocppflow.scenario.replay import ReplayResult
    from ocppflow.station import ChargingStation

_Trace = Annotated[Path, typer.Argument(metavar="TRACE", help="A trace file (.jsonl).", show_default=False)]
_Url = Annotated[
    str, typer.Argument(metavar="URL", help="The CSMS, ws:// or wss://; the identity is appended.", show_default=False)
]
_Identity = Annotated[
    str | None, typer.Option("--id", metavar="ID", help="The identity to connect as; else the recorded one.")
]
_Station = Annotated[str | None, typer.Option(metavar="ID", help="Which station of the trace, if it has several.")]
_Fast = Annotated[bool, typer.Option("--fast", help="Without the pauses.")]
_JSONFile = Annotated[Path | None, typer.Option("--json", metavar="FILE.json", help="Write the result as JSON.")]


def replay(
    trace: _Trace,
    url: _Url,
    identity: _Identity = None,
    station: _Station = None,
    fast: _Fast = False,
    password: credential_options.Password = None,
    password_file: credential_options.PasswordFile = None,
    password_hex: credential_options.PasswordHex = False,
    cert: credential_options.Cert = None,
    key: credential_options.Key = None,
    ca: credential_options.CA = None,
    json_file: _JSONFile = None,
) -> None:
    """Play what a recorded station said against a CSMS, and say where the answers differ.

    Message ids, transaction ids and times are rewritten, and are not compared. Exit code 0: all answers are as
    recorded; 1: some differ; 2: it could not be played to its end.
    """
    from ocppflow.cli.call_command import tls_context
    from ocppflow.cli.csms_log import silenced
    from ocppflow.endpoint import shown_url
    from ocppflow.scenario.recording import recording
    from ocppflow.scenario.replay import replay_json
    from ocppflow.station import ChargingStation
    from ocppflow.transport.address import station_address
    from ocppflow.transport.loop import run

    read = recording(_records(trace), station)
    name = identity or read.identity
    station_address(url, name)
    made = ChargingStation(
        name,
        url,
        password=find_password(password, password_file, password_hex),
        versions=[read.version],
        ssl=tls_context(url, cert, key, ca),
    )
    with silenced():
        result = run(_play(read, made, fast))
    _show(result)
    if json_file is not None:
        json_file.write_bytes(replay_json(result, url=shown_url(url)))
    raise typer.Exit(result.exit_code)


def _records(file: Path) -> list[Any]:
    from ocppflow.cli.trace_reading import Remarks, TraceReader

    remarks = Remarks(_remark)
    records = list(TraceReader(file, remarks).read())
    remarks.close()
    if not records:
        raise Failure(f"{file} is empty")
    return records


async def _play(read: Recording, station: ChargingStation, fast: bool) -> ReplayResult:
    from rich.console import Console

    from ocppflow.scenario.replay import Replay

    with Console(highlight=False, stderr=True).status("connecting") as status:
        return await Replay(read, station, fast=fast, told=status.update).run()


def _show(result: ReplayResult) -> None:
    from ocppflow.plain_text import one_line
    from ocppflow.scenario.wanted import in_words

    for each in result.differences:
        times = f" ({each.count} times)" if each.count > 1 else ""
        where = f"{each.action} {each.path}".strip()
        print(one_line(f"{where}: {in_words(each.old)} -> {in_words(each.new)}{times}"))
    for action, count in result.unasked.items():
        print(f"{action}: the CSMS asked this {count} more time{'s' * (count > 1)} in the recording")
    for action, count in result.unknown.items():
        print(f"{action}: asked {count} time{'s' * (count > 1)} more than in the recording; answered with NotSupported")
    if result.skipped:
        print(f"{result.skipped} frames of the recording are not messages, and were left out")
    differ = sum(each.count for each in result.differences)
    print(f"{result.said} messages said; {differ} difference{'s' * (differ != 1)}")
    if result.broken:
        raise Failure(one_line(result.broken))


def _remark(text: str) -> None:
    sys.stderr.write(f"ocppflow: {text}\n")

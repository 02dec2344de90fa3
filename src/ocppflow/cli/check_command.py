"""``ocppflow check``: the official test cases against a station of any make."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from ocppflow.cli import check_options as options
from ocppflow.cli import credential_options
from ocppflow.cli.arguments import read_versions
from ocppflow.cli.csms_door import read_tls
from ocppflow.cli.failure import Failure
from ocppflow.cli.password_input import find_password

if TYPE_CHECKING:
    from rich.console import Console

    from ocppflow.check.bench import Bench
    from ocppflow.check.operator import Operator
    from ocppflow.check.pics import Pics
    from ocppflow.check.verdict import CaseResult
    from ocppflow.endpoint import ServerTLS
    from ocppflow.messages import Version


_TOKEN = "OCPPFLOW_CONTROL_TOKEN"  # noqa: S105 - the name of a variable; `ocppflow station --control` has the same


class _Wish(NamedTuple):
    """What is to be done."""

    identity: str | None
    listen: str
    versions: tuple[Version, ...]
    only: list[str]
    blocks: list[str]
    ask_station: bool
    password: str | None
    tls: ServerTLS | None
    authorities: Path | None


class _Files(NamedTuple):
    """Where results go."""

    junit: Path | None
    json: Path | None
    html: Path | None


def check(
    kind: options.Kind,
    identity: options.Identity = None,
    listen: options.Listen = "ws://0.0.0.0:9000/ocpp",
    versions: options.Versions = ["2.1,2.0.1"],  # noqa: B006 - Typer copies it
    only: options.Only = None,
    block: options.Block = None,
    list_cases: options.ListCases = False,
    pics: options.PicsFile = None,
    pics_from_station: options.PicsFromStation = False,
    print_pics: options.PrintPics = False,
    control: options.Control = None,
    unattended: options.Unattended = False,
    password: options.Password = None,
    password_file: credential_options.PasswordFile = None,
    tls_cert: options.TLSCert = None,
    tls_key: options.TLSKey = None,
    authorities: options.Authorities = None,
    patience: options.Patience = None,
    junit: options.JUnit = None,
    json_file: options.JSONFile = None,
    html: options.HTMLFile = None,
) -> None:
    """Play the CSMS of the official test cases (OCPP Part 6) against a station, and judge what it says.

    The station has to be told to connect to --listen. Exit code 0: nothing failed; 1: a case failed; 2: a case could
    not be carried out, or the command was mistyped. Cases that are not written yet are listed, never counted as passed.
    """
    from rich.console import Console

    from ocppflow.cli.csms_log import silenced
    from ocppflow.transport.loop import run

    if kind != "station":
        raise Failure(f"check {kind}: only stations can be checked: ocppflow check station")
    console = Console(highlight=False)
    known = _known_pics(pics, patience)
    found = find_password(password, password_file, False)
    wish = _Wish(
        identity,
        listen,
        read_versions(versions),
        only or [],
        block or [],
        pics_from_station,
        found if isinstance(found, str) else None,
        read_tls(tls_cert, tls_key, None, passwords=True),
        authorities,
    )
    if list_cases or (print_pics and not pics_from_station):
        _print_only(console, wish, known, print_pics)
        return
    with silenced():
        results = run(_check(console, wish, known, _operator(console, control, unattended), print_pics))
    if not print_pics:
        raise typer.Exit(_end(console, results, identity or "", _Files(junit, json_file, html)))


def _known_pics(file: Path | None, patience: float | None) -> Pics:
    import msgspec

    from ocppflow.check.pics import USUAL, read_pics

    pics = read_pics(file) if file is not None else USUAL
    if patience is not None:
        settings = msgspec.structs.replace(pics.settings, patience=patience)
        pics = msgspec.structs.replace(pics, settings=settings)
    return pics


def _print_only(console: Console, wish: _Wish, pics: Pics, print_pics: bool) -> None:
    from ocppflow.check.pics import pics_text
    from ocppflow.check.runner import plan
    from ocppflow.cli.check_table import show_plan

    if print_pics:
        sys.stdout.write(pics_text(pics))
        return
    show_plan(console, [item for version in wish.versions for item in plan(version, pics, wish.only, wish.blocks)])


def _operator(console: Console, control: str | None, unattended: bool) -> Operator:
    from ocppflow.check.control_operator import ControlOperator
    from ocppflow.check.operator import Operator
    from ocppflow.check.prompting_operator import PromptingOperator

    if control is not None:
        return ControlOperator(control, os.environ.get(_TOKEN))
    if unattended or not sys.stdin.isatty():
        return Operator()

    async def ask(sentence: str) -> bool:
        console.print(f"\n[bold yellow]{sentence}[/] Enter when it is done, n if it cannot be: ", end="")
        said = await asyncio.to_thread(sys.stdin.readline)
        return not said.strip().lower().startswith("n")

    return PromptingOperator(ask)


async def _check(console: Console, wish: _Wish, pics: Pics, operator: Operator, print_pics: bool) -> list[CaseResult]:
    results: list[CaseResult] = []
    for version in wish.versions:
        bench = _bench(wish, version, pics)
        async with bench.csms.listen(wish.listen, tls=bench.door or wish.tls) as listener:
            if not print_pics:
                console.print(
                    f"OCPP {version.value}: waiting for the station at {listener.url}/{wish.identity or 'ID'}"
                )
            results += await _check_version(console, wish, pics, operator, bench, print_pics)
        await bench.close()
        if print_pics:
            break
    return results


def _bench(wish: _Wish, version: Version, pics: Pics) -> Bench:
    from ocppflow.check.authorities import Authorities
    from ocppflow.check.bench import Bench
    from ocppflow.check.check_door import CheckDoor
    from ocppflow.check.workshop import Workshop, server_names

    shop, door = Workshop(Authorities(wish.authorities)), None
    if wish.authorities is not None and wish.tls is None and wish.listen.lower().startswith("wss:"):
        names = server_names(wish.listen, pics.settings.host)
        door = CheckDoor(shop.authorities, names, max(2, pics.settings.security_profile))
    return Bench(wish.identity, version, pics.settings, password=wish.password, workshop=shop, door=door)


async def _check_version(
    console: Console, wish: _Wish, pics: Pics, operator: Operator, bench: Bench, print_pics: bool
) -> list[CaseResult]:
    from ocppflow.check.pics import pics_text
    from ocppflow.check.pics_from_station import pics_from_station
    from ocppflow.check.runner import plan, run_plan, settled
    from ocppflow.check.trial import Trial
    from ocppflow.check.verdict import Verdict
    from ocppflow.cli.check_table import show_result

    await settled(bench)
    if bench.station is None:
        text = f"no station came within {bench.settings.reboot_patience:g} s that speaks OCPP {bench.version.value}"
        console.print(f"[yellow]{text}[/]")
        planned = plan(bench.version, pics, wish.only, wish.blocks)
        return [_absent(item.settled(), item.verdict is None, text) for item in planned]
    if wish.ask_station:
        pics = await pics_from_station(Trial(bench, operator, pics), pics)
        bench.settings = pics.settings
        if print_pics:
            sys.stdout.write(pics_text(pics))
            return []
    planned = plan(bench.version, pics, wish.only, wish.blocks)
    results: list[CaseResult] = []
    with console.status("") as status:
        playing = run_plan(
            bench, operator, pics, planned, begun=lambda item: status.update(f"{item.id} {_title(item)}")
        )
        async for result in playing:
            results.append(result)
            if result.verdict not in (Verdict.NOT_APPLICABLE, Verdict.NOT_WRITTEN):
                show_result(console, result, len(results), len(planned))
    return results


def _title(item: Any) -> str:
    return item.case.title if item.case is not None else ""


def _absent(result: CaseResult, due: bool, text: str) -> CaseResult:
    from ocppflow.check.verdict import Verdict

    if due:
        result.verdict, result.reason = Verdict.ERROR, text
    return result


def _end(console: Console, results: list[CaseResult], station: str, to: _Files) -> int:
    from ocppflow.check.result_files import junit_xml, results_json
    from ocppflow.check.verdict import exit_code
    from ocppflow.cli.check_page import check_page
    from ocppflow.cli.check_table import show_summary

    show_summary(console, results)
    if to.junit is not None:
        to.junit.write_text(junit_xml(results, station=station), encoding="utf-8")
    if to.json is not None:
        to.json.write_bytes(results_json(results, station=station))
    if to.html is not None:
        to.html.write_text(check_page(results, station=station), encoding="utf-8")
        console.print(f"report  [cyan]{to.html}[/]")
    return exit_code(results)

"""``ocppflow run``: a scenario against a CSMS."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from ocppflow.cli import credential_options, station_options
from ocppflow.cli import run_options as options
from ocppflow.cli.arguments import read_versions
from ocppflow.cli.failure import Failure
from ocppflow.cli.password_input import find_password

if TYPE_CHECKING:
    import ssl

    from rich.console import Console

    from ocppflow.messages import Version
    from ocppflow.scenario import Scenario, ScenarioResult
    from ocppflow.scenario.play import Asker, StationMaker
    from ocppflow.station import StationConfig


class _Target(NamedTuple):
    """Whom it talks to, and as whom."""

    identity: str
    url: str
    password: str | bytes | None
    ssl: ssl.SSLContext | None


class _ResultFiles(NamedTuple):
    """Where results go."""

    junit: Path | None
    json: Path | None
    html: Path | None


def run(
    scenario: options.Scenario = "",
    url: options.Url = "",
    identity: options.Identity = "CS1",
    versions: options.Versions = None,
    settings: options.Settings = None,
    ask: options.AskCommand = None,
    config: station_options.Config = None,
    make: station_options.Make = None,
    password: credential_options.Password = None,
    password_file: credential_options.PasswordFile = None,
    password_hex: credential_options.PasswordHex = False,
    cert: credential_options.Cert = None,
    key: credential_options.Key = None,
    ca: credential_options.CA = None,
    list_scenarios: options.ListScenarios = False,
    print_scenario: options.PrintScenario = False,
    junit: options.JUnit = None,
    json_file: options.JSONFile = None,
    html: options.HTMLFile = None,
) -> None:
    """Play a scenario with a complete station against a CSMS, and say whether the CSMS did its part.

    Exit code 0: it passed; 1: the CSMS failed; 2: it could not be played, or something was mistyped.
    """
    from ocppflow.scenario import given, read_scenario

    if list_scenarios or print_scenario:
        _show(scenario, print_scenario)
        return
    if not scenario or not url:
        raise Failure("name a scenario and the CSMS, as in: ocppflow run offline-session ws://127.0.0.1:9000/ocpp")
    read = read_scenario(scenario)
    variables = given(read, settings or [])
    base = _base(config, make)
    target = _target(identity, url, find_password(password, password_file, password_hex), (cert, key, ca))
    results = _play(read, variables, base, target, versions, ask)
    raise typer.Exit(_end(results, target, _ResultFiles(junit, json_file, html)))


def _show(name: str, whole: bool) -> None:
    from ocppflow.scenario import SHIPPED, read_scenario, shipped_text

    if whole:
        if name not in SHIPPED:
            raise Failure(f"--print shows a shipped scenario: {', '.join(SHIPPED)}")
        print(shipped_text(name), end="")
        return
    for each in SHIPPED:
        print(f"{each:28}{read_scenario(each).title}")


def _base(config: Path | None, make: str | None) -> StationConfig | None:
    from ocppflow.station.config_file import make_config, read_config

    if config is not None and make is not None:
        raise Failure("give --config or --make, not both")
    return read_config(config) if config is not None else make_config(make) if make is not None else None


def _target(
    identity: str, url: str, password: str | bytes | None, files: tuple[Path | None, Path | None, Path | None]
) -> _Target:
    from ocppflow.cli.call_command import tls_context
    from ocppflow.transport.address import station_address

    station_address(url, identity)
    return _Target(identity, url, password, tls_context(url, *files))


# --- playing ---------------------------------------------------------------------------------------------------------


def _play(
    scenario: Scenario,
    variables: dict[str, Any],
    base: StationConfig | None,
    target: _Target,
    versions: list[str] | None,
    ask: str | None,
) -> list[ScenarioResult]:
    from rich.console import Console

    from ocppflow.cli.csms_log import silenced
    from ocppflow.scenario import station_config, versions_of
    from ocppflow.transport.loop import run as run_loop

    console = Console(highlight=False, stderr=True)
    config = station_config(scenario.head, base)
    wanted = read_versions(versions) if versions else None
    offers = (
        [tuple(versions_of(scenario, scenario.head.versions))]
        if wanted is None
        else [(version,) for version in versions_of(scenario, wanted)]
    )
    with silenced():
        return [run_loop(_one(scenario, variables, _maker(target, config, offer), console, ask)) for offer in offers]


def _maker(target: _Target, config: StationConfig, versions: Sequence[Version]) -> StationMaker:
    from ocppflow.station import CompleteStation

    def make() -> CompleteStation:
        return CompleteStation(
            target.identity,
            target.url,
            config=config,
            versions=versions,
            password=target.password,
            ssl=target.ssl,
        )

    return make


async def _one(
    scenario: Scenario, variables: dict[str, Any], make: StationMaker, console: Console, ask: str | None
) -> ScenarioResult:
    from ocppflow.cli.run_report import show_scenario
    from ocppflow.scenario import play_scenario

    with console.status(scenario.title) as status:
        asker = _by_command(ask) if ask is not None else _by_asking(console, status)
        result = await play_scenario(
            scenario,
            make,
            variables=variables,
            ask=asker,
            told=lambda step: status.update(f"{scenario.name}: step {step}"),
        )
    show_scenario(result)
    return result


def _by_command(command: str) -> Asker:
    """What has to be done is in ``OCPPFLOW_ASK`` (a word), ``OCPPFLOW_ASK_TEXT`` (a sentence), and each variable in
    ``OCPPFLOW_`` with its name in capitals."""
    words = shlex.split(command)
    if not words:
        raise Failure("--ask: a command is wanted")

    async def ask(name: str, sentence: str, variables: Mapping[str, Any]) -> bool:
        told = {f"OCPPFLOW_{key.upper()}": str(value) for key, value in variables.items()}
        about = {**os.environ, **told, "OCPPFLOW_ASK": name, "OCPPFLOW_ASK_TEXT": sentence}
        process = await asyncio.create_subprocess_exec(*words, env=about, stdin=asyncio.subprocess.DEVNULL)
        return await process.wait() == 0

    return ask


def _by_asking(console: Console, status: Any) -> Asker:
    """Somebody who sits there is asked, and what they did is seen by what comes; without a terminal it is only said."""

    async def ask(name: str, sentence: str, variables: Mapping[str, Any]) -> bool:
        console.print(f"[bold yellow]At the CSMS:[/] {sentence}")
        return True

    return ask


def _end(results: list[ScenarioResult], target: _Target, to: _ResultFiles) -> int:
    from ocppflow.cli.run_report import scenarios_page
    from ocppflow.endpoint import shown_url
    from ocppflow.scenario import exit_code_of, scenarios_json, scenarios_junit

    url = shown_url(target.url)
    if to.junit is not None:
        to.junit.write_text(scenarios_junit(results, url=url), encoding="utf-8")
    if to.json is not None:
        to.json.write_bytes(scenarios_json(results, url=url))
    if to.html is not None:
        to.html.write_text(scenarios_page(results, url=url), encoding="utf-8")
        sys.stderr.write(f"ocppflow: wrote {to.html}\n")
    return exit_code_of(results)

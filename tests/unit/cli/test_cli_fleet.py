"""``ocppflow fleet`` against a real CSMS on a real port."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from cli_world import a_csms
from rich.console import Console

from ocppflow import v21
from ocppflow.cli.fleet_view import FleetView
from ocppflow.endpoint import ManualClock
from ocppflow.fleet import Fleet, FleetPlan


def _hospitable(**settings: Any) -> Any:
    """A CSMS that takes all that stations say by themselves."""
    csms = a_csms(**settings)
    csms.on_any(lambda station, call: {})

    @csms.on(v21.AuthorizeRequest)
    async def authorize(station: Any, request: v21.AuthorizeRequest) -> v21.AuthorizeResponse:
        return v21.AuthorizeResponse(id_token_info=v21.IdTokenInfoType(status="Accepted"))

    return csms


def test_stations_connect_charge_and_are_reported(cli: Any, serve: Any, tmp_path: Path) -> None:
    report, page = tmp_path / "report.json", tmp_path / "report.html"
    makes = ["--make", "ac-wallbox", "--make", "dc-fast-charger"]
    files = ["--report", str(report), "--html", str(page), "--data", str(tmp_path / "data")]
    url = serve(_hospitable())
    result = cli("fleet", url, "-n", "4", *makes, "--arrivals", "all", "--duration", "3", "--seed", "7", *files)
    assert result.code == 0, result.err
    data = json.loads(report.read_text())
    assert (data["stations"], data["connected"], data["all"]["failed"]) == (4, 4, 0)
    assert data["actions"]["BootNotification"]["answered"] == 4
    assert "4 stations, 4 connected at the end" in result.out
    assert page.read_text().count("<svg") == 3
    assert (tmp_path / "data" / "fleet.db").exists()


def test_each_station_has_its_own_password(cli: Any, serve: Any) -> None:
    passwords = {f"BOX{number:05d}": f"password-of-BOX{number:05d}" for number in (1, 2)}
    url = serve(_hospitable(passwords=passwords))
    options = ["--prefix", "BOX", "--password", "password-of-{identity}", "--arrivals", "none", "--duration", "2"]
    assert cli("fleet", url, "-n", "2", *options).code == 0


def test_calls_without_an_answer_are_the_exit_code_and_are_named(cli: Any, serve: Any, tmp_path: Path) -> None:
    csms = a_csms()  # which answers nothing but boots and heartbeats
    result = cli("fleet", serve(csms), "-n", "1", "--duration", "2", "--report", str(tmp_path / "report.json"))
    assert result.code == 1
    data = json.loads((tmp_path / "report.json").read_text())
    assert (
        data["actions"]["NotifyEvent"]["failures"] == {"NotSupported": data["all"]["failed"]} or data["all"]["failed"]
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--arrivals", "sometimes"], "arrivals 'sometimes'"),
        (["--duration", "soon"], "time 'soon'"),
        (["--make", "spaceship"], "no make 'spaceship'"),
        (["--report", "/nowhere/at/all/report.json"], "no directory"),
        (["--config", "missing.toml"], "missing.toml"),
    ],
)
def test_what_is_typed_wrong_gets_one_line(cli: Any, typed: list[str], said: str) -> None:
    result = cli("fleet", "ws://127.0.0.1:9/ocpp", *typed)
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1


def test_the_live_view_shows_state_actions_and_troubles() -> None:
    clock = ManualClock()
    fleet = Fleet(FleetPlan(url="ws://127.0.0.1:9/ocpp", count=4), clock=clock)
    fleet.figures.counts.update({"connected": 3, "lost": 1, "attempts that failed": 5})
    fleet.figures.answered("Heartbeat", 0.012, clock.now())
    out = io.StringIO()
    Console(file=out, width=140).print(FleetView(fleet).table())
    text = out.getvalue()
    assert "2 of 4 connected" in text
    assert "Heartbeat" in text
    assert "attempts that failed  5" in text

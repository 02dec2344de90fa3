"""``ocppflow check station``: on a real port, against a station in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ocppflow.check.authorities import CSMS_ROOT, Authorities
from ocppflow.control import ControlServer, read_address
from ocppflow.endpoint import Backoff
from ocppflow.station import CompleteStation, Provisions


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _station(port: int, url: str = "", **settings: Any) -> Iterator[str]:
    """A complete station that tries to connect until it is told to stop; the URL of its control API."""
    stop, up = asyncio.Event(), threading.Event()
    urls: list[str] = []
    loop: list[asyncio.AbstractEventLoop] = []

    async def live() -> None:
        loop.append(asyncio.get_running_loop())
        backoff = Backoff(wait_minimum=0.5, random_range=0.0, repeat_times=0)
        where = url or f"ws://127.0.0.1:{port}/ocpp"
        station = CompleteStation("CS1", where, backoff=backoff, grace=1.0, **settings)
        server = ControlServer(station, read_address("127.0.0.1:0"), "a-token-of-some-length")
        await server.start()
        urls.append(server.url)
        station.start()
        up.set()
        await stop.wait()
        await server.stop()
        await station.close()

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    up.wait(10)
    try:
        yield urls[0]
    finally:
        loop[0].call_soon_threadsafe(stop.set)
        thread.join(20)


@pytest.mark.slow
def test_a_station_is_checked_and_reports_are_written(cli: Any, tmp_path: Path) -> None:
    port = _free_port()
    reports = {name: tmp_path / f"report.{name}" for name in ("junit", "json", "html")}
    options = [each for name, path in reports.items() for each in (f"--{name}", path)]
    with _station(port, password="a-long-password-1"):
        result = cli(
            *("check", "station", "CS1", "--listen", f"ws://127.0.0.1:{port}/ocpp", "--only", "TC_B_3[23]"),
            *("--versions", "2.1,2.0.1", "--patience", "5", "--unattended", "--password", "a-long-password-1"),
            *options,
        )
    assert result.code == 0, result
    assert "TC_B_32_CS" in result.out
    assert "Get an unknown variable" in result.out
    data = json.loads(reports["json"].read_bytes())
    assert [(case["case"], case["version"], case["verdict"]) for case in data["cases"]] == [
        ("TC_B_32_CS", "2.1", "pass"),
        ("TC_B_33_CS", "2.1", "pass"),
        ("TC_B_32_CS", "2.0.1", "pass"),
        ("TC_B_33_CS", "2.0.1", "pass"),
    ]
    assert 'failures="0"' in reports["junit"].read_text()
    page = reports["html"].read_text()
    assert page.count("<svg") == 4
    assert "a-long-password-1" not in page


@pytest.mark.slow
def test_a_station_that_comes_by_tls_is_met_with_certificates_of_the_checks_own(cli: Any, tmp_path: Path) -> None:
    port, folder = _free_port(), tmp_path / "authorities"
    root = Authorities(folder)[CSMS_ROOT].pem
    given = Provisions(csms_roots=root)
    with _station(port, f"wss://localhost:{port}/ocpp", password="a-long-password-1", provisions=given):
        result = cli(
            *("check", "station", "CS1", "--listen", f"wss://localhost:{port}/ocpp", "--authorities", folder),
            *("--only", "TC_A_0[147]", "--versions", "2.0.1", "--unattended", "--password", "a-long-password-1"),
        )
    assert result.code == 0, result
    assert [line.split()[1:4:2] for line in result.out.splitlines() if "TC_A_0" in line][:2] == [
        ["TC_A_01_CS", "pass"],
        ["TC_A_04_CS", "pass"],
    ]
    assert (folder / "csms-root.key").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_station_that_needs_hands_where_there_are_none_is_an_error(cli: Any) -> None:
    port = _free_port()
    with _station(port):
        result = cli(
            *("check", "station", "--listen", f"ws://127.0.0.1:{port}/ocpp", "--only", "TC_G_01"),
            *("--versions", "2.0.1", "--unattended"),
        )
    assert result.code == 2
    assert "the operator cannot connect an EV to EVSE 1" in result.out


@pytest.mark.slow
def test_a_station_is_operated_over_its_control_api(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    port = _free_port()
    monkeypatch.setenv("OCPPFLOW_CONTROL_TOKEN", "a-token-of-some-length")
    with _station(port) as control:
        result = cli(
            *("check", "station", "--listen", f"ws://127.0.0.1:{port}/ocpp", "--only", "TC_G_0[12]"),
            *("--versions", "2.1", "--control", control),
        )
    assert result.code == 0, result


@pytest.mark.slow
def test_the_pics_are_asked_of_the_station(cli: Any) -> None:
    port = _free_port()
    with _station(port):
        result = cli(
            *("check", "station", "--listen", f"ws://127.0.0.1:{port}/ocpp", "--versions", "2.1"),
            *("--pics-from-station", "--print-pics", "--unattended"),
        )
    assert result.code == 0, result
    assert "C-49 = true " in result.out
    assert "HFS-8 = 1 " in result.out


def test_cases_are_listed_without_a_station(cli: Any) -> None:
    result = cli("check", "station", "--list", "--block", "B", "--versions", "2.0.1")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["TC_B_01_CS", "2.0.1", "to", "be", "played", "Cold", "boot,", "accepted"]
    assert lines[-1].endswith("cases would be played")


def test_a_pics_file_is_printed(cli: Any) -> None:
    result = cli("check", "station", "--print-pics")
    assert result.code == 0
    assert "C-30 = true " in result.out
    assert "[settings]" in result.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["csms"], "only stations can be checked"),
        (["station", "--pics", "/nowhere/pics.toml", "--list"], "No such file"),
        (["station", "--versions", "3.0", "--list"], "3.0"),
        (["station", "--control", "localhost:1", "--only", "none"], "begins with http://"),
    ],
)
def test_what_is_mistyped_gets_a_line(cli: Any, arguments: list[str], said: str) -> None:
    cli("check", *arguments).failed_with(said)

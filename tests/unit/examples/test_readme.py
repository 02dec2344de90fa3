"""The README's Python runs as it stands: the two roles against each other, and the CSMS under ``ocppflow csms``."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocppflow import ChargingStation, errors, v201
from ocppflow.testing import run_in_virtual_time

README = Path(__file__).parents[3] / "README.md"


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def load(source: str, port: int, **names: Any) -> dict[str, Any]:
    """A block's names, as a program that imports it has them, with its port replaced."""
    source = source.replace(":9000/", f":{port}/").replace("await asyncio.sleep(5)", "await until_reset.wait()")
    space = {"__name__": "sample", **names}
    exec(compile(source, "README.md", "exec"), space)
    return space


async def test_the_two_roles_of_the_readme_talk_to_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    until_reset = asyncio.Event()
    csms, station = (load(block, port, until_reset=until_reset) for block in blocks()[:2])

    async def reset_then_stop() -> None:
        await csms["main"]()
        until_reset.set()

    server = asyncio.create_task(reset_then_stop())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while not any(each.is_active for each in csms["csms"]._listeners):  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0)
        await asyncio.gather(server, station["main"]())
    out = capsys.readouterr().out
    assert "CS1 is a Box" in out
    assert "ResetResponse(status='Scheduled')" in out
    assert "status='Accepted'" in out


def test_the_complete_station_of_the_readme_charges(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, block = blocks()
    csms: dict[str, Any] = {"__name__": "csms"}
    exec((README.parent / "examples" / "csms_minimal.py").read_text(encoding="utf-8"), csms)

    async def both() -> None:
        async with csms["csms"].listen("ws://127.0.0.1:0/ocpp") as listener:
            await load(block, listener.port)["main"]()

    run_in_virtual_time(both())
    assert re.search(r"\[TransactionSnapshot\(id='.*evse=1, state='Charging'", capsys.readouterr().out)


@contextlib.contextmanager
def served(app: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """``ocppflow csms`` with the app on a free port, and what it says when it listens."""
    command = [sys.executable, "-m", "ocppflow", "csms", "--app", f"{app}:csms"]
    command += ["--listen", "ws://127.0.0.1:0/elsewhere", "--json-log"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stderr is not None
            lines = (json.loads(line) for line in process.stderr)
            yield process, next(line for line in lines if line.get("event") == "listening")
        finally:
            process.kill()


async def test_the_command_line_serves_the_csms_of_the_readme_where_it_is_told_to(tmp_path: Path) -> None:
    app = tmp_path / "sample.py"
    app.write_text(blocks()[0], encoding="utf-8")
    with served(app) as (process, listening):
        assert listening["url"].endswith("/elsewhere")
        assert ":9000/" not in listening["url"]
        async with asyncio.timeout(20):
            wrong = ChargingStation("CS1", listening["url"], password="another-password")
            with pytest.raises(errors.ConnectionRefused, match="wrong password"):
                await wrong.connect()
            station = ChargingStation("CS1", listening["url"], password="a-long-password-1", versions=["2.0.1"])
            async with station as cs:
                box = v201.ChargingStationType(model="Box", vendor_name="ACME")
                answer = await cs.call(v201.BootNotificationRequest(charging_station=box, reason="PowerUp"))
        assert answer.status == "Accepted"
        process.send_signal(signal.SIGTERM)
        out, _ = await asyncio.to_thread(process.communicate)
    assert process.returncode == 0
    assert out.splitlines() == ["CS1 is a Box"]

"""``ocppflow station`` as a user sees it: what is typed wrong, what is printed, what runs."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ocppflow import CSMS
from ocppflow.station.config_file import MAKES, make_config, parse_config

URL = "ws://127.0.0.1:9/ocpp"


def _friendly() -> CSMS:
    csms = CSMS()

    @csms.on_any
    def answer(station: Any, call: Any) -> Any:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if call.action == "BootNotification":
            return {"currentTime": now, "interval": 300, "status": "Accepted"}
        return {"idTokenInfo": {"status": "Accepted"}} if call.action == "Authorize" else {}

    return csms


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "name the station and the CSMS"),
        (("CS1",), "name the station and the CSMS"),
        (("CS1", "http://x/ocpp"), "ws://"),
        (("CS/1", URL), "the identity 'CS/1' has characters other than"),
        (("CS1", URL, "--make", "wallbox"), "did you mean ac-wallbox?"),
        (("CS1", URL, "--make", "ac-wallbox", "--config", "x.toml"), "give --config or --make, not both"),
        (("CS1", URL, "--config", "nowhere.toml"), "nowhere.toml: No such file"),
        (("CS1", URL, "--versions", "3.0"), "unknown OCPP version"),
        (("CS1", URL, "--log-level", "loud"), "the levels are"),
        (("CS1", URL, "--cert", "c.pem"), "for wss:// URLs"),
        (("CS1", URL, "--control", "8080"), "an address is HOST:PORT"),
        (("CS1", URL, "--control", "0.0.0.0:0"), "OCPPFLOW_CONTROL_TOKEN"),
        (("CS1", URL, "--data", "/proc/nowhere"), "/proc/nowhere"),
    ],
)
def test_what_is_typed_wrong_gets_one_line(cli: Any, monkeypatch: Any, arguments: tuple[str, ...], says: str) -> None:
    monkeypatch.delenv("OCPPFLOW_CONTROL_TOKEN", raising=False)
    cli("station", *arguments).failed_with(says)


def test_a_config_that_is_wrong_says_where(cli: Any, tmp_path: Path) -> None:
    file = tmp_path / "make.toml"
    file.write_text("[[evses]]\nphase = 3\n")
    cli("station", "CS1", URL, "--config", file).failed_with(f"{file}: evses[0].phase", "did you mean phases?")


@pytest.mark.parametrize("name", MAKES)
def test_the_printed_config_loads_again_to_the_same(cli: Any, name: str) -> None:
    result = cli("station", "--print-config", "--make", name)
    assert result.code == 0
    assert parse_config(result.out) == make_config(name)


def test_features_are_listed_by_block(cli: Any) -> None:
    out = cli("station", "--features", "--make", "minimal-1.6").out
    assert re.search(r"RemoteStartTransaction +1\.6 +answered", out)
    assert re.search(r"SetChargingProfile +1\.6 +NotSupported: the feature smart_charging is left out", out)


def test_without_the_extra_control_says_what_to_install(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "litestar", None)
    cli("station", "CS1", URL, "--control", "127.0.0.1:0").failed_with("pip install 'ocppflow[control]'")


# --- running -------------------------------------------------------------------------------------------------------


@contextmanager
def _run(*arguments: object, **settings: Any) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "ocppflow", "station", *map(str, arguments)]
    settings = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "stdout": subprocess.PIPE, **settings}
    with subprocess.Popen(command, text=True, **settings) as process:
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def _until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if found := re.search(pattern, line):
            return found
    pytest.fail(f"{pattern} did not come: {''.join(seen)}")


def _type(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def test_commands_from_a_pipe_are_obeyed_and_quit_ends_it_with_0(serve: Any, tmp_path: Path) -> None:
    with _run("CS|1", serve(_friendly()), "--data", tmp_path / "new", "--versions", "2.0.1") as process:
        _until(process, r"↳ BootNotification .* status Accepted")
        _type(process, "plug 1 soc=20")
        _until(process, "an EV with 20 % is plugged in at EVSE 1")
        _type(process, "# a comment")
        _type(process, "plgu 1")
        _until(process, r"plgu 1: there is no command 'plgu'; did you mean plug\?")
        _type(process, "swipe 1 04A1B2C3")
        _until(process, r"TransactionEvent .* Started")
        _type(process, "quit")
        _until(process, "stopped")
        assert process.wait() == 0
    assert [file.name for file in (tmp_path / "new").iterdir() if file.suffix == ".db"] == ["CS%7C1.db"]


def test_it_goes_on_after_the_end_of_stdin_and_ends_with_0_on_sigterm(serve: Any) -> None:
    with _run("CS1", serve(_friendly()), stdin=subprocess.DEVNULL) as process:
        _until(process, r"↳ BootNotification .* status Accepted")
        process.send_signal(signal.SIGTERM)
        _until(process, "stopped")
        assert process.wait() == 0


def test_it_is_controlled_over_http(serve: Any) -> None:
    with _run("CS1", serve(_friendly()), "--control", "127.0.0.1:0", "--json-log") as process:
        url = _until(process, r"controlled at (http://127\.0\.0\.1:\d+),")[1]
        _until(process, r"BootNotification.*Accepted")
        request = urllib.request.Request(f"{url}/evses/1/plug", method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert "is plugged in at EVSE 1" in json.load(answer)["done"]
        with urllib.request.urlopen(f"{url}/state", timeout=10) as answer:
            assert json.load(answer)["evses"][0]["connectors"][0]["plugged"]
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


def test_a_port_that_is_taken_is_one_line(serve: Any) -> None:
    port = serve(_friendly()).split(":")[2].split("/")[0]
    with _run("CS1", URL, "--control", f"127.0.0.1:{port}") as process:
        assert process.wait() == 2
        assert process.stderr is not None
        assert "Address already in use" in process.stderr.read().splitlines()[-1]


def test_at_a_terminal_it_shows_a_live_view_and_leaves_the_terminal_as_it_was(serve: Any) -> None:
    master, slave = pty.openpty()
    settings = {
        "stdin": slave,
        "stdout": slave,
        "env": {**os.environ, "TERM": "xterm", "LINES": "30", "COLUMNS": "130"},
    }
    with _run("CS1", serve(_friendly()), "--make", "ac-double-post", **settings) as process:
        screen = _Screen(master)
        screen.wait_for("Accepted")
        os.write(master, b"plug 2 soc=33\r")
        screen.wait_for("33.0 %")
        os.write(master, b"nonsense\r")
        screen.wait_for("there is no command 'nonsense'")
        os.write(master, b"quit\r")
        screen.wait_for("\x1b[?1049l")
        assert process.wait() == 0
    os.close(slave)
    os.close(master)


class _Screen:
    """What a terminal has got."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._seen = ""

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + 20
        while text not in re.sub(r"\x1b\[[0-9;]*m", "", self._seen):
            assert time.monotonic() < end, self._seen[-3000:]
            if select.select([self._master], [], [], 0.2)[0]:
                self._seen += os.read(self._master, 65536).decode("utf-8", "replace")

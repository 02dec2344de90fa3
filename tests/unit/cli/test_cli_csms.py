"""``ocppflow csms``: how an app is found, who is let in, and a whole life in a process of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cli_world import Authority, running, stop
from websockets.sync.client import connect as websocket

from ocppflow import hash_password
from ocppflow.cli.app_loading import load_app
from ocppflow.cli.failure import Failure

AppFile = Callable[..., Path]

APP = """
from datetime import UTC, datetime
from ocppflow import CSMS, v201

csms = CSMS({settings})

@csms.on(v201.HeartbeatRequest)
def heartbeat(station, request):
    return v201.HeartbeatResponse(current_time=datetime.now(UTC))
"""


# --- the app -------------------------------------------------------------------------------------------------------


def test_an_app_is_found_in_a_file_beside_its_helpers(app_file: AppFile) -> None:
    app_file("from ocppflow import CSMS\ndef made(): return CSMS()\n", "cli_test_helper.py")
    file = app_file("from cli_test_helper import made\nclass site:\n    csms = made()\n")
    assert type(load_app(f"{file}:site.csms")).__name__ == "CSMS"


def test_an_app_is_found_in_a_module_of_the_working_directory(
    app_file: AppFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = app_file(APP.format(settings=""), "cli_test_module.py")
    monkeypatch.chdir(file.parent)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert type(load_app("cli_test_module:csms")).__name__ == "CSMS"


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("x = 1\n", "csms", "shop.py has no 'csms'; it has no CSMS object"),
        ("from ocppflow import CSMS\nshop = CSMS()\n", "csms", "shop.py has no 'csms'; it has shop"),
        ("csms = 7\n", "csms", "'csms' is of type int, not a CSMS object"),
        ("a = 1\nb = (\n", "csms", "shop.py, line 2: '(' was never closed"),
        ("a = 1\n\nb = nothing\n", "csms", "shop.py, line 3: NameError: name 'nothing' is not defined"),
        ("import not_installed_at_all\n", "csms", "shop.py, line 1: ModuleNotFoundError"),
        ("from ocppflow import CSMS\ncsms = CSMS(versions=['9'])\n", "csms", "shop.py, line 2: ConfigurationError"),
        ("import json\njson.loads('{')\n", "csms", "shop.py, line 2: JSONDecodeError"),
        ("import sys\nsys.exit(0)\n", "csms", "shop.py, line 2: the program exits when it is imported"),
        ("\x00", "csms", "shop.py: source code string cannot contain null bytes"),
    ],
)
def test_what_is_wrong_with_an_app_is_one_line_with_file_and_line(
    cli: Any, app_file: AppFile, text: str, name: str, says: str
) -> None:
    cli("csms", "--no-auth", "--app", f"{app_file(text)}:{name}").failed_with(says)


LISTENS = """
import asyncio
from ocppflow import CSMS
csms = CSMS()
async def main():
    try:
        async with csms.listen("ws://127.0.0.1:0"):
            await asyncio.Event().wait()
    except Exception:
        pass
asyncio.run(main())
"""


def test_an_app_that_listens_when_it_is_imported_is_told_where_the_line_belongs(cli: Any, app_file: AppFile) -> None:
    from ocppflow import CSMS

    listen = CSMS.listen
    app = f"{app_file(LISTENS)}:csms"
    cli("csms", "--no-auth", "--app", app, "--listen", "ws://127.0.0.1:0").failed_with(
        "shop.py, line 11: it listens when it is imported",
        "--listen would be ignored",
        'under `if __name__ == "__main__":`',
    )
    assert CSMS.listen is listen
    for way in ("csms.run('ws://127.0.0.1:0')", "asyncio.run(csms.serve_forever('ws://127.0.0.1:0'))"):
        app = f"{app_file('import asyncio; from ocppflow import CSMS; csms = CSMS()' + chr(10) + way, 'shop.py')}:csms"
        cli("csms", "--no-auth", "--app", app).failed_with("shop.py, line 2: it listens when it is imported")
    guarded = LISTENS.replace("asyncio.run(main())", 'if __name__ == "__main__":\n    asyncio.run(main())')
    assert load_app(f"{app_file(guarded)}:csms") is not None


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("/no/such/shop.py:csms", "there is no file /no/such/shop.py"),
        ("shop.py", "name the file and the object in it"),
        ("shop", "name the file and the object in it"),
        ("no_such_module_here:csms", "there is no module 'no_such_module_here'"),
        ("json.no_such_module:csms", "there is no module 'json.no_such_module'"),
    ],
)
def test_an_app_that_is_not_there(app: str, says: str) -> None:
    with pytest.raises(Failure, match=re.escape(says)):
        load_app(app)


def test_without_an_app_there_is_nothing_to_serve(cli: Any) -> None:
    cli("csms", "--no-auth").failed_with("--app is missing", "--app FILE.py:csms")


# --- who is let in -------------------------------------------------------------------------------------------------


OWN_PASSWORD = "passwords={'CS1': 'the-apps-own-password'}"
ACCEPTOR = "acceptor=lambda handshake: None"


@pytest.mark.parametrize(
    ("settings", "flags", "says"),
    [
        ("", [], "say who is let in: --auth FILE.toml, or --no-auth"),
        ("", ["--auth", "a.toml", "--no-auth"], "contradict"),
        ("passwords={'CS1': 'secret'}", ["--no-auth"], "the app has passwords; --no-auth would ignore them"),
        (ACCEPTOR, ["--no-auth"], "the app has an acceptor of its own"),
        (ACCEPTOR, ["--auth", "a.toml"], "the app has an acceptor of its own"),
        ("", ["--auth", "/no/auth.toml"], "cannot read /no/auth.toml: No such file"),
        ("", ["--no-auth", "--client-ca", "ca.pem"], "--client-ca without --tls-cert"),
        ("", ["--no-auth", "--tls-key", "k.pem"], "--tls-key without --tls-cert"),
        ("", ["--no-auth", "--tls-cert", "/no/c.pem"], "there is no file /no/c.pem"),
        ("", ["--no-auth", "--versions", "1.5"], "unknown OCPP version '1.5'"),
        ("", ["--no-auth", "--log-level", "loud"], "--log-level loud: the levels are debug, info"),
        ("", ["--no-auth", "--listen", "http://127.0.0.1"], "must begin with ws:// or wss://"),
        ("", ["--no-auth", "--listen", "wss://127.0.0.1"], "needs a certificate"),
        ("", ["--no-auth", "--listen", "ws://192.0.2.1:9000"], "no interface of this machine has this address"),
        ("", ["--no-auth", "--trace", "/no/dir/t.jsonl"], "/no/dir/t.jsonl: No such file"),
    ],
)
def test_flags_that_cannot_be_obeyed_are_one_line(
    cli: Any, app_file: AppFile, settings: str, flags: list[str], says: str
) -> None:
    result = cli("csms", "--app", f"{app_file(APP.format(settings=settings))}:csms", *flags)
    assert result.code == 2
    assert result.err.splitlines()[-1].startswith("ocppflow: ")
    assert says in result.err.splitlines()[-1]
    assert "Traceback" not in result.err


def test_no_auth_and_client_ca_contradict_each_other(cli: Any, app_file: AppFile, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("csms")
    tls = ["--tls-cert", cert, "--tls-key", key, "--client-ca", authority.certificate]
    result = cli("csms", "--app", f"{app_file(APP.format(settings=''))}:csms", "--no-auth", *tls)
    result.failed_with("--no-auth and --client-ca contradict each other")


def test_a_password_in_clear_in_the_auth_file_names_the_station_and_the_way_out(
    cli: Any, app_file: AppFile, tmp_path: Path
) -> None:
    auth = tmp_path / "auth.toml"
    auth.write_text('[stations]\nCS7 = "in-clear"\n')
    app = f"{app_file(APP.format(settings=''))}:csms"
    result = cli("csms", "--app", app, "--auth", auth)
    result.failed_with("station CS7", "ocppflow hash-password")
    assert "in-clear" not in result.err
    auth.write_text("CS7 = [\n")
    cli("csms", "--app", app, "--auth", auth).failed_with("auth.toml is not TOML")


def test_a_port_in_use_is_one_line(cli: Any, serve: Any, app_file: AppFile) -> None:
    from ocppflow import CSMS

    url = serve(CSMS())
    result = cli("csms", "--app", f"{app_file(APP.format(settings=''))}:csms", "--no-auth", "--listen", url)
    assert result.err.splitlines()[-1].endswith("another program uses this port")


# --- in a process of its own ---------------------------------------------------------------------------------------


def test_a_csms_in_its_life_logs_for_people_and_stops_in_order(cli: Any, app_file: AppFile, tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    app = f"{app_file(APP.format(settings=''))}:csms"
    words = ["--app", app, "--no-auth", "--listen", "ws://127.0.0.1:0/ocpp", "--versions", "2.0.1", "--trace", trace]
    with running(*words, pattern=r"stations connect to (ws://127.0.0.1:\d+/ocpp)/<identity>") as (process, found):
        assert cli("call", found[1] + "/CS1", "Heartbeat", "Heartbeat").code == 0
        cli("call", found[1] + "/CS1", "Heartbeat", "--versions", "1.6").failed_with("none of the versions offered")
        log = stop(process, signal.SIGINT)
    assert process.returncode == 0
    lines = [re.sub(r"^\d\d:\d\d:\d\d\.\d{3}  ", "", line) for line in log.splitlines()]
    assert lines[0] == "-             OCPP 2.0.1; security profile 0 (every station is let in without a password)"
    assert any(re.fullmatch(r"CS1 +connected from 127\.0\.0\.1:\d+, OCPP 2\.0\.1", line) for line in lines)
    assert sum("──▶   Heartbeat" in line for line in lines) == 2
    assert sum("◀──   ↳ Heartbeat" in line for line in lines) == 2
    assert any("offered ocpp1.6; this listener speaks 2.0.1" in line for line in lines)
    assert lines[-1].endswith("stopped")
    assert "\x1b" not in log
    shown = cli("trace", trace, "--json")
    kinds = [json.loads(line)["kind"] for line in shown.out.splitlines()]
    assert kinds[:4] == ["connected", "CALL", "CALLRESULT", "CALL"]


def test_tls_passwords_and_a_log_for_machines(cli: Any, app_file: AppFile, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("csms")
    auth = tmp_path / "auth.toml"
    auth.write_text(f'[stations]\nCS1 = "{hash_password("correct-horse-battery")}"\n')
    app = f"{app_file(APP.format(settings=OWN_PASSWORD))}:csms"
    words = ["--app", app, "--auth", auth, "--tls-cert", cert, "--tls-key", key, "--json-log"]
    words += ["--listen", "wss://127.0.0.1:0/ocpp"]
    with running(*words, pattern=r'"event":"listening".*"url":"(.*?)".*"profiles":"2"') as (process, found):
        call = ["call", found[1] + "/CS1", "Heartbeat", "--ca", authority.certificate, "--password"]
        assert cli(*call, "correct-horse-battery").code == 0
        cli(*call, "the-apps-own-password").failed_with("401")
        log = stop(process, signal.SIGTERM)
    assert process.returncode == 0
    lines = [json.loads(line) for line in log.splitlines()]
    frames = [line for line in lines if "frame" in line]
    assert [(line["station"], line["type"], line["toward"], line["action"]) for line in frames] == [
        ("CS1", "CALL", "CSMS", "Heartbeat"),
        ("CS1", "CALLRESULT", "CS", "Heartbeat"),
    ]
    assert all({"time", "level", "logger"} <= set(line) for line in lines)
    assert any("wrong password for CS1" in line.get("text", "") for line in lines)
    assert lines[-1]["text"] == "stopped"


def test_passwords_and_client_certificates_on_one_port(cli: Any, app_file: AppFile, tmp_path: Path) -> None:
    """Security profiles 2 and 3: each station is held to what it has."""
    authority = Authority(tmp_path)
    cert, key = authority.issue("csms")
    app = f"{app_file(APP.format(settings=OWN_PASSWORD))}:csms"
    words = ["--app", app, "--tls-cert", cert, "--tls-key", key, "--client-ca", authority.certificate]
    words += ["--listen", "wss://127.0.0.1:0", "--json-log", "--log-level", "warning"]
    with running(*words, pattern=r'"url":"(.*?)".*"profiles":"2 and 3"') as (process, found):
        trust = ["--ca", authority.certificate]
        by_password = cli("call", found[1] + "/CS1", "Heartbeat", *trust, "--password", "the-apps-own-password")
        by_nothing = cli("call", found[1] + "/CS1", "Heartbeat", *trust)
        log = stop(process, signal.SIGTERM)
    assert by_password.code == 0
    by_nothing.failed_with("401")
    assert '"frame"' not in log, "frames are shown at level info"


def test_told_twice_it_stops_at_once(cli: Any, app_file: AppFile) -> None:
    hanging = """
    await asyncio.Event().wait()
"""
    text = APP.format(settings="grace=600").replace("def heartbeat", "async def heartbeat")
    text = "import asyncio\n" + text.replace("    return v201", hanging + "    return v201")
    words = ["--app", f"{app_file(text)}:csms", "--no-auth", "--listen", "ws://127.0.0.1:0", "--json-log"]
    with running(*words, pattern=r'"url":"(.*?)"') as (process, found):
        command = [sys.executable, "-m", "ocppflow", "call", found[1] + "/CS1", "Heartbeat"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as station:
            assert process.stderr is not None
            for line in process.stderr:
                if '"action":"Heartbeat"' in line:
                    process.send_signal(signal.SIGINT)
                if '"stopping;' in line:
                    break
            while process.poll() is None:
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
            _, said = station.communicate(timeout=20)
    assert process.returncode == 130
    assert station.returncode == 2
    assert said.startswith("ocppflow: Heartbeat: the connection ended before the answer came")


def test_a_signal_that_comes_twice_at_once_is_one(cli: Any, app_file: AppFile) -> None:
    """As `timeout` and `make` send it: to the process, and to its group."""
    words = ["--app", f"{app_file(APP.format(settings=''))}:csms", "--no-auth", "--listen", "ws://127.0.0.1:0"]
    with running(*words, pattern="security profile 0") as (process, _):
        process.send_signal(signal.SIGTERM)
        log = stop(process, signal.SIGINT)
    assert process.returncode == 0
    assert log.splitlines()[-1].endswith("stopped")


def test_where_a_csms_listens_on_all_interfaces_no_station_is_sent_to_0_0_0_0(cli: Any, app_file: AppFile) -> None:
    words = ["--app", f"{app_file(APP.format(settings=''))}:csms", "--no-auth", "--listen", "ws://0.0.0.0:0/ocpp"]
    with running(*words, pattern=r"connect to ws://<IPv4 address of this machine>:(\d+)/ocpp/<id") as (_, found):
        assert cli("call", f"ws://127.0.0.1:{found[1]}/ocpp/CS1", "Heartbeat").code == 0


def test_a_log_that_nobody_reads_stops_neither_the_stations_nor_the_end(app_file: AppFile) -> None:
    """As with a terminal that is stopped by Ctrl-S, or a pager at its first page."""
    words = ["--app", f"{app_file(APP.format(settings=''))}:csms", "--no-auth", "--listen", "ws://127.0.0.1:0"]
    with running(*words, "--log-frames", "0", pattern=r"connect to (ws://.*?)/<identity>") as (process, found):
        with websocket(found[1] + "/CS1", subprotocols=["ocpp2.0.1"]) as station:  # type: ignore[list-item]
            for number in range(1000):  # some 200 KB of log; a pipe holds 64 KiB
                station.send(f'[2,"{number:036}","Heartbeat",{{}}]')
                assert station.recv(timeout=10)[:2] == "[3"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_an_answer_that_is_refused_is_an_error_in_the_log(app_file: AppFile) -> None:
    text = """
import asyncio
from ocppflow import CSMS, v201
csms = CSMS()
@csms.on_connect
def reset(station):
    asyncio.ensure_future(station.call(v201.ResetRequest(type="Immediate"))).add_done_callback(lambda f: f.exception())
"""
    words = ["--app", f"{app_file(text)}:csms", "--no-auth", "--listen", "ws://127.0.0.1:0"]
    with running(*words, pattern=r"connect to (ws://.*?)/<identity>") as (process, found):
        with websocket(found[1] + "/CS1", subprotocols=["ocpp2.0.1"]) as station:  # type: ignore[list-item]
            call = json.loads(station.recv(timeout=10))
            station.send(json.dumps([3, call[1], {"status": "Perhaps"}]))
            station.ping().wait(10)
        log = stop(process, signal.SIGTERM)
    (line,) = [line for line in log.splitlines() if "Perhaps" in line]
    assert "──▶ ✗ ↳ Reset" in line
    assert "refused: " in line
    assert "$.status" in line

"""What flags of ``ocppflow csms`` change in the app: strictness, rules, limits. Tests named FC... are cases of public
reports about real chargers."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cli_world import running, stop

from ocppflow import CSMS, STRICT, TOLERANT, Limits, Rules, ServerLimits
from ocppflow.cli.csms_settings import read_policy, set_leniency, set_limits
from ocppflow.cli.failure import Failure
from ocppflow.endpoint import Leniency

AppFile = Callable[..., Path]

# Answers whatever it is asked with an empty object.
APP = """
from ocppflow import CSMS
csms = CSMS()
@csms.on_any
def anything(station, call):
    return {}
"""
RULES = """
[[rules]]
action = "StatusNotification"
path = "$.info"
forgive = ["type"]
"""
NULL_INFO = (
    '{"connectorId":1,"errorCode":"NoError","info":null,"status":"Unavailable",'
    '"timestamp":"2026-01-27T14:42:15.1240977Z"}'
)
ODD_ERROR = '{"connectorId":0,"errorCode":"Error","status":"Faulted"}'


@pytest.mark.parametrize(
    ("flags", "null_info", "odd_error"),
    [([], 1, 1), (["--policy", "strict"], 1, 1), (["--policy", "tolerant"], 0, 0), (["--rules", "rules.toml"], 0, 1)],
)
def test_FC22_FC23_a_null_and_an_unknown_error_code_are_forgiven_by_a_flag(
    cli: Any, app_file: AppFile, monkeypatch: pytest.MonkeyPatch, flags: list[str], null_info: int, odd_error: int
) -> None:
    file = app_file(APP)
    monkeypatch.chdir(file.parent)
    Path("rules.toml").write_text(RULES)
    words = ["--app", f"{file}:csms", "--no-auth", "--listen", "ws://127.0.0.1:0", *flags]
    with running(*words, pattern="connect to (ws://.*?)/<identity>") as (process, found):
        call = ["call", "--no-validate", "--versions", "1.6", found[1] + "/CS1", "StatusNotification"]
        assert cli(*call, NULL_INFO).code == null_info
        assert cli(*call, ODD_ERROR).code == odd_error
        log = stop(process, 15)
    for text, refused in (("$.info", null_info), ("$.errorCode", odd_error)):
        assert sum(text in line for line in log.splitlines()) == 1, "told once, forgiven or refused"
        mark = "✗ StatusNotification  refused: " if refused else "! StatusNotification  "
        assert any(mark in line and text in line for line in log.splitlines())


def test_the_policy_that_a_flag_names() -> None:
    assert read_policy(None, None) is None
    assert read_policy("strict", None) is STRICT
    assert read_policy("Tolerant", None) is TOLERANT
    with pytest.raises(Failure, match="--policy lax: it is one of strict, tolerant"):
        read_policy("lax", None)
    with pytest.raises(Failure, match="contradict each other"):
        read_policy("strict", Path("rules.toml"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.toml", '[[rules]]\nvendor = "Acme*"\nforgive = ["value"]\n'),
        ("r.json", '[{"vendor": "Acme*", "forgive": ["value"]}]'),
        ("r.json", '{"rules": [{"vendor": "Acme*", "forgive": "value"}]}'),
    ],
)
def test_rules_come_from_toml_or_json(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    rules = read_policy(None, tmp_path / name)
    assert isinstance(rules, Rules)
    assert [(rule.vendor, set(rule.forgive)) for rule in rules.rules] == [("Acme*", {"value"})]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("r.toml", "[[rules\n", "r.toml: not TOML: "),
        ("r.json", "[{", "r.json: not JSON: "),
        ("r.json", "[" * 100_000, "r.json: not JSON: "),
        ("r.toml", "", "rules stand in tables [[rules]]; it is empty"),
        ("r.toml", "[[rule]]\n", "rules stand in tables [[rules]]; it has 'rule'"),
        ("r.toml", "rules = 7\n", "rules must be a list of tables, not int"),
        ("r.toml", '[[rules]]\nvender = "A"\n', "rule 1: unknown key 'vender'; known: vendor, model"),
        ("r.toml", '[[rules]]\nforgive = ["all"]\n', "rule 1: forgive: all; known: missing"),
    ],
)
def test_what_is_wrong_with_rules_is_one_line_that_names_the_file(
    cli: Any, app_file: AppFile, name: str, text: str, says: str
) -> None:
    file = app_file(text, name)
    cli("csms", "--app", f"{app_file(APP)}:csms", "--no-auth", "--rules", file).failed_with(f"--rules {file}: ", says)


def test_rules_that_are_not_there_or_not_text(cli: Any, app_file: AppFile, tmp_path: Path) -> None:
    words = ["csms", "--app", f"{app_file(APP)}:csms", "--no-auth", "--rules"]
    cli(*words, "/no/rules.toml").failed_with("/no/rules.toml: No such file")
    (tmp_path / "r.toml").write_bytes(b"\xff\xfe")
    cli(*words, tmp_path / "r.toml").failed_with("r.toml: the text is not UTF-8")


BOOT = '{"chargePointVendor":"Fritz Electric","chargePointModel":"Link"}'
METER_VALUES = '{"connectorId":1,"meterValue":[{"timestamp":"2026-03-01T10:00:00Z","sampledValue":[{"value":12.5}]}]}'
VENDOR_RULE = """
[[rules]]
vendor = "Fritz*"
action = "MeterValues"
path = "$.meterValue[*].sampledValue[*].value"
forgive = ["type"]
"""


@pytest.mark.parametrize(("flags", "after_restart"), [(["--memory", "stations.jsonl"], 0), ([], 1)])
def test_FC19_a_rule_for_a_vendor_holds_after_a_restart_if_the_vendor_is_remembered(
    cli: Any, app_file: AppFile, monkeypatch: pytest.MonkeyPatch, flags: list[str], after_restart: int
) -> None:
    boots = "    if call.action == 'BootNotification':\n        return "
    boots += "{'currentTime': '2026-01-01T00:00:00Z', 'interval': 300, 'status': 'Accepted'}\n"
    file = app_file(APP.replace("    return {}\n", boots + "    return {}\n"))
    monkeypatch.chdir(file.parent)
    Path("rules.toml").write_text(VENDOR_RULE)
    words = ["--app", f"{file}:csms", "--no-auth", "--listen", "ws://127.0.0.1:0", "--rules", "rules.toml", *flags]
    for messages, code in (
        (["BootNotification", BOOT, "MeterValues", METER_VALUES], 0),
        (
            ["MeterValues", METER_VALUES],
            after_restart,
        ),
    ):
        with running(*words, pattern="connect to (ws://.*?)/<identity>") as (process, found):
            result = cli("call", "--no-validate", "--versions", "1.6", found[1] + "/CS1", *messages)
            stop(process, 15)
        assert result.code == code, result


UPGRADE = [
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: ocpp1.6",
]
PASSWORD_OF_BOX = "Authorization: Basic " + base64.b64encode(b"site-7:a-long-password-1").decode()


def without(name: str) -> list[str]:
    return [line for line in UPGRADE if not line.startswith(name)]


def status(url: str, path: str, lines: list[str]) -> str:
    """The status of the answer to this handshake."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as sock:
        sock.sendall("\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode())
        return sock.recv(4096).split(b" ")[1].decode()


@pytest.mark.parametrize(
    ("case", "flags", "path", "lines"),
    [
        ("FC01", ["--assume-version", "1.6"], "/ocpp/BOX1", without("Sec-WebSocket-Protocol")),
        ("FC04", ["--any-connection-header"], "/ocpp/BOX4", without("Connection")),
        ("FC05", ["--assume-identity", "BOX5"], "/ocpp", UPGRADE),
        ("FC10", ["--any-username"], "/ocpp/CS1", [*UPGRADE, PASSWORD_OF_BOX]),
    ],
)
def test_FC01_FC04_FC05_FC10_a_handshake_is_forgiven_what_a_flag_says_and_nothing_else(
    app_file: AppFile, case: str, flags: list[str], path: str, lines: list[str]
) -> None:
    door = [] if case == "FC10" else ["--no-auth"]
    text = APP if door else APP.replace("CSMS()", "CSMS(passwords={'CS1': 'a-long-password-1'})")
    words = ["--app", f"{app_file(text)}:csms", *door, "--listen", "ws://127.0.0.1:0/ocpp"]
    for given, expected in ((flags, "101"), ([], "4")):
        with running(*words, *given, pattern="connect to (ws://.*?)/<identity>") as (process, found):
            assert status(found[1], path, lines).startswith(expected)
            stop(process, 15)


def test_hide_identities_refuses_an_unknown_station_as_a_wrong_password(app_file: AppFile) -> None:
    text = APP.replace("CSMS()", "CSMS(passwords={'CS1': 'a-long-password-1'})")
    words = ["--app", f"{app_file(text)}:csms", "--listen", "ws://127.0.0.1:0/ocpp"]
    for given, expected in ((["--hide-identities"], "401"), ([], "404")):
        with running(*words, *given, pattern="connect to (ws://.*?)/<identity>") as (process, found):
            assert status(found[1], "/ocpp/XX1", [*UPGRADE, PASSWORD_OF_BOX]).startswith(expected)
            stop(process, 15)


def test_what_the_app_forgives_at_the_door_stays_and_a_version_must_be_spoken(cli: Any, app_file: AppFile) -> None:
    csms = CSMS(leniency=Leniency(version="1.6", any_username=True))
    set_leniency(csms, None, "LONER", False, False, ["file://"])
    assert csms.leniency == Leniency(version="1.6", identity="LONER", any_username=True, origins=["file://"])
    set_leniency(csms, None, None, False, False, ["https://panel.example"])
    assert csms.leniency.origins == {"file://", "https://panel.example"}
    app = f"{app_file(APP)}:csms"
    cli("csms", "--app", app, "--no-auth", "--versions", "2.0.1", "--assume-version", "1.6").failed_with(
        "assumes OCPP 1.6, but only 2.0.1 is spoken"
    )
    cli("csms", "--app", app, "--no-auth", "--assume-version", "1.5").failed_with("unknown OCPP version '1.5'")


def test_limits_go_to_calls_and_to_the_port() -> None:
    csms = CSMS(limits=Limits(queue=7))
    port = set_limits(
        csms, ["call_timeout=45, max-message-size=4_000_000", "compression=false", "silence=too late"], None
    )
    assert csms.limits == Limits(queue=7, call_timeout=45.0, silence="too late"), (
        "what the app says stays, unless it is named"
    )
    assert port == ServerLimits(max_message_size=4_000_000, compression=False)
    assert set_limits(csms, [], None) is None


def test_FC48_a_station_that_never_answers_a_ping_is_kept_by_a_flag() -> None:
    port = set_limits(CSMS(), [], 0.0)
    assert port is not None
    assert port.ping_interval == 0, "no ping is sent"
    patient = set_limits(CSMS(), ["pong_timeout=0"], None)
    assert patient is not None
    assert patient.pong_timeout == 0, "pings are sent, and nobody waits for an answer"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("call_timeout", "a limit is NAME=VALUE, as in call_timeout=60"),
        ("cal_timeout=1", "there is no limit 'cal_timeout'; did you mean call_timeout?"),
        ("zzz=1", "the limits are call_timeout"),
        ("queue=1.5", "--limits queue=1.5: it is a whole number, 0 or more"),
        ("call_timeout=soon", "it is a number, 0 or more"),
        ("call_timeout=inf", "it is a number, 0 or more"),
        ("call_timeout=-1", "it is a number, 0 or more"),
        ("queue=0", "--limits: queue is 0; it must be at least 1"),
        ("compression=yes", "it is true or false"),
        ("max_message_size=0", "must be at least 1 byte"),
    ],
)
def test_a_limit_that_makes_no_sense_is_one_line(cli: Any, app_file: AppFile, text: str, says: str) -> None:
    cli("csms", "--app", f"{app_file(APP)}:csms", "--no-auth", "--limits", text).failed_with(says)


def test_every_setting_of_the_table_of_limits_can_be_set_by_a_flag() -> None:
    docs = Path(__file__).parents[3] / "docs"
    assert "security.md#all-limits" in (docs / "cli.md").read_text(encoding="utf-8")
    table = (docs / "security.md").read_text(encoding="utf-8").partition("\n## All limits\n")[2]
    names = re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)
    assert {*Limits.__struct_fields__, *ServerLimits.__dataclass_fields__, "grace"} == set(names)
    for name in names:
        text = {"compression": "false", "silence": "sorry", "share": "0.5"}.get(name, "7")
        csms = CSMS()
        port = set_limits(csms, [f"{name}={text}"], None)
        (holder,) = (each for each in (csms, csms.limits, port) if hasattr(each, name))
        assert str(getattr(holder, name)).lower().removesuffix(".0") == text, name

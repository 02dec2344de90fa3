"""``ocppflow call`` against a real CSMS on a real port."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cli_world import Authority, Result, a_csms
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as serve_websocket

from ocppflow import CSMS, KeyPair, ServerTLS, v21, v201
from ocppflow.cli.answer_printer import AnswerPrinter

BOOT = '{"reason":"PowerUp","chargingStation":{"model":"Box","vendorName":"Acme"}}'
AUTHORIZE = '{"idToken":{"idToken":"A1","type":"Central"}}'


def test_the_answer_goes_to_a_pipe_compact_and_spelt_as_it_came(cli: Any, serve: Any) -> None:
    assert cli("call", serve(a_csms()) + "/CS1", "Heartbeat") == Result(
        0, '{"currentTime":"2026-01-01T00:00:00.000Z"}\n', ""
    )


def test_several_messages_go_over_one_connection_one_answer_a_line(cli: Any, serve: Any) -> None:
    csms = a_csms()
    connected: list[str] = []
    csms.on_connect(lambda station: connected.append(station.identity))
    result = cli("call", serve(csms) + "/CS1", "BootNotification", BOOT, "Heartbeat", "Heartbeat", "{}")
    assert result.code == 0
    assert [list(json.loads(line)) for line in result.out.splitlines()] == [
        ["currentTime", "interval", "status"],
        ["currentTime"],
        ["currentTime"],
    ]
    assert connected == ["CS1"]


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_the_versions_offered_are_those_asked_for(cli: Any, serve: Any, version: str) -> None:
    csms = a_csms()
    spoken: list[str] = []
    csms.on_connect(lambda station: spoken.append(station.version.value))
    assert cli("call", serve(csms) + "/CS1", "--versions", version, "Heartbeat").code == 0
    assert spoken == [version]


def test_versions_are_repeated_or_listed_and_the_first_common_one_is_spoken(cli: Any, serve: Any) -> None:
    url = serve(a_csms(versions=["1.6", "2.0.1"])) + "/CS1"
    result = cli("call", "-v", url, "--versions", "2.1,2.0.1", "--versions", "1.6", "Heartbeat")
    assert result.code == 0
    assert "OCPP 2.0.1" in result.err


def test_no_common_version_is_a_refusal_that_names_them(cli: Any, serve: Any) -> None:
    result = cli("call", serve(a_csms(versions=["1.6"])) + "/CS1", "Heartbeat")
    result.failed_with("speaks none of the versions offered (2.0.1)")


def test_the_identity_is_the_last_segment_percent_decoded(cli: Any, serve: Any) -> None:
    csms = a_csms()
    seen: list[str] = []
    csms.on_connect(lambda station: seen.append(station.identity))
    assert cli("call", serve(csms) + "/A%2FB%20%C3%A9", "--versions", "1.6", "Heartbeat").code == 0
    assert seen == ["A/B é"]


def test_a_callerror_is_exit_code_1_with_its_code_and_reason(cli: Any, serve: Any) -> None:
    result = cli("call", serve(a_csms()) + "/CS1", "Heartbeat", "Authorize", AUTHORIZE, "Heartbeat")
    result.failed_with("Authorize was answered with CALLERROR NotSupported: Authorize is not supported here", code=1)
    assert result.out.count("\n") == 1, "the messages after the refused one are not sent"


def test_keep_going_sends_the_rest_after_a_callerror(cli: Any, serve: Any) -> None:
    result = cli("call", "-k", serve(a_csms()) + "/CS1", "Authorize", AUTHORIZE, "Heartbeat")
    result.failed_with("CALLERROR NotSupported", code=1)
    assert result.out.count("\n") == 1


def test_the_details_of_a_callerror_are_shown(cli: Any, serve: Any) -> None:
    csms = a_csms()

    @csms.on(v201.AuthorizeRequest)
    def authorize(station: Any, request: Any) -> Any:
        from ocppflow.errors import GenericError

        raise GenericError("line one\nline \x1b[31mtwo", {"queue": 7})

    result = cli("call", serve(csms) + "/CS1", "Authorize", AUTHORIZE)
    result.failed_with('GenericError: line one line \\x1b[31mtwo {"queue":7}', code=1)


def test_payloads_come_from_files_and_stdin(
    cli: Any, serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "boot.json"
    file.write_text(BOOT)
    stdin = io.TextIOWrapper(io.BytesIO(b"{}"))
    monkeypatch.setattr("sys.stdin", stdin)
    result = cli("call", serve(a_csms()) + "/CS1", "BootNotification", f"@{file}", "Heartbeat", "-")
    assert result.code == 0
    assert result.out.count("\n") == 2


def test_an_unconfirmed_message_is_sent_and_not_waited_for(cli: Any, serve: Any) -> None:
    csms = a_csms()
    heard: list[Any] = []
    csms.on(v21.NotifyPeriodicEventStream)(lambda station, message: heard.append(message))
    stream = '{"id":1,"pending":0,"basetime":"2026-01-01T00:00:00Z","data":[{"t":1.5,"v":"2"}]}'
    result = cli("call", serve(csms) + "/CS1", "--versions", "2.1", "NotifyPeriodicEventStream", stream, "Heartbeat")
    assert result.code == 0
    assert result.out.count("\n") == 1
    assert [message.id for message in heard] == [1]


def test_what_the_csms_calls_meanwhile_gets_notsupported(cli: Any, serve: Any) -> None:
    csms = CSMS()
    answers: list[str] = []

    @csms.on(v201.HeartbeatRequest)
    async def heartbeat(station: Any, request: Any) -> Any:
        from ocppflow.errors import RemoteCallError

        with pytest.raises(RemoteCallError) as caught:
            await station.call(v201.ResetRequest(type="Immediate"))
        answers.append(caught.value.code)
        return {"currentTime": "2026-01-01T00:00:00Z"}

    assert cli("call", serve(csms) + "/CS1", "Heartbeat").code == 0
    assert answers == ["NotSupported"]


def test_verbose_shows_every_frame_on_stderr(cli: Any, serve: Any) -> None:
    result = cli("call", "-v", serve(a_csms()) + "/CS1", "Heartbeat")
    lines = result.err.splitlines()
    assert lines[0].startswith("* connected to 127.0.0.1:")
    assert lines[1].startswith('> [2,"')
    assert lines[2].startswith('< [3,"')
    assert result.out.count("\n") == 1


def test_what_the_schema_forbids_is_not_sent(cli: Any, serve: Any) -> None:
    cli("call", serve(a_csms()) + "/CS1", "Heartbeat", '{"now":true}').failed_with("HeartbeatRequest: $.now")


def test_no_validate_sends_it_and_shows_what_the_csms_says(cli: Any, serve: Any) -> None:
    result = cli("call", "--no-validate", serve(a_csms()) + "/CS1", "Heartbeat", '{"now":true}')
    result.failed_with("CALLERROR", "$.now", code=1)


def test_no_validate_sends_an_action_that_there_is_not(cli: Any, serve: Any) -> None:
    result = cli("call", "--no-validate", serve(a_csms()) + "/CS1", "MakeTea")
    result.failed_with("MakeTea was answered with CALLERROR NotImplemented", code=1)


def test_an_answer_that_breaks_the_schema_is_refused_and_no_validate_shows_it(cli: Any, serve: Any) -> None:
    csms = CSMS()

    @csms.on_any
    def anything(station: Any, call: Any) -> Any:
        from ocppflow import LATER

        call.reply({"currentTime": "yesterday"}, validate=False)
        return LATER

    url = serve(csms) + "/CS1"
    cli("call", url, "Heartbeat").failed_with("$.currentTime", "--no-validate")
    shown = cli("call", "--no-validate", url, "Heartbeat")
    assert (shown.code, shown.out) == (0, '{"currentTime":"yesterday"}\n')


def test_silence_is_a_timeout(cli: Any, serve: Any) -> None:
    csms = CSMS()

    @csms.on_any
    def anything(station: Any, call: Any) -> Any:
        from ocppflow import LATER

        return LATER

    cli("call", serve(csms) + "/CS1", "Heartbeat", "--timeout", "0.05").failed_with("Heartbeat", "0.05")


def test_a_connection_that_is_lost_is_said_to_be(cli: Any, serve: Any) -> None:
    csms = CSMS()

    @csms.on_any
    def anything(station: Any, call: Any) -> Any:
        from ocppflow import LATER

        station.retire(1008, "go away")
        return LATER

    cli("call", serve(csms) + "/CS1", "Heartbeat").failed_with("before the answer came", "closed with 1008 go away")


def test_passwords_from_option_file_and_environment(
    cli: Any, serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve(a_csms(passwords={"CS1": "correct-horse-battery"})) + "/CS1"
    file = tmp_path / "password"
    file.write_text("correct-horse-battery\n")
    assert cli("call", url, "Heartbeat", "--password", "correct-horse-battery").code == 0
    assert cli("call", url, "Heartbeat", "--password-file", file).code == 0
    cli("call", url, "Heartbeat").failed_with("401", "check the password")
    monkeypatch.setenv("OCPPFLOW_PASSWORD", "correct-horse-battery")
    assert cli("call", url, "Heartbeat").code == 0
    cli("call", url, "Heartbeat", "--password", "wrong-horse-battery").failed_with("401", "wrong password")
    cli("call", url, "Heartbeat", "--password", "a", "--password-file", file).failed_with("not both")


def test_A00_FR_205_a_hex_password_is_sent_as_bytes(cli: Any, serve: Any) -> None:
    url = serve(a_csms(passwords={"CS1": "00112233445566778899aabbccddeeff"})) + "/CS1"
    words = ["call", url, "--versions", "1.6", "--password-hex", "Heartbeat", "--password"]
    assert cli(*words, "00112233445566778899AABBCCDDEEFF").code == 0
    cli(*words, "0g").failed_with("pairs of hex digits")


def test_a_password_typed_at_the_prompt(cli: Any, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.prompt", lambda *a, **k: "correct-horse-battery" if k["hide_input"] else "")
    url = serve(a_csms(passwords={"CS1": "correct-horse-battery"})) + "/CS1"
    assert cli("call", url, "Heartbeat", "--password", "-").code == 0


@contextmanager
def plain_csms() -> Iterator[tuple[str, list[str]]]:
    """A CSMS that selects no subprotocol and answers each call with ``{}``: its port, and the targets it was asked."""
    targets: list[str] = []

    def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        targets.append(connection.request.path)
        for message in connection:
            connection.send(json.dumps([3, json.loads(message)[1], {}]))

    with serve_websocket(answer, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.socket.getsockname()[1]}", targets
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("url", "words", "target"),
    [
        ("/ocpp/CS1", [], "/ocpp/CS1"),
        ("/ws/ocpp/CS1/", [], "/ws/ocpp/CS1/"),
        ("//ws//CS1?token=a%20b&c", [], "//ws//CS1?token=a%20b&c"),
        ("/CS%2F1", [], "/CS%2F1"),
        ("/ws/{identity}/?v=2", ["--identity", "CS 1"], "/ws/CS%201/?v=2"),
        ("/ws?station={identity}", ["--identity", "CS1"], "/ws?station=CS1"),
        ("/ocpp", ["--identity", "CS1"], "/ocpp/CS1"),
    ],
)
def test_the_url_goes_over_the_wire_as_it_was_given(cli: Any, url: str, words: list[str], target: str) -> None:
    with plain_csms() as (host, targets):
        call = ["call", f"ws://{host}{url}", *words, "--versions", "1.6", "--assume-version", "1.6"]
        assert cli(*call, "MeterValues", '{"connectorId":1,"meterValue":[]}', "--no-validate").out == "{}\n"
    assert targets == [target]


def test_a_csms_that_selects_no_version_is_refused_unless_one_is_assumed(cli: Any) -> None:
    with plain_csms() as (host, _):
        cli("call", f"ws://{host}/CS1", "Heartbeat").failed_with(host, "none of the versions offered (2.0.1)")
        cli("call", f"ws://{host}/CS1", "Heartbeat", "--assume-version", "1.6").failed_with("assumes OCPP 1.6")
        result = cli("call", f"ws://{host}/CS1", "Heartbeat", "--assume-version", "2.0.1", "--no-validate")
    assert result == Result(0, "{}\n", "")


def test_headers_are_added_to_the_handshake(cli: Any, serve: Any) -> None:
    from ocppflow.transport.handshake import Accept, Handshake, Refuse

    async def acceptor(handshake: Handshake) -> Accept | Refuse:
        return Accept(0) if handshake.headers.get("x-site") == "north: 1" else Refuse(403, "no site")

    url = serve(a_csms(acceptor=acceptor)) + "/CS1"
    assert cli("call", url, "Heartbeat", "-H", "X-Site: north: 1").code == 0
    cli("call", url, "Heartbeat").failed_with("403", "no site")
    cli("call", url, "Heartbeat", "-H", "X-Site").failed_with("NAME:VALUE")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["http://127.0.0.1/CS1", "Heartbeat"], "must begin with ws:// or wss://"),
        (["ws://127.0.0.1:99999/CS1", "Heartbeat"], "makes no sense"),
        (["ws://127.0.0.1:9", "Heartbeat"], "append the station's identity, as in ws://host:9000/ocpp/CS1"),
        (["ws://127.0.0.1:9/ocpp//", "Heartbeat"], "append the station's identity"),
        (["ws://127.0.0.1:9/%ZZ", "Heartbeat"], "percent-encoded"),
        (["ws://127.0.0.1:9/CS1#a", "Heartbeat"], "no fragment"),
        (["ws://me:secret@127.0.0.1:9/CS1", "Heartbeat"], "give the password separately"),
        (["ws://127.0.0.1:9/{identity}", "Heartbeat"], "say which with --identity ID"),
        (["ws://127.0.0.1:9/ocpp", "Heartbeat", "--identity", "\x07"], "cannot be a station's identity"),
        (["ws://127.0.0.1:9/CS1"], "Missing argument"),
        (["ws://127.0.0.1:9/CS1", "{}"], "'{}': an action, such as Heartbeat, must stand before it"),
        (["ws://127.0.0.1:9/CS1", "Heartbeat", "{}", "{}"], "an action, such as Heartbeat"),
        (["ws://127.0.0.1:9/CS1", "Heartbeat", "[]"], "must be a JSON object, not an array"),
        (["ws://127.0.0.1:9/CS1", "Heartbeat", '{"a"'], "Heartbeat: not JSON"),
        (["ws://127.0.0.1:9/CS1", "Heartbeat", "[" * 100_000], "Heartbeat: not JSON"),
        (["ws://127.0.0.1:9/CS1", "Heartbeat", "@/no/such/file"], "/no/such/file: No such file"),
        (["ws://127.0.0.1:9/CS1", "heartbeat"], "actions are case-sensitive: 'Heartbeat'"),
        (["ws://127.0.0.1:9/CS1", "HeartbeatRequest"], "do not end in Request"),
        (["ws://127.0.0.1:9/CS1", "Reset", '{"type":"Immediate"}'], "Reset is for the CSMS to send"),
        (["ws://127.0.0.1:9/CS1", "Heartbeat", "--versions", "3"], "unknown OCPP version '3'"),
        (["ws://127.0.0.1:9/CS1", "Heartbeat", "--ca", "ca.pem"], "are for wss:// URLs"),
        (["wss://127.0.0.1:9/CS1", "Heartbeat", "--key", "k.pem"], "--key without --cert"),
        (["wss://127.0.0.1:9/CS1", "Heartbeat", "--ca", "/no/ca.pem"], "there is no file /no/ca.pem"),
        (["ws://127.0.0.1:9/CS1", "Heartbeat", "--timeout", "never"], "--timeout"),
        (["ws://127.0.0.1:9/CS1", "Heartbeat", "--timeout", "0"], "--timeout"),
        (["ws://127.0.0.1:9/CS1", "Heartbeat", "--password-file", "/no/file"], "/no/file: No such file"),
        (["ws://127.0.0.1:9/CS1", "Heartbeat", "--nope"], "--nope"),
    ],
)
def test_what_is_typed_wrongly_is_one_line_and_connects_to_nothing(cli: Any, words: list[str], says: str) -> None:
    cli("call", *words).failed_with(says)


def test_nobody_listening_is_said(cli: Any, serve: Any) -> None:
    cli("call", "ws://127.0.0.1:1/ocpp/CS1", "Heartbeat").failed_with("nothing listens on 127.0.0.1:1")
    url = serve(a_csms()).replace("/ocpp", "/elsewhere")
    cli("call", url + "/CS1", "Heartbeat").failed_with("404", "check the identity and the path")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colours_and_indentation_and_no_control_characters_of_the_peers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = _Terminal()
    AnswerPrinter(out).show("Heartbeat", '{"limit":8.10,"text":"\x9b31m"}'.encode(), 0.0041)
    text = out.getvalue()
    assert "\x1b[" in text
    assert "4.1 ms" in text
    assert "8.10" in text
    assert "\\u009b31m" in text
    assert "\x9b" not in text


def test_tls_with_a_client_certificate(cli: Any, serve: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server, station = authority.issue("csms"), authority.issue("CS1")
    tls = ServerTLS(KeyPair(*server), client_ca=authority.certificate)
    url = serve(a_csms(), tls)
    trust = ["--ca", authority.certificate]
    proof = ["--cert", station[0], "--key", station[1]]
    assert cli("call", url + "/CS1", "Heartbeat", *trust, *proof).code == 0
    cli("call", url + "/CS2", "Heartbeat", *trust, *proof).failed_with("403", "A00.FR.405")
    cli("call", url + "/CS1", "Heartbeat", *trust).failed_with("certificate")
    cli("call", url + "/CS1", "Heartbeat", *proof).failed_with("the peer's certificate is not valid here")

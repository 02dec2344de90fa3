"""The example of Command Messages, for those who operate."""

from __future__ import annotations

from typing import Any

from tools.flows.canvas import Canvas
from tools.flows.snippets import ANSWER_STATIONS, BOOT_WHEN_ONLINE

PASSWORD = """
    // A new password each time: first the CSMS is told, then the station connects with it.
    const password = crypto.randomBytes(15).toString("base64url");
    return [
        { payload: { msgType: 99, command: "set_auth_cs", data: { name: "EVSE1", password } } },
        { payload: { msgType: 99, command: "connect", data: { password } } }
    ];
"""


def _command(name: str, /, **data: Any) -> dict[str, Any]:
    return {"msgType": 99, "command": name} | ({"data": data} if data else {})


def control_commands() -> Canvas:
    canvas = Canvas(
        "control commands",
        "Control commands",
        """
        Command Messages (`msgType` 99) never go over the wire: they are for the nodes themselves. The CSMS asks
        for passwords (security profile 1); since flows carry none, one is made at the start and given to both sides.
        """,
    )
    canvas.comment("A password, made at the start", (0, 0))
    start = canvas.inject("at the start", (0, 1), once=True, onceDelay=0.5)
    both = [{"var": "crypto", "module": "crypto"}]
    password = canvas.function("new password", (220, 1), PASSWORD, outputs=2, libs=both)
    start.wire(password)

    canvas.comment("The CSMS: who is connected, who may connect, and who must leave", (0, 2.4))
    commands = {
        "connections": _command("connections"),
        "commands": _command("commands"),
        "get_auth_cs EVSE1": _command("get_auth_cs", name="EVSE1"),
        "ws_close EVSE1": _command("ws_close", name="EVSE1", reason="as ordered"),
        "ws_close and block": _command("ws_close", name="EVSE1", block=True),
        "ws_open EVSE1": _command("ws_open", name="EVSE1"),
    }
    csms = canvas.csms("CSMS", (260, 4.5), 9108, securityProfile="1")
    for row, (name, payload) in enumerate(commands.items()):
        canvas.inject(name, (0, 3.5 + row), payload).wire(csms)
    authorized = canvas.link_in("CSMS", (200, 3.1))
    authorized.wire(csms)
    password.wire(canvas.link_to(authorized, (440, 0.6)))
    answer = canvas.function("answer", (600, 4.5), ANSWER_STATIONS)
    csms.wire(canvas.switch("Request?", (440, 4.5), "payload.msgType", 2)).wire(answer).wire(csms)
    results = canvas.switch("result?", (440, 5.5), "payload.msgType", 99)
    csms.wire(results).wire(canvas.debug("results", (600, 5.5)))
    connection = canvas.switch("connection?", (440, 6.5), "topic", "EVSE1/Connection")
    csms.wire(connection).wire(canvas.debug("comes and goes", (620, 6.5), "ocpp.websocket"))

    canvas.comment("The station: connects, closes, waits between attempts", (0, 9.5))
    times = {"RetryBackOffWaitMinimum": 5, "RetryBackOffRandomRange": 0, "RetryBackOffRepeatTimes": 1}
    orders = {
        "status": _command("status"),
        "close": _command("close"),
        "connect": _command("connect"),
        "retrybackoff": _command("retrybackoff", **times),
    }
    station = canvas.cs("EVSE1", (260, 12), canvas.target("CSMS on 9108", 9108), auto_connect=False)
    for row, (name, payload) in enumerate(orders.items(), start=11):
        canvas.inject(name, (0, row), payload).wire(station)
    entrance = canvas.link_in("EVSE1", (200, 10.2))
    entrance.wire(station)
    password.wire(canvas.link_to(entrance, (440, 1.4)), port=2)
    station.wire(canvas.function("boot when online", (440, 11), BOOT_WHEN_ONLINE)).wire(station)
    state = canvas.switch("result?", (440, 12), "payload.msgType", 99)
    station.wire(state).wire(canvas.debug("EVSE1's state", (600, 12), "payload.status"))
    canvas.catch("what goes wrong", (440, 13)).wire(canvas.debug("faults", (660, 13), "error.message"))
    return canvas

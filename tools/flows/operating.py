"""Examples for those who test and operate: Command Messages, and a station that answers the CSMS's commands."""

from __future__ import annotations

from typing import Any

from tools.flows.canvas import Canvas
from tools.flows.snippets import ANSWER_STATIONS, BOOT_WHEN_ONLINE, IN_A_LINE

PASSWORD = """
    // A new password each time: the CSMS hears it first, then the station connects with it.
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
        Command Messages (`msgType` 99) never go over the wire: they ask and tell the nodes themselves. The CSMS asks
        for passwords (security profile 1); since flows carry none, one is made at the start and given to both sides.
        """,
    )
    canvas.comment("A password, made at the start", (0, 0))
    start = canvas.inject("at the start", (0, 1), once=True, onceDelay=0.5)
    both = [{"var": "crypto", "module": "crypto"}]
    password = canvas.function("new password", (220, 1), PASSWORD, outputs=2, libs=both)
    start.wire(password)

    canvas.comment("The CSMS: who is connected, who may, and who has to go", (0, 2.4))
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


VARIABLES = """
    // The station's variables, by component and variable, with those that can be written.
    flow.set("variables", {
        "OCPPCommCtrlr.HeartbeatInterval": { value: "300", writable: true },
        "AuthCtrlr.Enabled": { value: "true", writable: true },
        "ChargingStation.Model": { value: "Example", writable: false }
    });
"""

OBEY = """
    // What the CSMS may ask of the station. What is not here gets NotSupported.
    const variables = flow.get("variables");
    const key = each => each.component.name + "." + each.variable.name;
    const asked = each => ({ component: each.component, variable: each.variable });

    const answers = {
        Reset: () => ({ status: "Accepted" }),
        GetVariables: ({ getVariableData }) => ({
            getVariableResult: getVariableData.map(each => {
                const found = variables[key(each)];
                return found
                    ? { ...asked(each), attributeStatus: "Accepted", attributeValue: found.value }
                    : { ...asked(each), attributeStatus: "UnknownVariable" };
            })
        }),
        SetVariables: ({ setVariableData }) => ({
            setVariableResult: setVariableData.map(each => {
                const found = variables[key(each)];
                if (!found) return { ...asked(each), attributeStatus: "UnknownVariable" };
                if (!found.writable) return { ...asked(each), attributeStatus: "Rejected" };
                found.value = each.attributeValue;
                return { ...asked(each), attributeStatus: "Accepted" };
            })
        }),
        ChangeAvailability: () => ({ status: "Accepted" }),
        TriggerMessage: ({ requestedMessage }) => ({
            status: requestedMessage === "Heartbeat" ? "Accepted" : "NotImplemented"
        }),
        UnlockConnector: () => ({ status: "Unlocked" }),
        RequestStartTransaction: () => {
            if (flow.get("transaction")) return { status: "Rejected" };
            flow.set("transaction", RED.util.generateId());
            return { status: "Accepted", transactionId: flow.get("transaction") };
        },
        RequestStopTransaction: ({ transactionId }) => {
            if (flow.get("transaction") !== transactionId) return { status: "Rejected" };
            flow.set("transaction", undefined);
            return { status: "Accepted" };
        }
    };

    const { command, data } = msg.payload;
    const answer = answers[command];
    msg.payload = answer
        ? { msgType: 3, command, data: answer(data) }
        : { msgType: 4, error: { code: "NotSupported", description: `${command} is beyond this station` } };

    // What it has promised to send comes after the answer.
    const triggered = command === "TriggerMessage" && msg.payload.data.status === "Accepted";
    return [msg, triggered ? { payload: { command: data.requestedMessage } } : null];
"""

STOP = """
    // The id of the transaction is known since RequestStartTransaction was answered.
    msg.payload = {
        command: "RequestStopTransaction", cbId: "EVSE1", data: { transactionId: flow.get("transaction") || "none" }
    };
    return msg;
"""


def _to_station(command: str, **data: Any) -> dict[str, Any]:
    return {"command": command, "cbId": "EVSE1", "data": data}


def test_station() -> Canvas:
    heartbeat = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    token = {"idToken": "04A2B3C4D5E680", "type": "ISO14443"}
    canvas = Canvas(
        "test station",
        "Test station",
        """
        EVSE1 answers what a CSMS asks of a station: variables that can be read and written, Reset, ChangeAvailability,
        TriggerMessage, UnlockConnector, remote start and stop; to all else it says NotSupported. To test a CSMS of your
        own, set its URL in *the CSMS under test*, and disable the lower half.
        """,
    )
    csms = canvas.csms("CSMS", (320, 6), 9111)  # first, so that it listens when the station connects
    canvas.comment("EVSE1, the test station", (0, 0))
    station = canvas.cs("EVSE1", (0, 1), canvas.target("the CSMS under test", 9111))
    obey = canvas.function("obey", (340, 2), OBEY, outputs=2, initialize=VARIABLES.strip())
    station.wire(canvas.switch("Request?", (180, 2), "payload.msgType", 2)).wire(obey).wire(station)
    obey.wire(station, port=2)
    station.wire(canvas.function("boot when online", (180, 1), BOOT_WHEN_ONLINE)).wire(station)

    canvas.comment("A CSMS with a button for each command", (0, 3.5))
    buttons = {
        "GetVariables": _to_station("GetVariables", getVariableData=[heartbeat]),
        "SetVariables": _to_station("SetVariables", setVariableData=[heartbeat | {"attributeValue": "60"}]),
        "TriggerMessage": _to_station("TriggerMessage", requestedMessage="Heartbeat"),
        "ChangeAvailability": _to_station("ChangeAvailability", operationalStatus="Operative"),
        "UnlockConnector": _to_station("UnlockConnector", evseId=1, connectorId=1),
        "RequestStartTransaction": _to_station("RequestStartTransaction", idToken=token, remoteStartId=1, evseId=1),
        "Reset": _to_station("Reset", type="Immediate"),
        "ClearCache: NotSupported": _to_station("ClearCache"),
    }
    for row, (name, payload) in enumerate(buttons.items()):
        canvas.inject(name, (0, 4.5 + row), payload).wire(csms)
    stop = canvas.function("of that transaction", (320, 4.5 + len(buttons)), STOP)
    canvas.inject("RequestStopTransaction", (0, 4.5 + len(buttons))).wire(stop).wire(csms)
    answer = canvas.function("answer", (660, 6), ANSWER_STATIONS)
    csms.wire(canvas.switch("Request?", (500, 6), "payload.msgType", 2)).wire(answer).wire(csms)
    csms.wire(canvas.function("in a line", (500, 7), IN_A_LINE)).wire(canvas.debug("the CSMS hears", (660, 7)))
    canvas.catch("what goes wrong", (500, 8)).wire(canvas.debug("faults", (720, 8), "error.message"))
    return canvas

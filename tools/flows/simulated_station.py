"""The example of a station that does what a CSMS asks of it."""

from __future__ import annotations

from typing import Any

from tools.flows.canvas import Canvas
from tools.flows.snippets import ANSWER_STATIONS, IN_A_LINE

BOOT = """
    // Online: boot. Booted: say that the connector is free.
    const { command, msgType, data } = msg.payload;
    if (msg.ocpp?.websocket === "ONLINE") {
        const reason = flow.get("bootReason") || "PowerUp";
        flow.set("bootReason", undefined);
        return { payload: { command: "BootNotification",
            data: { reason, chargingStation: { vendorName: "ocppflow", model: "Example" } } } };
    }
    if (msgType !== 3 || command !== "BootNotification" || data.status !== "Accepted") return null;
    return { payload: { command: "StatusNotification",
        data: { timestamp: new Date().toISOString(), evseId: 1, connectorId: 1, connectorStatus: "Available" } } };
"""

MEMORY = """
    // What the station keeps: variables by component and variable, with those that can be written; the meter in Wh.
    flow.set("variables", {
        "OCPPCommCtrlr.HeartbeatInterval": { value: "300", writable: true },
        "AuthCtrlr.Enabled": { value: "true", writable: true },
        "ChargingStation.Model": { value: "Example", writable: false }
    });
    flow.set("meter", 12000);
    flow.set("transaction", undefined);
    flow.set("afterwards", []);
"""

OBEY = """
    // What the CSMS may ask of the station, which answers first, and then does what it has promised: `then` are the
    // messages that follow the answer. What is not here gets NotSupported.
    const RESTART = 1000;
    const then = [];
    const variables = flow.get("variables");
    let transaction = flow.get("transaction");

    if (msg.topic === "reading") { // the clock of the meter
        if (transaction) event("Updated", "MeterValuePeriodic", "Sample.Periodic", { chargingState: "Charging" });
        flow.set("transaction", transaction);
        return [null, then];
    }

    const answers = {
        GetVariables: ({ getVariableData }) => ({ getVariableResult: getVariableData.map(read) }),
        SetVariables: ({ setVariableData }) => ({ setVariableResult: setVariableData.map(write) }),
        TriggerMessage: ({ requestedMessage }) => {
            if (requestedMessage === "Heartbeat") then.push({ payload: { command: "Heartbeat" } });
            else if (requestedMessage === "StatusNotification") report(transaction ? "Occupied" : "Available");
            else return { status: "NotImplemented" };
            return { status: "Accepted" };
        },
        UnlockConnector: () => ({ status: transaction ? "OngoingAuthorizedTransaction" : "Unlocked" }),
        RequestStartTransaction: ({ remoteStartId, idToken }) => {
            if (transaction) return { status: "Rejected" };
            transaction = { transactionId: RED.util.generateId(), remoteStartId, idToken, seqNo: 0 };
            report("Occupied");
            event("Started", "RemoteStart", "Transaction.Begin", { chargingState: "Charging" });
            return { status: "Accepted", transactionId: transaction.transactionId };
        },
        RequestStopTransaction: ({ transactionId }) => {
            if (!transaction || transaction.transactionId !== transactionId) return { status: "Rejected" };
            end("RemoteStop", "Remote");
            return { status: "Accepted" };
        },
        ChangeAvailability: ({ operationalStatus }) =>
            whenIdle(operationalStatus === "Operative" ? "Available" : "Unavailable"),
        Reset: ({ type }) => {
            if (type === "Immediate" && transaction) end("ResetCommand", "ImmediateReset");
            return whenIdle("restart");
        }
    };

    const { command, data } = msg.payload;
    const answer = answers[command];
    msg.payload = answer
        ? { msgType: 3, command, data: answer(data) }
        : { msgType: 4, error: { code: "NotSupported", description: `${command} is beyond this station` } };
    flow.set("transaction", transaction);
    return [msg, then];

    // --- variables ---

    function asked(each) { return { component: each.component, variable: each.variable }; }
    function found(each) { return variables[each.component.name + "." + each.variable.name]; }
    function read(each) {
        return found(each)
            ? { ...asked(each), attributeStatus: "Accepted", attributeValue: found(each).value }
            : { ...asked(each), attributeStatus: "UnknownVariable" };
    }
    function write(each) {
        if (!found(each)) return { ...asked(each), attributeStatus: "UnknownVariable" };
        if (!found(each).writable) return { ...asked(each), attributeStatus: "Rejected" };
        found(each).value = each.attributeValue;
        return { ...asked(each), attributeStatus: "Accepted" };
    }

    // --- the transaction ---

    function event(eventType, triggerReason, context, more) {
        const { transactionId, remoteStartId, idToken } = transaction;
        const timestamp = new Date().toISOString();
        const meter = flow.get("meter") + (eventType === "Started" ? 0 : 200);
        flow.set("meter", meter);
        const reading = { value: meter, context, measurand: "Energy.Active.Import.Register",
            unitOfMeasure: { unit: "Wh" } };
        then.push({ payload: { command: "TransactionEvent", data: {
            eventType, triggerReason, timestamp, seqNo: transaction.seqNo++, idToken, evse: { id: 1, connectorId: 1 },
            transactionInfo: { transactionId, remoteStartId, ...more },
            meterValue: [{ timestamp, sampledValue: [reading] }]
        } } });
    }
    function end(triggerReason, stoppedReason) {
        event("Ended", triggerReason, "Transaction.End", { stoppedReason });
        transaction = undefined;
        report("Available");
        flow.get("afterwards").forEach(act);
        flow.set("afterwards", []);
    }

    // --- the connector ---

    function report(connectorStatus) {
        then.push({ payload: { command: "StatusNotification",
            data: { timestamp: new Date().toISOString(), evseId: 1, connectorId: 1, connectorStatus } } });
    }
    function act(what) {
        if (what !== "restart") return report(what);
        // Command Messages are for the node itself: it closes the connection, and opens it again.
        flow.set("bootReason", "RemoteReset");
        setTimeout(() => node.send([null, { payload: { msgType: 99, command: "close" } }]), RESTART);
        setTimeout(() => node.send([null, { payload: { msgType: 99, command: "connect" } }]), 2 * RESTART);
    }
    function whenIdle(what) {
        if (!transaction) act(what);
        else flow.set("afterwards", [...flow.get("afterwards"), what]);
        return { status: transaction ? "Scheduled" : "Accepted" };
    }
"""

STOP = """
    // The CSMS knows the transaction from the TransactionEvent that began it.
    msg.payload = { command: "RequestStopTransaction", cbId: "EVSE1",
        data: { transactionId: flow.get("running") || "none" } };
    return msg;
"""

REMEMBER = """
    // Which transaction runs, for the button that stops it.
    if (msg.payload.msgType === 2 && msg.payload.command === "TransactionEvent") {
        const { eventType, transactionInfo } = msg.payload.data;
        flow.set("running", eventType === "Ended" ? undefined : transactionInfo.transactionId);
    }
"""


def _to_station(command: str, **data: Any) -> dict[str, Any]:
    return {"command": command, "cbId": "EVSE1", "data": data}


def simulated_station() -> Canvas:
    canvas = Canvas(
        "test station",
        "Test station",
        """
        EVSE1 does what a CSMS asks of a station: variables that can be read and written, remote start and stop with a
        transaction and its meter values, Reset with a new boot, ChangeAvailability, TriggerMessage, UnlockConnector; to
        everything else it answers NotSupported. To test a CSMS of your own, set its URL in *the CSMS under test*, and
        disable the lower half.
        """,
    )
    csms = canvas.csms("CSMS", (320, 7), 9111)  # first, so that it listens when the station connects
    canvas.comment("EVSE1, the test station", (0, 0))
    station = canvas.cs("EVSE1", (0, 1), canvas.target("the CSMS under test", 9111))
    station.wire(canvas.function("boot, then report", (240, 1), BOOT)).wire(station)
    obey = canvas.function("obey", (480, 2), OBEY, outputs=2, initialize=MEMORY.strip())
    station.wire(canvas.switch("Request?", (220, 2), "payload.msgType", 2)).wire(obey).wire(station)
    obey.wire(station, port=2)
    clock = canvas.inject(
        "every 10 seconds", (180, 3), repeat="10", topic="reading", props=[{"p": "topic", "vt": "str"}]
    )
    clock.wire(obey)

    canvas.comment("A CSMS with a button for each command", (0, 4.5))
    _buttons(canvas, csms, 5.5)
    answer = canvas.function("answer", (660, 7), ANSWER_STATIONS)
    csms.wire(canvas.switch("Request?", (500, 7), "payload.msgType", 2)).wire(answer).wire(csms)
    in_a_line = REMEMBER.rstrip() + "\n\n" + IN_A_LINE.lstrip("\n")
    csms.wire(canvas.function("in a line", (500, 8), in_a_line)).wire(canvas.debug("the CSMS hears", (660, 8)))
    canvas.catch("what goes wrong", (500, 9)).wire(canvas.debug("faults", (720, 9), "error.message"))
    return canvas


def _buttons(canvas: Canvas, csms: Any, row: float) -> None:
    heartbeat = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    token = {"idToken": "04A2B3C4D5E680", "type": "ISO14443"}
    buttons = {
        "GetVariables": _to_station("GetVariables", getVariableData=[heartbeat]),
        "SetVariables": _to_station("SetVariables", setVariableData=[heartbeat | {"attributeValue": "60"}]),
        "RequestStartTransaction": _to_station("RequestStartTransaction", idToken=token, remoteStartId=1, evseId=1),
        "ClearCache: NotSupported": _to_station("ClearCache"),
        "ChangeAvailability": _to_station("ChangeAvailability", operationalStatus="Operative"),
        "UnlockConnector": _to_station("UnlockConnector", evseId=1, connectorId=1),
        "TriggerMessage": _to_station("TriggerMessage", requestedMessage="Heartbeat"),
        "Reset": _to_station("Reset", type="Immediate"),
    }
    for place, (name, payload) in enumerate(buttons.items()):
        canvas.inject(name, (0, row + place), payload).wire(csms)
    stop = canvas.function("of that transaction", (320, row + len(buttons)), STOP)
    entrance = canvas.link_in("to the CSMS", (240, 6.1))
    entrance.wire(csms)
    canvas.inject("RequestStopTransaction", (0, row + len(buttons))).wire(stop)
    stop.wire(canvas.link_to(entrance, (560, row + len(buttons))))

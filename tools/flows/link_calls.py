"""Examples around link call: a station's steps in a row, and a CSMS that finds the flow for each action by its name."""

from __future__ import annotations

from tools.flows.canvas import Canvas, Node
from tools.flows.snippets import ANSWER_STATIONS, BOOT_WHEN_ONLINE

STARTED = """
    if (msg.payload.msgType === 4 || msg.payload.data.idTokenInfo.status !== "Accepted") {
        node.error("the card was not accepted", msg);
        return null;
    }
    msg.transaction = RED.util.generateId();
    msg.payload = {
        command: "TransactionEvent",
        data: {
            eventType: "Started", timestamp: new Date().toISOString(), triggerReason: "Authorized", seqNo: 0,
            transactionInfo: { transactionId: msg.transaction, chargingState: "Charging" },
            idToken: msg.idToken, evse: { id: 1, connectorId: 1 }
        }
    };
    return msg;
"""

ENDED = """
    // The msg is still that of the first step, with everything that was set there.
    msg.payload = {
        command: "TransactionEvent",
        data: {
            eventType: "Ended", timestamp: new Date().toISOString(), triggerReason: "StopAuthorized", seqNo: 1,
            transactionInfo: { transactionId: msg.transaction, stoppedReason: "Local" },
            idToken: msg.idToken, evse: { id: 1, connectorId: 1 }
        }
    };
    return msg;
"""

AUTHORIZE = """
    if (msg.payload.msgType === 4 || msg.payload.data.status !== "Accepted") {
        node.error("the CSMS did not accept the station", msg);
        return null;
    }
    msg.idToken = { idToken: "04A2B3C4D5E680", type: "ISO14443" };
    msg.payload = { command: "Authorize", data: { idToken: msg.idToken } };
    return msg;
"""

BOOT = """
    msg.payload = {
        command: "BootNotification",
        data: { reason: "PowerUp", chargingStation: { vendorName: "ocppflow", model: "Example" } }
    };
    return msg;
"""


def _csms(canvas: Canvas, port: int, row: float) -> None:
    canvas.comment("CSMS: answers what the station asks", (0, row))
    csms = canvas.csms("CSMS", (0, row + 1), port)
    answer = canvas.function("answer", (420, row + 1), ANSWER_STATIONS)
    csms.wire(canvas.switch("Request?", (220, row + 1), "payload.msgType", 2)).wire(answer).wire(csms)


def _station(canvas: Canvas, port: int, row: float) -> tuple[Node, Node]:
    """EVSE1 behind a ``link in``, whose answers go back to whoever called. Returns the link and the node."""
    canvas.comment(
        "EVSE1, to be called by link call",
        (0, row),
        """
        A msg that comes through a *link call* has `msg._linkSource`. The answer to it leaves by port 2, *link call*,
        and goes back to the node that called.
        """,
    )
    entrance = canvas.link_in("EVSE1 request", (0, row + 1))
    station = canvas.cs("EVSE1", (80, row + 1), canvas.target(f"CSMS on {port}", port))
    entrance.wire(station).wire(canvas.link_return((300, row + 1.5)), port=2)
    return entrance, station


def sequence() -> Canvas:
    canvas = Canvas(
        "sequence",
        "Sequence by link call",
        """
        BootNotification, Authorize, TransactionEvent Started and Ended, each sent when the one before has been
        answered: a *link call* node goes on with the Response, in the msg that was sent. It starts when EVSE1 comes
        online, and again with the button.
        """,
    )
    _csms(canvas, 9103, 0)
    entrance, station = _station(canvas, 9103, 2.5)
    online = canvas.switch("online?", (300, 3.2), "ocpp.websocket", "ONLINE")
    station.wire(online)

    canvas.comment("The sequence", (0, 5))
    begin = canvas.function("boot", (160, 6), BOOT)
    canvas.inject("again", (0, 6)).wire(begin)
    online.wire(begin)
    steps = (("authorize", AUTHORIZE), ("start", STARTED), ("end", ENDED))
    before = begin.wire(canvas.link_call("ask EVSE1", (300, 6), entrance))
    for row, (name, code) in enumerate(steps, start=7):
        step = canvas.function(name, (160, row), code)
        before.wire(step)
        before = step.wire(canvas.link_call("ask EVSE1", (300, row), entrance))
    before.wire(canvas.debug("the whole msg at the end", (480, 9), "true"))
    canvas.catch("what goes wrong", (0, 10)).wire(canvas.debug("faults", (220, 10), "error.message"))
    return canvas


AWAIT = """
    // The whole life of a transaction in one piece.
    // node.linkcall calls the link in node of that name; what comes back is the msg with the Response.
    async function ask(command, data) {
        const answer = await node.linkcall("EVSE1 request", { payload: { command, data } }, { timeout: 15000 });
        if (answer.payload.msgType === 4) throw new Error(`${command}: ${answer.payload.error.description}`);
        return answer.payload.data;
    }

    const idToken = { idToken: "04A2B3C4D5E680", type: "ISO14443" };
    const transactionId = RED.util.generateId();
    let seqNo = 0;
    const event = (eventType, triggerReason, more = {}) => ask("TransactionEvent", {
        eventType, triggerReason, timestamp: new Date().toISOString(), seqNo: seqNo++,
        transactionInfo: { transactionId, ...more }, idToken, evse: { id: 1, connectorId: 1 }
    });

    const boot = await ask("BootNotification", {
        reason: "PowerUp", chargingStation: { vendorName: "ocppflow", model: "Example" }
    });
    const { idTokenInfo } = await ask("Authorize", { idToken });
    if (boot.status !== "Accepted" || idTokenInfo.status !== "Accepted") throw new Error("not accepted");
    await event("Started", "Authorized", { chargingState: "Charging" });
    await event("Updated", "MeterValuePeriodic", { chargingState: "Charging" });
    await event("Ended", "StopAuthorized", { stoppedReason: "Local" });
    msg.payload = `transaction ${transactionId} is over after ${seqNo} events`;
    return msg;
"""


def awaiting() -> Canvas:
    canvas = Canvas(
        "await",
        "Sequence with await",
        """
        The sequence of the example before in a single function node: `await node.linkcall(...)` waits for the answer.
        It starts when EVSE1 comes online, and again with the button. **Node-RED 5 or later**: older ones have no
        `node.linkcall`.
        """,
    )
    _csms(canvas, 9104, 0)
    _, station = _station(canvas, 9104, 2.5)
    online = canvas.switch("online?", (300, 3.2), "ocpp.websocket", "ONLINE")
    station.wire(online)
    canvas.comment("The sequence, in one function node", (0, 5))
    whole = canvas.function("a whole transaction", (160, 6), AWAIT)
    canvas.inject("again", (0, 6)).wire(whole)
    online.wire(whole).wire(canvas.debug("the end", (400, 6)))
    canvas.catch("what goes wrong", (0, 7)).wire(canvas.debug("faults", (220, 7), "error.message"))
    return canvas


NOT_HERE = """
    // The link call node has not found a link in of that name: the station gets a CALLERROR.
    const description = `there is no flow named ${msg.target}`;
    msg.payload = { msgType: 4, error: { code: "NotImplemented", description } };
    return msg;
"""

HANDLERS = {
    "BootNotification": 'msg.payload.data = { currentTime: now, interval: 300, status: "Accepted" };',
    "Heartbeat": "msg.payload.data = { currentTime: now };",
    "StatusNotification": "msg.payload.data = {};",
}


def dispatch() -> Canvas:
    canvas = Canvas(
        "dispatch",
        "Dispatch by action",
        """
        Each Request goes to the *link in* node that is named after it, `CSMS:REQ:<Action>`, on whichever tab it is. A
        new action needs a new *link in* and no change here. An action without one is answered with NotImplemented.
        """,
    )
    canvas.comment(
        "CSMS: every Request goes to CSMS:REQ:<Action>",
        (0, 0),
        "*link call* is set to a dynamic target: `msg.target` is the name of the *link in* node.",
    )
    csms = canvas.csms("CSMS", (0, 1), 9105)
    target = canvas.add(
        "change",
        "set msg.target",
        (340, 1),
        rules=[{"t": "set", "p": "target", "pt": "msg", "to": '"CSMS:REQ:" & payload.command', "tot": "jsonata"}],
        action="",
        property="",
        to="",
        reg=False,
    )
    call = canvas.link_call("CSMS:REQ:<Action>", (520, 1), None, seconds=10)
    csms.wire(canvas.switch("Request?", (180, 1), "payload.msgType", 2)).wire(target).wire(call).wire(csms)
    nowhere = canvas.catch("no such flow", (340, 2), [call])
    nowhere.wire(canvas.function("NotImplemented", (520, 2), NOT_HERE)).wire(csms)

    canvas.comment("The flows, one for each action", (0, 3.5))
    for row, (action, code) in enumerate(HANDLERS.items()):
        at = 4.5 + row
        entrance = canvas.link_in(f"CSMS:REQ:{action}", (0, at), labelled=True)
        code = f"const now = new Date().toISOString();\n{code}\nmsg.payload.msgType = 3;\nreturn msg;"
        handler = canvas.function(action, (300, at), code)
        entrance.wire(handler).wire(canvas.link_return((500, at)))

    canvas.comment("EVSE1: no flow answers what the third button sends", (0, 8))
    station = canvas.cs("EVSE1", (240, 10), canvas.target("CSMS on 9105", 9105))
    status = {
        "timestamp": "2026-01-01T00:00:00Z",
        "evseId": 1,
        "connectorId": 1,
        "connectorStatus": "Available",
    }
    buttons = {
        "Heartbeat": {"command": "Heartbeat"},
        "StatusNotification": {"command": "StatusNotification", "data": status},
        "LogStatusNotification": {"command": "LogStatusNotification", "data": {"status": "Idle"}},
    }
    for row, (name, payload) in enumerate(buttons.items(), start=9):
        canvas.inject(name, (0, row), payload).wire(station)
    station.wire(canvas.function("boot when online", (400, 9), BOOT_WHEN_ONLINE)).wire(station)
    station.wire(canvas.debug("EVSE1 hears", (400, 10)))
    return canvas

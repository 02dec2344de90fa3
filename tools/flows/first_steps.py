"""The first examples: a CSMS and a station, a transaction, three versions, a log."""

from __future__ import annotations

from tools.flows.canvas import Canvas
from tools.flows.snippets import ANSWER_STATIONS, BOOT_WHEN_ONLINE, IN_A_LINE


def hello() -> Canvas:
    canvas = Canvas(
        "hello",
        "Hello",
        """
        A CSMS and a charging station (EVSE1, OCPP 2.0.1) that talk to each other as soon as the flow is deployed. The
        debug sidebar shows what each of them hears.

        Security profile 0 asks for no password, which is why this flow runs as it is; the CSMS listens on this machine
        alone (Host 127.0.0.1).
        """,
    )
    canvas.comment(
        "CSMS: answers what the station asks",
        (0, 0),
        "Port 1 has all that comes in. A Request (`payload.msgType` 2) goes to *answer*, and back into the node.",
    )
    reset = canvas.inject("reset EVSE1", (0, 1), {"command": "Reset", "cbId": "EVSE1", "data": {"type": "Immediate"}})
    csms = canvas.csms("CSMS", (240, 1), 9101)
    request = canvas.switch("Request?", (460, 1), "payload.msgType", 2)
    answer = canvas.function("answer", (640, 1), ANSWER_STATIONS)
    reset.wire(csms).wire(request).wire(answer).wire(csms)
    csms.wire(canvas.function("in a line", (460, 2), IN_A_LINE)).wire(canvas.debug("the CSMS hears", (640, 2)))

    canvas.comment(
        "EVSE1: boots when it is online, accepts a reset",
        (0, 3.5),
        "The station is online once the CSMS has let it in: `msg.ocpp.websocket` is then ONLINE.",
    )
    heartbeat = canvas.inject("Heartbeat", (0, 4.5), {"command": "Heartbeat"})
    station = canvas.cs("EVSE1", (240, 4.5), canvas.target("CSMS on 9101", 9101))
    heartbeat.wire(station)
    boot = canvas.function("boot when online", (460, 4.5), BOOT_WHEN_ONLINE)
    station.wire(boot).wire(station)
    accept = canvas.function(
        "accept a Reset",
        (640, 5.5),
        """
        msg.payload = msg.payload.command === "Reset"
            ? { msgType: 3, data: { status: "Accepted" } }
            : { msgType: 4, error: { code: "NotSupported", description: "not in this example" } };
        return msg;
        """,
    )
    station.wire(canvas.switch("Request?", (460, 5.5), "payload.msgType", 2)).wire(accept).wire(station)
    station.wire(canvas.debug("EVSE1 hears", (460, 6.5), "true"))
    return canvas


CHARGING = """
    // What the station sends, step by step. It takes the next step when the last one has been answered.
    if (!msg.ocpp || msg.ocpp.websocket === "OFFLINE") return null;
    if (msg.ocpp.websocket === "ONLINE") {
        context.set("run", (context.get("run") || 0) + 1);
        context.set("step", 0);
    } else if (msg.run !== context.get("run")) {
        return null; // an answer from before the connection was lost
    } else if (msg.payload.msgType === 4) {
        node.error(msg.payload.error.code + ": " + msg.payload.error.description, msg);
        return null;
    }

    const step = context.get("step");
    context.set("step", step === LAST ? 1 : step + 1);
    return { run: context.get("run"), payload: message(step) };

    function message(step) {
        const timestamp = new Date().toISOString();
        const idToken = { idToken: "04A2B3C4D5E680", type: "ISO14443" };
        if (step === 0) {
            return { command: "BootNotification",
                data: { reason: "PowerUp", chargingStation: { vendorName: "ocppflow", model: "Example" } } };
        }
        if (step === 1) return { command: "Authorize", data: { idToken } };
        if (step === 2) {
            context.set("transaction", RED.util.generateId());
            context.set("seqNo", 0);
        } else {
            context.set("seqNo", context.get("seqNo") + 1);
        }
        const seqNo = context.get("seqNo");
        const power = step === LAST ? 0 : Math.round(7400 * (1 - Math.exp(-seqNo / 3)) * (seqNo > 9 ? 0.6 : 1));
        context.set("energy", (context.get("energy") || 12000) + Math.round(power / 60));
        const [eventType, triggerReason, chargingState] =
            step === 2 ? ["Started", "Authorized", "Charging"]
            : step === LAST ? ["Ended", "StopAuthorized", "EVConnected"]
            : ["Updated", "MeterValuePeriodic", "Charging"];
        const reading = (value, measurand, unit) => ({ value, measurand, unitOfMeasure: { unit } });
        const sampledValue = [
            reading(context.get("energy"), "Energy.Active.Import.Register", "Wh"),
            reading(power, "Power.Active.Import", "W")
        ];
        const transactionInfo = { transactionId: context.get("transaction"), chargingState };
        if (step === LAST) transactionInfo.stoppedReason = "Local";
        return { command: "TransactionEvent", data: {
            eventType, timestamp, triggerReason, seqNo, transactionInfo, idToken,
            evse: { id: 1, connectorId: 1 }, meterValue: [{ timestamp, sampledValue }]
        } };
    }
"""

CHART = """
    // The power of a transaction as a bar of 25 characters, the newest reading last in the debug sidebar.
    if (msg.payload.command !== "TransactionEvent" || msg.payload.msgType !== 2) return null;
    const { eventType, transactionInfo, meterValue } = msg.payload.data;
    const read = measurand => meterValue[0].sampledValue.find(each => each.measurand === measurand).value;
    const energy = read("Energy.Active.Import.Register");
    const power = read("Power.Active.Import");
    if (eventType === "Started") flow.set(transactionInfo.transactionId, energy);
    const charged = (energy - flow.get(transactionInfo.transactionId)) / 1000;
    if (eventType === "Ended") flow.set(transactionInfo.transactionId, undefined);
    const bar = "█".repeat(Math.round(power / 300)).padEnd(25, "░");
    return { payload: `${bar} ${(power / 1000).toFixed(1)} kW ${charged.toFixed(2)} kWh ${eventType}` };
"""


def transaction() -> Canvas:
    canvas = Canvas(
        "transaction",
        "Transaction with meter values",
        """
        EVSE1 (OCPP 2.0.1) charges one car after the other: Authorize, then TransactionEvent Started, Updated with
        energy and power every second, and Ended. At the CSMS, *chart* draws the power in the debug sidebar, one bar
        per line.
        """,
    )
    canvas.comment("CSMS: answers, and draws the power in the debug sidebar", (0, 0))
    csms = canvas.csms("CSMS", (0, 1), 9102)
    answer = canvas.function("answer", (420, 1), ANSWER_STATIONS)
    csms.wire(canvas.switch("Request?", (220, 1), "payload.msgType", 2)).wire(answer).wire(csms)
    csms.wire(canvas.function("chart", (220, 2), CHART)).wire(canvas.debug("power", (420, 2)))
    canvas.comment(
        "EVSE1: one message a second, the next when the last is answered",
        (0, 3.5),
        "The answer is the msg that was sent, with the Response in its payload: `msg.run` is still there.",
    )
    station = canvas.cs("EVSE1", (0, 4.5), canvas.target("CSMS on 9102", 9102))
    charging = canvas.function("next step", (220, 4.5), CHARGING.replace("LAST", "15"))
    delay = canvas.delay("a second", (420, 4.5), 1)
    station.wire(charging).wire(delay).wire(station)
    catch = canvas.catch("what goes wrong", (220, 5.5))
    catch.wire(canvas.debug("faults", (420, 5.5), "error.message"))
    return canvas


ANSWER_ANY_VERSION = """
    // The CSMS knows the version of each station: msg.ocpp.ocppVersion.
    const now = new Date().toISOString();
    if (msg.payload.command === "BootNotification") {
        msg.payload.data = { currentTime: now, interval: 300, status: "Accepted" };
    } else if (msg.payload.command === "Authorize") {
        msg.payload.data = msg.ocpp.ocppVersion === "1.6"
            ? { idTagInfo: { status: "Accepted" } }
            : { idTokenInfo: { status: "Accepted" } };
    } else {
        msg.payload = { error: { code: "NotSupported", description: "not in this example" } };
    }
    msg.payload.msgType = msg.payload.error ? 4 : 3;
    return msg;
"""

SPEAK = """
    // Online: boot. Booted: authorize a card. The messages of 1.6 have different fields from those of 2.0.1 and 2.1.
    if (!msg.ocpp) return null; // the result of a Command Message
    const { cbId, ocppVersion, websocket, command } = msg.ocpp;
    const { msgType, data } = msg.payload;
    const isOld = ocppVersion === "1.6";
    let payload = null;
    if (websocket === "ONLINE") {
        payload = { command: "BootNotification", data: isOld
            ? { chargePointVendor: "ocppflow", chargePointModel: "Example" }
            : { reason: "PowerUp", chargingStation: { vendorName: "ocppflow", model: "Example" } } };
    } else if (msgType === 3 && command === "BootNotification") {
        payload = { command: "Authorize", data: isOld
            ? { idTag: "04A2B3C4D5E680" }
            : { idToken: { idToken: "04A2B3C4D5E680", type: "ISO14443" } } };
    }
    // One output for each station, and one for what it hears.
    const stations = ["CS16", "CS201", "CS21"].map(name => (payload && name === cbId ? { payload } : null));
    return [...stations, data ? { payload: `${cbId} hears ${command}: ${JSON.stringify(data)}` } : null];
"""


def three_versions() -> Canvas:
    canvas = Canvas(
        "three versions",
        "Three versions on one port",
        """
        One CSMS node takes stations of OCPP 1.6, 2.0.1 and 2.1 on the same port: each offers its version when it
        connects, and `msg.ocpp.ocppVersion` says which one it is.
        """,
    )
    canvas.comment("CSMS for OCPP 1.6, 2.0.1 and 2.1", (0, 0))
    csms = canvas.csms("CSMS", (0, 1), 9106, versions=["1.6", "2.0.1", "2.1"])
    answer = canvas.function("answer by version", (420, 1), ANSWER_ANY_VERSION)
    csms.wire(canvas.switch("Request?", (220, 1), "payload.msgType", 2)).wire(answer).wire(csms)
    code = """
        if (msg.payload.msgType !== 2) return null;
        const { cbId, ocppVersion, command } = msg.ocpp;
        return { payload: `${cbId} speaks OCPP ${ocppVersion}: ${command} ${JSON.stringify(msg.payload.data)}` };
    """
    csms.wire(canvas.function("who speaks what", (220, 2), code)).wire(canvas.debug("stations", (420, 2)))

    canvas.comment("Three stations with one flow behind them", (0, 3.5))
    target = canvas.target("CSMS on 9106", 9106)
    speak = canvas.function("boot, then authorize", (220, 5.5), SPEAK, outputs=4)
    for port, (name, version) in enumerate((("CS16", "1.6"), ("CS201", "2.0.1"), ("CS21", "2.1")), start=1):
        station = canvas.cs(name, (0, 3.5 + port), target, versions=[version])
        station.wire(speak)
        speak.wire(station, port=port)
    speak.wire(canvas.debug("the stations hear", (480, 6)), port=4)
    return canvas


TO_LINE = """
    // One line of JSON for each message on the wire, from the msg of port 3.
    msg.filename = path.join(os.tmpdir(), "ocppflow-example-log.jsonl");
    msg.payload = JSON.stringify({
        time: new Date(msg.timestamp).toISOString(), station: msg.cbId, from: msg.msgFrom, message: msg.payload
    });
    return msg;
"""

WHERE = """
    msg.filename = path.join(os.tmpdir(), "ocppflow-example-log.jsonl");
    return msg;
"""

LIBRARIES = [{"var": "os", "module": "os"}, {"var": "path", "module": "path"}]


def log_to_file() -> Canvas:
    canvas = Canvas(
        "log to file",
        "Log to file",
        """
        With the log turned on, port 3 sends every message that is sent or received, as it is on the wire. Here each
        becomes a line of `ocppflow-example-log.jsonl` in the system's temporary directory; the button reads it back.
        Passwords that OCPP carries (SetVariables, ChangeConfiguration) are replaced by `***`.
        """,
    )
    canvas.comment("CSMS: port 3 is the OCPP log", (0, 0))
    csms = canvas.csms("CSMS", (0, 1), 9107, ocpp_logging=True)
    answer = canvas.function("answer", (420, 1), ANSWER_STATIONS)
    csms.wire(canvas.switch("Request?", (220, 1), "payload.msgType", 2)).wire(answer).wire(csms)
    line = canvas.function("a line of JSON", (220, 2), TO_LINE, libs=LIBRARIES)
    file = canvas.add(
        "file",
        "append",
        (420, 2),
        filename="filename",
        filenameType="msg",
        appendNewline=True,
        createDir=False,
        overwriteFile="false",
        encoding="utf8",
    )
    csms.wire(line, port=3).wire(file).wire(canvas.debug("written", (580, 2)))

    canvas.comment("Read the log", (0, 3.5))
    where = canvas.function("where it is", (220, 4.5), WHERE, libs=LIBRARIES)
    read = canvas.add(
        "file in",
        "read",
        (420, 4.5),
        filename="filename",
        filenameType="msg",
        format="lines",
        chunk=False,
        sendError=False,
        encoding="utf8",
        allProps=False,
    )
    canvas.inject("read", (0, 4.5)).wire(where).wire(read).wire(canvas.debug("the log, line by line", (580, 4.5)))

    canvas.comment("EVSE1: sends something to be logged", (0, 6))
    station = canvas.cs("EVSE1", (220, 7), canvas.target("CSMS on 9107", 9107))
    canvas.inject("Heartbeat", (0, 7), {"command": "Heartbeat"}).wire(station)
    station.wire(canvas.function("boot when online", (420, 7), BOOT_WHEN_ONLINE)).wire(station)
    return canvas

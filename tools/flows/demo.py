"""The flow that ``make run`` opens: a CSMS, and three stations that boot, charge and report by themselves."""

from __future__ import annotations

from typing import Any

from tools.flows.canvas import Canvas

STATIONS = {"CS1": "1.6", "CS2": "2.0.1", "CS3": "2.1"}

BACK_OFFICE = """
    // What the CSMS answers, in the version that the station speaks. The second output is for the "energy sold" list.
    const isOld = msg.ocpp.ocppVersion === "1.6";
    const { cbId, command } = msg.ocpp;
    const { data } = msg.payload;
    const status = "Accepted";
    const now = new Date().toISOString();
    const reading = each => Number(each.sampledValue[0].value);
    let sold = null;

    function metered(total, isOver) {
        const began = flow.get("began") || {};
        began[cbId] ??= total;
        sold = { payload: `${cbId}  ${((total - began[cbId]) / 1000).toFixed(2)} kWh${isOver ? "  done" : ""}` };
        if (isOver) delete began[cbId];
        flow.set("began", began);
    }

    const answers = {
        BootNotification: () => ({ currentTime: now, interval: 300, status }),
        Heartbeat: () => ({ currentTime: now }),
        StatusNotification: () => ({}),
        Authorize: () => (isOld ? { idTagInfo: { status } } : { idTokenInfo: { status } }),
        StartTransaction: () => {
            metered(data.meterStart);
            flow.set("number", (flow.get("number") || 1000) + 1);
            return { transactionId: flow.get("number"), idTagInfo: { status } };
        },
        MeterValues: () => {
            metered(reading(data.meterValue[0]));
            return {};
        },
        StopTransaction: () => {
            metered(data.meterStop, true);
            return {};
        },
        TransactionEvent: () => {
            metered(reading(data.meterValue[0]), data.eventType === "Ended");
            return {};
        }
    };
    msg.payload = answers[command]
        ? { msgType: 3, data: answers[command]() }
        : { msgType: 4, error: { code: "NotSupported", description: "not in this demo" } };
    return [msg, sold];
"""

IN_WORDS = """
    // The OCPP log in words: who says what to whom. An answer does not name its call on the wire, so the calls are
    // remembered.
    if (!Array.isArray(msg.payload)) return null; // what is not a message is logged as text
    const [kind, id, ...rest] = msg.payload;
    const calls = context.get("calls") || {};
    const key = msg.cbId + id;
    const toCsms = msg.msgFrom === "CS";
    const action = kind === 2 ? rest[0] : calls[key];
    if (kind === 2) calls[key] = action;
    else delete calls[key];
    context.set("calls", calls);

    const said = kind === 2 ? rest[1] : kind === 4 ? { error: `${rest[0]} ${rest[1]}` } : rest[0];
    const told = ["eventType", "status", "connectorStatus", "reason", "triggerReason", "type", "error", "interval"];
    const words = told.filter(name => said[name] !== undefined).map(name => said[name]);
    const verdict = said.idTagInfo || said.idTokenInfo;
    if (verdict) words.push(verdict.status);
    const reading = said.meterValue && said.meterValue[0].sampledValue[0].value;
    const total = reading || said.meterStart || said.meterStop;
    if (total) words.push((total / 1000).toFixed(2) + " kWh");
    const arrow = toCsms ? "──▶ CSMS" : "◀── CSMS";
    const what = kind === 2 ? action : `  ↳ ${action || "answer"}`;
    return { payload: `${msg.cbId} ${arrow}  ${what.padEnd(24)} ${words.join(", ")}`.trimEnd() };
"""

LIFE = """
    // The life of a station, whatever its version. It gets what its CS node sends: that it is online or offline, the
    // answers to its own Requests, the Requests of the CSMS. Its state is in `me`.
    if (!msg.ocpp) return null; // the result of a Command Message
    const PAUSE = 1000, READINGS = 12;
    const names = ["CS1", "CS2", "CS3"];
    const { cbId, ocppVersion, websocket, command } = msg.ocpp;
    const isOld = ocppVersion === "1.6";
    const stations = context.get("stations") || {};
    context.set("stations", stations);
    const me = stations[cbId] ??= { meter: 12000 + 5000 * names.indexOf(cbId), reason: "PowerUp" };

    if (websocket === "ONLINE") {
        Object.assign(me, { run: (me.run || 0) + 1, state: "booting", stop: "" });
        later(boot());
    } else if (websocket === "OFFLINE") {
        me.run++; // whatever was still to follow is void
    } else if (msg.payload.msgType === 2) {
        obey();
    } else if (msg.payload.msgType === 4) {
        node.warn(`${cbId} ${command}: ${msg.payload.error.code} ${msg.payload.error.description}`);
    } else if (msg.run === me.run) {
        goOn(msg.payload.data);
    }
    return null;

    // --- its own Requests ---

    function goOn(data) {
        if (me.state === "booting" && data.status === "Accepted") {
            me.state = "idle";
            later(report("Available"));
        } else if (me.state === "idle" && command !== "Heartbeat") {
            // Between two cars.
            later(() => (me.state === "idle" ? authorize() : null), 3 + 2 * names.indexOf(cbId));
        } else if (me.state === "authorized") {
            later(begin());
        } else if (me.state === "charging") {
            if (data.transactionId) me.transaction = data.transactionId; // OCPP 1.6: the CSMS numbers them
            later(() => (me.state !== "charging" ? null : me.stop || me.readings >= READINGS ? end() : sample()), 2);
        } else if (me.state === "ended") {
            me.state = me.reset ? "down" : "idle";
            later(me.reset ? restart : report("Available"));
        }
    }

    function boot() {
        return send("BootNotification", isOld
            ? { chargePointVendor: "ocppflow", chargePointModel: "Demo" }
            : { reason: me.reason, chargingStation: { vendorName: "ocppflow", model: "Demo" } });
    }

    function report(status) {
        return send("StatusNotification", isOld
            ? { connectorId: 1, errorCode: "NoError", status }
            : { timestamp: now(), evseId: 1, connectorId: 1, connectorStatus: status });
    }

    function authorize() {
        me.state = "authorized";
        return send("Authorize", isOld ? { idTag: token() } : { idToken: { idToken: token(), type: "ISO14443" } });
    }

    function begin() {
        Object.assign(me, { state: "charging", readings: 0, seqNo: 0, stop: "", transaction: RED.util.generateId() });
        return isOld
            ? send("StartTransaction", { connectorId: 1, idTag: token(), meterStart: me.meter, timestamp: now() })
            : event("Started", me.remote ? "RemoteStart" : "Authorized");
    }

    function sample() {
        me.readings++;
        me.meter += 120 + 15 * me.readings;
        if (!isOld) return event("Updated", "MeterValuePeriodic");
        const reading = { value: String(me.meter), measurand: "Energy.Active.Import.Register", unit: "Wh" };
        return send("MeterValues", { connectorId: 1, transactionId: me.transaction,
            meterValue: [{ timestamp: now(), sampledValue: [reading] }] });
    }

    function end() {
        me.state = "ended";
        const reason = me.stop || "Local";
        me.remote = undefined;
        if (isOld) {
            return send("StopTransaction", { transactionId: me.transaction, meterStop: me.meter, timestamp: now(),
                reason: reason === "ImmediateReset" ? "SoftReset" : reason });
        }
        const why = { Remote: "RemoteStop", ImmediateReset: "ResetCommand" }[reason] || "StopAuthorized";
        return event("Ended", why, { stoppedReason: reason });
    }

    function event(eventType, triggerReason, more) {
        const transactionInfo = { transactionId: me.transaction, ...more };
        if (me.remote !== undefined) transactionInfo.remoteStartId = me.remote;
        const reading = { value: me.meter, measurand: "Energy.Active.Import.Register" };
        return send("TransactionEvent", {
            eventType, triggerReason, timestamp: now(), seqNo: me.seqNo++, transactionInfo,
            evse: { id: 1, connectorId: 1 }, meterValue: [{ timestamp: now(), sampledValue: [reading] }]
        });
    }

    // --- what the CSMS asks for ---

    function obey() {
        const { data } = msg.payload;
        let status = "Accepted";
        if (command === "Reset") {
            Object.assign(me, { reset: true, reason: "RemoteReset" });
            if (me.state === "charging") me.stop = "ImmediateReset";
            else if (me.state !== "authorized") {
                me.state = "down";
                later(restart);
            }
        } else if (command === "RemoteStartTransaction" || command === "RequestStartTransaction") {
            if (me.state === "idle") {
                Object.assign(me, { state: "authorized", remote: data.remoteStartId });
                later(begin);
            } else status = "Rejected";
        } else if (command === "RemoteStopTransaction" || command === "RequestStopTransaction") {
            if (me.state === "charging" && String(data.transactionId) === String(me.transaction)) me.stop = "Remote";
            else status = "Rejected";
        } else {
            msg.payload = { msgType: 4, error: { code: "NotSupported", description: "not in this demo" } };
            out(msg);
            return;
        }
        msg.payload.msgType = 3;
        msg.payload.data = { status };
        out(msg);
    }

    function restart() {
        me.reset = false;
        // Command Messages are for the node itself: it closes the connection, and opens it again.
        out({ payload: { msgType: 99, command: "close" } });
        setTimeout(() => out({ payload: { msgType: 99, command: "connect" } }), 2 * PAUSE);
        return null;
    }

    // --- tools ---

    function now() { return new Date().toISOString(); }
    function token() { return "04A2B3C4D5E680"; }
    function send(command, data) { return { run: me.run, payload: { command, data } }; }
    function out(message) { node.send(names.map(name => (name === cbId ? message : null))); }

    // A msg, or what makes it when the time has come.
    function later(what, pauses = 1) {
        const run = me.run;
        setTimeout(() => {
            if (run !== me.run) return;
            const message = typeof what === "function" ? what() : what;
            if (message) out(message);
        }, pauses * PAUSE);
    }
"""


def _reset(name: str, version: str) -> dict[str, Any]:
    return {"command": "Reset", "cbId": name, "data": {"type": "Soft" if version == "1.6" else "Immediate"}}


def _start(name: str, version: str) -> dict[str, Any]:
    if version == "1.6":
        return {
            "command": "RemoteStartTransaction",
            "cbId": name,
            "data": {"idTag": "04A2B3C4D5E680", "connectorId": 1},
        }
    token = {"idToken": "04A2B3C4D5E680", "type": "ISO14443"}
    data = {"remoteStartId": 7, "evseId": 1, "idToken": token}
    return {"command": "RequestStartTransaction", "cbId": name, "data": data}


def demo() -> Canvas:
    canvas = Canvas(
        "demo",
        "Demo",
        """
        A CSMS and three stations (OCPP 1.6, 2.0.1 and 2.1) that boot, authorize, charge and report without a click.
        The debug sidebar shows the conversation, and the energy that was sold. The buttons reset a station, or start a
        transaction at one that is idle (one that is charging answers Rejected).
        """,
    )
    canvas.comment("Buttons: click the square on the left", (0, 0))
    csms = canvas.csms("CSMS", (340, 2.5), 9100, versions=list(STATIONS.values()), ocpp_logging=True)
    for row, (name, version) in enumerate(STATIONS.items(), start=1):
        canvas.inject(f"reset {name}", (0, row), _reset(name, version)).wire(csms)
        canvas.inject(f"start a transaction at {name}", (0, row + 3), _start(name, version)).wire(csms)

    canvas.comment("CSMS for three versions of OCPP: answers, counts, shows", (340, 0))
    office = canvas.function("back office", (660, 1), BACK_OFFICE, outputs=2)
    csms.wire(canvas.switch("Request?", (500, 1), "payload.msgType", 2)).wire(office).wire(csms)
    office.wire(canvas.debug("energy sold", (840, 1.5)), port=2)
    words = canvas.function("in words", (500, 4), IN_WORDS)
    csms.wire(words, port=3).wire(canvas.debug("conversation", (660, 4), console=True))
    faults = canvas.catch("what goes wrong", (500, 5))
    faults.wire(canvas.debug("faults", (700, 5), "error.message", console=True))

    canvas.comment("Three stations, with one flow behind them", (0, 7.5))
    target = canvas.target("CSMS on 9100", 9100)
    life = canvas.function("the life of a station", (240, 9.5), LIFE, outputs=3)
    for port, (name, version) in enumerate(STATIONS.items(), start=1):
        station = canvas.cs(name, (0, 7.5 + port), target, versions=[version])
        station.wire(life)
        life.wire(station, port=port)
    return canvas

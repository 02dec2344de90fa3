"""The flow that ``make run`` opens: a CSMS, and buttons for what people do at three complete stations, which are
processes of their own (``tools/demo_stations.py``) and are told over their control API."""

from __future__ import annotations

from typing import Any

from tools.flows.canvas import Canvas, Node

STATIONS = {"CS1": ("1.6", 9121), "CS2": ("2.0.1", 9122), "CS3": ("2.1", 9123)}
"""With the port of its control API."""
TOKEN = "04A2B3C4D5E680"

BACK_OFFICE = """
    // What the CSMS answers, in the version that the station speaks. The second output is for the "energy sold" list.
    const isOld = msg.ocpp.ocppVersion === "1.6";
    const { cbId, command } = msg.ocpp;
    const { data } = msg.payload;
    const status = "Accepted";
    const verdict = isOld ? { idTagInfo: { status } } : { idTokenInfo: { status } };
    const now = new Date().toISOString();
    const began = flow.get("began") || {};
    const running = flow.get("running") || {};
    let sold = null;

    // Wh: the last reading of the whole register.
    function register(values) {
        const all = (values || []).flatMap(each => each.sampledValue);
        const isRegister = each => /^$|^Energy.Active.Import.Register$/.test(each.measurand || "");
        const found = all.filter(each => !each.phase && isRegister(each));
        return found.length ? Number(found.at(-1).value) : undefined;
    }

    function metered(total, isOver) {
        if (total === undefined) return;
        began[cbId] ??= total;
        sold = { payload: `${cbId}  ${((total - began[cbId]) / 1000).toFixed(3)} kWh${isOver ? "  done" : ""}` };
    }

    function over() {
        delete began[cbId];
        delete running[cbId];
    }

    const answers = {
        BootNotification: () => ({ currentTime: now, interval: 300, status }),
        Heartbeat: () => ({ currentTime: now }),
        Authorize: () => verdict,
        StatusNotification: () => ({}),
        NotifyEvent: () => ({}),
        SecurityEventNotification: () => ({}),
        StartTransaction: () => {
            metered(data.meterStart);
            flow.set("number", (flow.get("number") || 1000) + 1);
            running[cbId] = flow.get("number");
            return { transactionId: running[cbId], ...verdict };
        },
        MeterValues: () => {
            if (!isOld || data.transactionId) metered(register(data.meterValue));
            return {};
        },
        StopTransaction: () => {
            metered(data.meterStop, true);
            over();
            return {};
        },
        TransactionEvent: () => {
            running[cbId] = data.transactionInfo.transactionId;
            metered(register(data.meterValue), data.eventType === "Ended");
            if (data.eventType === "Ended") over();
            return data.idToken ? verdict : {};
        }
    };
    msg.payload = answers[command]
        ? { msgType: 3, data: answers[command]() }
        : { msgType: 4, error: { code: "NotSupported", description: "not in this demo" } };
    flow.set("began", began);
    flow.set("running", running);
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
    if (said.eventData) words.push(...said.eventData.map(each => `${each.variable.name} ${each.actualValue}`));
    const values = (said.meterValue || []).flatMap(each => each.sampledValue).filter(each => !each.phase);
    const reading = values.findLast(each => /^$|^Energy.Active.Import.Register$/.test(each.measurand || ""));
    const total = reading ? reading.value : said.meterStart ?? said.meterStop;
    if (total !== undefined) words.push((total / 1000).toFixed(3) + " kWh");
    const arrow = toCsms ? "──▶ CSMS" : "◀── CSMS";
    const what = kind === 2 ? action : `  ↳ ${action || "answer"}`;
    return { payload: `${msg.cbId} ${arrow}  ${what.padEnd(24)} ${words.join(", ")}`.trimEnd() };
"""

ORDER = """
    // A button's order as a Request to the station, in its version.
    const { order, cbId } = msg.payload;
    const isOld = { CS1: true }[cbId];
    const transactionId = (flow.get("running") || {})[cbId];
    if ((order === "stop" || order === "limit") && transactionId === undefined) {
        node.warn(`${cbId} is not charging`);
        return null;
    }
    const id = 1, stackLevel = 0, limit = 6;
    const purpose = { chargingProfilePurpose: "TxProfile", chargingProfileKind: "Relative", transactionId };
    const schedule = { chargingRateUnit: "A", chargingSchedulePeriod: [{ startPeriod: 0, limit }] };
    const orders = isOld ? {
        start: ["RemoteStartTransaction", { idTag: "TOKEN", connectorId: 1 }],
        stop: ["RemoteStopTransaction", { transactionId }],
        limit: ["SetChargingProfile", { connectorId: 1, csChargingProfiles: {
            chargingProfileId: id, stackLevel, ...purpose, chargingSchedule: schedule } }],
        reset: ["Reset", { type: "Soft" }]
    } : {
        start: ["RequestStartTransaction", { remoteStartId: Date.now() % 1e6, evseId: 1,
            idToken: { idToken: "TOKEN", type: "ISO14443" } }],
        stop: ["RequestStopTransaction", { transactionId }],
        limit: ["SetChargingProfile", { evseId: 1, chargingProfile: {
            id, stackLevel, ...purpose, chargingSchedule: [{ id, ...schedule }] } }],
        reset: ["Reset", { type: "Immediate" }]
    };
    const [command, data] = orders[order];
    return { payload: { command, cbId, data } };
"""

ONLINE = """
    // Keeps who is connected, and sends each station its first car: plug and card, three seconds later.
    const { cbId, websocket } = msg.ocpp || {};
    if (!websocket) return null;
    const online = flow.get("online") || {};
    const hadCar = flow.get("hadCar") || {};
    online[cbId] = websocket === "ONLINE";
    const isFirst = online[cbId] && !hadCar[cbId];
    if (isFirst) hadCar[cbId] = true;
    flow.set("online", online);
    flow.set("hadCar", hadCar);
    return isFirst ? [["plug", "swipe"].map(what => ({ payload: { what, cbId } }))] : null;
"""

CONTROL = """
    // What is done at a station, as a request to its control API (docs/station.md).
    const { what, cbId } = msg.payload;
    const bodies = { swipe: { token: "TOKEN" }, fault: { code: "GroundFailure" } };
    msg.url = `http://127.0.0.1:${{ PORTS }[cbId]}/evses/1/${what}`;
    msg.method = "POST";
    msg.headers = { "content-type": "application/json" };
    msg.payload = bodies[what] || {};
    return msg;
"""

ASK = """
    // The state of each station that is connected, one output for each.
    const online = flow.get("online") || {};
    const ports = { PORTS };
    return Object.keys(ports).map(
        name => (online[name] ? { url: `http://127.0.0.1:${ports[name]}/state`, method: "GET" } : null)
    );
"""

STATE = """
    // GET /state in a few words, below this node.
    if (msg.statusCode !== 200) return null;
    const [evse] = msg.payload.evses;
    const watts = evse.meter.power;
    const words = evse.faults.length ? [...evse.faults]
        : [evse.transaction ? `${(watts / 1000).toFixed(1)} kW` : evse.connectors[0].status];
    if (evse.ev) words.push(`EV ${evse.ev.soc.toFixed(0)} %`);
    words.push(`${(evse.meter.energy_import / 1000).toFixed(3)} kWh`);
    const fill = evse.faults.length ? "red" : watts > 0 ? "blue" : "green";
    node.status({ fill, shape: evse.ev ? "dot" : "ring", text: words.join(" · ") });
    return null;
"""


def _with_names(code: str) -> str:
    ports = ", ".join(f"{name}: {port}" for name, (_, port) in STATIONS.items())
    return code.replace("{ PORTS }", f"{{ {ports} }}").replace("TOKEN", TOKEN)


def _request(canvas: Canvas, name: str, at: tuple[int, float]) -> Node:
    """A node that asks over HTTP what the msg says; an answer that is an error goes on as any other does."""
    rest = {"paytoqs": "ignore", "url": "", "tls": "", "persist": False, "proxy": "", "insecureHTTPParser": False}
    return canvas.add("http request", name, at, method="use", ret="obj", authType="", senderr=False, headers=[], **rest)


def demo() -> Canvas:
    canvas = Canvas(
        "demo",
        "Demo",
        """
        A CSMS and three complete stations (OCPP 1.6, 2.0.1 and 2.1), each of which gets its first car by itself.
        Buttons plug, swipe, unplug and break something at the stations; others start, limit and stop what they charge
        from the CSMS. The debug sidebar shows the conversation, and the energy that was sold.

        The stations are not part of Node-RED. `make run` starts them; elsewhere, start each of them with
        `ocppflow station CS1 ws://127.0.0.1:9100/ocpp --versions 1.6 --control 127.0.0.1:9121`
        (CS2: 2.0.1 and 9122; CS3: 2.1 and 9123).
        """,
    )
    _operator(canvas, _at_the_stations(canvas))
    _states(canvas)
    return canvas


def _buttons(canvas: Canvas, row: float, names: tuple[str, ...], key: str, target: Node) -> None:
    """A column of buttons for each station."""
    for column, station in enumerate(STATIONS):
        for below, name in enumerate(names):
            payload: dict[str, Any] = {key: name, "cbId": station}
            canvas.inject(f"{name} {station}", (160 * column, row + below), payload).wire(target)


def _at_the_stations(canvas: Canvas) -> Node:
    """Returns the link to what is done at them."""
    canvas.comment("At the stations: click the square left of a button", (0, 0))
    control = canvas.function("control API", (505, 1), _with_names(CONTROL))
    _buttons(canvas, 1, ("plug", "swipe", "unplug", "fault", "clear"), "what", control)
    asked = control.wire(_request(canvas, "ask the station", (650, 1)))
    asked.wire(canvas.debug("at the station", (830, 1)))
    first = canvas.link_in("a station's first car", (460, 0.2))
    first.wire(control)
    return first


def _operator(canvas: Canvas, first_car: Node) -> None:
    canvas.comment("The operator's orders, over OCPP", (0, 6.5))
    order = canvas.function("order", (495, 9), _with_names(ORDER))
    _buttons(canvas, 7.5, ("start", "limit", "stop", "reset"), "order", order)

    canvas.comment("CSMS for three versions of OCPP: answers, counts, shows", (495, 6.5))
    versions = [version for version, _ in STATIONS.values()]
    csms = canvas.csms("CSMS", (600, 9), 9100, versions=versions, ocpp_logging=True)
    order.wire(csms)
    office = canvas.function("back office", (850, 8), BACK_OFFICE, outputs=2)
    csms.wire(canvas.switch("Request?", (715, 8), "payload.msgType", 2)).wire(office).wire(csms)
    office.wire(canvas.debug("energy sold", (850, 7.2)), port=2)
    online = canvas.function("who is online", (715, 9), ONLINE)
    csms.wire(online).wire(canvas.delay("3 s", (865, 9), 3)).wire(canvas.link_to(first_car, (970, 9)))
    words = canvas.function("in words", (715, 10), IN_WORDS)
    csms.wire(words, port=3).wire(canvas.debug("conversation", (850, 10), console=True))
    faults = canvas.catch("what goes wrong", (715, 11))
    faults.wire(canvas.debug("faults", (890, 11), "error.message", console=True))


def _states(canvas: Canvas) -> None:
    canvas.comment("What the stations show, every two seconds", (505, 2.2))
    every = canvas.inject("2 s", (505, 4), repeat="2")
    ask = every.wire(canvas.function("states", (605, 4), _with_names(ASK), outputs=3))
    for port, (name, (version, _)) in enumerate(STATIONS.items(), start=1):
        asked = _request(canvas, f"ask {name}", (715, 2 + port))
        ask.wire(asked, port=port)
        asked.wire(canvas.function(f"{name}, OCPP {version}", (835, 2 + port), STATE))

"""Code of function nodes that several examples share."""

from __future__ import annotations

ANSWER_STATIONS = """
    // A Request from a station. To answer it, send the same msg back with msgType 3 and the data of the Response.
    const now = new Date().toISOString();
    const answers = {
        BootNotification: { currentTime: now, interval: 300, status: "Accepted" },
        Heartbeat: { currentTime: now },
        StatusNotification: {},
        Authorize: { idTokenInfo: { status: "Accepted" } },
        TransactionEvent: {}
    };
    const data = answers[msg.payload.command];
    msg.payload = data
        ? { msgType: 3, data }
        : { msgType: 4, error: { code: "NotSupported", description: "not in this example" } };
    return msg;
"""

BOOT_WHEN_ONLINE = """
    // The first thing a station says on a new connection. (The result of a Command Message has no msg.ocpp.)
    if (msg.ocpp?.websocket !== "ONLINE") return null;
    return {
        payload: {
            command: "BootNotification",
            data: { reason: "PowerUp", chargingStation: { vendorName: "ocppflow", model: "Example" } }
        }
    };
"""

IN_A_LINE = """
    // What the CSMS hears and how its calls end, one line each.
    if (!msg.ocpp) return null; // the result of a Command Message
    const { cbId, command, websocket } = msg.ocpp;
    const { data, error, reason } = msg.payload;
    if (websocket) msg.payload = `${cbId} is ${websocket}${reason ? ": " + reason : ""}`;
    else if (error) msg.payload = `${cbId} ${command}: ${error.code} ${error.description}`;
    else msg.payload = `${cbId} ${msg.topic.split("/")[1]} ${command} ${JSON.stringify(data)}`;
    return msg;
"""

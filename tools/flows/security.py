"""The example for security profiles 2 and 3, whose certificates the CSMS node makes itself."""

from __future__ import annotations

from tools.flows.canvas import Canvas, Node
from tools.flows.snippets import ANSWER_STATIONS, BOOT_WHEN_ONLINE

PROFILE_2 = """
    // TLS and a password: the CSMS shows its certificate, the station its password.
    const { ca, csms } = msg.payload.certificates;
    const password = crypto.randomBytes(15).toString("base64url");
    return [
        [
            { payload: { msgType: 99, command: "set_auth_cs", data: { name: "EVSE2", password } } },
            { payload: { msgType: 99, command: "set_tls", data: csms } }
        ],
        { payload: { msgType: 99, command: "connect", data: { password, tls: { ca } } } }
    ];
"""

PROFILE_3 = """
    // TLS with certificates on both sides: the station's certificate names its identity.
    const { ca, csms, stations } = msg.payload.certificates;
    return [
        { payload: { msgType: 99, command: "set_tls", data: { ...csms, ca } } },
        { payload: { msgType: 99, command: "connect", data: { tls: { ca, ...stations.EVSE3 } } } }
    ];
"""

CRYPTO = [{"var": "crypto", "module": "crypto"}]


def security_profiles() -> Canvas:
    canvas = Canvas(
        "security profiles",
        "Security profiles 2 and 3",
        """
        Two CSMS nodes that accept stations over TLS only: EVSE2 with a password (profile 2), EVSE3 with a certificate
        of its own (profile 3). At the start each CSMS makes certificates for this test (`make_certificates`) and begins
        to serve with them (`set_tls`); until then its status says that it has none. Nothing is written to a file.

        For real stations choose a *tls-config* in the CSMS node, with the certificates of your own authority.
        """,
    )
    _profile(canvas, 0, 2, 9109, PROFILE_2)
    _profile(canvas, 5.5, 3, 9110, PROFILE_3)
    canvas.comment("What goes wrong", (0, 11))
    canvas.catch("any fault", (0, 12)).wire(canvas.debug("faults", (240, 12), "error.message"))
    return canvas


def _profile(canvas: Canvas, row: float, profile: int, port: int, code: str) -> Node:
    name = f"EVSE{profile}"
    how = {2: "TLS and a password", 3: "TLS and the station's certificate"}[profile]
    canvas.comment(f"Security profile {profile}: {how}", (0, row))
    csms = canvas.csms(f"CSMS {profile}", (260, row + 1), port, securityProfile=str(profile))
    make = {"msgType": 99, "command": "make_certificates", "data": {"stations": [name]}}
    canvas.inject("make certificates", (0, row + 1), make, once=True, onceDelay=0.5).wire(csms)
    answer = canvas.function("answer", (660, row + 1), ANSWER_STATIONS)
    csms.wire(canvas.switch("Request?", (460, row + 1), "payload.msgType", 2)).wire(answer).wire(csms)
    made = canvas.switch("certificates?", (460, row + 2), "payload.command", "make_certificates")
    hand_out = canvas.function("hand out", (660, row + 2), code, outputs=2, libs=CRYPTO if "crypto." in code else [])
    csms.wire(made).wire(hand_out).wire(csms)

    target = canvas.target(f"CSMS {profile} on {port}", port, "wss")
    station = canvas.cs(name, (260, row + 3.5), target, auto_connect=False)
    entrance = canvas.delay("half a second", (0, row + 2.5), 0.5)  # until the CSMS listens
    entrance.wire(station)
    hand_out.wire(entrance, port=2)
    canvas.inject(f"{name}: Heartbeat", (0, row + 3.5), {"command": "Heartbeat"}).wire(station)
    station.wire(canvas.function("boot when online", (460, row + 3.5), BOOT_WHEN_ONLINE)).wire(station)
    online = canvas.switch("online?", (460, row + 4.3), "ocpp.websocket", "ONLINE")
    station.wire(online).wire(canvas.debug(f"{name} is online", (660, row + 4.3)))
    return csms

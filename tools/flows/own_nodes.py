"""The example of the two nodes that stand in for switches and link calls: *ocpp request* and *ocpp router*."""

from __future__ import annotations

from typing import Any

from tools.flows.canvas import Canvas, Node
from tools.flows.snippets import BOOT_WHEN_ONLINE


def _rule(action: str, answer: str = "", kind: str = "Request") -> dict[str, Any]:
    """A rule of a router; ``answer`` is JSONata."""
    answers = {"answers": True, "answer": answer, "answerType": "jsonata"} if answer else {}
    return {"kind": kind, "version": "", "action": action, "station": "", **answers}


def _router(canvas: Canvas, name: str, at: tuple[int, float], rules: list[dict[str, Any]]) -> Node:
    """Its ports: the rules', everything else, the answers."""
    return canvas.add("ocpp-router", name, at, outputs=len(rules) + 2, rules=rules)


def request_and_router() -> Canvas:
    canvas = Canvas(
        "request and router",
        "Request and router",
        """
        *ocpp router* gives each msg to the output of the first rule that it meets, and answers by itself what needs no
        thought; *ocpp request* sends a Request and gives the answer on its first output, errors and time-outs on its
        second. Neither needs a switch, a function or a link call.
        """,
    )
    canvas.comment("CSMS: the router answers BootNotification and Heartbeat", (0, 0))
    csms = canvas.csms("CSMS", (0, 1.5), 9112)
    rules = [
        _rule("BootNotification", '{"currentTime": $now(), "interval": 300, "status": "Accepted"}'),
        _rule("Heartbeat", '{"currentTime": $now()}'),
    ]
    router = _router(canvas, "answers", (200, 1.5), rules)
    csms.wire(router).wire(canvas.debug("a station boots", (420, 1)), port=1)
    router.wire(canvas.debug("everything else", (420, 2), "true"), port=3)
    router.wire(csms, port=4)

    canvas.comment("Buttons: ask EVSE1, and see how it ends", (0, 3.5))
    outcomes = (canvas.debug("the answer", (460, 4.5)), canvas.debug("no answer", (460, 5.5)))
    questions = {
        "Reset": {"type": "Immediate"},
        "ClearCache": {},
    }
    for row, (action, data) in enumerate(questions.items()):
        ask = canvas.request(action, (220, 4.5 + row), csms, "EVSE1", data)
        canvas.inject(f"{action} at EVSE1", (0, 4.5 + row)).wire(ask).wire(outcomes[0])
        ask.wire(outcomes[1], port=2)

    canvas.comment("EVSE1: accepts a Reset, and knows no other command", (0, 7))
    station = canvas.cs("EVSE1", (0, 8.5), canvas.target("CSMS on 9112", 9112))
    station.wire(canvas.function("boot when online", (200, 8), BOOT_WHEN_ONLINE)).wire(station)
    obey = _router(canvas, "commands", (200, 9.5), [_rule("Reset", '{"status": "Accepted"}'), _rule("")])
    station.wire(obey).wire(station, port=4)
    refuse = canvas.function(
        "NotSupported",
        (420, 9.5),
        """
        const description = "EVSE1 knows no " + msg.payload.command;
        msg.payload = { msgType: 4, error: { code: "NotSupported", description } };
        return msg;
        """,
    )
    obey.wire(refuse, port=2).wire(station)
    return canvas

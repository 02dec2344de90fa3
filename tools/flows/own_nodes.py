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
        *ocpp router* sends each msg to the output of the first rule that applies, and answers what a fixed answer will
        do for; *ocpp request* sends a Request and returns the answer on its first output, errors and time-outs on its
        second. Neither needs a switch, a function or a link call.
        """,
    )
    canvas.comment("CSMS: the router answers BootNotification and Heartbeat", (0, 0))
    csms = canvas.csms("CSMS", (80, 1.5), 9112)
    to_csms = canvas.link_in("to the CSMS", (0, 1.5))
    to_csms.wire(csms)
    rules = [
        _rule("BootNotification", '{"currentTime": $now(), "interval": 300, "status": "Accepted"}'),
        _rule("Heartbeat", '{"currentTime": $now()}'),
    ]
    router = _router(canvas, "answers", (260, 1.5), rules)
    csms.wire(router).wire(canvas.debug("a station boots", (460, 0.7)), port=1)
    router.wire(canvas.debug("everything else", (460, 1.6), "true"), port=3)
    router.wire(canvas.link_to(to_csms, (460, 2.4)), port=4)

    canvas.comment("Buttons: ask EVSE1, and see how it ends", (0, 3.7))
    questions = {"Reset": {"type": "Immediate"}, "ClearCache": {}}
    for place, (action, data) in enumerate(questions.items()):
        row = 4.9 + 1.8 * place
        ask = canvas.request(action, (260, row), csms, "EVSE1", data)
        canvas.inject(f"{action} at EVSE1", (0, row)).wire(ask)
        ask.wire(canvas.debug(f"{action}: the answer", (460, row - 0.4)))
        ask.wire(canvas.debug(f"{action}: no answer", (460, row + 0.4)), port=2)

    canvas.comment("EVSE1: accepts a Reset and nothing else", (0, 8.2))
    station = canvas.cs("EVSE1", (80, 9.5), canvas.target("CSMS on 9112", 9112))
    to_station = canvas.link_in("to EVSE1", (0, 9.5))
    to_station.wire(station)
    boot = canvas.function("boot when online", (260, 9.2), BOOT_WHEN_ONLINE)
    station.wire(boot).wire(canvas.link_to(to_station, (460, 9.2)))
    obey = _router(canvas, "commands", (260, 10.4), [_rule("Reset", '{"status": "Accepted"}'), _rule("")])
    station.wire(obey).wire(canvas.link_to(to_station, (460, 10.9)), port=4)
    refuse = canvas.function(
        "NotSupported",
        (440, 10.1),
        """
        const description = "EVSE1 does not support " + msg.payload.command;
        msg.payload = { msgType: 4, error: { code: "NotSupported", description } };
        return msg;
        """,
    )
    obey.wire(refuse, port=2).wire(canvas.link_to(to_station, (640, 10.1)))
    return canvas

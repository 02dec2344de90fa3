"""A tab of Node-RED drawn from Python: nodes on a grid, wires between them, and the JSON that Node-RED imports."""

from __future__ import annotations

import json
import math
from hashlib import sha256
from textwrap import dedent
from typing import Any

ROW = 60
"""Pixels from one row to the next."""
MARGIN = 60

Properties = dict[str, Any]

_COUNTED = ("function", "switch", "delay", "CSMS", "CS", "ocpp-router")
"""Kinds whose number of outputs is a property."""


class Node:
    """A node on a tab; ``wire`` it from its port (counted from 1) to others."""

    def __init__(self, properties: Properties, outputs: int) -> None:
        self.properties = properties
        self.wires: list[list[str]] = [[] for _ in range(outputs)]

    @property
    def id(self) -> str:
        return str(self.properties["id"])

    def wire(self, *targets: Node, port: int = 1) -> Node:
        """Wires from ``port`` to each target. Returns the first of them, so that wires read as a chain."""
        self.wires[port - 1] += [target.id for target in targets]
        return targets[0]

    def as_json(self) -> Properties:
        return {**self.properties, "wires": self.wires} if self.wires or "x" in self.properties else self.properties


class Canvas:
    """One tab. Nodes stand on rows of a grid; ``at`` is (pixels from the left, row), and the left edges of nodes with
    the same pixels are in line. Ids are made of ``key``, so a flow that is written anew keeps them."""

    def __init__(self, key: str, label: str, info: str) -> None:
        self._key = key
        self._nodes: list[Node] = []
        self._taken: list[tuple[int, int, int, str]] = []
        self._tab = {"id": self._id("tab"), "type": "tab", "label": label, "disabled": False, "info": _text(info)}

    def _id(self, what: str) -> str:
        return sha256(f"ocppflow {self._key} {what}".encode()).hexdigest()[:16]

    def to_json(self) -> str:
        flow = [self._tab, *(node.as_json() for node in self._nodes)]
        return json.dumps(flow, indent=4, ensure_ascii=False) + "\n"

    # --- any node ------------------------------------------------------------------------------------------------

    def add(
        self, kind: str, name: str, at: tuple[int, float], *, outputs: int = 1, label: str = "", **properties: Any
    ) -> Node:
        """``label`` is what a node without a name shows."""
        left, row = at
        width = _width(name or label, kind, properties)
        x = MARGIN + left + width // 2
        y = int(ROW + row * ROW)
        self._take(x - width // 2, x + width // 2, y, name)
        own: Properties = {
            "id": self._id(f"{len(self._nodes)} {kind} {name or label}"),
            "type": kind,
            "z": self._tab["id"],
            "name": name,
        }
        if kind in _COUNTED:
            own["outputs"] = outputs
        node = Node({**own, **properties, "x": x, "y": y}, outputs)
        self._nodes.append(node)
        return node

    def _take(self, left: int, right: int, y: int, name: str) -> None:
        """Raises ValueError if there is a node already."""
        for other_left, other_right, other_y, other in self._taken:
            if abs(y - other_y) < 40 and left < other_right and other_left < right:
                raise ValueError(f"{self._key}: {name!r} lies over {other!r}")
        self._taken.append((left, right, y, name))

    def config(self, kind: str, name: str, **properties: Any) -> Node:
        """A configuration node: it is on no tab."""
        own = {"id": self._id(f"{len(self._nodes)} {kind} {name}"), "type": kind, "name": name}
        node = Node({**own, **properties}, 0)
        self._nodes.append(node)
        return node

    # --- core nodes ----------------------------------------------------------------------------------------------

    def comment(self, name: str, at: tuple[int, float], info: str = "") -> Node:
        return self.add("comment", name, at, outputs=0, info=_text(info))

    def inject(self, name: str, at: tuple[int, float], payload: Any = None, **properties: Any) -> Node:
        """A button. ``payload`` is sent as JSON, or nothing if it is None."""
        kind, value = ("date", "") if payload is None else ("json", json.dumps(payload, ensure_ascii=False))
        defaults = {
            "props": [{"p": "payload"}],
            "repeat": "",
            "crontab": "",
            "once": False,
            "onceDelay": 0.1,
            "topic": "",
            "payload": value,
            "payloadType": kind,
        }
        return self.add("inject", name, at, **(defaults | properties))

    def function(self, name: str, at: tuple[int, float], code: str, *, outputs: int = 1, **properties: Any) -> Node:
        defaults = {"timeout": 0, "noerr": 0, "initialize": "", "finalize": "", "libs": []}
        return self.add("function", name, at, outputs=outputs, func=_text(code), **(defaults | properties))

    def debug(self, name: str, at: tuple[int, float], shown: str = "payload", **properties: Any) -> Node:
        """``shown`` is a property of the msg, or "true" for the whole msg."""
        defaults = {
            "active": True,
            "tosidebar": True,
            "console": False,
            "tostatus": False,
            "complete": shown,
            "targetType": "full" if shown == "true" else "msg",
            "statusVal": "",
            "statusType": "auto",
        }
        return self.add("debug", name, at, outputs=0, **(defaults | properties))

    def switch(self, name: str, at: tuple[int, float], test: str, *values: Any, otherwise: bool = False) -> Node:
        """A port for each value that the property ``test`` of the msg may have, and one for everything else."""
        rules: list[Properties] = [
            {"t": "eq", "v": str(value), "vt": "num" if isinstance(value, int) else "str"} for value in values
        ]
        if otherwise:
            rules.append({"t": "else"})
        own = {"property": test, "propertyType": "msg", "rules": rules, "checkall": "true", "repair": False}
        return self.add("switch", name, at, outputs=len(rules), **own)

    def delay(self, name: str, at: tuple[int, float], seconds: float) -> Node:
        unused = {"rate": "1", "nbRateUnits": "1", "rateUnits": "second", "randomFirst": "1", "randomLast": "5"}
        rest = {"randomUnits": "seconds", "drop": False, "allowrate": False}
        own = {"pauseType": "delay", "timeout": str(seconds), "timeoutUnits": "seconds"}
        return self.add("delay", name, at, **own, **unused, **rest)

    def catch(self, name: str, at: tuple[int, float], scope: list[Node] | None = None) -> Node:
        ids = [node.id for node in scope] if scope else None
        return self.add("catch", name, at, scope=ids, uncaught=False)

    def link_in(self, name: str, at: tuple[int, float], *, labelled: bool = False) -> Node:
        return self.add("link in", name, at, links=[], **({"l": True} if labelled else {}))

    def link_to(self, target: Node, at: tuple[int, float]) -> Node:
        """A wire that is not drawn, to a ``link in``."""
        node = self.add("link out", f"to {target.properties['name']}", at, outputs=0, mode="link", links=[target.id])
        target.properties["links"].append(node.id)
        return node

    def link_return(self, at: tuple[int, float]) -> Node:
        """The end of what a ``link call`` calls."""
        return self.add("link out", "return", at, outputs=0, mode="return", links=[])

    def link_call(self, name: str, at: tuple[int, float], target: Node | None, seconds: int = 30) -> Node:
        """``target`` is a ``link in``; None leaves it to ``msg.target``."""
        own = {"links": [target.id] if target else [], "linkType": "static" if target else "dynamic"}
        return self.add("link call", name, at, timeout=str(seconds), **own)

    # --- ours ----------------------------------------------------------------------------------------------------

    def csms(self, name: str, at: tuple[int, float], port: int, **properties: Any) -> Node:
        defaults: Properties = {
            "host": "127.0.0.1",
            "port": str(port),
            "path": "/ocpp",
            "versions": ["2.0.1"],
            "securityProfile": "0",
            "tls": "",
            "messageTimeout": "10000",
            "validation": "strict",
            "answer": [],
            "ocpp_logging": False,
        }
        return self._ours("CSMS", name, at, defaults | properties)

    def target(self, name: str, port: int, scheme: str = "ws") -> Node:
        return self.config("target-csms", name, url=f"{scheme}://127.0.0.1:{port}/ocpp")

    def cs(self, name: str, at: tuple[int, float], target: Node, **properties: Any) -> Node:
        """``name`` is the station's identity, too."""
        defaults: Properties = {
            "cbId": name,
            "csms": target.id,
            "versions": ["2.0.1"],
            "tls": "",
            "messageTimeout": "10000",
            "validation": "strict",
            "answer": [],
            "pingInterval": "30",
            "ws_rt_minimum": "2",
            "ws_rt_repeat": "2",
            "ws_rt_rnd_range": "1",
            "auto_connect": True,
            "ocpp_logging": False,
        }
        return self._ours("CS", name, at, defaults | properties)

    def request(self, action: str, at: tuple[int, float], csms: Node, station: str, data: Properties) -> Node:
        """Output 1 has the answer, output 2 errors and time-outs."""
        own = {"version": "2.0.1", "direction": "CSMS", "via": [csms.id], "station": station, "stationType": "str"}
        given = {"data": json.dumps(data), "dataType": "json", "dataFrom": "", "timeout": "", "validate": True}
        return self.add("ocpp-request", "", at, outputs=2, label=action, action=action, **own, **given)

    def _ours(self, kind: str, name: str, at: tuple[int, float], properties: Properties) -> Node:
        outputs = 3 if properties["ocpp_logging"] else 2
        return self.add(kind, name, at, outputs=outputs, **properties)


_NARROW = {**dict.fromkeys("ijl'|", 3.1), **dict.fromkeys(" !,./:;Ift", 3.9), **dict.fromkeys("()r-", 4.7)}
_MIDDLE = {**dict.fromkeys("cksvxyzJ", 7.0), **dict.fromkeys("ABEKPSVXY&", 9.3), **dict.fromkeys("CDHNRUw<>", 10.1)}
_CHARACTERS = {**_NARROW, **_MIDDLE, **dict.fromkeys("GOQ", 10.9), **dict.fromkeys("mMW", 11.7)}
"""Pixels that the characters of a label take in the editor's font (Helvetica or Arial, 14 px); others take 7.8."""

_NO_INPUT = ("inject", "catch", "comment")


def _width(name: str, kind: str, properties: Properties) -> int:
    """As the editor makes it: links are small, all else is as wide as its label asks for, in steps of 20."""
    if kind in ("link in", "link out") and not properties.get("l"):
        return 30
    label = name + (" ¹" if properties.get("once") else " ⇲" if properties.get("console") is True else "")
    text = sum(_CHARACTERS.get(each, 7.8) for each in label)
    return max(100, 20 * math.ceil((text + (50 if kind in _NO_INPUT else 57)) / 20))


def _text(text: str) -> str:
    return dedent(text).strip()

"""The members of the runtime's lines, read with care."""

from __future__ import annotations

from typing import Any

from ocppflow.nodes.engine.hosted_nodes import TYPES, Wanted
from ocppflow.nodes.engine.runtime_lines import RuntimeLine
from ocppflow.nodes.engine.work_queue import EVERYBODY


class BadLine(Exception):
    """A line that the engine cannot process; ``code`` is one of those in docs/engine-protocol.md."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def wanted_node(line: RuntimeLine) -> Wanted:
    """The node that a line describes. Raises BadLine."""
    name = node_name(line)
    if line.type not in TYPES:
        raise BadLine("bad_field", f"node {name!r}: type must be {', '.join(TYPES)}")
    return Wanted(name, line.type, mapping(line.config, "config"), mapping(line.credentials, "credentials"))


def wanted_of(value: Any) -> Wanted:
    if not isinstance(value, dict):
        raise BadLine("bad_field", "nodes must be an array of {node, type, config, credentials}")
    line = RuntimeLine("deploy", value.get("node"))
    line.type, line.config, line.credentials = value.get("type"), value.get("config"), value.get("credentials")
    return wanted_node(line)


def node_name(line: RuntimeLine) -> str:
    if not isinstance(line.node, str) or line.node in ("", EVERYBODY):
        raise BadLine("bad_field", "node must be the id of a node, a string")
    return line.node


def mapping(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadLine("bad_field", f"{name} must be an object")
    return value


def unknown_node(name: str) -> str:
    return f"there is no node {name[:60]!r}; create it first"

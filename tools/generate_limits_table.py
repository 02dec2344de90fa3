"""Write the tables of limits into docs/security.md, from the settings and constants themselves: their values, and what
stands beside them in the source. ``--check`` only compares."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ocppflow import CSMS
from ocppflow.errors import ConfigurationError
from ocppflow.rpc.limits import Limits
from ocppflow.transport.settings import LinkLimits, ServerLimits

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "security.md"
BEGIN = "<!-- what follows is written by tools/generate_limits_table.py -->"
END = "<!-- what precedes is written by tools/generate_limits_table.py -->"

CONSTANTS: dict[str, tuple[str, ...]] = {
    "A connection's turn": (
        "transport.turns: SLICE_FRAMES SLICE_BYTES SLICE_SECONDS TURN FADES",
        "transport.throttle: SAVED_UP AT_ONCE BREAK MOST_PER_FRAME",
    ),
    "The door": (
        "transport.tls_room: PER_TURN",
        "transport.securing: _MOST_EARLY",
        "transport.tls_stream: _BARREN",
        "transport.derivations: WRONG_PATIENCE",
        "transport.turn_queue: REMEMBERED FAILED_FOR",
        "transport.verifier: _WRONG_EACH _WRONG_IDENTITIES",
        "transport.password_hash: DEFAULT_LOG_N",
        "transport.fair_rate: REMEMBERED",
        "csms.contested: SUSPECT_FROM WINDOW RETRY_AFTER",
        "csms.csms: _KNOWN_KEPT _STRANGERS_KEPT",
        "csms.known_stations: LONG_IDENTITY",
    ),
    "A message": (
        "messages.walk: LIMIT MOST ENOUGH BUDGET EXAMINED",
        "messages.repair: MOST",
        "messages.violation: SHOWN",
        "secrecy.json_tree: MOST_TOKENS MOST_LEVELS",
        "rpc.history: ANSWERS_KEPT UNFINISHED_KEPT",
        "rpc.own_calls: LATE_KEPT",
        "endpoint.answering: _ALWAYS_WAIT",
    ),
    "Logs, traces and views": (
        "log_budget: IN_FULL PERIOD PER_SECOND TRACEBACKS SUMMED_UP",
        "quotas: MOST_SUBJECTS BURST",
        "transport.refusals: PERIOD MOST_SUMS",
        "plain_text: SHOWN_IDENTITY SHOWN_TEXT SHOWN_REPORT",
        "cli.log_sink: FRAMES_PER_SECOND CHARACTERS_PER_SECOND MOST_WAITING",
        "cli.csms_log: FAULTS_PER_SECOND ALL_FAULTS_PER_SECOND MAX_FRAME",
        "cli.conversation: MAX_OPEN MAX_OPEN_BYTES MAX_ANSWERED MAX_ANSWERED_BYTES MAX_NAME MAX_FAULT",
        "trace_file: PRIVATE RETRY",
        "trace: MAX_LINE",
    ),
    "The Node-RED engine": (
        "nodes.engine.runtime_lines: MAX_LINE",
        "nodes.engine.waiting_lines: HIGH_WATER LOW_WATER NETWORKS",
        "nodes.engine.outbox: MOST_WAITING",
        "nodes.engine.engine: MOST_HELD_BACK PARKED_FOR",
        "nodes.node: MOST_COMMANDS GOODBYE",
        "nodes.engine.engine_process: ENDING",
    ),
    "A station": (
        "transport.backoff: SHORTEST_WAIT LONGEST_RETRY_AFTER",
        "transport.client_opening: _MAX_HEAD",
    ),
    "The end": (
        "endpoint.stop_signals: ECHO",
        "endpoint.watchdog: A_LITTLE AT_ONCE",
        "transport.loop: WIND_UP",
        "transport.deadline: _LAST",
    ),
}
"""The constants that matter to who is attacked, or to who is refused, by heading: module and names."""


GRACE = """For closing, all of it, as argument of ``CSMS`` and ``ChargingStation``; None waits for nothing that is
pending, and leaves closing handshakes to ``close_timeout``. Long enough for an answer from a database, and half of what
Docker allows (10 s; Kubernetes 30 s)."""


class Entry(NamedTuple):
    """A limit, and what the source says of it."""

    name: str
    value: Any
    reason: str


def reasons(nodes: list[ast.stmt], source: str) -> dict[str, str]:
    """What stands beside each name that is assigned in ``nodes``: the text below it (which names that stand together
    share), or the comment behind it."""
    lines, found, open_names = source.splitlines(), {}, list[str]()
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found |= dict.fromkeys(open_names, inspect.cleandoc(node.value.value))
            open_names = []
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            _, _, comment = lines[(node.end_lineno or node.lineno) - 1][node.end_col_offset or 0 :].partition("#")
            if isinstance(target, ast.Name) and comment:
                found[target.id] = comment.strip()
            elif isinstance(target, ast.Name):
                open_names.append(target.id)
        else:
            open_names = []
    return found


def of_class(kind: type) -> list[Entry]:
    """The fields that ``kind`` itself has."""
    source = Path(inspect.getfile(kind)).read_text(encoding="utf-8")
    (node,) = (each for each in ast.parse(source).body if isinstance(each, ast.ClassDef) and each.name == kind.__name__)
    said, default = reasons(node.body, source), kind()
    return [Entry(name, getattr(default, name), said[name]) for name in inspect.get_annotations(kind)]


def of_module(where: str) -> Iterator[Entry]:
    """The constants of ``module: NAME NAME``."""
    module_name, _, names = where.partition(": ")
    module = importlib.import_module(f"ocppflow.{module_name}")
    source = Path(inspect.getfile(module)).read_text(encoding="utf-8")
    said = reasons(ast.parse(source).body, source)
    for name in names.split():
        yield Entry(f"{module_name}.{name}", getattr(module, name), said[name])


_SIZE = re.compile(r"SIZE|BUFFER|BYTES|LINE|WATER|WAITING|HELD|FRAME$|HEAD|EARLY|BARREN")


def shown(name: str, value: Any) -> str:
    """A value, for people."""
    name = name.rpartition(".")[2].upper()
    if name == "PRIVATE":
        return f"{value:04o}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value).lower() if isinstance(value, bool) else str(value)
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
    if isinstance(value, int) and value >= 1024 and value % 1024 == 0 and _SIZE.search(name):
        unit, size = ("MiB", 2**20) if value % 2**20 == 0 else ("KiB", 2**10)
        text += f" ({value // size} {unit})"
    return text


def plain(text: str) -> str:
    """A docstring as a cell of a table."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", " ".join(text.split()))
    text = text.replace("``", "`").replace("|", "\\|")
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def at_zero(kind: Any, name: str) -> str:
    """What 0 does to a setting."""
    if isinstance(getattr(kind(), name), (bool, str)):
        return ""
    try:
        kind(**{name: 0})
    except ConfigurationError:
        return "refused"
    return "off"


def settings_table(kind: Any) -> Iterator[str]:
    yield "| limit | default | 0 | what it bounds, and why it is what it is |"
    yield "|---|---|---|---|"
    for entry in of_class(kind):
        value = shown(entry.name, entry.value) if not dataclasses.is_dataclass(kind) or entry.value != 0 else "off"
        yield f"| `{entry.name}` | {value} | {at_zero(kind, entry.name)} | {plain(entry.reason)} |"


def constants_table(wheres: tuple[str, ...]) -> Iterator[str]:
    yield "| constant | value | what it bounds, and why it is what it is |"
    yield "|---|---|---|"
    for where in wheres:
        for entry in of_module(where):
            yield f"| `{entry.name}` | {shown(entry.name, entry.value)} | {plain(entry.reason)} |"


def tables() -> str:
    grace = inspect.signature(CSMS).parameters["grace"].default
    parts = [
        "### Settings of a connection: `LinkLimits`",
        *settings_table(LinkLimits),
        "### Settings of a port: `ServerLimits`, which has the above as well",
        *settings_table(ServerLimits),
        "### Settings of what is said: `Limits`",
        *settings_table(Limits),
        "### Setting of a role",
        "| limit | default | 0 | what it bounds, and why it is what it is |",
        "|---|---|---|---|",
        f"| `grace` | {shown('grace', grace)} | at once | {plain(GRACE)} |",
    ]
    for heading, wheres in CONSTANTS.items():
        parts += [f"### {heading}", *constants_table(wheres)]
    return "\n".join(f"\n{part}\n" if part.startswith("###") else part for part in parts)


def with_tables(document: str) -> str:
    """``document`` with the tables of today."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{tables()}\n\n{END}{tail}"


def main() -> int:
    document = TARGET.read_text(encoding="utf-8")
    if BEGIN not in document or END not in document:
        print(f"{TARGET.name} has no room for the tables: it lacks {BEGIN}", file=sys.stderr)
        return 1
    if "--check" not in sys.argv:
        TARGET.write_text(with_tables(document), encoding="utf-8")
    elif with_tables(document) != document:
        print(f"not up to date: {TARGET.name}; run 'make generate'", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

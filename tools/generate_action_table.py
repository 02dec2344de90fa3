"""Write docs/actions.md, the table of who may send which action in which version; ``--check`` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

from ocppflow.messages import ActionInfo, Role, Version, actions

TARGET = Path(__file__).parents[1] / "docs" / "actions.md"
HEAD = """# Who may send which action

Each action with the side that may send it as a request, for each version. 1.6 includes its security extension.
The same in Python: `ocppflow.actions("2.0.1")["Reset"]` is a row with `senders`, `request`, `response` and `confirmed`,
and `row.sent_by(Role.CSMS)` answers the question.

"""


def cell(info: ActionInfo | None) -> str:
    if info is None:
        return ""
    sender = "both" if len(info.senders) > 1 else "CSMS" if info.sent_by(Role.CSMS) else "station"
    return sender if info.confirmed else f"{sender}, never answered (SEND)"


def text() -> str:
    tables = [actions(version) for version in Version]
    names = sorted({name for table in tables for name in table}, key=str.lower)
    rows = [f"| {name} | " + " | ".join(cell(table.get(name)) for table in tables) + " |" for name in names]
    head = "| Action | " + " | ".join(f"OCPP {version}" for version in Version) + " |"
    return HEAD + "\n".join([head, "|---" * (len(tables) + 1) + "|", *rows]) + "\n"


def main() -> int:
    if "--check" not in sys.argv:
        TARGET.write_text(text(), encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text():
        print(f"not up to date: {TARGET.name}; run 'make generate'", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

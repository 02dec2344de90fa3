"""What real chargers and CSMSs sent, from public reports: ``field_cases.json``, one case by its id."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case for case in json.loads(Path(__file__).with_name("field_cases.json").read_text(encoding="utf-8"))
}

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def frames(name: str) -> list[Any]:
    """The frames of a case: text, or an object that says what to do."""
    return list(CASES[name].get("frames", ()))


def handshakes(name: str, port: int = 9000) -> list[bytes]:
    """The opening handshakes of a case, the variants included, as bytes for a server on ``port``."""
    case = CASES[name]
    return [
        "\r\n".join([*(line.format(port=port, key=KEY) for line in lines), "", ""]).encode("latin-1")
        for lines in [case["handshake"], *case.get("variants", ())]
    ]


def setup_passwords(name: str) -> dict[str, str]:
    """The passwords that a case's ``setup`` names."""
    said = str(CASES[name].get("setup", "")).removeprefix("passwords: ")
    return dict(pair.split(" = ", 1) for pair in said.split("; ") if " = " in pair)

"""The engine runs where cryptography cannot be installed: what it begins with does not import it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
sys.modules["cryptography"] = None  # to import it is an ImportError
import ocppflow.cli.engine_command, ocppflow.nodes, ocppflow.nodes.engine
assert "ocppflow.station.complete_station" not in sys.modules, "the engine needs no complete station"
"""


def test_the_engine_begins_without_cryptography_and_without_the_complete_station() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr

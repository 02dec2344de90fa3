"""Runs a piece of the package's JavaScript by itself."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from runtime_process import NODE, PACKAGE


def run(module: str, body: str, given: Any) -> Any:
    """What ``body`` returns: the inside of a function of ``it``, that module of the package, and ``given``."""
    code = (
        f"const it = require({json.dumps(str(PACKAGE / module))});"
        f"const work = (it, given) => {{ {body} }};"
        "let text = ''; process.stdin.on('data', part => { text += part });"
        "process.stdin.on('end', () => process.stdout.write(JSON.stringify(work(it, JSON.parse(text)))))"
    )
    done = subprocess.run(
        [str(NODE), "-e", code], input=json.dumps(given), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

"""Write the example flows of the Node-RED package. ``--check`` says whether the files are what this would write."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.flows import demo, first_steps, link_calls, operating, own_nodes, security, simulated_station  # noqa: E402

EXAMPLES = ROOT / "node-red" / "examples"
FLOWS = {
    "01 - Hello": first_steps.hello,
    "02 - Transaction with meter values": first_steps.transaction,
    "03 - Sequence by link call": link_calls.sequence,
    "04 - Sequence with await node.linkcall (Node-RED 5)": link_calls.awaiting,
    "05 - Dispatch by action with dynamic link call": link_calls.dispatch,
    "06 - Three versions on one port": first_steps.three_versions,
    "07 - Log to file": first_steps.log_to_file,
    "08 - Control commands": operating.control_commands,
    "09 - Security profiles 2 and 3 with self-made certificates": security.security_profiles,
    "10 - Test station": simulated_station.simulated_station,
    "11 - ocpp request and ocpp router": own_nodes.request_and_router,
    "12 - Demo with three stations": demo.demo,
}
"""File name, which is the entry in the editor's menu, and what draws the flow."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not up to date")
    options = parser.parse_args()
    wanted = {EXAMPLES / f"{name}.json": draw().to_json() for name, draw in FLOWS.items()}
    there = {file: file.read_text(encoding="utf-8") for file in EXAMPLES.glob("*.json")}
    if options.check:
        stale = sorted(file.name for file in wanted.keys() | there.keys() if wanted.get(file) != there.get(file))
        for name in stale:
            print(f"node-red/examples/{name} is not up to date: make generate", file=sys.stderr)
        return 1 if stale else 0
    EXAMPLES.mkdir(parents=True, exist_ok=True)
    for file in there.keys() - wanted.keys():
        file.unlink()
    for file, text in wanted.items():
        file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

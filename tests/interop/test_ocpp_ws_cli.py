"""npm's ``ocpp-ws-cli test --suite all`` against a CSMS of ours."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from examples.csms_minimal import csms

from ocppflow import ServerLimits
from ocppflow.messages import Version
from tests.interop.node import NODE, environment

# The tool holds a message of 200,000 characters to be an attack, so this CSMS is set to close on it.
LIMITS = ServerLimits(max_message_size=128 * 1024)

#: In 2.x the tool wants a numeric message id given back as a number. OCPP-J 2.0.1 and 2.1 (Part 4, 4.2.3) have the
#: answer bear "-1" and RpcFrameworkError, which is what it gets.
AGAINST_THE_STANDARD = {Version.V201: {"Server enforces MessageId is a string"}}
AGAINST_THE_STANDARD[Version.V21] = AGAINST_THE_STANDARD[Version.V201]


async def _run(url: str, version: Version, npm: Path, folder: Path) -> list[dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        str(npm / "ocpp-ws-cli" / "dist" / "index.js"),
        *("test", "--suite", "all", "--endpoint", url, "--identity", f"CS-{version}"),
        *("--protocol", version.subprotocol, "--report", "json", "--report-dir", str(folder)),
        env={**environment(), "CI": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    reports = [path for path in os.listdir(folder) if path.endswith(".json")]
    assert len(reports) == 1, said.decode()[-2000:]
    results: list[dict[str, Any]] = json.loads((folder / reports[0]).read_text())["testResults"]
    return results


@pytest.fixture(scope="module")
def results(npm: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Version, list[dict[str, Any]]]:
    """What the tool found, per version; its suites wait most of the time, so all three run at once."""

    async def run_all() -> list[list[dict[str, Any]]]:
        async with csms.listen("ws://127.0.0.1:0/ocpp", limits=LIMITS) as listener:
            runs = [_run(listener.url, version, npm, tmp_path_factory.mktemp("report")) for version in Version]
            return await asyncio.gather(*runs)

    return dict(zip(Version, asyncio.run(run_all()), strict=True))


@pytest.mark.parametrize("version", list(Version))
def test_all_suites_pass(results: dict[Version, list[dict[str, Any]]], version: Version) -> None:
    failed = {result["name"]: result["issue"] for result in results[version] if not result["passed"]}
    assert len(results[version]) >= 21, "the tool has fewer checks than it had"
    assert set(failed) == AGAINST_THE_STANDARD.get(version, set()), failed
    for issue in failed.values():
        assert '[4,"-1","RpcFrameworkError"' in issue

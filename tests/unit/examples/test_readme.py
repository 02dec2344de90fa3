"""The Python of the README runs as it stands."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[3] / "README.md"


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def load(source: str, port: int, **names: Any) -> dict[str, Any]:
    """A block's names, with its port replaced and its last line, which would run it, left out."""
    source = source.replace(":9000/", f":{port}/").replace("asyncio.run(main())", "")
    source = source.replace("await asyncio.sleep(5)", "await until_reset.wait()")
    space = dict(names)
    exec(compile(source, "README.md", "exec"), space)
    return space


async def test_the_two_roles_of_the_readme_talk_to_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    until_reset = asyncio.Event()
    csms, station = (load(block, port, until_reset=until_reset) for block in blocks())

    async def reset_then_stop() -> None:
        await csms["main"]()
        until_reset.set()

    server = asyncio.create_task(reset_then_stop())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while not any(each.is_active for each in csms["csms"]._listeners):  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0)
        await asyncio.gather(server, station["main"]())
    out = capsys.readouterr().out
    assert "ResetResponse(status='Scheduled')" in out
    assert "status='Accepted'" in out

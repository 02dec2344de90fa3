"""Installing from the palette just works: the package brings its engine, and sets it up by itself."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from runtime_flow import Tab
from runtime_peers import station
from runtime_process import HERE, NODE, NodeRed, npm

ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as the palette manager installs it: packed, then installed by npm, without network."""
    made = subprocess.run(
        ["make", "-s", "-o", ".venv/.setup-stamp", "node-red-package"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    folder = tmp_path_factory.mktemp("installed")
    (folder / "package.json").write_text('{"name": "user", "private": true}', encoding="utf-8")
    npm(
        folder,
        "install",
        "--offline",
        "--no-progress",
        str(max((ROOT / "dist").glob("*.tgz"), key=lambda file: file.stat().st_mtime)),
    )
    return folder / "node_modules" / "@ocppflow" / "node-red-contrib-ocpp"


def node_red(start: Callable[..., NodeRed], package: Path, **env: str) -> NodeRed:
    return start(packages={"@ocppflow/node-red-contrib-ocpp": package}, env={"OCPPFLOW_ENGINE": None, **env})


async def test_the_engine_sets_itself_up(start, package: Path):
    red = node_red(start, package)
    tab = Tab(red)
    port = tab.csms()
    await tab.deploy()
    try:
        await tab.status("csms", "setting up engine...")
        await tab.status("csms", "(0)", 240)
        await (await station(port)).close()
        assert "setting up the engine (ocppflow-" in red.log
        assert "the engine has been set up in" in red.log
        stamp = red.user_dir / "ocppflow-engine" / "venv" / "ocppflow.json"
        assert json.loads(stamp.read_text())["wheel"].endswith(".whl")
    finally:
        await tab.close()


async def test_without_python_the_nodes_say_what_to_install(start, package: Path, tmp_path: Path):
    old = tmp_path / "bin" / "python3"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 3.9.2\n")
    old.chmod(0o755)
    tab = Tab(node_red(start, package, PATH=str(old.parent)))
    tab.csms()
    await tab.deploy()
    try:
        status = await tab.status("csms", "no Python 3.11+")
        assert (status["fill"], status["shape"]) == ("red", "ring")
        line = await asyncio.to_thread(tab.red.wait_for_log, "no engine: ")
        assert "needs Python 3.11 or later; found only: python3 is 3.9.2" in line
        assert "apt install python3 python3-venv" in line
    finally:
        await tab.close()


def test_setup_is_repeated_for_another_wheel_and_a_broken_environment_only(package: Path, tmp_path: Path):
    """With a Python that only notes what it is asked to do."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    notes = tmp_path / "notes"
    python = bin_folder / "python3.14"
    python.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {notes}\n'
        'case "$*" in\n'
        "  *version_info*) echo 3.14.0;;\n"
        '  "-m venv"*) /bin/mkdir -p "$3/bin"; /bin/cp "$0" "$3/bin/python";;\n'
        "esac\n"
    )
    python.chmod(0o755)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = wheels / "ocppflow-0.1.0-py3-none-any.whl"
    wheel.write_text("one")
    code = f"""
        const {{ prepare }} = require('{package}/nodes/lib/engine-setup')
        prepare({{ userDir: '{tmp_path}/user', wheels: '{wheels}', log () {{}} }})
          .then(argv => console.log(argv.slice(1).join(' ')), console.error).then(() => process.exit())
    """

    def prepare() -> list[str]:
        """What pip was asked to install."""
        notes.write_text("")
        env = {**os.environ, "PATH": str(bin_folder)}
        done = subprocess.run([str(NODE), "-e", code], env=env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, "-I -m ocppflow engine"), done.stderr
        return [line.split()[-1] for line in notes.read_text().splitlines() if "install" in line]

    assert prepare() == [str(wheel), "uvloop"]
    assert prepare() == []
    wheel.write_text("two")
    assert prepare() == [str(wheel), "uvloop"]
    (tmp_path / "user" / "ocppflow-engine" / "venv" / "bin" / "python").unlink()
    assert prepare() == [str(wheel), "uvloop"]

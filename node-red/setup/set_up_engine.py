"""Sets up the engine: a virtual environment with the wheel that the package carries and with what that wheel needs.

Run by any Python 3.11 or later, with nothing but its standard library. What it has to tell goes to stdout as lines of
JSON: ``{"log": text}`` for the log, ``{"status": words, "problem": text}`` when it gives up. It ends with exit code 0
when the engine is in place, with 1 when it cannot be. The end of stdin, SIGINT and SIGTERM end it earlier; then, too,
nothing half-made is left behind.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).parent))

from directory_lock import DirectoryLock
from pip_failures import Problem, platform_tag, why_pip_failed

PINNED = Path(__file__).parent / "pinned"
"""The only files that may be installed: exact versions, with the hashes of their files. Each text is for pip."""
NEEDED = PINNED / "needed.txt"
"""What the engine does not start without. The package carries it for the usual platforms."""
BUILD = PINNED / "build.txt"
"""What msgspec is compiled with where there is no wheel of it."""
OPTIONAL = {"cryptography": "the Command Message make_certificates", "uvloop": "a faster event loop"}
"""What the engine can do without, and what it is for. It comes from the package index, if that can be reached.
``PINNED`` has a text of the same name."""
PINNED_ONLY = ("--require-hashes", "--no-deps")
STAMP = "made-of"
"""The file, written last, that says which wheel an environment was made of; nodes/lib/engine-setup.js reads it, too."""

MINUTE = 60.0
VENV_SECONDS = 5 * MINUTE
PIP_SECONDS = 15 * MINUTE
"""Time enough for a Raspberry Pi that compiles msgspec."""
CHECK_SECONDS = MINUTE
LOCK_POLL_SECONDS = 0.2


class Interrupted(BaseException):
    """The set-up is not wanted any more."""


def tell(**what: str) -> None:
    """A line for whoever started the set-up, if anybody still reads it."""
    with contextlib.suppress(OSError):
        print(json.dumps(what), flush=True)


class Commands:
    """Runs commands, one at a time. The end of stdin ends the one that is running."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None
        self._stopped = False

    def stop_with_stdin(self) -> None:
        """From now on, the end of stdin is the end of everything."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        # Nothing is ever sent, so a read returns at the end. (sys.stdin has a lock that would hold up Python's exit.)
        while os.read(0, 4096):
            pass
        self.stop()

    def stop(self, *_: int | FrameType | None) -> None:
        """End the running command; whatever is begun after it raises Interrupted."""
        self._stopped = True
        child = self._child
        if child is not None:
            _kill(child)

    def check(self) -> None:
        """Raises Interrupted if all is to end."""
        if self._stopped:
            raise Interrupted

    def run(self, argv: list[str], seconds: float, **env: str) -> tuple[bool, str]:
        """Whether the command went well, and all that it wrote. Raises Interrupted."""
        self.check()
        try:
            child = subprocess.Popen(
                argv,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            return False, f"{argv[0]}: {error.strerror}"
        self._child = child
        try:
            self.check()
            said, _ = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.check()
            return False, f"it did not end within {seconds / MINUTE:.0f} minutes"
        finally:
            self._child = None
            _kill(child)
            child.communicate()
        self.check()
        return child.returncode == 0, said


def _kill(child: subprocess.Popen[str]) -> None:
    """End a command and what it has started: venv runs pip, and pip runs compilers."""
    if child.returncode is not None:
        return  # its number may be another process's by now
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)


class SetUp:
    """The environment ``home/venv``, made of ``wheel`` and of what lies beside it or in ``home/wheels``."""

    def __init__(self, home: Path, wheel: Path, stamp: str, commands: Commands) -> None:
        self.venv = home / "venv"
        self.python = self.venv.joinpath(*(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
        self.wheel = wheel
        self.folders = [wheel.parent, home / "wheels"]
        self.commands = commands
        self.stamp = stamp

    def is_done(self) -> bool:
        """Whether the environment is there and works."""
        try:
            is_of_this_wheel = (self.venv / STAMP).read_text(encoding="utf-8") == self.stamp
        except (OSError, ValueError):
            return False
        return is_of_this_wheel and self._starts()[0]

    def make(self) -> None:
        """Make the environment anew. Raises Problem."""
        shutil.rmtree(self.venv, ignore_errors=True)
        try:
            self._make_venv()
            self._install()
            for name, purpose in OPTIONAL.items():
                if not self._add(name, purpose):
                    break
            works, said = self._starts()
            if not works:
                raise Problem("engine setup failed", f"the engine was installed but does not start: {_last(said)}")
            (self.venv / STAMP).write_text(self.stamp, encoding="utf-8")
        except BaseException:
            shutil.rmtree(self.venv, ignore_errors=True)
            raise

    def _make_venv(self) -> None:
        done, said = self.commands.run([sys.executable, "-I", "-m", "venv", str(self.venv)], VENV_SECONDS)
        if not done:
            hint = "; on Debian and Ubuntu: apt install python3-venv" if "ensurepip" in said else ""
            raise Problem("engine setup failed", f"{sys.executable} -m venv failed: {_last(said)}{hint}")

    def _install(self) -> None:
        if hashlib.sha256(self.wheel.read_bytes()).hexdigest() != self.stamp.split()[-1]:
            raise Problem("engine setup failed", f"{self.wheel} has been changed since it was looked at")
        done, said = self._pip("-q", "--no-index", "--no-deps", str(self.wheel))
        if not done:
            raise Problem("engine setup failed", f"{self.wheel.name} could not be installed: {_last(said)}")
        if not self._install_carried():
            self._install_from_index()

    def _install_carried(self) -> bool:
        """Without network: from the package itself, or from what the user has brought."""
        carried, brought = self.folders
        if self._pip("-q", "--no-index", *PINNED_ONLY, "--find-links", str(carried), "-r", str(NEEDED))[0]:
            return True
        if not brought.is_dir():
            return False
        # Whoever may write there may write the environment itself, so these need no hash: a user may have made them.
        links = [part for folder in self.folders for part in ("--find-links", str(folder))]
        return self._pip("-q", "--no-index", "--no-deps", *links, *_asked(self.wheel, pins(NEEDED)))[0]

    def _install_from_index(self) -> None:
        requirements = pins(NEEDED)
        needed = " and ".join(requirements)
        version = "{}.{}".format(*sys.version_info)
        tell(
            log=f"the package carries no wheels for Python {version}, {platform_tag()}: {needed} must come from the "
            f"package index (or, without network, from {self.folders[1]})"
        )
        # It takes -vv for pip to tell which HTTP error it got in place of a list of wheels.
        once = ("-vv", "--retries", "1", *PINNED_ONLY)
        done, said = self._pip(*once, "--only-binary", ":all:", "-r", str(NEEDED))
        if not done and why_pip_failed(said, requirements, self.folders[1]).status == "no wheel":
            # pip would fetch what it compiles with as it likes, unless that is there.
            done, said = self._pip(*once, "--only-binary", ":all:", "-r", str(BUILD))
            if done:
                done, said = self._pip(*once, "--no-build-isolation", "-r", str(NEEDED))
        if not done:
            raise why_pip_failed(said, requirements, self.folders[1])

    def _add(self, name: str, purpose: str) -> bool:
        """Install an optional package; False if it is no use to try another."""
        if name == "uvloop" and os.name == "nt":
            return True  # there is none for Windows
        # One quick attempt: everything else is ready, and a firewall may swallow packets without an answer.
        options = ("-vv", "--only-binary", ":all:", "--retries", "0", "--timeout", "10")
        brought = self.folders[1]
        links = ("--find-links", str(brought)) if brought.is_dir() else ()
        done, said = self._pip(*options, *PINNED_ONLY, *links, "-r", str(PINNED / f"{name}.txt"))
        if not done:
            problem = why_pip_failed(said, [name], self.folders[1])
            tell(log=f"the engine does without {name} ({purpose}): {problem.reason}")
            return problem.status != "no network"
        return True

    def _pip(self, *arguments: str) -> tuple[bool, str]:
        command = [str(self.python), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
        # PIP_USER, for one, makes pip refuse to work in any virtual environment.
        return self.commands.run([*command, *arguments], PIP_SECONDS, PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0")

    def _starts(self) -> tuple[bool, str]:
        return self.commands.run([str(self.python), "-I", "-m", "ocppflow.nodes", "--version"], CHECK_SECONDS)


def pins(file: Path) -> list[str]:
    """The requirements of a text for pip, without their hashes."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line[:1].isalnum()]


def _asked(wheel: Path, pinned: list[str]) -> list[str]:
    """The same packages in any version that the wheel's own metadata allows."""
    names = [each.partition("==")[0] for each in pinned]
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    asked = [line.partition(":")[2].partition(";")[0].strip() for line in lines if line.startswith("Requires-Dist:")]
    return [next((each for each in asked if each.startswith(name)), name) for name in names]


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


@contextlib.contextmanager
def _locked(home: Path, commands: Commands) -> Iterator[None]:
    """Nobody else is at work in ``home`` meanwhile. Raises OSError, Interrupted."""
    lock = DirectoryLock(home)
    waiting = False
    while not lock.acquire(f"process {os.getpid()}"):
        if not waiting:
            tell(log=f"another Node-RED is setting up the engine in {home} ({lock.holder()}); waiting until it is done")
            waiting = True
        time.sleep(LOCK_POLL_SECONDS)
        commands.check()
    try:
        yield
    finally:
        lock.release()


def set_up(home: Path, wheel: Path, stamp: str, commands: Commands) -> None:
    """Set the engine up, unless it is there. Raises Problem, Interrupted."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _locked(home, commands):
            job = SetUp(home, wheel, stamp, commands)
            if job.is_done():
                return
            started = time.monotonic()
            version = ".".join(map(str, sys.version_info[:3]))
            tell(log=f"setting up the engine ({wheel.name}, Python {version}) in {job.venv}; this is done once")
            job.make()
            tell(log=f"the engine has been set up in {time.monotonic() - started:.0f} s")
    except OSError as error:
        raise _unusable(home, error) from None


def _unusable(home: Path, error: OSError) -> Problem:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Problem(
            "directory is read-only",
            f"the engine cannot be set up in {home}: this Node-RED may not write there ({error.strerror}); make the "
            "directory writable for it, or name an engine of your own in OCPPFLOW_ENGINE",
        )
    return Problem("engine setup failed", f"the engine cannot be set up in {home}: {error.strerror or error}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path, help="the directory for the environment")
    parser.add_argument("wheel", type=Path, help="ocppflow's own wheel, beside it those of what it needs")
    parser.add_argument("stamp", help="what tells this wheel from all others")
    options = parser.parse_args()
    commands = Commands()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), commands.stop)
    commands.stop_with_stdin()
    try:
        set_up(options.home, options.wheel, options.stamp, commands)
    except Problem as problem:
        tell(status=problem.status, problem=str(problem))
        return 1
    except Interrupted:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

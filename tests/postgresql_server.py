"""A PostgreSQL that the tests start themselves: one for a process, the first time that a test wants it."""

from __future__ import annotations

import atexit
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

_LIMIT = 60.0  # seconds for the server to start


def programs() -> Path | None:
    """Where PostgreSQL's programs are, the newest version's; None if it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name))
    if found:
        return found[-1]
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class PostgreSQLServer:
    """A server over a directory of its own, reached by a socket in it and by nobody else. It ends with the process."""

    def __init__(self, bin_folder: Path) -> None:
        self._bin = bin_folder
        self.folder = Path(tempfile.mkdtemp(prefix="ocppflow-pg-", dir="/tmp"))  # a socket's path has to be short
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # it refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._template: str | None = None
        atexit.register(self.remove)
        self._run("initdb", "-D", self._data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
        self.start()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._bin / program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **self._as)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start it, from the main thread: it ends with the thread that starts it. It is fast rather than safe: what the
        tests kill is the server, not the machine."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
            "max_wal_size": "4GB",
            "autovacuum": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [self._bin / "postgres", "-D", self._data, *options]
        with (self.folder / "log").open("ab") as log:
            how: dict[str, Any] = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL, "cwd": "/", **self._as}
            self._process = subprocess.Popen(command, preexec_fn=_end_with_us, **how)  # noqa: PLW1509 - one system call
        ends = time.monotonic() + _LIMIT
        while True:
            try:
                psycopg.connect(self._conninfo("postgres")).close()
                return
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > ends:
                    told = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
                    raise RuntimeError(f"PostgreSQL does not start: {error}\n{told[-2000:]}") from error
                time.sleep(0.02)  # until a process that is not ours has started

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it. SIGQUIT leaves at once, as if it had been killed; SIGINT hangs up on everybody and leaves in good
        order."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_LIMIT)
            self._process = None

    def remove(self) -> None:
        """End it, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _conninfo(self, database: str) -> str:
        return f"host={self.folder} user=tests dbname={database}"

    def url(self, database: str, folder: Path | None = None) -> str:
        """As ``Store.open`` takes it; by the socket in another ``folder``, if one is named."""
        return f"postgresql://tests@/{database}?host={folder or self.folder}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self._conninfo(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def new_database(self, template: str | None = None) -> str:
        """The name of a database that nobody uses."""
        self._databases += 1
        name = f"tests_{self._databases}"
        self.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return name

    def drop(self, database: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def database_with_schema(self, make_tables: Callable[[str], None]) -> str:
        """As :meth:`new_database`, with all tables: a copy of one that ``make_tables`` makes once, by its URL."""
        if self._template is None:
            template = self.new_database()
            make_tables(self.url(template))
            self._template = template
        return self.new_database(self._template)


def _end_with_us() -> None:
    """Also where the tests are killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


_server: PostgreSQLServer | None = None


def the_server() -> PostgreSQLServer:
    """The server of this process; skips the test where there is no PostgreSQL."""
    global _server
    if _server is None:
        where = programs()
        if where is None:
            pytest.skip("PostgreSQL is not installed: make postgresql")
        _server = PostgreSQLServer(where)
    if not _server.is_running:
        _server.start()
    return _server

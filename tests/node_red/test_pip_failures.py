"""What a real pip says of an index that does not help, as one sentence and a status."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from runtime_process import free_port

sys.path.insert(0, str(Path(__file__).parents[2] / "node-red" / "setup"))

from pip_failures import Problem, platform_tag, why_pip_failed


@pytest.fixture
def answering() -> Iterator[Callable[[int], str]]:
    """The URL of an index that answers everything with this HTTP status."""
    servers = []

    def start(status: int) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/simple"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def failure(index: str, folder: Path, **env: str) -> Problem:
    """pip's failure to get msgspec from ``index``."""
    pip = [sys.executable, "-I", "-m", "pip", "--no-input", "download", "-vv", "--retries", "0", "--timeout", "2"]
    done = subprocess.run(
        [*pip, "--no-cache-dir", "--no-deps", "--dest", str(folder), "msgspec"],
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_INDEX_URL": index, **env},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode
    return why_pip_failed(done.stdout + done.stderr, ["msgspec>=0.20"], folder)


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (401, "index refused", "refuses access"),
        (403, "index refused", "refuses access"),
        (404, "no wheel", "has no wheel for this platform"),
        (503, "index error", "answers with an error of its own"),
    ],
)
def test_an_index_that_answers_with_an_error(answering, tmp_path: Path, code: int, status: str, reason: str):
    problem = failure(answering(code), tmp_path)
    assert problem.status == status
    assert reason in problem.reason
    assert str(problem).startswith("msgspec>=0.20 could not be installed: ")


def test_nobody_listens(tmp_path: Path):
    problem = failure(f"http://127.0.0.1:{free_port()}/simple", tmp_path)
    assert (problem.status, problem.reason) == ("no network", "no network: the package index cannot be reached")
    assert f'--platform {platform_tag()} -d wheels "msgspec>=0.20" - then copy the files to {tmp_path}' in str(problem)


def test_a_name_that_does_not_resolve(tmp_path: Path):
    assert failure("https://nowhere.invalid/simple", tmp_path).status == "no network"


def test_an_index_without_https(tmp_path: Path):
    assert "not served over https" in failure("http://nowhere.invalid/simple", tmp_path).reason


def test_an_index_that_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert "PIP_NO_INDEX" in failure("https://nowhere.invalid/simple", tmp_path).reason


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("error: command '/usr/bin/gcc' failed with exit code 1\nERROR: Failed building wheel for msgspec", "no wheel"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk full"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...", "certificate refused"),
        ("something that nobody has thought of", "engine setup failed"),
        ("", "engine setup failed"),
    ],
)
def test_what_has_nothing_to_do_with_an_answer(tmp_path: Path, said: str, status: str):
    assert why_pip_failed(said, ["msgspec"], tmp_path).status == status


def test_what_is_unknown_is_told_in_pips_own_words(tmp_path: Path):
    assert (
        str(why_pip_failed("first\nlast words\n", ["a", "b"], tmp_path)) == "a and b could not be installed: last words"
    )

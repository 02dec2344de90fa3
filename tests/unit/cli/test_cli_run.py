"""``ocppflow run``: against a CSMS on a port, with its exit codes, its files, and its lines."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocppflow.cli.app import run

SCENARIO = """
title = "It boots"
variables = { seconds = 5 }

[[steps]]
expect = "boot"
must = { status = "Accepted" }

[[steps]]
call = "Heartbeat"
must = { currentTime = { present = true } }

[[steps]]
expect = "{expected}"
within = 0.5
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A CSMS that another process runs."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "ocppflow", "csms", "--app", "examples/csms_minimal.py:csms"]
    process = subprocess.Popen(
        [*command, "--listen", "ws://127.0.0.1:0/ocpp", "--no-auth"], cwd=root, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "listening on " in line:
            break
    yield line.split("listening on ")[1].split()[0]
    process.terminate()
    process.communicate(timeout=20)


def scenario(tmp_path: Path, expected: str = "Heartbeat") -> str:
    file = tmp_path / "boots.toml"
    file.write_text(SCENARIO.replace("{expected}", expected))
    return str(file)


def test_a_csms_that_does_its_part(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(tmp_path / name) for name in ("r.xml", "r.json", "r.html")]
    options = ["--junit", files[0], "--json", files[1], "--html", files[2], "--versions", "1.6,2.1"]
    assert run(["run", scenario(tmp_path), url, *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:25] for line in lines] == ["pass  boots (OCPP 1.6, 0.", "pass  boots (OCPP 2.1, 0."]
    assert [each["version"] for each in json.loads(Path(files[1]).read_bytes())["results"]] == ["1.6", "2.1"]
    assert 'failures="0"' in Path(files[0]).read_text()
    assert Path(files[2]).read_text().count("<svg") == 2


def test_one_that_does_not_is_told_with_the_step_and_what_was_said(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "r.html"
    assert run(["run", scenario(tmp_path, "started"), url, "--html", str(page)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("fail  boots (OCPP 2.1, ")
    assert any("──▶" in line and "Heartbeat" in line for line in lines)
    assert lines[-1].strip() == "step 3 (expect started): no started came within 0.5 s"
    assert "<details open>" in page.read_text()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ([], "name a scenario and the CSMS, as in: ocppflow run offline-session ws://127.0.0.1:9000/ocpp"),
        (["ofline-session", "ws://127.0.0.1:1/ocpp"], "there is no scenario 'ofline-session'; did you mean offline"),
        (["offline-session", "http://x"], "http://x"),
        (["offline-session", "ws://127.0.0.1:1/ocpp", "--set", "tokn=1"], "has no such variable; did you mean token?"),
        (["offline-session", "ws://127.0.0.1:1/ocpp", "--make", "x"], "there is no make 'x'"),
    ],
)
def test_what_was_mistyped_is_one_line(typed: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", *typed]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_a_csms_that_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", scenario(tmp_path), "ws://127.0.0.1:1/ocpp"]) == 2
    shown = capsys.readouterr().out
    assert shown.startswith("error boots (not connected")
    assert "the station cannot connect" in shown


def test_the_shipped_ones_are_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "--list"]) == 0
    assert capsys.readouterr().out.count("\n") == 10
    assert run(["run", "--print", "offline-session"]) == 0
    assert capsys.readouterr().out.startswith("# Proves of a CSMS: ")
    assert run(["run", "--print", "mine"]) == 2


def test_a_command_does_what_has_to_be_done(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, told = tmp_path / "asks.toml", tmp_path / "told"
    file.write_text('title = "x"\nvariables = { n = 5 }\n[[steps]]\nask = "Do $n."\nname = "go"\n')
    script = tmp_path / "do.py"
    script.write_text(
        f"import os; open({str(told)!r}, 'w').write(' '.join(os.environ[k] for k in "
        "('OCPPFLOW_ASK', 'OCPPFLOW_ASK_TEXT', 'OCPPFLOW_N', 'OCPPFLOW_IDENTITY')))"
    )
    assert run(["run", str(file), url, "--ask", f"{sys.executable} {script}"]) == 0
    assert told.read_text() == "go Do 5. 5 CS1"
    assert run(["run", str(file), url, "--ask", f"{sys.executable} -c exit(3)"]) == 2
    assert "nobody did this at the CSMS: Do 5." in capsys.readouterr().out

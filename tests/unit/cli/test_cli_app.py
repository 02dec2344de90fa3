"""The command ``ocppflow`` itself: its list, its version, its exit codes, and what it imports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest

from ocppflow.cli import app as app_module
from ocppflow.cli.app import COMMANDS, CommandEntry


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=30, check=False)


def test_help_lists_all_commands_and_imports_none(cli: Any) -> None:
    for words in ([], ["--help"], ["-h"]):
        result = cli(*words)
        assert (result.code, result.err) == (0, "")
        for name, command in COMMANDS.items():
            assert name in result.out
            assert command.summary[:20] in result.out
    code = "import sys; from ocppflow.cli.app import run; run(['--help']); print(*sorted(sys.modules), file=sys.stderr)"
    modules = set(python("-c", code).stderr.split())
    heavy = {"ocppflow.rpc", "ocppflow.csms", "ocppflow.station", "websockets", "ocppflow.messages.v16", "asyncio"}
    assert not modules & (heavy | {command.module for command in COMMANDS.values()})


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_fits_80_columns_and_shows_no_python(
    cli: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = cli(name, "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"Usage: ocppflow {name} [OPTIONS]")
    assert max(map(len, result.out.splitlines())) <= 80
    assert not re.search(r"<[a-z]+>|\bstr\b|\bbool\b|\{(?!identity)", result.out)


def test_what_help_texts_have_in_brackets_is_not_taken_for_markup(cli: Any) -> None:
    assert "a table [stations]" in " ".join(cli("hash-password", "--help").out.split())
    assert "[ws://127.0.0.1:9000/ocpp]" in cli("csms", "--help").out
    assert "[the file's name]" in cli("trace", "--help").out
    assert "ocppflow call [OPTIONS] URL ACTION [JSON|@FILE|-] ..." in cli("call", "--help").out


def test_version_says_what_is_installed(cli: Any) -> None:
    lines = dict(line.split(maxsplit=1) for line in cli("version").out.splitlines())
    assert list(lines) == ["ocppflow", "Python", "msgspec", "websockets", "uvloop", "OCPP"]
    assert lines["OCPP"] == "1.6-J, 2.0.1, 2.1"
    assert lines["Python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")


def test_the_version_alone_is_one_line(cli: Any) -> None:
    result = cli("--version")
    assert (result.code, result.err) == (0, "")
    assert result.out == cli("version").out.splitlines()[0].replace("   ", " ", 1).replace("  ", " ") + "\n"


def test_python_m_ocppflow_is_the_same_command() -> None:
    result = python("-m", "ocppflow", "version")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("ocppflow ")
    assert python("-m", "ocppflow", "nonsense").returncode == 2


def test_an_unknown_command_is_one_line(cli: Any) -> None:
    cli("frobnicate").failed_with("frobnicate", "see: ocppflow --help")
    cli("--frobnicate").failed_with("--frobnicate", "see: ocppflow --help")


def test_a_command_whose_module_is_missing_breaks_no_other(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app_module.COMMANDS, "tea", CommandEntry("ocppflow.cli.tea", "tea", "Make tea."))
    assert "Make tea." in cli("--help").out
    assert cli("version").code == 0
    cli("tea").failed_with("this installation lacks the command 'tea'")


def test_a_package_that_a_command_needs_is_named(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textwrap", None)
    monkeypatch.setitem(
        app_module.COMMANDS, "tea", CommandEntry("ocppflow.cli.trace_table", "print_tables", "Make tea.")
    )
    monkeypatch.delitem(sys.modules, "ocppflow.cli.trace_table", raising=False)
    cli("tea").failed_with("tea needs the Python package 'textwrap'")


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt, 130), (PermissionError(13, "Permission denied", "x"), 2)]
)
def test_what_ends_a_command_from_outside(
    cli: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("ocppflow.cli.version_command.version", fail)
    cli("version").failed_with("interrupted" if code == 130 else "x: Permission denied", code=code)


@pytest.mark.skipif(os.name == "nt", reason="a pipe that breaks otherwise")
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Any) -> None:
    trace = tmp_path / "t.jsonl"
    line = b'{"time":1.0,"identity":"CS1","event":"in","role":"CSMS","frame":[2,"1","Heartbeat",{}]}\n'
    trace.write_bytes(line * 20_000)
    command = [sys.executable, "-m", "ocppflow", "trace", str(trace), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


def test_the_guide_names_every_command_and_every_option() -> None:
    """docs/cli.md is what a user has; an option that is added must be written down there."""
    import inspect
    from pathlib import Path

    guide = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in ("call", "csms", "trace", "hash-password"):
        assert f"ocppflow {name}" in guide
        function = app_module._load(name)
        for option in inspect.signature(function, eval_str=True).parameters.values():
            (declared,) = option.annotation.__metadata__
            if type(declared).__name__ == "ArgumentInfo":
                continue
            flags = [each for each in (declared.default, *(declared.param_decls or ())) if isinstance(each, str)]
            wanted = [flag for flag in flags if flag.startswith("--")] or ["--" + option.name.replace("_", "-")]
            assert all(flag in guide for flag in wanted), (name, wanted)

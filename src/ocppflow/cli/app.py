"""The table of commands, and what turns an error into a line and an exit code."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version as installed
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand

from ocppflow.cli.closed_streams import lead_nowhere
from ocppflow.cli.failure import INTERRUPTED, REFUSED, Failure
from ocppflow.errors import OCPPError
from ocppflow.plain_text import one_line


class CommandEntry(NamedTuple):
    """Where a command is, and its line in the list of commands."""

    module: str
    function: str
    summary: str


COMMANDS = {
    "call": CommandEntry(
        "ocppflow.cli.call_command", "call", "Send messages to a CSMS as a station would: curl for OCPP."
    ),
    "check": CommandEntry(
        "ocppflow.cli.check_command", "check", "Play the official test cases against a charging station."
    ),
    "csms": CommandEntry("ocppflow.cli.csms_command", "csms", "Run a CSMS written in Python."),
    "station": CommandEntry(
        "ocppflow.cli.station_command", "station", "Run a complete charging station with simulated hardware."
    ),
    "run": CommandEntry("ocppflow.cli.run_command", "run", "Play a scenario with a station against a CSMS."),
    "replay": CommandEntry("ocppflow.cli.replay_command", "replay", "Play a recorded station against a CSMS."),
    "fleet": CommandEntry("ocppflow.cli.fleet_command", "fleet", "Run many charging stations, to load a CSMS."),
    "trace": CommandEntry("ocppflow.cli.trace_command", "trace", "Read a trace file: as a table, a picture, or JSON."),
    "hash-password": CommandEntry(
        "ocppflow.cli.hash_password_command", "hash_password", "Hash a station's password for --auth."
    ),
    "engine": CommandEntry("ocppflow.cli.engine_command", "engine", "Host CSMS and CS nodes for a flow runtime."),
    "demo": CommandEntry("ocppflow.cli.demo_command", "demo", "Watch a CSMS and three stations in conversation."),
    "version": CommandEntry(
        "ocppflow.cli.version_command", "version", "Show what is installed, and the versions of OCPP."
    ),
}


def run(arguments: Sequence[str]) -> int:
    """Run the command in ``arguments`` and return its exit code."""
    named = next((argument for argument in arguments if not argument.startswith("-")), "")
    try:
        code = _build(named)(list(arguments) or ["--help"], prog_name="ocppflow", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        return _say(_usage(error, named), REFUSED)
    except Failure as failure:
        return _say(str(failure), failure.code)
    except (_SeenEnough, BrokenPipeError):
        lead_nowhere(sys.stdout.fileno())
        return 0
    except (OCPPError, OSError) as error:
        return _say(_describe(error), REFUSED)
    except typer.Abort:
        return _say("interrupted", INTERRUPTED)
    return code if isinstance(code, int) else 0


def _build(named: str) -> typer.Typer:
    """The Typer app. Only the command that was named is imported; the others are listed by their summary."""
    app = typer.Typer(
        help="OCPP 1.6-J, 2.0.1 and 2.1 in either role.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # else text in brackets would be taken for markup, and vanish from help texts
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_whole)
    for name, command in COMMANDS.items():
        function = _load(name) if name == named else _no_command
        app.command(name, cls=PlainCommand, help=None if name == named else command.summary)(function)
    return app


def _whole(
    version: Annotated[bool, typer.Option("--version", help="Show the version of ocppflow and exit.")] = False,
) -> None:
    """The options that ``ocppflow`` has without a command."""
    if version:
        print(f"ocppflow {installed('ocppflow')}")
        raise typer.Exit


class PlainCommand(TyperCommand):
    """A command whose help shows arguments as they are typed, without their Python types."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """``[OPTIONS]`` and the arguments."""
        return ["[OPTIONS]", *(_shown(param) for param in self.params if param.param_type_name == "argument")]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The arguments and the options, a line or two each."""
        rows: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            if param.param_type_name == "argument":
                rows["Arguments"].append((_shown(param), record[1]))
            else:
                rows["Options"].append(record)
        for title, records in rows.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def _shown(param: Any) -> str:
    return str(param.metavar or param.name)


class _SeenEnough(Exception):
    """Our output has no reader any more (`... | head`)."""


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, ending in our way where Typer would end the program in its own."""

    @functools.wraps(function)
    def command(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except KeyboardInterrupt:
            raise Failure("interrupted", INTERRUPTED) from None
        except BrokenPipeError:
            raise _SeenEnough from None

    return command


def _load(name: str) -> Callable[..., Any]:
    command = COMMANDS[name]
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(command.module), command.function)
    except ModuleNotFoundError as error:
        if error.name != command.module:
            raise Failure(f"{name} needs the Python package {error.name!r}, which is not installed") from None
        raise Failure(f"this installation lacks the command {name!r}") from None
    return _guarded(function)


def _no_command() -> None:
    """Stands in for a command that is only listed."""


def _usage(error: typer.TyperException, named: str) -> str:
    text = error.format_message().rstrip(".")
    return f"{text} (see: ocppflow {named + ' ' if named in COMMANDS else ''}--help)"


def _describe(error: OCPPError | OSError) -> str:
    if isinstance(error, OSError) and not isinstance(error, OCPPError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    return str(error)


def _say(text: str, code: int) -> int:
    try:
        sys.stderr.write(f"ocppflow: {one_line(text)}\n")
        sys.stderr.flush()
    except OSError:  # the exit code still says it
        lead_nowhere(sys.stderr.fileno())
    return code

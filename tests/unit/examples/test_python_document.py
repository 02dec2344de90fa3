"""docs/python.md: it names every public name, and what it says of defaults, errors and loggers is so."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ocppflow
from ocppflow import Limits, LinkLimits, ServerLimits, errors, v21
from ocppflow.station.config_comments import COMMENTS
from ocppflow.testing import MemoryNetwork, run_in_virtual_time

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
CODE = "\n".join([*BLOCKS, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL))])
"""All that stands in blocks or between backquotes."""
BESIDE = "\n".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("station.md", "hardware.md"))
"""Where the verbs of a complete station, its make-up and its hardware are told of."""
INSIDE: dict[type, set[str]] = {
    ocppflow.CSMS: {"answered_late", "connection_closed", "decides_itself"},
    ocppflow.ChargingStation: {"answered_late", "connection_closed", "dial_with", "drop", "wrap_links"},
    ocppflow.CallAnswered: {"framed", "waiter"},
    ocppflow.CompleteStation: {
        *("after_answer", "announce_registered", "authorization", "availability", "backoff_is_given", "certificates"),
        *("diagnostics", "dialect_16", "diary", "display", "home_url", "local_list", "message_queue", "metering"),
        *("monitoring", "network", "provisioning", "remote_control", "report_desk", "reservations", "resetting"),
        *("said_at", "security", "smart_charging", "tariff", "told_all"),
    },
    ocppflow.Connection: {
        *("received", "received_binary", "closed", "pass_on", "retire", "history", "handlers_at_work"),
        *("hold_handlers", "release_handlers", "answered_late", "flush", "under_pressure", "close_by", "abort"),
    },
    ocppflow.Listener: {"stop_by"},
    ocppflow.KeyPair: {"files"},
    ocppflow.KnownStation: {
        *("answers", "connected_times", "finished", "identified", "is_blank", "leave_unfinished", "remember"),
        *("triggered", "unfinished"),
    },
    ocppflow.Leniency: {"assumed_version"},
    ocppflow.Router: {"found", "resolve"},
    ocppflow.Rule: {"KEYS", "waits_for"},
    ocppflow.Rules: {"waits_for"},
    ocppflow.StationConfig: {"has_evse"},
    ocppflow.SimulatedHardware: {
        *("ambient", "bay", "commit", "end_session", "evse", "fault", "faults", "frequency", "has_fault", "is_powered"),
        *("keep", "pause", "plug", "present", "serial", "signs", "supply", "tamper", "tell", "unplug"),
    },
    ocppflow.ServerTLS: {"asks_certificate", "context"},
    ocppflow.Violation: {"below"},
}
"""What the rooms of the package tell each other, which is not for its users."""
_ROW = re.compile(r"^\| `(\w+)` \| `?(.*?)`? \|", re.MULTILINE)


def section(heading: str) -> str:
    """From ``heading`` to the next one of the same level."""
    level = heading.split(" ")[0]
    return TEXT.split(f"\n{heading}\n")[1].split(f"\n{level} ")[0]


@pytest.mark.parametrize("name", ocppflow.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    assert re.search(rf"\b{name}\b", CODE), name


@pytest.mark.parametrize("name", [name for name in ocppflow.__all__ if inspect.isclass(getattr(ocppflow, name))])
def test_every_attribute_of_a_public_class_is_documented(name: str) -> None:
    kind = getattr(ocppflow, name)
    inherited = {*dir(str), *dir(list), *dir(Exception)}
    public = {each for each in dir(kind) if not each.startswith("_")} - inherited
    commented = {each for each in public if f"{name}.{each}" in COMMENTS}
    inside = {each for row, names in INSIDE.items() if issubclass(kind, row) for each in names}
    beside = BESIDE if kind.__module__.startswith("ocppflow.station") else ""
    assert {each for each in public - commented if not re.search(rf"\b{each}\b", CODE + beside)} <= inside


@pytest.mark.parametrize("name", [name for name, value in vars(errors).items() if inspect.isclass(value)])
def test_every_error_is_documented(name: str) -> None:
    if getattr(errors, name).__module__ == errors.__name__:
        assert re.search(rf"`{name}\b", section("## Errors")), name


@pytest.mark.parametrize("kind", [Limits, LinkLimits, ServerLimits], ids=lambda kind: kind.__name__)
def test_limits_and_their_defaults_are_as_documented(kind: type) -> None:
    table = next(each for each in section("## Limits").split("\n\n") if each.startswith(f"| `{kind.__name__}` |"))
    said = {name: default.strip('"') for name, default in _ROW.findall(table) if name != kind.__name__}
    inherited = set(inspect.signature(LinkLimits).parameters) if kind is ServerLimits else set()
    real = {
        name: str(parameter.default)
        for name, parameter in inspect.signature(kind).parameters.items()
        if name not in inherited
    }
    assert said == real


def test_every_logger_is_documented() -> None:
    sources = (ROOT / "src").rglob("*.py")
    texts = [file.read_text(encoding="utf-8") for file in sources]
    names = {
        name
        for text in texts
        for call in re.findall(r"budgeted\((.+?)\)", text)
        for name in re.findall(r'"(.+?)"', call)
    }
    assert not [text for text in texts if re.search(r"^\w*log = logging\.getLogger", text, re.MULTILINE)], "no budget"
    assert len(names) > 4
    assert not {name for name in names if f"`{name}`" not in section("## Logging")}


def test_the_table_of_actions_is_that_of_the_messages() -> None:
    tool = ROOT / "tools" / "generate_action_table.py"
    subprocess.run([sys.executable, str(tool), "--check"], check=True, timeout=60)


async def test_the_two_programs_of_the_quick_start_talk_to_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    served: dict[str, Any] = {"__name__": "csms_program"}
    exec(BLOCKS[0], served)
    async with served["csms"].listen("ws://127.0.0.1:0/ocpp") as listener:
        station: dict[str, Any] = {"__name__": "station_program"}
        exec(BLOCKS[1].replace("ws://127.0.0.1:9000/ocpp", listener.url), station)
        await station["main"]()
    assert capsys.readouterr().out == "Accepted 300\n"


def test_its_tests_pass_as_they_stand(pytester: pytest.Pytester) -> None:
    blocks = re.findall(r"```python\n(.*?)```", section("## Testing"), re.DOTALL)
    assert len(blocks) == 3
    given = "from datetime import UTC, datetime\nfrom ocppflow import *\n"
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makeconftest('pytest_plugins = ["ocppflow.testing"]\n')
    pytester.makepyfile(**{f"test_{number}": given + block for number, block in enumerate(blocks)})
    pytester.runpytest_subprocess("-q", "-W", "error", timeout=60).assert_outcomes(passed=3)


# --- a complete station --------------------------------------------------------------------------------------------

STATION = re.findall(r"```python\n(.*?)```", section("## A complete station"), re.DOTALL)


def test_the_program_of_a_complete_station_charges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    program: dict[str, Any] = {"__name__": "station_program"}
    served: dict[str, Any] = {"__name__": "csms_program"}
    exec((ROOT / "examples" / "csms_minimal.py").read_text(encoding="utf-8"), served)

    async def both() -> None:
        async with served["csms"].listen("ws://127.0.0.1:0/ocpp") as listener:
            exec(STATION[0].replace("ws://127.0.0.1:9000/ocpp", listener.url), program)
            await program["main"]()

    run_in_virtual_time(both())
    found = re.search(r"^(\d+) Wh in a minute$", capsys.readouterr().out, re.MULTILINE)
    assert found
    assert 170 < int(found[1]) <= 184  # 11 kW
    assert (tmp_path / "CS1.db").is_file()


async def test_a_handler_goes_before_a_built_in_one_and_features_are_left_out() -> None:
    async with MemoryNetwork() as network:
        csms = network.csms()
        made: dict[str, Any] = {}

        class InMemory(ocppflow.CompleteStation):
            def __init__(self, identity: str, url: str, **settings: Any) -> None:
                async def dial() -> Any:
                    return await network.dial(csms, identity, self.versions)

                super().__init__(identity, url, clock=network.clock, dial=dial, **settings)

        exec("from ocppflow import *", made)
        made["CompleteStation"] = InMemory
        exec("\n".join(STATION[1:]), made)
        config = made["config"]
        assert (config.model, config.evses[0].power) == ("Garage", 11_040)
        for name, version in (("box", "2.0.1"), ("plain", "2.1")):
            station = made[name]
            station.versions = (ocppflow.Version(version),)
            await station.connect()
            heard = csms[station.identity]
            if name == "box":
                assert (await heard.call(v21.ResetRequest(type="Immediate"))).status == "Rejected"
                with pytest.raises(errors.RemoteCallError, match="from afar"):
                    await heard.call(v21.UnlockConnectorRequest(evse_id=1, connector_id=1))
            else:
                with pytest.raises(errors.RemoteCallError) as refused:
                    await heard.call(v21.ClearChargingProfileRequest(charging_profile_id=1))
                assert refused.value.code == "NotSupported"
            await station.close()

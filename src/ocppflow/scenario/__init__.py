"""Scenarios: a complete station that does things against a CSMS, and says whether the CSMS did its part."""

from ocppflow.scenario.play import Play, ScenarioBroken, ScenarioFailed
from ocppflow.scenario.playing import given, play_scenario, versions_of
from ocppflow.scenario.scenario import Scenario
from ocppflow.scenario.scenario_file import SHIPPED, parse_scenario, read_scenario, shipped_text, station_config
from ocppflow.scenario.scenario_result import ScenarioResult, exit_code_of, scenarios_json, scenarios_junit

__all__ = [
    "SHIPPED",
    "Play",
    "Scenario",
    "ScenarioBroken",
    "ScenarioFailed",
    "ScenarioResult",
    "exit_code_of",
    "given",
    "parse_scenario",
    "play_scenario",
    "read_scenario",
    "scenarios_json",
    "scenarios_junit",
    "shipped_text",
    "station_config",
    "versions_of",
]

"""The generator: what is committed is what the schemas give, and the tables do what they say."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module", autouse=True)
def _tools_on_the_path() -> None:
    sys.path.insert(0, str(ROOT / "tools"))


@pytest.fixture
def generate() -> ModuleType:
    return importlib.import_module("generate_messages")


def test_committed_modules_are_up_to_date(generate: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.check() == 0, capsys.readouterr().out


def test_check_fails_with_a_summary(
    generate: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for path, text in generate.generate().items():
        (tmp_path / path.name).write_text(text.replace("max_length=25)", "max_length=26)"), encoding="utf-8")
    monkeypatch.setattr(generate, "TARGET", tmp_path)
    assert generate.check() == 1
    output = capsys.readouterr().out
    assert "v16.py differs" in output
    assert "max_length=26" in output


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("evseId", "evse_id"),
        ("limit_L2", "limit_l2"),
        ("responderURL", "responder_url"),
        ("soC", "soc"),
        ("bulkSoC", "bulk_soc"),
        ("limitAtSoC", "limit_at_soc"),
        ("soH", "soh"),
        ("prioritizedEMAIDs", "prioritized_emaids"),
        ("evMaxV2XEnergyRequest", "ev_max_v2x_energy_request"),
        ("v2xBaseline", "v2x_baseline"),
        ("numEPriceLevels", "num_e_price_levels"),
        ("maxChargeReactivePower_L3", "max_charge_reactive_power_l3"),
        ("iso15118SchemaVersion", "iso15118_schema_version"),
        ("fixedPFAbsorb", "fixed_pf_absorb"),
        ("taxRuleID", "tax_rule_id"),
    ],
)
def test_names(generate: ModuleType, wire: str, name: str) -> None:
    assert importlib.import_module("generator.model").snake(wire) == name


def test_overlays_mend_the_schemas_as_first_published(generate: ModuleType) -> None:
    """Each erratum against the fault that it corrects, whatever the copy at hand holds already."""
    tables = importlib.import_module("generator.tables")
    number = {"type": "number"}
    boot = {"properties": {"interval": dict(number)}, "required": []}
    assert tables.corrected("1.6", "BootNotificationResponse", boot)["properties"]["interval"] == {"type": "integer"}
    update = {"properties": {"retries": dict(number), "retryInterval": dict(number)}, "required": []}
    assert {p["type"] for p in tables.corrected("1.6", "UpdateFirmware", update)["properties"].values()} == {"integer"}
    info = {"expiryDate": {"type": "string"}, "parentIdTag": {"type": "string"}, "properties": {"status": {}}}
    local = {"properties": {"localAuthorizationList": {"items": {"properties": {"idTagInfo": info}}}}}
    tables.corrected("1.6", "SendLocalList", local)
    assert set(info["properties"]) == {"status", "expiryDate", "parentIdTag"}
    unit: dict[str, list[str]] = {"enum": ["Celcius"]}
    sampled = {"items": {"properties": {"sampledValue": {"items": {"properties": {"unit": unit}}}}}}
    stop = {"properties": {"transactionData": sampled}, "required": ["reason", "meterStop"]}
    assert tables.corrected("1.6", "StopTransaction", stop)["required"] == ["meterStop"]
    assert unit["enum"] == ["Celcius", "Celsius", "Hertz"]
    assert all(overlay.source and overlay.effect for overlay in tables.OVERLAYS)

"""What the generated modules say about themselves: that it is there where it is needed, and that it is ours."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

from generator import docstrings, emit, model  # noqa: E402  (tools/ is a folder of scripts, not a package)

VERSIONS = tuple(model.FOLDERS)
# So many words in a row, the same as in a description of the schemas, are no longer a coincidence.
RUN = 6
# What a name cannot tell: in which unit, from when, how many.
NEEDS_TEXT = re.compile(r"\b(int|Int\w+|Number\w*|DateTime)\b")


@pytest.fixture(scope="module", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def module(version: str) -> ast.Module:
    path = ROOT / "src" / "ocppflow" / "messages" / f"{model.FOLDERS[version]}.py"
    return ast.parse(path.read_text(encoding="utf-8"))


def classes(module: ast.Module) -> Iterator[ast.ClassDef]:
    return (node for node in module.body if isinstance(node, ast.ClassDef))


def attributes(body: list[ast.stmt]) -> Iterator[tuple[str, str, str]]:
    """Name, type and docstring of each annotated name in a module or class."""
    for statement, after in pairwise([*body, ast.Pass()]):
        if isinstance(statement, ast.AnnAssign):
            text = after.value if isinstance(after, ast.Expr) else None
            yield (
                ast.unparse(statement.target),
                ast.unparse(statement.annotation),
                str(text.value) if isinstance(text, ast.Constant) else "",
            )


def docs(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Every docstring of a module, with the name of what it describes."""
    yield from ((name, text) for name, _, text in attributes(module.body))
    for node in classes(module):
        yield node.name, ast.get_docstring(node) or ""
        yield from ((f"{node.name}.{name}", text) for name, _, text in attributes(node.body))


def runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}


def descriptions(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("description"), str):
            yield schema["description"]
        for part in schema.values():
            yield from descriptions(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from descriptions(part)


def test_every_message_and_data_type_has_a_docstring(module: ast.Module) -> None:
    assert [node.name for node in classes(module) if not ast.get_docstring(node)] == []


def test_every_number_and_every_time_has_a_docstring(module: ast.Module) -> None:
    missing = [
        f"{node.name}.{name}"
        for node in classes(module)
        for name, kind, text in attributes(node.body)
        if NEEDS_TEXT.search(kind) and not text
    ]
    assert missing == []


# Optional fields that the standard requires, or forbids, in some cases: their docstrings say in which.
CONDITIONAL = {
    "1.6": """
        AuthorizationData.id_tag_info ChargingProfile.recurrency_kind ChargingProfile.transaction_id
        ChargingSchedule.start_schedule GetCompositeScheduleResponse.charging_schedule
        GetCompositeScheduleResponse.schedule_start GetDiagnosticsResponse.file_name GetLogResponse.filename
        KeyValue.value LogStatusNotificationRequest.request_id MeterValuesRequest.transaction_id
        SignedFirmwareStatusNotificationRequest.request_id StopTransactionRequest.id_tag StopTransactionRequest.reason
        StopTransactionResponse.id_tag_info
    """,
    "2.0.1": """
        AuthorizationData.id_token_info AuthorizeRequest.certificate AuthorizeResponse.certificate_status
        CertificateSignedRequest.certificate_type ChargingNeedsType.ac_charging_parameters
        ChargingNeedsType.dc_charging_parameters ChargingProfileType.recurrency_kind ChargingProfileType.transaction_id
        ChargingSchedulePeriodType.number_phases ChargingSchedulePeriodType.phase_to_use
        ChargingScheduleType.start_schedule ClearChargingProfileRequest.charging_profile_criteria
        CustomerInformationRequest.customer_certificate CustomerInformationRequest.customer_identifier
        CustomerInformationRequest.id_token DCChargingParametersType.ev_max_power EventDataType.variable_monitoring_id
        FirmwareStatusNotificationRequest.request_id FirmwareType.signature FirmwareType.signing_certificate
        GetCertificateStatusResponse.ocsp_result GetCompositeScheduleResponse.schedule
        GetInstalledCertificateIdsResponse.certificate_hash_data_chain GetLogResponse.filename
        GetTransactionStatusResponse.ongoing_indicator GetVariableResultType.attribute_value
        IdTokenInfoType.language2 LogStatusNotificationRequest.request_id MessageInfoType.transaction_id
        NotifyChargingLimitRequest.charging_schedule PublishFirmwareStatusNotificationRequest.location
        ReportDataType.variable_characteristics RequestStartTransactionResponse.transaction_id
        SampledValueType.signed_meter_value SetMonitoringDataType.id
        SetMonitoringResultType.id SignCertificateRequest.certificate_type TransactionEventRequest.evse
        TransactionEventRequest.id_token TransactionEventRequest.number_of_phases_used
        TransactionEventRequest.reservation_id TransactionEventResponse.id_token_info
        TransactionEventResponse.total_cost TransactionType.charging_state TransactionType.remote_start_id
        TransactionType.stopped_reason TriggerMessageRequest.evse VariableAttributeType.value
        VariableCharacteristicsType.unit VariableCharacteristicsType.values_list
    """,
    "2.1": """
        CertificateSignedRequest.request_id ChargingNeedsType.v2x_charging_parameters
        ChargingProfileType.dyn_update_interval ChargingSchedulePeriodType.evse_sleep ChargingSchedulePeriodType.limit
        ChargingSchedulePeriodType.v2x_baseline ChargingSchedulePeriodType.v2x_freq_watt_curve
        ChargingScheduleType.randomized_delay ClearDERControlRequest.control_type ClearTariffsResultType.tariff_id
        DERCurveType.duration DERCurveType.start_time Get15118EVCertificateRequest.maximum_contract_certificate_chains
        GetTariffsResponse.tariff_assignments NotifyEVChargingNeedsRequest.timestamp
        NotifySettlementRequest.receipt_id NotifySettlementRequest.transaction_id NotifySettlementResponse.receipt_url
        PeriodicEventStreamParamsType.interval PeriodicEventStreamParamsType.values PriceType.excl_tax
        PriceType.incl_tax PullDynamicScheduleUpdateResponse.schedule_update SetDERControlRequest.curve
        SignedMeterValueType.signing_method TransactionEventRequest.cost_details
        TransactionEventResponse.transaction_limit TransactionType.operation_mode
        TransactionType.tariff_id TriggerMessageRequest.custom_trigger
        VoltageParamsType.hv10_min_mean_trip_delay VoltageParamsType.hv10_min_mean_value
    """,
}
CONDITIONAL["2.1"] += CONDITIONAL["2.0.1"]
CONDITION = re.compile(
    r"\b(absent|if|in answer to|may be|must|only|once|permitted|present|required|requires|sent when|for every)\b",
    re.IGNORECASE,
)


def test_a_field_that_is_sometimes_required_says_when(version: str, module: ast.Module) -> None:
    texts = {f"{node.name}.{name}": text for node in classes(module) for name, _, text in attributes(node.body)}
    assert [element for element in CONDITIONAL[version].split() if not CONDITION.search(texts[element])] == []


# Functional blocks from which a version has requirements: 1.6 those of the white paper on security.
BLOCKS = {"1.6": "ALMN", "2.0.1": "ABCDEFGHIJKLMNOP", "2.1": "ABCDEFGHIJKLMNOPQRS"}


def test_requirements_belong_to_the_version(version: str, module: ast.Module) -> None:
    cited = {r for _, text in docs(module) for r in re.findall(r"\b[A-Z]\d\d(?:\.FR\.\w+)?", text)}
    assert len(cited) > 20
    assert [r for r in sorted(cited) if not re.fullmatch(rf"[{BLOCKS[version]}]\d\d(\.FR\.\d{{2,3}})?", r)] == []


def test_no_description_of_the_schemas_was_copied(version: str, module: ast.Module) -> None:
    theirs = {
        run: text for schema in model.load(version).values() for text in descriptions(schema) for run in runs(text)
    }
    copied = [
        f"{owner}: {text!r} <- {theirs[run]!r}" for owner, text in docs(module) for run in runs(text) if run in theirs
    ]
    assert copied == []


def test_runs_of_words_ignore_case_and_punctuation() -> None:
    assert runs("Date and Time, after which (the) token") & runs("date and time after which the token must")
    assert not runs("date and time after which tokens expire") & runs("Date and Time after which the token must")


def test_docstrings_are_all_that_the_texts_add(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Types, defaults and checks are the same with and without them."""
    documented = ast.parse(str(emit.ModuleText(model.Reader(version).read())))
    monkeypatch.setattr(docstrings.Docstrings, "_add", lambda *_: None)
    bare = ast.parse(str(emit.ModuleText(model.Reader(version).read())))
    assert ast.dump(without_docstrings(documented)) == ast.dump(without_docstrings(bare))


def without_docstrings(module: ast.Module) -> ast.Module:
    for node in [module, *classes(module)]:
        node.body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    return module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b.toml").write_text(
        'versions = ["2.0.1", "2.1"]\nsubject = "block B"\n'
        '[common]\nseqNo = "Counts."\n'
        '[enums]\nResetEnumType = "How."\n'
        '[ResetRequest]\ndoc = """\nRestarts\nit by `resetType`."""\nevseId."2.1" = "Only 2.1 has this."\nseqNo = ""\n',
        encoding="utf-8",
    )
    return tmp_path


def test_a_text_may_be_for_one_version(folder: Path) -> None:
    assert docstrings.Docstrings("2.1", folder).of_field("ResetRequest", "evseId") == "Only 2.1 has this."
    assert docstrings.Docstrings("2.0.1", folder).of_field("ResetRequest", "evseId") == ""
    assert docstrings.Docstrings("1.6", folder).of_class("ResetRequest") == ""


def test_a_common_text_holds_where_there_is_no_own_one(folder: Path) -> None:
    texts = docstrings.Docstrings("2.1", folder)
    assert texts.of_field("NotifyEventRequest", "seqNo") == "Counts."
    assert texts.of_field("ResetRequest", "seqNo") == ""
    assert texts.of_class("ResetRequest") == "Restarts it by `resetType`."
    assert texts.of_enum("ResetEnumType") == "How."
    assert texts.subject("ResetRequest") == "block B"


@pytest.mark.parametrize("table", ["[ResetRequest]\n", '[common]\nseqNo = "x"\n', '[enums]\nResetEnumType = "x"\n'])
def test_a_second_text_for_the_same_element_is_refused(folder: Path, table: str) -> None:
    (folder / "c.toml").write_text(f'versions = ["2.1"]\nsubject = ""\n{table}', encoding="utf-8")
    with pytest.raises(SystemExit, match=r"c.toml: .* is also in another file"):
        docstrings.Docstrings("2.1", folder)
    docstrings.Docstrings("2.0.1", folder)


def test_a_text_about_nothing_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = [model.Reader(version).read() for version in VERSIONS]
    assert docstrings.unknown(models) == []
    monkeypatch.setattr(docstrings.Docstrings.__init__, "__defaults__", (folder,))
    assert docstrings.unknown(models) == [".resetType", "ResetRequest.seqNo"]


def test_a_docstring_is_broken_into_lines() -> None:
    text = "word " * 30 + "end.\n\nSent by the CSMS."
    lines = emit.docstring(text, "    ").splitlines()
    assert lines[0].startswith('    """word')
    assert lines[-3:] == ["", "    Sent by the CSMS.", '    """']
    assert max(map(len, lines)) <= emit.WIDTH
    assert emit.docstring("Short.", "    ") == '    """Short."""\n'
    assert emit.docstring("") == ""


def test_a_field_in_backticks_becomes_an_attribute() -> None:
    assert emit.docstring("Not with `chargingProfileId`.") == '"""Not with ``charging_profile_id``."""\n'

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


@pytest.mark.parametrize("version", ["2.0.1", "2.1"], scope="module")
@pytest.mark.parametrize(
    "element",
    [
        "CertificateSignedRequest.certificate_type",
        "CustomerInformationRequest.customer_identifier",
        "CustomerInformationRequest.id_token",
        "DCChargingParametersType.ev_max_power",
        "FirmwareStatusNotificationRequest.request_id",
        "GetLogResponse.filename",
        "GetVariableResultType.attribute_value",
        "LogStatusNotificationRequest.request_id",
        "PublishFirmwareStatusNotificationRequest.location",
        "ReportDataType.variable_characteristics",
        "SignCertificateRequest.certificate_type",
        "TransactionEventRequest.evse",
        "TransactionEventRequest.id_token",
        "TransactionEventRequest.reservation_id",
        "TransactionEventResponse.id_token_info",
        "TransactionType.charging_state",
        "TransactionType.remote_start_id",
        "TransactionType.stopped_reason",
        "VariableCharacteristicsType.unit",
        "VariableCharacteristicsType.values_list",
    ],
)
def test_a_field_that_is_sometimes_required_says_when(module: ast.Module, element: str) -> None:
    owner, name = element.split(".")
    node = next(node for node in classes(module) if node.name == owner)
    assert {attribute: text for attribute, _, text in attributes(node.body)}[name]


def test_no_description_of_the_schemas_was_copied(version: str, module: ast.Module) -> None:
    theirs = {
        run: text for schema in model.load(version).values() for text in descriptions(schema) for run in runs(text)
    }
    ours = [("", text) for *_, text in attributes(module.body)]
    for node in classes(module):
        ours += [(node.name, ast.get_docstring(node) or ""), *((node.name, text) for *_, text in attributes(node.body))]
    copied = [f"{owner}: {text!r} <- {theirs[run]!r}" for owner, text in ours for run in runs(text) if run in theirs]
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

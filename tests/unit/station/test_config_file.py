"""A station's make-up in a file: errors that say where, comments that load again, the shipped makes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.errors import ConfigurationError
from ocppflow.messages import Role, Version, actions
from ocppflow.station import ConnectorConfig, EvseConfig, StationConfig, VariableConfig
from ocppflow.station.complete_station import BEHAVIOUR
from ocppflow.station.config_comments import COMMENTS
from ocppflow.station.config_file import MAKES, config_text, make_config, parse_config, read_config
from ocppflow.station.device_model import declarations
from ocppflow.station.features import FEATURE_ACTIONS, FUNCTIONAL_BLOCKS, feature_list
from ocppflow.station.station_config import FEATURES, MonitorConfig

_text = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
_connectors = st.builds(ConnectorConfig, type=_text.filter(bool))
_evses = st.builds(
    EvseConfig,
    current=st.sampled_from(["AC", "DC"]),
    phases=st.integers(1, 3),
    max_amps=st.floats(10, 500),
    voltage=st.floats(100, 1000),
    max_watts=st.none() | st.floats(1000, 1e6),
    connectors=st.lists(_connectors, min_size=1, max_size=3).map(tuple),
)
_variables = st.builds(
    VariableConfig,
    component=_text,
    variable=_text,
    value=st.none() | _text,
    evse=st.integers(0, 9),
    mutability=st.sampled_from([None, "ReadOnly", "ReadWrite"]),
    min_limit=st.none() | st.floats(-1e9, 1e9),
    reboot_required=st.booleans(),
)
_monitors = st.builds(
    MonitorConfig,
    component=_text,
    variable=_text,
    type=st.sampled_from(["Delta", "Periodic"]),
    value=st.floats(0, 1e6),
    hard_wired=st.booleans(),
)
_configs = st.builds(
    StationConfig,
    model=_text.filter(bool),
    vendor=_text.filter(bool),
    serial_number=_text,
    versions=st.permutations(tuple(Version)).map(tuple),
    evses=st.lists(_evses, min_size=1, max_size=3).map(tuple),
    features=st.none() | st.lists(st.sampled_from(sorted(FEATURES)), unique=True).map(tuple),
    personality=st.sampled_from(["plain", "awkward"]),
    reboot_seconds=st.floats(0, 1e6),
    variables=st.lists(_variables, max_size=3).map(tuple),
    monitors=st.lists(_monitors, max_size=2).map(tuple),
    seed=st.integers(-(2**40), 2**40),
)


@given(_configs)
def test_what_is_written_loads_again_to_the_same(config: StationConfig) -> None:
    assert parse_config(config_text(config)) == config


def test_every_key_has_a_comment_and_every_comment_a_key() -> None:
    keys = {
        f"{kind.__name__}.{field}"
        for kind in (StationConfig, EvseConfig, ConnectorConfig)
        for field in kind.__struct_fields__
    } - {"StationConfig.evses", "StationConfig.variables", "StationConfig.monitors", "EvseConfig.connectors"}
    assert keys <= COMMENTS.keys()
    assert COMMENTS.keys() - keys == {"evses", "variables", "monitors"}


def test_an_empty_file_is_the_default() -> None:
    assert parse_config("") == StationConfig()


@pytest.mark.parametrize("name", MAKES)
def test_a_make_loads_and_its_variables_can_be_declared(name: str) -> None:
    config = make_config(name)
    assert config != StationConfig()
    assert declarations(config)
    assert parse_config(config_text(config)) == config


def test_a_make_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="did you mean ac-wallbox"):
        make_config("wallbox")
    with pytest.raises(ConfigurationError, match="the makes are ac-wallbox"):
        make_config("../../etc/passwd")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("modle = 'X'", "modle: there is no such key; did you mean model?"),
        ("xyzzy = 1", "xyzzy: there is no such key; the keys here are model, vendor"),
        ("[[evses]]\nphase = 3", "evses[0].phase: there is no such key; did you mean phases?"),
        ("[[evses]]\n[[evses.connectors]]\ntyp = ''", "evses[0].connectors[0].typ: there is no such key; did you mean"),
        ("[[variables]]\ncomponent = 'A'", "variables[0].variable: it is missing"),
        ("[[evses]]\nphases = 'three'", "evses[0].phases: a whole number is wanted, not text"),
        ("[[evses]]\nphases = 5", "evses[0]: phases is 1, 2 or 3, not 5"),
        ("[[evses]]\nmax_amps = nan", "evses[0]: max_amps is above 0 and at most 5000, not nan"),
        ("[[evses]]\ncurrent = 'ac'", "evses[0].current: AC, DC are possible, not 'ac'"),
        ("key_kind = 'DSA'", "key_kind: ECDSA, RSA are possible, not 'DSA'"),
        ("[[variables]]\ncomponent='A'\nvariable='B'\nmutability='RW'", "variables[0].mutability: ReadOnly, "),
        ("versions = ['3.0']", "versions[0]: 1.6, 2.0.1, 2.1 are possible, not '3.0'"),
        ("versions = '2.1'", "versions: a list is wanted, not text"),
        ("versions = []", "versions names at least one version"),
        ("evses = []", "evses has 1 to 64 of them, not 0"),
        ("features = ['smart']", "a feature is one of auth_cache, "),
        ("personality = 'evil'", "personality is one of plain, awkward, not 'evil'"),
        ("seed = 1.5", "seed: a whole number is wanted, not a number"),
        ("model = ", "not TOML: "),
        ("evses = 3", "evses: a list is wanted, not a whole number"),
    ],
)
def test_bad_input_gets_one_line(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_config(text)
    said = str(raised.value)
    assert said.startswith(says)
    assert "\n" not in said


def test_the_file_is_named(tmp_path: object) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: No such file"):
        read_config("/nowhere.toml")


# --- features ------------------------------------------------------------------------------------------------------


def test_every_action_of_every_version_stands_in_one_block() -> None:
    listed = [action for names in FUNCTIONAL_BLOCKS.values() for action in names]
    assert len(listed) == len(set(listed))
    asked = {name for version in Version for name, info in actions(version).items() if info.sent_by(Role.CSMS)}
    assert set(listed) == asked
    assert FEATURE_ACTIONS.keys() <= FEATURES.keys()


def test_what_is_listed_is_what_the_router_says() -> None:
    config = StationConfig(versions=(Version.V201, Version.V21))
    lines = {line.action: line for line in feature_list(config, BEHAVIOUR)}
    assert lines["GetVariables"].answered
    assert lines["RequestBatterySwap"].why_not == "NotSupported: not implemented"
    assert lines["RequestBatterySwap"].versions == (Version.V21,)
    assert "GetConfiguration" not in lines, "2.x has no such action"


def test_a_feature_that_is_left_out_is_listed_with_the_reason() -> None:
    config = msgspec.structs.replace(StationConfig(), features=("local_list",))
    lines = {line.action: line for line in feature_list(config, BEHAVIOUR)}
    assert lines["SendLocalList"].answered
    assert lines["SetDisplayMessage"].why_not == "NotSupported: the feature display is left out"

"""node-contract, "Node types and their configuration": properties, defaults, the older format, what makes no sense."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flow_peers import Site, command, refusal

from ocppflow.endpoint import EXACT, Leniency
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.messages.tolerance import STRICT, TOLERANT, Rule
from ocppflow.nodes import CSMSNode
from ocppflow.nodes.configuration import CSMSSettings, CSSettings
from ocppflow.nodes.node_tls import server_tls
from ocppflow.nodes.properties import TLSFiles

CS = {"cbId": "CS1", "csms": {"url": "ws://h/o"}}


def test_defaults_of_the_CSMS():
    read = CSMSSettings.read({"port": "9000", "path": "/ocpp"})
    assert (read.port, read.host, read.path) == (9000, "", "/ocpp")
    assert read.url == "ws://*:9000/ocpp"
    assert read.versions == (Version.V201,)
    assert (read.timeout, read.profile, read.tls, read.validation.policy, read.logs) == (10.0, 1, None, STRICT, False)
    limits = read.server_limits(3.0)
    assert (limits.max_message_size, limits.ping_interval, limits.close_timeout) == (2**20, 60, 3.0)


def test_defaults_of_the_CS():
    read = CSSettings.read(CS)
    assert (read.cb_id, read.user, read.url) == ("CS1", "CS1", "ws://h/o")
    assert (read.wait_minimum, read.repeat_times, read.random_range) == (10, 2, 2)
    assert (read.auto_connect, read.versions, read.timeout) == (True, (Version.V201,), 10.0)
    assert (read.ping_interval, read.validation.policy, read.logs) == (30, STRICT, False)
    assert read.link_limits(3.0).max_message_size == 2**20


def test_new_properties_of_the_CSMS():
    read = CSMSSettings.read(
        {
            "port": 9000,
            "path": "a/b/",
            "host": "::1",
            "versions": ["1.6", "2.0.1", "2.1"],
            "messageTimeout": "2500",
            "securityProfile": "0",
            "validation": "tolerant",
            "maxMessageSize": "4194304",
            "pingInterval": "0",
            "ocpp_logging": True,
        }
    )
    assert read.url == "ws://[::1]:9000/a/b"
    assert read.versions == (Version.V16, Version.V201, Version.V21)
    assert (read.timeout, read.profile, read.validation.policy, read.logs) == (2.5, 0, TOLERANT, True)

    limits = read.server_limits(3.0)
    assert (limits.max_message_size, limits.ping_interval) == (4 * 2**20, 0)


RULES = [{"vendor": "Acme*", "path": "$.chargingStation.serialNumber", "forgive": ["value"]}, {"action": "Heartbeat"}]


@pytest.mark.parametrize("how", ["list", "text", "JSON file", "TOML file"])
def test_validation_by_rules_from_a_list_its_text_or_a_file(tmp_path: Path, how: str):
    file = tmp_path / f"rules.{how[:4].lower()}"
    if how == "TOML file":
        file.write_text(
            '[[rules]]\nvendor = "Acme*"\npath = "$.chargingStation.serialNumber"\nforgive = ["value"]\n'
            '[[rules]]\naction = "Heartbeat"\n'
        )
    else:
        file.write_text(json.dumps(RULES))
    rules = {"list": RULES, "text": f" {json.dumps(RULES)}"}.get(how, str(file))
    for read in (
        CSMSSettings.read({"port": 1, "validation": "rules", "rules": rules}),
        CSSettings.read({**CS, "validation": "rules", "rules": rules}),
    ):
        assert read.validation.rules == tuple(Rule(**row) for row in RULES)
        assert read.validation.policy.rules == read.validation.rules
    # Two readings mean the same, or each deploy would cut the connections.
    assert CSMSNode.fingerprint({"port": 1, "validation": "rules", "rules": rules}) == CSMSNode.fingerprint(
        {"port": "1", "validation": "rules", "rules": RULES}
    )


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (None, "rules is empty"),
        ("", "rules is empty"),
        ([], "rules is empty"),
        ("[", "rules: not JSON"),
        ([{"vender": "Acme"}], "rule 1: unknown key 'vender'"),
        ([5], "rule 1"),
        ({"vendor": "x"}, "rules"),
        ("/no/such/rules.toml", "rules: /no/such/rules.toml: No such file"),
    ],
)
def test_rules_that_make_no_sense_say_what_would(rules, words):
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        CSMSSettings.read({"port": 1, "validation": "rules", "rules": rules})


def test_rules_are_not_read_unless_validation_says_so():
    assert CSMSSettings.read({"port": 1, "rules": "/no/such/file"}).validation.policy is STRICT


def test_versions_may_be_text_and_a_timeout_of_0_is_the_default():
    read = CSSettings.read({**CS, "versions": "2.1, 1.6", "messageTimeout": 0})
    assert (read.versions, read.timeout) == ((Version.V21, Version.V16), 10.0)


def test_0_is_a_value_for_the_waits_and_the_ping():
    read = CSSettings.read({**CS, "ws_rt_minimum": "0", "ws_rt_repeat": 0, "ws_rt_rnd_range": "0", "pingInterval": 0})
    assert (read.wait_minimum, read.repeat_times, read.random_range, read.ping_interval) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("ws://h:80/o/", "ws://h:80/o"),
        ("wss://h/o", "wss://h/o"),
        ("ws://h", "ws://h"),
        (" ws://h/o ", "ws://h/o"),
        ("ws://h/o//", "ws://h/o//"),
        ("ws://h/o/?v=2", "ws://h/o/?v=2"),
        ("ws://h/ws/{identity}/", "ws://h/ws/{identity}/"),
    ],
)
def test_the_url_of_target_csms_is_kept_as_given_but_for_a_trailing_slash(url, read):
    assert CSSettings.read({"cbId": "CS1", "csms": {"name": "n", "url": url}}).url == read


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("ws://h/ocpp", "ws://h/ocpp/CS1"),
        ("ws://h/ocpp/", "ws://h/ocpp/CS1"),
        ("ws://h/ocpp//", "ws://h/ocpp//CS1"),
        ("ws://h:8080/ocpp?key=1", "ws://h:8080/ocpp/CS1?key=1"),
        ("wss://h/ws/ocpp/{identity}/", "wss://h/ws/ocpp/CS1/"),
        ("ws://h/?station={identity}", "ws://h/?station=CS1"),
    ],
)
def test_a_station_connects_to_the_url_as_given_with_the_identity_in_its_place(url, used):
    assert CSSettings.read({"cbId": "CS1", "csms": {"url": url}}).address().url == used


def test_leniency_is_off_by_default_and_has_a_property_for_each_kind():
    assert CSMSSettings.read({"port": 1}).leniency == EXACT
    assert CSSettings.read(CS).leniency == EXACT
    lenient = {
        "assumeVersion": "1.6",
        "assumeIdentity": "LONER",
        "anyUser": True,
        "anyConnectionHeader": "true",
        "allowOrigins": "https://panel.example, file://,",
        "versions": ["1.6", "2.0.1"],
    }
    assert CSMSSettings.read({"port": 1, **lenient}).leniency == Leniency(
        version="1.6",
        identity="LONER",
        any_username=True,
        any_connection_header=True,
        origins=["https://panel.example", "file://"],
    )
    assert CSSettings.read({**CS, **lenient}).leniency == Leniency(version="1.6")


def test_the_older_format_of_the_CS():
    read = CSSettings.read({"cbId": "CS1", "csms_url": "ws://h:8863/ocpp2/", "csms_user": "test", "csms_pw": "test"})
    assert (read.url, read.user) == ("ws://h:8863/ocpp2", "test")


def test_the_older_format_of_the_CSMS(tmp_path):
    file = str(tmp_path / "log.jsonl")
    read = CSMSSettings.read({"port": "1", "ws_user": "u", "ws_pw": "p", "log": True, "logpath": file})
    assert (read.shared, read.log_file) == (("u", "p"), file)
    assert CSMSSettings.read({"port": "1", "log": False, "logpath": file}).log_file == ""


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "port is missing"),
        ({"port": "x"}, "port is 'x'"),
        ({"port": 65536}, "from 0 to 65535"),
        ({"port": -1}, "port"),
        ({"port": 1.5}, "port"),
        ({"port": 1, "path": 5}, "path: expected text"),
        ({"port": 1, "versions": ["3.0"]}, "3.0"),
        ({"port": 1, "versions": 5}, "versions: expected a list"),
        ({"port": 1, "messageTimeout": "soon"}, "messageTimeout is 'soon'"),
        ({"port": 1, "securityProfile": 4}, "from 0 to 3"),
        ({"port": 1, "securityProfile": 2}, "profile 2 needs a certificate"),
        ({"port": 1, "securityProfile": 3, "tls": {"cert": "c", "key": "k"}}, "profile 3 needs the CA"),
        ({"port": 1, "tls": []}, "tls: expected an object"),
        ({"port": 1, "tls": {"cert": 5}}, "tls: cert, key"),
        ({"port": 1, "validation": "lax"}, '"strict", "tolerant" or "rules"'),
        ({"port": 1, "ocpp_logging": "perhaps"}, "ocpp_logging is 'perhaps'"),
        ({"port": 1, "maxMessageSize": 100}, "maxMessageSize is 100: expected bytes, 1024 or more"),
        ({"port": 1, "maxMessageSize": 2**30}, "maxMessageSize"),
        ({"port": 1, "pingInterval": -1}, "pingInterval"),
        ({"port": 1, "assumeVersion": 1.6}, "assumeVersion is 1.6: expected a version such as 1.6"),
        ({"port": 1, "assumeVersion": "3.0"}, "3.0"),
        ({"port": 1, "assumeVersion": "1.6"}, "leniency assumes OCPP 1.6, but only 2.0.1 is spoken"),
        ({"port": 1, "assumeIdentity": "a\x00b"}, "leniency: "),
        ({"port": 1, "anyUser": "perhaps"}, "anyUser is 'perhaps'"),
        ({"port": 1, "hideIdentities": "perhaps"}, "hideIdentities is 'perhaps'"),
        ({"port": 1, "answer": ["Heartbeat"]}, "answer: this version has no answers of its own"),
    ],
)
def test_a_CSMS_configuration_that_makes_no_sense_says_what_would(config, words):
    with pytest.raises(ConfigurationError, match=words.replace("(", r"\(")):
        CSMSSettings.read(config)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "cbId is missing"),
        ({"cbId": "CS1"}, "the URL of the CSMS is missing"),
        ({"cbId": "CS1", "csms": "0b8e3c3d6fb6693f"}, "refers to the target-csms node '0b8e3c3d6fb6693f'"),
        ({"cbId": "CS1", "csms": {"url": "http://h"}}, "it must begin with ws:// or wss://"),
        ({"cbId": "CS1", "csms": {"url": "ws://h:x"}}, "host and port cannot be read"),
        ({"cbId": "CS1", "csms": {"url": "ws://:80"}}, "it lacks a host"),
        ({"cbId": "C:S", "csms": {"url": "ws://h/o"}}, "the identity 'C:S' has characters other than"),
        ({"cbId": "x" * 49, "csms": {"url": "ws://h/o"}}, "49 characters; OCPP 2.0.1 allows 48"),
        ({"cbId": "..", "csms": {"url": "ws://h/o"}, "versions": "1.6"}, "cannot be a station's identity"),
        ({**CS, "ws_rt_minimum": "-1"}, "ws_rt_minimum"),
        ({**CS, "answer": ["Reset"]}, "answer"),
    ],
)
def test_a_CS_configuration_that_makes_no_sense_says_what_would(config, words):
    with pytest.raises(ConfigurationError, match=words):
        CSSettings.read(config).address()


def test_a_password_inside_the_url_is_refused_and_not_shown():
    with pytest.raises(ConfigurationError) as caught:
        CSSettings.read({"cbId": "CS1", "csms": {"url": "ws://CS1:hush-hush@h/o"}}).address()
    assert "hush" not in str(caught.value)


async def test_a_node_with_a_problem_starts_shows_it_and_names_it_to_every_input(site: Site):
    node, flow = await site.csms(port="x")
    assert flow.statuses[-1] == ("red", "ring", "port is 'x': expected a number from 0 to 65535")
    assert node.problem == flow.statuses[-1][2]
    assert node.problem in await refusal(node, command("connections"))
    cs, flow, _ = await site.cs(answer=["Reset"])
    assert flow.statuses[-1][:2] == ("red", "ring")
    assert "answer" in await refusal(cs, command("status"))


@pytest.mark.parametrize("credentials", [{}, {"basic_auths": ""}, {"basic_auths": None}, {"basic_auths": "{}"}])
async def test_a_CSMS_without_credentials_starts_and_says_what_is_missing(site: Site, credentials):
    node, flow = await site.csms(credentials=credentials)
    assert flow.statuses[-1] == ("yellow", "ring", "no passwords set")
    assert node.problem == ""
    node.set_credentials({"basic_auths": {"CS1": "x"}})
    assert flow.statuses[-1] == ("green", "ring", "(0)")


@pytest.mark.parametrize("value", ["{", "[]", "5", [], {"CS1": 5}, {"CS1": "hush", "CS2": 5}])
async def test_malformed_credentials_are_named_but_not_shown(site: Site, value):
    _, flow = await site.csms(credentials={"basic_auths": value})
    assert flow.statuses[-1][:2] == ("yellow", "ring")
    assert flow.statuses[-1][2].startswith("basic_auths")
    assert "hush" not in str(flow.statuses)


async def test_credentials_may_be_JSON_text_or_an_object(site: Site):
    for value in ('{"CS1": "p"}', {"CS1": "p"}):
        node, flow = await site.csms(credentials={"basic_auths": value})
        await node.input(command("get_auth_list"))
        assert flow.messages[0]["payload"]["auth_list"] == {"CS1": "p"}


async def test_a_security_profile_without_passwords_needs_no_credentials(site: Site):
    _, flow = await site.csms(credentials={}, securityProfile=0)
    assert flow.statuses[-1] == ("green", "ring", "(0)")


async def test_a_password_set_by_the_flow_is_enough(site: Site):
    node, flow = await site.csms(credentials={})
    await node.input(command("set_auth_cs", {"name": "CS1", "password": "x"}))
    assert flow.statuses[-1] == ("green", "ring", "(0)")


def test_certificates_that_are_not_there_are_a_configuration_error():
    with pytest.raises(ConfigurationError, match=r"no file .*nowhere\.pem"):
        server_tls(TLSFiles("nowhere.pem", "nowhere.key"), 2)

"""node-contract, "Command Message": certificates that are made, set and used while the nodes run."""

from __future__ import annotations

import asyncio
import json
import ssl

import msgspec
import pytest
from cryptography import x509
from flow_peers import PATIENCE, Flow, command, refusal

from ocppflow.nodes import CSMSNode, CSNode

HOST = {"port": "0", "host": "127.0.0.1", "path": "/ocpp"}


async def _csms(profile: int, **config) -> tuple[CSMSNode, Flow]:
    flow = Flow()
    secrets = {"basic_auths": {"CS1": "secret-1"}}
    node = CSMSNode({**HOST, "securityProfile": profile, **config}, secrets, send=flow.send, status=flow.status)
    await node.start()
    return node, flow


async def _made(node: CSMSNode, flow: Flow, **data) -> dict:
    await node.input(command("make_certificates", data))
    return flow.messages[-1]["payload"]["certificates"]


@pytest.mark.parametrize("profile", [2, 3])
async def test_a_node_without_a_certificate_works_as_soon_as_set_tls_has_come(profile: int):
    node, flow = await _csms(profile)
    assert flow.statuses[-1][:2] == ("red", "ring")
    assert "needs a certificate" in await refusal(node, command("connections"))
    made = await _made(node, flow, stations=["CS1"])
    await asyncio.wait_for(node.input(command("set_tls", {**made["csms"], "ca": made["ca"]})), PATIENCE)
    assert flow.statuses[-1] == ("green", "ring", "(0)")
    theirs = Flow()
    target = {"cbId": "CS1", "csms": {"url": f"wss://localhost:{node.port}/ocpp"}, "auto_connect": False}
    cs = CSNode(target, {"csms_pw": "secret-1"} if profile == 2 else {}, send=theirs.send, status=theirs.status)
    await cs.start()
    own = {"ca": made["ca"]} | (made["stations"]["CS1"] if profile == 3 else {})
    await cs.input(command("connect", {"tls": own}))
    await theirs.until(lambda: theirs.states == ["ONLINE"])
    assert flow.events[-1]["payload"]["securityProfile"] == profile
    await cs.close()
    await node.close()


async def test_set_tls_closes_connections_with_1001_and_serves_with_the_new_certificate():
    node, flow = await _csms(2)
    first, second = await _made(node, flow), await _made(node, flow)
    assert first["ca"] != second["ca"]
    await node.input(command("set_tls", first["csms"]))
    port = node.port
    node._config["port"] = str(port)  # so that the station finds it again
    theirs = Flow()
    target = {"cbId": "CS1", "csms": {"url": f"wss://localhost:{port}/ocpp"}, "tls": {"ca": first["ca"]}}
    cs = CSNode(target, {"csms_pw": "secret-1"}, send=theirs.send, status=theirs.status)
    await cs.start()
    await theirs.until(lambda: theirs.states == ["ONLINE"])
    await asyncio.wait_for(node.input(command("set_tls", second["csms"])), PATIENCE)
    await theirs.until(lambda: theirs.states == ["ONLINE", "OFFLINE"])
    assert theirs.events[-1]["payload"]["code"] == 1001
    await cs.input(command("connect", {"tls": {"ca": second["ca"]}}))
    await theirs.until(lambda: theirs.states == ["ONLINE", "OFFLINE", "ONLINE"])
    await cs.close()
    await node.close()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "msg.payload.data is missing"),
        ({"cert": "nowhere.pem", "key": "nowhere.pem"}, "nowhere.pem"),
        ({"cert": 1}, "cert, key, ca and passphrase are text"),
        ({"key": "k"}, "security profile 2 needs a certificate"),
        ([], "tls: expected an object"),
    ],
)
async def test_set_tls_is_refused_whole_for_what_is_no_certificate(data, said: str):
    node, _ = await _csms(2)
    text = await refusal(node, command("set_tls", data))
    assert said in text
    assert text.endswith("nothing has been changed")
    await node.close()


async def test_set_tls_is_refused_by_a_node_without_tls():
    node, flow = await _csms(1)
    made = await _made(node, flow)
    assert "security profile 1 has no certificates" in await refusal(node, command("set_tls", made["csms"]))
    assert node.port is not None
    await node.close()


async def test_a_msg_whose_payload_is_still_json_may_mend_too():
    node, _ = await _csms(2)
    payload = msgspec.Raw(json.dumps({"msgType": 99, "command": "Make_Certificates"}).encode())
    await node.input({"payload": payload})
    await node.close()


async def test_passwords_can_be_set_before_there_is_a_certificate():
    node, flow = await _csms(2)
    await node.input(command("set_auth_cs", {"name": "CS2", "password": "secret-2"}))
    made = await _made(node, flow)
    await node.input(command("set_tls", made["csms"]))
    await node.input(command("get_auth_list"))
    assert flow.messages[-1]["payload"]["auth_list"] == {"CS1": "secret-1", "CS2": "secret-2"}
    await node.close()


async def test_a_closed_node_takes_no_certificates():
    node, _ = await _csms(2)
    await node.close()
    assert "the node is closed" in await refusal(node, command("make_certificates"))


@pytest.mark.parametrize(
    "data", [{"hosts": "localhost"}, {"stations": [""]}, {"stations": ["x" * 65]}, {"hosts": ["é"]}]
)
async def test_make_certificates_says_what_is_wrong(data):
    node, _ = await _csms(1)
    assert (await refusal(node, command("make_certificates", data))).startswith("make_certificates: ")
    await node.close()


async def test_made_certificates_name_the_hosts_and_the_station_and_trust_in_their_authority():
    node, flow = await _csms(1)
    made = await _made(node, flow, hosts=["csms.example", "::1"], stations=["CS1"])
    server = x509.load_pem_x509_certificate(made["csms"]["cert"].encode())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["csms.example"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["::1"]
    station = x509.load_pem_x509_certificate(made["stations"]["CS1"]["cert"].encode())
    assert "CN=CS1" in station.subject.rfc4514_string()
    ca = x509.load_pem_x509_certificate(made["ca"].encode())
    server.verify_directly_issued_by(ca)
    station.verify_directly_issued_by(ca)
    ssl.create_default_context(cadata=made["ca"])
    await node.close()


async def test_connect_refuses_certificates_that_are_none():
    flow = Flow()
    target = {"cbId": "CS1", "csms": {"url": "wss://localhost:1/ocpp"}, "auto_connect": False}
    cs = CSNode(target, {}, send=flow.send, status=flow.status)
    await cs.start()
    assert "nowhere.pem" in await refusal(cs, command("connect", {"tls": {"ca": "nowhere.pem"}}))
    assert "tls: expected an object" in await refusal(cs, command("connect", {"tls": "no"}))
    await cs.close()

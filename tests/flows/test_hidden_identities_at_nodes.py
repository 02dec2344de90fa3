"""`hideIdentities` of the CSMS node: a stranger cannot find out which stations there are, nor which are blocked."""

from __future__ import annotations

import pytest

from ocppflow.endpoint import Handshake, PlainPasswords, Refuse, hiding_identities
from ocppflow.messages import Version
from ocppflow.nodes.configuration import CSMSSettings
from ocppflow.nodes.csms_acceptor import acceptor


def _shake(identity: str, password: bytes) -> Handshake:
    return Handshake(identity, versions=(Version.V201,), username=identity, password=password, address="192.0.2.1:5")


async def _verdicts(hidden: bool, *, overfull: bool = False) -> list[tuple[int, str]]:
    settings = CSMSSettings.read({"port": 1, "hideIdentities": hidden})
    assert settings.hides_identities is hidden
    auths = PlainPasswords({"CS1": "right-password-1", "CS2": "right-password-2"})
    decide = acceptor(settings, auths, {"CS2"}, lambda: overfull)  # type: ignore[arg-type]
    if hidden:
        decide = hiding_identities(decide)
    verdicts = []
    for identity, password in (("CS1", b"wrong"), ("XX1", b"wrong"), ("CS2", b"wrong"), ("CS2", b"right-password-2")):
        verdict = await decide(_shake(identity, password))
        assert isinstance(verdict, Refuse)
        verdicts.append((verdict.status, verdict.reason.replace(identity, "?")))
    return verdicts


async def test_by_default_each_refusal_says_what_is_wrong() -> None:
    assert [status for status, _ in await _verdicts(hidden=False)] == [401, 404, 403, 403]


async def test_hidden_they_are_one_and_the_same() -> None:
    verdicts = await _verdicts(hidden=True)
    assert {status for status, _ in verdicts} == {401}
    assert len(set(verdicts)) == 1


@pytest.mark.parametrize("hidden", [False, True])
async def test_that_the_flow_has_fallen_behind_is_told_to_all_but_those_blocked(hidden: bool) -> None:
    verdicts = await _verdicts(hidden, overfull=True)
    assert [status for status, _ in verdicts] == ([503] * 4 if hidden else [503, 503, 403, 403])


async def test_the_node_hands_it_to_its_csms(site) -> None:
    node, _ = await site.csms({"basic_auths": {"CS1": "right-password-1"}}, hideIdentities=True)
    assert node.csms.hide_identities
    node, _ = await site.csms({"basic_auths": {"CS1": "right-password-1"}})
    assert not node.csms.hide_identities

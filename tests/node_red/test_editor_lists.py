"""The logic behind the lists of the dialogs: stations and passwords, and the rules of the router."""

from __future__ import annotations

import itertools
import random
from typing import Any

import javascript
import pytest
from runtime_process import PACKAGE

from ocppflow.messages import Version, actions

KEPT = "__PWRD__"
NAMES = ["CS1", "CS2", "CS3", "__proto__", "constructor", "a b/ü"]


def edited(chance: random.Random, identities: list[str]) -> list[dict[str, Any]]:
    """Rows as a user may leave them: some gone, some renamed (also to a name just given up), some new."""
    names = chance.sample(NAMES, len(NAMES))
    kept = [each for each in identities if chance.random() < 0.7]
    rows = []
    for place, name in enumerate(names[: len(kept) + chance.randrange(3)]):
        origin = kept[place] if place < len(kept) else None
        identity = origin if origin is not None and chance.random() < 0.5 else name
        password = KEPT if origin is not None and chance.random() < 0.6 else f"new-{place}"
        rows.append({"origin": origin, "identity": identity, "password": password})
    seen = [row["identity"] for row in rows]
    return [row for row in rows if seen.count(row["identity"]) == 1]


def cases() -> list[dict[str, Any]]:
    chance = random.Random(11)
    made = []
    for _ in range(600):
        identities = chance.sample(NAMES, chance.randrange(len(NAMES)))
        made.append({"identities": identities, "rows": edited(chance, identities)})
    return made


def by_name(rows: list[dict[str, Any]]) -> list[tuple[str, str | None, str]]:
    """Rows, without where a password that is replaced had its name from."""
    return sorted((r["identity"], r["origin"] if r["password"] == KEPT else None, r["password"]) for r in rows)


def test_what_is_changed_in_the_list_comes_out_in_the_credentials_and_nothing_else_does():
    given = cases()
    changes = javascript.run(
        "resources/station-list.js", "return given.map(each => it.changesOf(each.identities, each.rows))", given
    )
    lists = [{name: f"old-{name}" for name in each["identities"]} for each in given]
    results = javascript.run(
        "nodes/lib/password-list.js",
        "return given.map(([list, changes]) => changes === null ? list : it.applied(list, changes))",
        list(zip(lists, changes, strict=True)),
    )
    for case, before, change, after in zip(given, lists, changes, results, strict=True):
        wanted = {
            row["identity"]: before[row["origin"]] if row["password"] == KEPT else row["password"]
            for row in case["rows"]
        }
        assert after == wanted, (case, change)
        assert (change is None) == (before == wanted), case
    assert sum(change is None for change in changes) < len(changes) / 2


def test_a_dialog_opened_again_before_the_deploy_shows_what_was_changed():
    given = cases()
    again = javascript.run(
        "resources/station-list.js",
        "return given.map(each => it.rowsOf(each.identities, it.changesOf(each.identities, each.rows)))",
        given,
    )
    for case, rows in zip(given, again, strict=True):
        assert by_name(rows) == by_name(case["rows"]), case


def test_stations_may_swap_their_names():
    after = javascript.run(
        "nodes/lib/password-list.js",
        "return it.applied(given, {rename: {A: 'B', B: 'A'}})",
        {"A": "pw-a", "B": "pw-b", "C": "pw-c"},
    )
    assert after == {"A": "pw-b", "B": "pw-a", "C": "pw-c"}


def test_the_list_says_what_is_wrong_with_which_station():
    rows = [
        {"identity": "CS1", "password": KEPT},
        {"identity": "", "password": "x" * 16},
        {"identity": "CS1", "password": ""},
        {"identity": "C:2", "password": "x" * 16},
        {"identity": "CS3", "password": "x" * 15},
    ]
    found = javascript.run(
        "resources/station-list.js",
        "const rules = require(given.rules); return it.faultsOf(given.rows, ['2.0.1'], rules)",
        {"rows": rows, "rules": str(PACKAGE / "resources/station-rules.js")},
    )
    assert [(each["index"], each["field"], each["key"]) for each in found] == [
        (1, "identity", "fault.identity"),
        (2, "identity", "fault.twice"),
        (2, "password", "fault.password"),
        (3, "identity", "identity2"),
        (4, "password", "password2"),
    ]
    assert [each["key"] for each in found if each.get("isDoubt")] == ["password2"]


RED = """
const credentials = new Map(Object.entries(given.credentials));
const routes = {};
const RED = {
    nodes: { getCredentials: id => credentials.get(id), addCredentials: (id, all) => credentials.set(id, all) },
    auth: { needsPermission: name => name },
    httpAdmin: { get: (path, permission, handler) => { routes[path] = { permission, handler } } },
};
"""


def test_the_changes_are_taken_in_once_and_other_credentials_stay():
    after = javascript.run(
        "nodes/lib/password-list.js",
        RED + "const first = it.settle(RED, 'n'); const again = it.settle(RED, 'n'); return {first, again}",
        {"credentials": {"n": {"basic_auths": '{"CS1": "x"}', "auth_changes": '{"set": {"CS2": "y"}}', "more": "z"}}},
    )
    assert after["first"] == {"basic_auths": '{"CS1":"x","CS2":"y"}', "more": "z"}
    assert after["again"] == after["first"]


@pytest.mark.parametrize(
    "credentials",
    [{}, {"basic_auths": "${LIST}", "auth_changes": "{}"}, {"basic_auths": "{}", "auth_changes": "[1]"}],
    ids=["none", "a list that is no list", "changes that are none"],
)
def test_what_cannot_be_taken_in_is_left_alone(credentials: dict[str, str]):
    assert (
        javascript.run(
            "nodes/lib/password-list.js", RED + "return it.settle(RED, 'n')", {"credentials": {"n": credentials}}
        )
        == credentials
    )


ASK = (
    RED
    + """
it.serve(RED);
const [[path, route]] = Object.entries(routes);
const answer = { status: 200 };
const response = {
    status (code) { answer.status = code; return response },
    json (body) { answer.body = body },
};
route.handler({ params: { id: 'n' } }, response);
return { path, permission: route.permission, ...answer }
"""
)


def test_the_server_names_identities_and_no_password_to_who_may_read():
    answer = javascript.run(
        "nodes/lib/password-list.js", ASK, {"credentials": {"n": {"basic_auths": '{"b":"p1","a":"p2"}'}}}
    )
    assert answer == {
        "path": "/ocppflow/csms/:id/stations",
        "permission": "CSMS.read",
        "status": 200,
        "body": {"stations": ["a", "b"]},
    }
    answer = javascript.run("nodes/lib/password-list.js", ASK, {"credentials": {"n": {"basic_auths": "secret"}}})
    assert answer["status"] == 409
    assert "secret" not in str(answer)


# --- the router -------------------------------------------------------------------------------------------------------


def routed(rules: list[dict[str, Any]], msgs: list[dict[str, Any]]) -> list[int]:
    return list(
        javascript.run(
            "nodes/lib/rule-matcher.js",
            "const route = it.router(given.rules); return given.msgs.map(route)",
            {"rules": rules, "msgs": msgs},
        )
    )


def message(kind: int, command: str, station: str, version: str = "2.0.1") -> dict[str, Any]:
    return {
        "payload": {"msgType": kind, "command": command, "cbId": station},
        "ocpp": {"ocppVersion": version, "command": command, "cbId": station},
    }


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ({"kind": "Request"}, [0, 1, 4]),
        ({"kind": "Request", "action": "Heartbeat"}, [0, 4]),
        ({"kind": "", "action": "Heart*, Boot?otification"}, [0, 1, 2, 4]),
        ({"kind": "Response", "station": "DEPOT-*"}, [2]),
        ({"kind": "Error"}, [3]),
        ({"kind": "Request", "version": "1.6"}, [4]),
        ({"kind": "", "station": "CS.*"}, []),
        ({"kind": "Connection"}, [5]),
        ({"kind": "Connection", "station": "X1"}, [5]),
        ({"kind": ""}, [0, 1, 2, 3, 4, 5]),
    ],
    ids=str,
)
def test_a_rule_is_met_by_kind_action_station_and_version(rule: dict[str, str], kept: list[int]):
    msgs = [
        message(2, "Heartbeat", "CS1"),
        message(2, "BootNotification", "DEPOT-1"),
        message(3, "Heartbeat", "DEPOT-2"),
        message(4, "Reset", "CS1"),
        message(2, "Heartbeat", "CS1", "1.6"),
        {"ocpp": {"websocket": "ONLINE", "cbId": "X1"}, "topic": "X1/Connection"},
        {"payload": {"connections": {}}},
        {"payload": "text"},
        {},
    ]
    assert [place for place, met in enumerate(routed([rule], msgs)) if met == 0] == kept


def test_the_first_rule_that_is_met_counts():
    rules = [{"kind": "Response"}, {"kind": "Request", "action": "Heartbeat"}, {"kind": "Request"}]
    assert routed(rules, [message(2, "Heartbeat", "CS1"), message(2, "Reset", "CS1"), {}]) == [1, 2, -1]


@pytest.mark.parametrize(
    ("rule", "unknown"),
    [
        ({"kind": "Request", "version": "1.6", "action": "StartTransaction, Boot*"}, []),
        ({"kind": "Request", "version": "2.0.1", "action": "Heartbeat,StartTransaction"}, ["StartTransaction"]),
        ({"kind": "Request", "version": "", "action": "StartTransaction"}, []),
        ({"kind": "", "version": "", "action": "heartbeat"}, ["heartbeat"]),
        ({"kind": "Connection", "version": "", "action": "anything"}, []),
        ({"kind": "Request"}, []),
    ],
    ids=str,
)
def test_an_action_that_no_msg_can_bear_is_told(rule: dict[str, str], unknown: list[str]):
    names = {str(version): list(actions(version)) for version in Version}
    found = javascript.run(
        "resources/router-rules.js", "return it.unknownActions(given.rule, given.names)", {"rule": rule, "names": names}
    )
    assert found == unknown


def test_outputs_keep_their_wires_when_rules_move():
    plain, answering = {"kind": "Request"}, {"kind": "Request", "answers": True, "answerType": "json", "answer": "{}"}
    for before, after in itertools.product([[plain] * 2, [plain, answering]], repeat=2):
        rows = [{"origin": 1, "rule": after[1]}, {"origin": None, "rule": plain}, {"origin": 0, "rule": after[0]}]
        had, has = answering in before, answering in after
        kept = javascript.run(
            "resources/router-rules.js",
            "return it.outputsOf(given.before, given.rows, given.outputs)",
            {"before": before, "rows": rows, "outputs": 4 if had else 3},
        )
        assert kept == [1, None, 0, 2, *([3 if had else None] if has else [])]

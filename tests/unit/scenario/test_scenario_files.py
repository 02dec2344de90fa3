"""A scenario file that is written wrong gets one line: the file, the step, the key, what is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.scenario.honest_csms import played

from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version
from ocppflow.scenario import given, parse_scenario, read_scenario, station_config, versions_of
from ocppflow.scenario.scenario import filled
from ocppflow.station.config_file import make_config

HEAD = 'title = "x"\n'
ONE = '[[steps]]\ndo = "plug 1"\n'

WRONG = [
    ("title = 1\n" + ONE, "title: text is wanted, not a whole number"),
    ('titel = "x"\n' + ONE, "titel: there is no such key; did you mean title?"),
    (HEAD, "steps: there are none; a step begins with [[steps]]"),
    (HEAD + "[[steps]\n", "not TOML: "),
    (HEAD + ONE + '[[steps]]\nexpct = "boot"\n', "step 2: nothing says what kind of step it is; did you mean expect?"),
    (HEAD + '[[steps]]\ndo = "plug 1"\nexpect = "boot"\n', "step 1: it is do and expect at once; make it 2 steps"),
    (HEAD + '[[steps]]\ndo = "plugg 1"\n', "step 1, do: there is no command 'plugg'; did you mean plug?"),
    (HEAD + '[[steps]]\ndo = "plug"\n', "step 1, do: it is typed: plug EVSE"),
    (HEAD + '[[steps]]\nexpect = "boot"\nwithn = 5\n', "step 1, withn: there is no such key; did you mean within?"),
    (HEAD + '[[steps]]\nexpect = "boot"\nwithin = "5"\n', "step 1, within: a number is wanted, not text"),
    (HEAD + '[[steps]]\nexpect = "boot"\nwithin = -1\n', "step 1, within: seconds are wanted, not -1"),
    (HEAD + '[[steps]]\nexpect = "startd"\n', "step 1, expect: there is no message 'startd'; did you mean started?"),
    (
        HEAD + '[[steps]]\nexpect = "TransactionEvent"\n',
        "step 1, expect: OCPP 1.6 has no action TransactionEvent: say versions = ['2.0.1', '2.1'], or use a neutral",
    ),
    (
        HEAD + '[[steps]]\nexpect = "started"\nmust = { tokn = 1 }\n',
        "step 1, must: the message TransactionEvent of OCPP 2.1 has no field tokn; did you mean token?",
    ),
    (
        HEAD + '[[steps]]\nexpect = "boot"\nmust = { status = { att_least = 1 } }\n',
        "step 1, must, status: there is no condition 'att_least'; did you mean at_least?",
    ),
    (HEAD + '[[steps]]\ndo = "swipe 1 $tokn"\n', "step 1: there is no variable $tokn; there are identity, version"),
    (HEAD + '[[steps]]\nwait_for = "enrgy"\n', "step 1, wait_for: there is no 'enrgy'; did you mean energy?"),
    (HEAD + '[[steps]]\nwait_for = "energy"\n', "step 1, be: it is missing; say what energy must be"),
    (HEAD + '[[steps]]\nwait_for = "connected"\nbe = 1\n', "step 1, be: connected has no value; leave it out"),
    (HEAD + '[[steps]]\nset = "X"\nto = 1\n', "step 1, set: Component.Variable is wanted, not 'X'"),
    (HEAD + '[[steps]]\nset = "X.Y"\n', "step 1, to: it is missing"),
    (HEAD + '[[steps]]\nnever = "boot"\n', "step 1, during: it is missing"),
    (HEAD + '[[steps]]\nanswer = "Rset"\nignore = true\n', "step 1, answer: there is no message 'Rset'; did you mean"),
    (HEAD + "[[steps]]\nrepeat = 2\n", "step 1, steps: there are none; each begins with [[steps.steps]]"),
    (
        HEAD + '[[steps]]\nrepeat = 2\n[[steps.steps]]\ndo = "x"\n',
        "step 1.1, do: there is no command 'x'; help shows the commands",
    ),
    (HEAD + 'versions = ["2.2"]\n' + ONE, "versions[0]: 1.6, 2.0.1, 2.1 are possible, not '2.2'"),
    (
        HEAD + 'versions = ["1.6"]\n[[steps]]\ndo = "plug 1"\nversions = ["2.1"]\n',
        "step 1, versions: the scenario is for 1.6 alone",
    ),
    (HEAD + "[station]\nmodl = 1\n" + ONE, "station: modl: there is no such key; did you mean model?"),
    (HEAD + '[station]\nmake = "ac-walbox"\n' + ONE, "station: there is no make 'ac-walbox'; did you mean ac-wallbox?"),
    (HEAD + '[[answers]]\nmessage = "*"\nignor = true\n' + ONE, "answers[0].ignor: there is no such key; did you mean"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_with_a_file_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_scenario(str(file))
    line = str(caught.value)
    assert line.startswith(f"{file}: {said}"), line
    assert "\n" not in line


def test_a_name_that_is_not_there_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="did you mean offline-session"):
        read_scenario("ofline-session")
    with pytest.raises(ConfigurationError, match="No such file"):
        read_scenario(str(tmp_path / "missing.toml"))


def test_variables_are_filled_in_and_keep_their_kind() -> None:
    known = {"a": 5, "b": "x"}
    assert filled("$a", known) == 5
    assert filled("$a $b, 5 $$", known) == "5 x, 5 $"
    assert filled({"k": ["$a", 1]}, known) == {"k": [5, 1]}
    with pytest.raises(KeyError):
        filled("$c", known)


def test_settings_have_the_kind_of_the_variable() -> None:
    read = parse_scenario(HEAD + 'variables = { n = 1, t = "x", f = 1.5, b = false }\n' + ONE)
    assert given(read, ["n=7", "t=7", "f=7", "b=true"]) == {"n": 7, "t": "7", "f": 7.0, "b": True}
    with pytest.raises(ConfigurationError, match="--set n=x: a number is wanted, as 1 is"):
        given(read, ["n=x"])
    with pytest.raises(ConfigurationError, match="has no such variable"):
        given(read, ["m=1"])


def test_a_make_of_ones_own_keeps_the_variables_that_the_scenario_wants() -> None:
    head = read_scenario("offline-session").head
    config = station_config(head, make_config("dc-fast-charger"))
    assert len(config.evses) == 3
    assert [each.variable for each in config.variables][-2:] == ["OfflineThreshold", "OfflineTxForUnknownIdEnabled"]


def test_versions_that_it_is_not_for_are_refused() -> None:
    read = parse_scenario(HEAD + 'versions = ["2.1"]\n' + ONE)
    assert versions_of(read, [Version.V16, Version.V21]) == [Version.V21]
    with pytest.raises(ConfigurationError, match=r"can be played in OCPP 2\.1 alone"):
        versions_of(read, [Version.V16])


PYTHON = '''
variables = {"token": "04A1B2C3"}

async def scenario(play):
    """A session, in Python.

    The CSMS takes it.
    """
    await play.do("plug 1 soc=20")
    await play.do(f"swipe 1 {play.variables['token']}")
    started = await play.expect("started", {"token": play.variables["token"]}, must={"status": "Accepted"})
    assert started.by == "station"
    await play.wait_for("energy", {"at_least": 5})
    await play.do("unplug 1")
    await play.expect("ended")
    FAIL
'''


@pytest.mark.parametrize("version", Version)
def test_a_scenario_in_python(version: Version, tmp_path: Path) -> None:
    file = tmp_path / "session.py"
    file.write_text(PYTHON.replace("FAIL", ""))
    read = read_scenario(str(file))
    assert (read.title, read.head.proves) == ("A session, in Python.", "The CSMS takes it.")
    assert played(read, version).verdict == "pass"
    file.write_text(PYTHON.replace("FAIL", "assert play.variables['token'] == 'X', 'another token'"))
    result = played(read_scenario(str(file)), version)
    assert (result.verdict, result.reason) == ("fail", "another token")


def test_a_python_file_that_is_wrong_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    for text, said in (
        ("def scenario(play): pass\n", "it has no `async def scenario(play)`"),
        ("x = (\n", "line 1: '(' was never closed"),
        ("import ocppflow\nx = 1 / 0\n", "line 2: ZeroDivisionError: division by zero"),
        ('begin = "x"\nasync def scenario(play): pass\n', "begin: stopped, connected, registered are possible"),
    ):
        file.write_text(text)
        with pytest.raises(ConfigurationError) as caught:
            read_scenario(str(file))
        assert str(caught.value).startswith(f"{file}: {said}"), str(caught.value)

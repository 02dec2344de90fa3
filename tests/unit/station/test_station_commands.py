"""Commands as words: understood, or refused in one line that says what to type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.errors import ConfigurationError, OCPPError
from ocppflow.station import CompleteStation
from ocppflow.station.station_commands import VERBS, CommandError, car_of, parse_command
from ocppflow.testing import ManualClock


def _station() -> CompleteStation:
    return CompleteStation("CS1", "ws://127.0.0.1:9/ocpp", clock=ManualClock())


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("plgu 1", "there is no command 'plgu'; did you mean plug?"),
        ("xyzzy", "help shows the commands"),
        ("plug", "it is typed: plug EVSE"),
        ("swipe 1", "it is typed: swipe EVSE TOKEN [TYPE]"),
        ("swipe 1 A ISO14443 more", "it is typed: swipe"),
        ("offline now", "it is typed: offline"),
        ("plug 'one", "a quotation mark is not closed"),
        ("", "nothing was typed"),
        ("plug " + "1" * 2000, "at most 1000 characters"),
    ],
)
def test_a_line_that_is_not_a_command(line: str, says: str) -> None:
    with pytest.raises(CommandError, match=None) as raised:
        parse_command(line)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("plug one", "an EVSE is a whole number, not 'one'"),
        ("plug -1", "an EVSE is a whole number"),
        ("plug 1 x", "a connector is a whole number"),
        ("plug 1 1 soc", "say of an EV something like soc=20"),
        ("plug 1 sock=20", "an EV has no 'sock'; did you mean soc?"),
        ("plug 1 soc=full", "soc is a number from 0 to"),
        ("plug 1 soc=101", "an EV's soc is from 0 to 100, not 101"),
        ("plug 1 soc=nan", "soc is a number"),
        ("plug 4", "there is no EVSE 4; the station has EVSE 1"),
        ("unplug 1 socket", "it is typed: unplug EVSE [ev]"),
        ("swipe 1 A Card", "the types are Central, DirectPayment"),
        ("fault 1 fire", "there is no fault 'fire'"),
        ("power-cut long", "the time without power is a number from 0 to 86400"),
        ("swipe 1 A", "the station has no power"),
        ("soc 1 120", "the state of charge is a number from 0 to 100"),
        ("soc 1 20", "no EV is at EVSE 1"),
        ("limit 1 16 V", "a limit is in A or W, not 'V'"),
        ("limit 1 16 A global", "local is for what is generated locally"),
        ("limit 4 16", "there is no EVSE 4"),
        ("release 1", "the station has no power"),
        ("priority 1 now", "priority charging is on or off"),
    ],
)
async def test_a_command_that_cannot_be_done(line: str, says: str) -> None:
    with pytest.raises(OCPPError) as raised:
        await parse_command(line).run(_station())
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_an_ev_is_described_in_words() -> None:
    station = _station()
    assert await parse_command("PLUG 1 soc=20 capacity=40000 phases=1").run(station) == (
        "an EV with 20 % is plugged in at EVSE 1"
    )
    car = station.simulated.evse(1).ev
    assert car is not None
    assert (car.soc, car.capacity, car.phases) == (20, 40_000, 1)
    assert await parse_command("soc 1 55").run(station) == "the EV at EVSE 1 is 55 % full"
    assert await parse_command("unplug 1").run(station) == "the EV at EVSE 1 is unplugged"
    assert await parse_command("fault 0 ground").run(station) == "ground at the station"
    assert station.snapshot().evses[0].faults == ["GroundFailure"]
    assert await parse_command("clear 0").run(station) == "the station is mended"


def test_no_words_are_no_ev() -> None:
    assert car_of([]) is None
    with pytest.raises(ConfigurationError, match="phases is from 1 to 3"):
        car_of(["phases=7"])


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_command_or_one_line(line: str) -> None:
    said = ""
    try:
        assert parse_command(line).verb.name in VERBS
    except CommandError as error:
        said = str(error) or "nothing\n"
    assert "\n" not in said


async def test_limits_from_outside_in_words() -> None:
    station = _station()
    station.power_up()
    assert await parse_command("limit 0 16 a").run(station) == "16 A are the limit from outside of the station"
    assert await parse_command("release 0").run(station) == "nothing from outside limits the station"
    with pytest.raises(OCPPError, match="there is no such limit"):
        await parse_command("release 0").run(station)
    assert await parse_command("limit 1 2000 W local").run(station) == "2000 W are generated locally for EVSE 1"
    assert await parse_command("release 1 local").run(station) == "nothing is generated locally for EVSE 1"
    assert "cannot be had" in await parse_command("priority 1").run(station)
    assert await parse_command("priority 1 off").run(station)

"""What people tell a station, as words: ``plug 1``, ``swipe 1 04A1B2C3``, ``power-cut 30``. The terminal and the
control API both go through here.
"""

from __future__ import annotations

import difflib
import math
import shlex
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ocppflow.errors import LocalError
from ocppflow.messages.v21 import ChargingRateUnitEnumType
from ocppflow.station.hardware import ElectricVehicle

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

_LONGEST_LINE: Final = 1000
_LONGEST_CUT: Final = 86_400.0
"""Seconds that the power may be away on command."""


class CommandError(LocalError):
    """A command that cannot be understood; says what and what to type instead."""


class Verb(NamedTuple):
    """One command."""

    name: str
    arguments: str
    """As shown to people; those in brackets may be left out."""
    help: str
    run: Callable[[CompleteStation, Sequence[str]], Awaitable[str]]

    @property
    def usage(self) -> str:
        """How it is typed."""
        return f"{self.name} {self.arguments}".strip()


class StationCommand(NamedTuple):
    """A command that has been understood as far as its words go."""

    verb: Verb
    words: tuple[str, ...]

    async def run(self, station: CompleteStation) -> str:
        """Do it. Returns what has been done, in one line. Raises CommandError, HardwareRefused, or another
        OCPPError."""
        return await self.verb.run(station, self.words)


def parse_command(line: str) -> StationCommand:
    """Raises CommandError."""
    if len(line) > _LONGEST_LINE:
        raise CommandError(f"a command has at most {_LONGEST_LINE} characters")
    try:
        words = shlex.split(line)
    except ValueError:
        raise CommandError("a quotation mark is not closed") from None
    if not words:
        raise CommandError("nothing was typed; help shows the commands")
    name = words[0].lower().replace("_", "-")
    verb = VERBS.get(name)
    if verb is None:
        near = difflib.get_close_matches(name, VERBS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "help shows the commands"
        raise CommandError(f"there is no command {words[0][:40]!r}; {hint}")
    arguments = verb.arguments.split()
    least = sum(not argument.startswith("[") and argument != "..." for argument in arguments)
    most = math.inf if "..." in arguments else len(arguments)
    if not least <= len(words) - 1 <= most:
        raise CommandError(f"it is typed: {verb.usage}")
    return StationCommand(verb, tuple(words[1:]))


# --- words ---------------------------------------------------------------------------------------------------------


def _number(word: str, what: str) -> int:
    if not (word.isascii() and word.isdecimal() and len(word) <= 6):
        raise CommandError(f"{what} is a whole number, not {word[:40]!r}")
    return int(word)


def _evse(word: str) -> int:
    return _number(word, "an EVSE")


def _amount(word: str, what: str, most: float) -> float:
    try:
        amount = float(word)
    except ValueError:
        amount = math.nan
    if not 0 <= amount <= most:
        raise CommandError(f"{what} is a number from 0 to {most:g}, not {word[:40]!r}")
    return amount


_CAR_FIELDS: Final = (
    *("capacity", "soc", "target_soc", "wants", "phases", "max_amps", "max_watts", "voltage", "efficiency", "reaction"),
    *("ready_after", "feeds_back"),
)


def car_of(words: Sequence[str]) -> ElectricVehicle | None:
    """The EV that ``soc=20 capacity=40000`` describes; None if there are no words. Raises CommandError, or
    ConfigurationError for an EV that cannot be."""
    fields: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise CommandError(f"{word[:40]!r}: say of an EV something like soc=20")
        if name not in _CAR_FIELDS:
            near = difflib.get_close_matches(name, _CAR_FIELDS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(_CAR_FIELDS)}"
            raise CommandError(f"an EV has no {name[:40]!r}; {hint}")
        amount = _amount(value, name, 1e7)
        fields[name] = int(amount) if name == "phases" else amount
    return ElectricVehicle(**fields) if fields else None


# --- verbs ---------------------------------------------------------------------------------------------------------


async def _plug(station: CompleteStation, words: Sequence[str]) -> str:
    evse, rest = _evse(words[0]), list(words[1:])
    connector = _number(rest.pop(0), "a connector") if rest and "=" not in rest[0] else 1
    await station.plug(evse, connector, car_of(rest))
    car = station.simulated.evse(evse)
    percent = f" with {car.soc:.0f} %" if car.soc is not None else ""
    return f"an EV{percent} is plugged in at EVSE {evse}"


async def _unplug(station: CompleteStation, words: Sequence[str]) -> str:
    evse = _evse(words[0])
    if len(words) > 1:
        if words[1].lower() != "ev":
            raise CommandError("it is typed: unplug EVSE [ev]; ev takes the plug out of the EV alone")
        await station.unplug_ev_side(evse)
    else:
        await station.unplug(evse)
    stays = station.simulated.evse(evse).connector
    return f"the EV at EVSE {evse} is unplugged{'; its cable is still in the socket' if stays else ''}"


async def _swipe(station: CompleteStation, words: Sequence[str]) -> str:
    await station.swipe(_evse(words[0]), *words[1:])
    return f"{words[1]} was presented at {_place(words[0])}"


async def _fault(station: CompleteStation, words: Sequence[str]) -> str:
    await station.fault(_evse(words[0]), *words[1:])
    return f"{words[1] if len(words) > 1 else 'GroundFailure'} at {_place(words[0])}"


async def _clear(station: CompleteStation, words: Sequence[str]) -> str:
    await station.clear(_evse(words[0]), *words[1:])
    return f"{_place(words[0])} is mended"


def _place(word: str) -> str:
    return f"EVSE {int(word)}" if int(word) else "the station"


async def _pause(station: CompleteStation, words: Sequence[str]) -> str:
    await station.suspend_ev(_evse(words[0]))
    return f"the EV at EVSE {words[0]} asks for no energy"


async def _resume(station: CompleteStation, words: Sequence[str]) -> str:
    await station.resume_ev(_evse(words[0]))
    return f"the EV at EVSE {words[0]} asks for energy again"


async def _end_session(station: CompleteStation, words: Sequence[str]) -> str:
    await station.end_session(_evse(words[0]))
    return f"the EV at EVSE {words[0]} has ended the session"


async def _park(station: CompleteStation, words: Sequence[str]) -> str:
    await station.park(_evse(words[0]))
    return f"the bay of EVSE {words[0]} is taken"


async def _leave(station: CompleteStation, words: Sequence[str]) -> str:
    await station.leave(_evse(words[0]))
    return f"the bay of EVSE {words[0]} is free"


async def _soc(station: CompleteStation, words: Sequence[str]) -> str:
    percent = _amount(words[1], "the state of charge", 100)
    await station.fill(_evse(words[0]), percent)
    return f"the EV at EVSE {words[0]} is {percent:g} % full"


_UNITS: Final[dict[str, ChargingRateUnitEnumType]] = {"A": "A", "W": "W"}


async def _limit(station: CompleteStation, words: Sequence[str]) -> str:
    limit = _amount(words[1], "a limit", 1e7)
    unit = _UNITS.get(words[2].upper() if len(words) > 2 else "W")
    if unit is None:
        raise CommandError(f"a limit is in A or W, not {words[2][:40]!r}")
    local = _is_local(words[3:])
    await station.limit_from_outside(_evse(words[0]), limit, unit, local_generation=local)
    what = "generated locally for" if local else "the limit from outside of"
    return f"{limit:g} {unit} are {what} {_place(words[0])}"


async def _release(station: CompleteStation, words: Sequence[str]) -> str:
    local = _is_local(words[1:])
    await station.release_from_outside(_evse(words[0]), local_generation=local)
    return f"{'nothing is generated locally for' if local else 'nothing from outside limits'} {_place(words[0])}"


def _is_local(words: Sequence[str]) -> bool:
    if words and words[0].lower() != "local":
        raise CommandError(f"local is for what is generated locally; {words[0][:40]!r} means nothing here")
    return bool(words)


async def _priority(station: CompleteStation, words: Sequence[str]) -> str:
    word = words[1].lower() if len(words) > 1 else "on"
    if word not in ("on", "off"):
        raise CommandError(f"priority charging is on or off, not {word[:40]!r}")
    if not await station.prioritize(_evse(words[0]), word == "on"):
        return f"priority charging cannot be had at EVSE {words[0]}: no transaction there, or no profile for it"
    return f"priority charging is {word} at EVSE {words[0]}"


async def _offline(station: CompleteStation, words: Sequence[str]) -> str:
    await station.offline()
    return "the network is away"


async def _online(station: CompleteStation, words: Sequence[str]) -> str:
    await station.online()
    return "the network is back"


async def _reboot(station: CompleteStation, words: Sequence[str]) -> str:
    await station.reboot()
    return "the station has rebooted"


async def _power_cut(station: CompleteStation, words: Sequence[str]) -> str:
    seconds = _amount(words[0], "the time without power", _LONGEST_CUT) if words else None
    await station.power_cut(seconds)
    return "the power was cut, and is back"


VERBS: Final = {
    verb.name: verb
    for verb in (
        Verb("plug", "EVSE [CONNECTOR] [NAME=VALUE] ...", "an EV comes, as in: plug 1 soc=20 capacity=60000", _plug),
        Verb("unplug", "EVSE [ev]", "it goes; ev: the plug is taken out of the EV alone", _unplug),
        Verb("swipe", "EVSE TOKEN [TYPE]", "a token is presented; EVSE 0: at the station's reader", _swipe),
        Verb("pause", "EVSE", "the EV asks for no energy", _pause),
        Verb("resume", "EVSE", "it asks for energy again", _resume),
        Verb("end-session", "EVSE", "the EV ends the session (ISO 15118)", _end_session),
        Verb("soc", "EVSE PERCENT", "the EV's battery is so full", _soc),
        Verb(
            "limit", "EVSE LIMIT [UNIT] [local]", "an EMS limits it, in W or A; local: generates so much more", _limit
        ),
        Verb("release", "EVSE [local]", "it lets go of that", _release),
        Verb("priority", "EVSE [off]", "the driver asks for priority charging", _priority),
        Verb("park", "EVSE", "a vehicle enters the parking bay", _park),
        Verb("leave", "EVSE", "it leaves the bay", _leave),
        Verb("fault", "EVSE [CODE]", "something breaks, such as GroundFailure; EVSE 0: the whole station", _fault),
        Verb("clear", "EVSE [CODE]", "it is mended", _clear),
        Verb("offline", "", "the network goes away", _offline),
        Verb("online", "", "it comes back", _online),
        Verb("reboot", "", "the station restarts in order", _reboot),
        Verb("power-cut", "[SECONDS]", "the power goes, and comes back", _power_cut),
    )
}
"""By name; the terminal adds ``help`` and ``quit``."""

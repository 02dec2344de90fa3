"""Another station, written as the requirements read, to hold ours against: statuses and reservations, by trying all."""

from __future__ import annotations

from itertools import permutations

Place = tuple[int, int]
Wish = tuple[str, int, str]
"""Whose, for which EVSE (0: any), which type of connector (empty: any)."""

CONNECTORS = {1: ("cType2", "cCCS2"), 2: ("cType2",), 3: ("cType2",)}
PLACES = [(evse, number) for evse, types in CONNECTORS.items() for number in range(1, len(types) + 1)]


class AccessModel:
    def __init__(self) -> None:
        self.shut: set[Place] = set()
        self.broken: set[Place] = set()
        self.cable: dict[int, int] = {}
        self.charging: dict[int, str] = {}
        self.wishes: dict[int, Wish] = {}
        self.shown: dict[Place, str] = {}
        self.show()

    # --- what is so ----------------------------------------------------------------------------------------------

    def works(self, place: Place) -> bool:
        around = {(0, 0), (place[0], 0), place}
        return not around & self.shut and not around & self.broken

    def would_do(self, wish: Wish, evse: int) -> bool:
        types = CONNECTORS[evse]
        return wish[1] in (0, evse) and any(
            self.works((evse, number)) and wish[2] in ("", kind) for number, kind in enumerate(types, 1)
        )

    def targets(self, wish: Wish) -> list[int]:
        return [evse for evse, kinds in CONNECTORS.items() if wish[1] in (0, evse) and wish[2] in ("", *kinds)]

    def touched(self, wish: Wish) -> bool:
        """Whether one of the EVSEs that it is for does not work."""
        return not all(self.would_do(wish, evse) for evse in self.targets(wish))

    def fits(self, wishes: list[Wish], evses: set[int]) -> bool:
        return any(
            all(self.would_do(wish, evse) for wish, evse in zip(wishes, chosen, strict=True))
            for chosen in permutations(sorted(evses), len(wishes))
        )

    def free(self) -> set[int]:
        """Without anybody, or with somebody who may not charge there."""
        shut_out = {evse for evse, number in PLACES if self.shown.get((evse, number)) == "Reserved"}
        return {
            evse for evse in CONNECTORS if evse not in self.charging and (evse not in self.cable or evse in shut_out)
        }

    def needed(self, evse: int, free: set[int]) -> bool:
        return evse in free and not self.fits(list(self.wishes.values()), free - {evse})

    def status(self, place: Place, free: set[int]) -> str:
        evse, number = place
        if place in self.broken:
            return "Faulted"
        here = evse in self.charging and self.cable.get(evse) == number
        if {(0, 0), (evse, 0)} & self.broken:
            return "Unavailable"
        if {(0, 0), (evse, 0)} & self.shut and evse not in self.charging:
            return "Unavailable"
        if place in self.shut and not here:
            return "Unavailable"
        if self.needed(evse, free):
            return "Reserved"
        return "Occupied" if self.cable.get(evse) == number else "Available"

    def show(self) -> None:
        kept: dict[int, Wish] = {}
        free = self.free()
        for number, wish in sorted(self.wishes.items(), key=lambda each: self.touched(each[1])):
            if self.fits([*kept.values(), wish], free):
                kept[number] = wish
        self.wishes = {number: wish for number, wish in self.wishes.items() if number in kept}
        while True:
            shown = {place: self.status(place, self.free()) for place in PLACES}
            if shown == self.shown:
                return
            self.shown = shown

    # --- what happens --------------------------------------------------------------------------------------------

    def change(self, place: Place, operative: bool) -> str:
        (self.shut.discard if operative else self.shut.add)(place)
        evse, number = place
        running = [each for each in self.charging if evse in (0, each)]
        held = any(not number or self.cable.get(each) == number for each in running)
        self.show()
        return "Scheduled" if held and not operative else "Accepted"

    def fault(self, place: Place) -> None:
        self.broken.add(place)
        evse, number = place
        for each in [each for each in self.charging if evse in (0, each) and number in (0, self.cable[each])]:
            del self.charging[each]
        self.show()

    def clear(self, place: Place) -> None:
        self.broken.discard(place)
        self.show()

    def plug(self, evse: int, number: int) -> None:
        self.cable[evse] = number
        self.show()

    def unplug(self, evse: int) -> None:
        del self.cable[evse]
        self.charging.pop(evse, None)
        self.show()

    def swipe(self, evse: int, card: str) -> None:
        if evse in self.charging:
            if self.charging[evse] == card:
                del self.charging[evse]
        elif self.works((evse, self.cable[evse])) and self.lets_in(evse, card):
            self.charging[evse] = card
        self.show()

    def faulty(self, evse: int) -> bool:
        return any(place[0] in (0, evse) for place in self.broken)

    def lets_in(self, evse: int, card: str) -> bool:
        free = self.free()
        needed = self.needed(evse, free)
        return self.use_up(evse, card, free) or not needed

    def use_up(self, evse: int, card: str, free: set[int]) -> bool:
        mine = [number for number, wish in self.wishes.items() if wish[0] == card and self.would_do(wish, evse)]
        for number in sorted(mine, key=lambda each: (self.wishes[each][1] == 0, self.wishes[each][2] == "")):
            others = [wish for other, wish in self.wishes.items() if other != number]
            if self.fits(others, free - {evse}):
                del self.wishes[number]
                return True
        return False

    def reserve(self, number: int, wish: Wish) -> str:
        others = [other for each, other in self.wishes.items() if each != number]
        if self.fits([*others, wish], self.free()):
            self.wishes.pop(number, None)
            self.wishes[number] = wish
            self.show()
            return "Accepted"
        targets = self.targets(wish)
        if not targets:
            return "Rejected"
        if any(self.would_do(wish, evse) for evse in targets):
            return "Occupied"
        return "Faulted" if all(self.faulty(evse) for evse in targets) else "Unavailable"

    def cancel(self, number: int) -> str:
        known = self.wishes.pop(number, None)
        self.show()
        return "Rejected" if known is None else "Accepted"

    def power_cut(self) -> None:
        self.wishes = dict(sorted(self.wishes.items()))
        self.show()

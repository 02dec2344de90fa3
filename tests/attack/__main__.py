"""``make attack``: each attack against targets of ours, ATTACK_SECONDS (5) long each; ATTACK=name,name picks some.

Beside each attack a well-behaved peer and newcomers must notice nothing, memory and log must stay within their bounds,
and SIGTERM must be obeyed. Exit code 1 on any finding; logs, traces, figures and a picture are in ``out/attack``.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import shutil
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from tests.attack import report
from tests.attack.attack import Attack
from tests.attack.table import ATTACKS
from tests.attack.targets import Setting
from tests.attack.trial import Result, Trial

FOLDER = Path("out/attack")
SECONDS = 5.0


def chosen(names: str) -> list[Attack]:
    """The attacks of these names, which may be beginnings ("calls" picks "calls" and "calls4"). Raises SystemExit."""
    if not names:
        return ATTACKS
    found: list[Attack] = []
    for name in filter(None, (each.strip() for each in names.split(","))):
        mine = [attack for attack in ATTACKS if attack.name.startswith(name)]
        if not mine:
            near = difflib.get_close_matches(name, [attack.name for attack in ATTACKS], n=3)
            raise SystemExit(f"there is no attack {name!r}; {', '.join(near or [each.name for each in ATTACKS])}")
        found += [attack for attack in mine if attack not in found]
    return found


class Run:
    """All trials, one after the other."""

    def __init__(self, attacks: list[Attack], seconds: float, folder: Path) -> None:
        self._trials = [(attack, setting) for attack in attacks for setting in attack.settings]
        self._seconds = seconds
        self._folder = folder
        self._now: tuple[Trial, float] | None = None
        self.results: list[Result] = []

    async def carry_out(self, live: Live, console: Console) -> None:
        showing = asyncio.create_task(self._show(live))
        for attack, setting in self._trials:
            result = await self._one(attack, setting)
            self.results.append(result)
            console.print(report.line(result))
        showing.cancel()

    async def _one(self, attack: Attack, setting: Setting) -> Result:
        folder = self._folder / f"{len(self.results) + 1:02}-{attack.name}"
        trial = Trial(attack, setting, self._seconds * attack.time, folder)
        self._now = trial, time.monotonic()
        try:
            return await trial.carry_out()
        except Exception as error:  # the verdict of one trial must not hide those of the others
            trial.result.findings.append(f"the trial failed ({trial.phase}): {error!r}"[:2000])
            return trial.result

    async def _show(self, live: Live) -> None:
        while True:
            if self._now is not None:
                trial, begun = self._now
                found = sum(bool(result.findings) for result in self.results)
                live.update(
                    Text(
                        f"{len(self.results) + 1}/{len(self._trials)}  {trial.result.name}  ({trial.result.target})"
                        f"  {trial.phase}  {time.monotonic() - begun:.0f} s  {found} with findings"
                    )
                )
            await asyncio.sleep(0.5)


def main() -> int:
    attacks = chosen(os.environ.get("ATTACK", ""))
    seconds = float(os.environ.get("ATTACK_SECONDS", SECONDS))
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    console = Console(width=None if sys.stdout.isatty() else 140)
    run = Run(attacks, seconds, FOLDER)
    begun = time.monotonic()
    with Live(console=console, refresh_per_second=2, transient=True) as live:
        asyncio.run(run.carry_out(live, console))
    console.print(report.table(run.results))
    report.write(FOLDER, run.results, time.monotonic() - begun)
    console.print(report.conclusion(run.results, FOLDER, time.monotonic() - begun))
    return 1 if any(result.findings for result in run.results) else 0


if __name__ == "__main__":
    sys.exit(main())

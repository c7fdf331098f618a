"""One run: people and staff act, faults strike meanwhile, everything heals, and the auditor compares."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from services.local.books import Where
from services.local.books import keeping as books
from services.local.books.line import Line
from services.local.broker import PrivateBroker
from services.local.cluster import Cluster
from services.local.life.post import Post
from services.local.life.scene import PLANTED, write_note
from services.local.network import NetworkFailed
from shared.contracts.feedback import OpenWindow, SubmitSlip
from shared.contracts.meetings import CancelMeeting, MoveMeeting, MoveOnline
from shared.contracts.registration import (
    AddWalkIn,
    CloseAttendance,
    CurrentAgreement,
    DecideConsents,
    GiveUpSeat,
    Join,
    Leave,
    MarkAttendance,
    SwitchMode,
    TakeSeat,
)
from shared.runtime.clock import SharedClock
from tests.chaos import parked
from tests.chaos.audit import Evidence, keep
from tests.chaos.audit.attacker import Truth
from tests.chaos.driver import History
from tests.chaos.driver.bridge import Bridge
from tests.chaos.driver.journal import Journal
from tests.chaos.driver.letters import Letters
from tests.chaos.driver.people import VISITOR
from tests.chaos.driver.scene import Scene
from tests.chaos.driver.staff import WINDOW_DAYS
from tests.chaos.driver.town import Town
from tests.chaos.faults import Effect, Fault
from tests.chaos.network import ChaosNetwork

FULL = 10.0
"""Minutes for which the faults' minimums are meant."""
TRIES = 6
"""A run goes on until each kind of fault has had its effect, for so many tries of each that it needs at most. Tries, and
not seconds: a busy machine needs more time."""
SETTLING = 180.0
"""Seconds until nothing must be unsettled any more."""
LULL = 10
"""So many times, three hours each: people go on once everything is healed, so that the last are asked and answer."""
LIVED = {
    Join.type: 60, TakeSeat.type: 300, SwitchMode.type: 30, GiveUpSeat.type: 50, MoveOnline.type: 10, MoveMeeting.type: 10,
    CancelMeeting.type: 3, MarkAttendance.type: 150, CloseAttendance.type: 10, AddWalkIn.type: 4, SubmitSlip.type: 20,
    DecideConsents.type: 10, OpenWindow.type: 1, Leave.type: 8,
}  # fmt: skip
"""What ten minutes of the history must have seen accepted, at least: what nobody did is easily balanced."""
LAST_DAYS = (WINDOW_DAYS + 2) * 86400.0
"""Domain seconds: after them every window has closed, its grace included."""


@dataclass
class Tally:
    """One kind of fault: how often it was tried, had an effect that was seen from outside, and must have had one."""

    fault: Fault
    need: int
    tried: int = 0
    observed: int = 0
    last: str = ""

    @property
    def short(self) -> bool:
        """Whether it has not had its effect often enough."""
        return self.observed < self.need


@dataclass
class Outcome:
    """What a run came to."""

    lines: list[Line] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Sentences on why the run proves nothing, or not enough."""
    counts: dict[str, int] = field(default_factory=dict)
    replayed: int = 0
    """Events that were parked though nothing was wrong with them, and were handled afterwards."""

    @property
    def good(self) -> bool:
        """Whether all lines balance, and every kind of fault has had its effect."""
        return bool(self.lines) and all(line.balances for line in self.lines) and not self.problems

    @property
    def red(self) -> list[str]:
        """The lines that do not balance."""
        return [line.what for line in self.lines if not line.balances]


def need(fault: Fault, minutes: float) -> int:
    """How often a fault of this kind must be seen in a run of this length; 0: it is not injected at all."""
    if minutes < FULL and not fault.in_short:
        return 0
    return max(1, math.floor(fault.minimum * minutes / FULL))


class Run:
    """Plays on a network that is up, until it is stopped and audited."""

    def __init__(
        self,
        chaos: ChaosNetwork,
        console: Console,
        *,
        seed: int,
        minutes: float,
        log: Path,
        patience: float = SETTLING,
        lull: int = LULL,
    ) -> None:
        self.chaos = chaos
        self.console = console
        self.minutes = minutes
        self._chance = random.Random(f"{seed} faults")
        network = chaos.network
        self.where = Where(
            folder=network.folder,
            database_url=network.database("{service}"),
            broker_url=network.broker.url,
            sink_log=network.around.sink_log,
            planted=network.folder / "run" / PLANTED,
            ctl=network.broker.ctl if isinstance(network.broker, PrivateBroker | Cluster) else None,
            rungs=chaos.ladder,
            patience=patience,
        )
        self.clock = SharedClock(network.around.clock_file)
        self.journal = Journal(log)
        self.seed = seed
        self._lull = lull

    def play(self, faults: Sequence[Fault], allowed_missing: Sequence[str] = ()) -> Outcome:
        """Everything, from the first request to the audit."""
        outcome = Outcome(tallies=self._tallies(faults))
        outcome.problems += self._impossible(outcome.tallies, allowed_missing)
        network = self.chaos.network
        with Bridge(network.broker.url, network.around.keys) as bridge:
            agreement = bridge.ask("portal", CurrentAgreement(), VISITOR).version
            scene = Scene(
                bridge, self.journal, Letters(Post(network.around.sink_log)), Town(), self.clock,
                network.url("portal"), network.url("sink"), agreement,
            )  # fmt: skip
            history = History(scene, self.seed)
            history.begin()
            try:
                self._strike(outcome.tallies)
                self.chaos.settle()
                self._go_on(scene.town)
            finally:
                history.stop()
            self._settle(history, outcome)
            history.close()
            outcome.problems += history.crashed
            self._audit(scene.town, outcome)
        outcome.problems += self._idle()
        self.journal.close()
        outcome.counts = dict(self.journal.counts)
        self._show(outcome)
        return outcome

    # -- faults -------------------------------------------------------------------------------

    def _tallies(self, faults: Sequence[Fault]) -> list[Tally]:
        return [Tally(fault, need(fault, self.minutes)) for fault in faults if need(fault, self.minutes)]

    def _impossible(self, tallies: list[Tally], allowed: Sequence[str]) -> list[str]:
        problems = []
        for tally in list(tallies):
            why = tally.fault.possible(self.chaos)
            if why is not None:
                tallies.remove(tally)
                if tally.fault.kind not in allowed:
                    problems.append(f"{tally.fault.kind}: {why} (--allow-missing '{tally.fault.kind}' leaves it out)")
        return problems

    def _strike(self, tallies: list[Tally]) -> None:
        began = time.monotonic()
        while time.monotonic() - began < self.minutes * 60:
            time.sleep(self._chance.uniform(0.3, 1.5))
            if tallies:
                self._inject(self._choose(tallies), began)
        while wanting := [tally for tally in tallies if tally.short and tally.tried < TRIES * tally.need]:
            self._inject(self._choose(wanting), began)

    def _choose(self, tallies: list[Tally]) -> Tally:
        """Whatever is farthest from its minimum is likelier; one that has reached it strikes now and then."""
        weights = [0.15 + 3.0 * max(0, t.need - t.observed) / t.need / (1 + t.tried / (2 * t.need)) for t in tallies]
        return self._chance.choices(tallies, weights)[0]

    def _inject(self, tally: Tally, began: float) -> None:
        effect: Effect = tally.fault.inject(self.chaos, self._chance)
        tally.tried += 1
        tally.observed += effect.observed
        tally.last = effect.what
        counts = self.journal.counts
        self.console.print(
            f"{time.monotonic() - began:5.0f} s  {'+' if effect.observed else '-'} {effect.fault}: {effect.what}"
            f"  [dim]{counts['intent']} asked, {counts['accepted']} accepted, {counts['unknown']} unknown[/]",
            highlight=False,
        )

    # -- afterwards ---------------------------------------------------------------------------

    def _go_on(self, town: Town) -> None:
        """All is well again: a day passes, and people answer what they were asked."""
        self.console.print("Everything is healed; people go on for a moment.")
        town.calm = True
        for _ in range(self._lull):
            time.sleep(4.0)
            self.clock.advance(3 * 3600.0)

    def _move(self, seconds: float, outcome: Outcome) -> None:
        try:
            self.chaos.move_clock(seconds, within=self.where.patience)
        except NetworkFailed as error:
            outcome.problems.append(f"the clock could not be moved on a healed network: {error}")

    def _settle(self, history: History, outcome: Outcome) -> None:
        undecided = history.decide(within=self.where.patience)
        outcome.problems += [f"nobody could decide: {each}" for each in undecided[:5]]
        self._move(LAST_DAYS, outcome)
        outcome.replayed = parked.replay_all(self.where, self.chaos.network.settings(), self._malformed(), self._quiet)
        unsettled = self._quiet()
        outcome.problems += [f"still unsettled after {self.where.patience:.0f} s: {each}" for each in unsettled[:10]]
        self.console.print(f"Replayed from the parking lots: {outcome.replayed}.")

    def _quiet(self) -> list[str]:
        return books.settle(self.where, self.clock.now)

    def _malformed(self) -> set[tuple[str, str]]:
        """What was put into queues to be parked, as the faults wrote it down."""
        file = self.chaos.malformed
        if not file.exists():
            return set()
        return {(line["service"], line["event_id"]) for line in map(json.loads, file.read_text().splitlines())}

    def _idle(self) -> list[str]:
        """What people did too little of for the books to prove anything."""
        done, part = self.journal.done, self.minutes / FULL
        return [
            f"{kind}: accepted {done[kind]} times of {int(count * part)} at least"
            for kind, count in LIVED.items()
            if done[kind] < int(count * part)
        ]

    def _audit(self, town: Town, outcome: Outcome) -> None:
        reached = {person.address for person in town.known}
        planted = {
            **{kind: sorted(texts) for kind, texts in town.planted.items()},
            "address": sorted(each for each in reached if "@" in each),
            "number": sorted(each for each in reached if "@" not in each),
        }
        write_note(self.where.folder, PLANTED, planted)
        truths = [Truth(given.member_id, given.answers) for given in town.given]
        evidence = Evidence(self.journal.file, frozenset(self._malformed()), truths)
        where = replace(self.where, strangers=frozenset(event_id for _, event_id in evidence.malformed))
        outcome.lines = keep(where, evidence, self.console, self.clock.now)

    def _show(self, outcome: Outcome) -> None:
        table = Table(title="The faults", title_style="bold", pad_edge=False)
        for name in ("", "kind", "tried", "observed", "minimum", "the last one"):
            table.add_column(name, overflow="fold")
        for tally in outcome.tallies:
            mark = "[bold red]≠[/]" if tally.short else "[green]=[/]"
            table.add_row(mark, tally.fault.kind, str(tally.tried), str(tally.observed), str(tally.need), tally.last)
            if tally.short:
                outcome.problems.append(f"{tally.fault.kind}: seen {tally.observed} times of {tally.need}")
        if outcome.tallies:
            self.console.print(table)
        words = ", ".join(f"{count} {what}" for what, count in outcome.counts.items())
        self.console.print(f"Requests: {words}", highlight=False)
        for problem in outcome.problems:
            self.console.print(f"[bold red]{problem}[/]", highlight=False)

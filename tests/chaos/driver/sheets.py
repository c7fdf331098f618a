"""Attendance by command, as the admin app would send it: who came, who walked in, and that the sheet is closed."""

from __future__ import annotations

import random

from shared.contracts.errors import Fault, Refused, Unreachable
from shared.contracts.meetings import MeetingView
from shared.contracts.registration import (
    AddWalkIn,
    CloseAttendance,
    ListMeetingSeats,
    MarkAttendance,
    Outcome,
    SeatState,
)
from tests.chaos.driver.desk import Desk
from tests.chaos.driver.doing import Doer
from tests.chaos.driver.scene import Scene

AT_ONCE = 12
"""Marks in one step: the rest of a long sheet waits for another."""


class Sheets:
    """One stream of attendance sheets over all chapters. ``step`` keeps the one that has been open longest."""

    def __init__(self, scene: Scene, doer: Doer, chance: random.Random) -> None:
        self._scene = scene
        self._desk = Desk(scene, doer)
        self._chance = chance
        self._closed: set[str] = set()
        self._marked: set[str] = set()

    def step(self) -> None:
        """Keep a sheet, where a meeting is over."""
        over = [each for each in self._scene.town.lately(self._scene.now()) if each.meeting_id not in self._closed]
        if over:
            self._keep(min(over, key=lambda each: each.starts_at))

    def _keep(self, meeting: MeetingView) -> None:
        """Mark who came, mostly; add a walk-in now and then; close it once everybody is marked."""
        host = self._scene.town.chapter(meeting.chapter_id).host
        try:
            sheet = self._scene.bridge.ask("admin", ListMeetingSeats(meeting_id=meeting.meeting_id), host)
        except (Refused, Fault, Unreachable):
            return
        here = {"meeting_id": meeting.meeting_id}
        open_ = [each for each in sheet.seats if each.state is SeatState.CONFIRMED and each.seat_id not in self._marked]
        for row in open_[:AT_ONCE]:
            outcome = self._chance.choices((Outcome.ATTENDED, Outcome.MISSED, Outcome.EXCUSED), (9, 1, 1))[0]
            command = MarkAttendance(**here, seat_id=row.seat_id, outcome=outcome)
            self._marked.add(row.seat_id)
            self._desk.ask(command, host, facts={**here, "seat_id": row.seat_id, "outcome": outcome.value})
        if len(open_) <= AT_ONCE:
            if self._chance.random() < 0.4 and meeting.offers:
                mode = self._chance.choice([offer.mode for offer in meeting.offers])
                self._desk.ask(AddWalkIn(**here, mode=mode), host, "guest_id", facts=here)
            self._closed.add(meeting.meeting_id)
            self._desk.ask(CloseAttendance(**here), host, facts=here)

"""Staff by command, as the admin app would send them: series, changes, sheets, windows."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from typing import Any

from shared.contracts.base import REQUESTS, Actor, Command, Mode, Role
from shared.contracts.errors import Fault, Refused, Unreachable
from shared.contracts.feedback import OpenWindow
from shared.contracts.meetings import (
    AddRoom,
    AddVenue,
    CancelMeeting,
    FindMeetings,
    FoundGroup,
    FoundRegion,
    MeetingView,
    ModeOffer,
    MoveBack,
    MoveMeeting,
    MoveOnline,
    OpenChapter,
    ScheduleSeries,
    SeriesRule,
)
from shared.contracts.registration import (
    AddWalkIn,
    CloseAttendance,
    ListMeetingSeats,
    MarkAttendance,
    Outcome,
    SeatState,
)
from tests.chaos.driver.bridge import Signer
from tests.chaos.driver.doing import Act, Doer, Facts
from tests.chaos.driver.scene import Scene
from tests.chaos.driver.town import Chapter

OPERATOR = Actor(role=Role.OPERATOR, id="operator")
REGIONAL = Actor(role=Role.REGIONAL, id="regional")
VISITOR = Actor(role=Role.VISITOR)
ZONE = "America/Chicago"
DAYS = "MO,TU,WE,TH,FR,SA,SU"
SIZES = ((4, 6), (8, 40))
"""Places in the room and online: small, so that lines form; and large, so that enough are there to be asked."""


class Staff:
    """One stream of staff acts over all chapters."""

    def __init__(self, scene: Scene, doer: Doer, chance: random.Random) -> None:
        self._scene = scene
        self._doer = doer
        self._chance = chance
        self._closed: set[str] = set()
        self._marked: set[str] = set()
        self._window_until = datetime.min.replace(tzinfo=scene.now().tzinfo)

    # -- before anything fails ----------------------------------------------------------------

    def found(self, chapters: int) -> None:
        """Region, chapters, groups, places, a series each, and a feedback window."""
        town = self._scene.town
        self._ask(FoundRegion(name="Lakeshore Circle", slug="lakeshore"), OPERATOR, "region_id", self._region)
        for number in range(chapters):
            command = OpenChapter(
                region_id=town.region_id, name=f"Chapter {number}", slug=f"chapter-{number}", time_zone=ZONE
            )
            self._ask(command, OPERATOR, "chapter_id", lambda told, n=number: self._chapter(told, n))
        for chapter in town.chapters:
            self._furnish(chapter)
            for size in SIZES:
                self._schedule(chapter, days=DAYS, size=size)
        self._open_window()
        self.look()

    def _region(self, told: Facts) -> None:
        self._scene.town.region_id = told["region_id"]

    def _chapter(self, told: Facts, number: int) -> None:
        self._scene.town.chapters.append(Chapter(told["chapter_id"], number))

    def _furnish(self, chapter: Chapter) -> None:
        town, here = self._scene.town, {"chapter_id": chapter.chapter_id}
        group = FoundGroup(**here, name=f"Evening circle {chapter.number}", purpose="We listen to each other.")
        self._ask(group, chapter.host, "group_id", lambda told: chapter.group_ids.append(told["group_id"]))
        for place in ("Library", "Harbor House"):
            venue = AddVenue(**here, name=f"{place} {chapter.number}", address="214 Larch Street", city="Lakeshore")
            self._ask(venue, chapter.host, "venue_id", lambda told: chapter.venue_ids.append(told["venue_id"]))
        link, passcode = f"https://meet.example.org/j/8391-2207-{50 + chapter.number}", f"heron-tern-{chapter.number}7"
        town.plant("secret", link)
        town.plant("secret", passcode)
        room = AddRoom(
            **here,
            name="Screen",
            link=self._scene.bridge.seal("meetings", link),
            passcode=self._scene.bridge.seal("meetings", passcode),
        )
        self._ask(room, chapter.host, "room_id", lambda told: setattr(chapter, "room_id", told["room_id"]))

    # -- one thing at a time ------------------------------------------------------------------

    def step(self) -> None:
        """Look what there is, and do one thing that staff may do now."""
        self.look()
        draw, now = self._chance.random(), self._scene.now()
        over = [each for each in self._scene.town.lately(now) if each.meeting_id not in self._closed]
        if over and draw < 0.75:
            self._keep_sheet(self._chance.choice(over))
        elif now > self._window_until:
            self._open_window()
        elif draw < 0.3:
            self._change()
        elif draw > 0.985:
            chapter = self._chance.choice(self._scene.town.chapters)
            self._schedule(chapter, days=self._chance.choice(("MO,WE", "TU,FR", "SA")))

    def look(self) -> None:
        """Ask for the meetings of these days, if the service answers."""
        now = self._scene.now()
        query = FindMeetings(
            after=now - timedelta(days=4), before=now + timedelta(days=6), include_over=True, limit=500
        )
        try:
            self._scene.town.see(self._scene.bridge.ask("admin", query, VISITOR).meetings)
        except (Refused, Fault, Unreachable):
            return

    def _schedule(self, chapter: Chapter, *, days: str, size: tuple[int, int] = SIZES[0]) -> None:
        in_room, online = size
        today = self._scene.now().date()
        command = ScheduleSeries(
            group_id=self._chance.choice(chapter.group_ids),
            rule=SeriesRule(
                rrule=f"FREQ=WEEKLY;BYDAY={days}",
                starts_on=today,
                starts=time(self._chance.choice((11, 17, 19)), self._chance.choice((0, 30))),
                minutes=self._chance.choice((60, 90)),
            ),
            offers=(
                ModeOffer(mode=Mode.IN_PERSON, capacity=in_room),
                ModeOffer(mode=Mode.ONLINE, capacity=online),
            ),
            venue_id=chapter.venue_ids[0],
            room_id=chapter.room_id,
        )
        self._ask(command, chapter.host, "series_id")

    def _open_window(self) -> None:
        opens = datetime.combine(self._scene.now().date(), time(0), self._scene.now().tzinfo)
        opens = max(opens, self._window_until)
        closes = opens + timedelta(days=3)
        command = OpenWindow(
            region_id=self._scene.town.region_id, name=f"From {opens:%d %B}", opens_at=opens, closes_at=closes,
            grace_hours=24,
        )  # fmt: skip

        def then(_told: Facts) -> None:
            self._window_until = closes

        self._ask(command, REGIONAL, "window_id", then)

    # -- changes ------------------------------------------------------------------------------

    def _change(self) -> None:
        coming = self._scene.town.coming(self._scene.now(), within=timedelta(days=3))
        if not coming:
            return
        meeting = self._chance.choice(coming[:8])
        host = self._scene.town.chapter(meeting.chapter_id).host
        facts = {"meeting_id": meeting.meeting_id, "revision": meeting.revision}
        draw = self._chance.random()
        if meeting.online_instead:
            self._ask(MoveBack(**facts), host, facts=facts)
        elif draw < 0.45:
            self._ask(MoveOnline(**facts), host, facts=facts)
        elif draw < 0.88:
            self._ask(self._moved(meeting), host, facts=facts)
        else:
            self._ask(CancelMeeting(**facts), host, facts=facts)

    def _moved(self, meeting: MeetingView) -> MoveMeeting:
        """Another venue, or half an hour more or less."""
        facts: dict[str, Any] = {"meeting_id": meeting.meeting_id, "revision": meeting.revision}
        venues = self._scene.town.chapter(meeting.chapter_id).venue_ids
        if self._chance.random() < 0.5 and meeting.place is not None:
            return MoveMeeting(**facts, venue_id=next(each for each in venues if each != meeting.place.venue_id))
        return MoveMeeting(**facts, minutes=self._chance.choice((45, 75, 105)))

    # -- the sheet ----------------------------------------------------------------------------

    def _keep_sheet(self, meeting: MeetingView) -> None:
        """Mark who came, mostly; add a walk-in now and then; close it once everybody is marked."""
        host = self._scene.town.chapter(meeting.chapter_id).host
        try:
            sheet = self._scene.bridge.ask("admin", ListMeetingSeats(meeting_id=meeting.meeting_id), host)
        except (Refused, Fault, Unreachable):
            return
        here = {"meeting_id": meeting.meeting_id}
        open_ = [each for each in sheet.seats if each.state is SeatState.CONFIRMED and each.seat_id not in self._marked]
        for row in open_[:12]:
            outcome = self._chance.choices((Outcome.ATTENDED, Outcome.MISSED, Outcome.EXCUSED), (9, 1, 1))[0]
            command = MarkAttendance(**here, seat_id=row.seat_id, outcome=outcome)
            self._marked.add(row.seat_id)
            self._ask(command, host, facts={**here, "seat_id": row.seat_id, "outcome": outcome.value})
        if len(open_) <= 12:
            if self._chance.random() < 0.4 and meeting.offers:
                mode = self._chance.choice([offer.mode for offer in meeting.offers])
                self._ask(AddWalkIn(**here, mode=mode), host, "guest_id", facts=here)
            self._closed.add(meeting.meeting_id)
            self._ask(CloseAttendance(**here), host, facts=here)

    # -- one request --------------------------------------------------------------------------

    def _ask(
        self, command: Command[Any], actor: Actor, answer: str = "", then: Any = None, *, facts: Any = None
    ) -> None:
        signer: Signer = "operator" if actor is OPERATOR else "admin"

        def send(request_id: str) -> Facts:
            view = self._scene.bridge.send(signer, command, actor, request_id)
            told = {answer: getattr(view, answer)} if answer else {}
            return told | ({"meetings": len(view.meetings)} if isinstance(command, ScheduleSeries) else {})

        assert command.type in REQUESTS
        self._doer.do(Act(command.type, send, facts or {}, then or (lambda _told: None)))

"""Staff by command, as the admin app would send them: series, changes, windows."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from typing import Any

from shared.contracts.base import Actor, Mode, Role
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
from tests.chaos.driver.desk import OPERATOR, Desk
from tests.chaos.driver.doing import Doer, Facts
from tests.chaos.driver.scene import Scene
from tests.chaos.driver.town import Chapter

REGIONAL = Actor(role=Role.REGIONAL, id="regional")
VISITOR = Actor(role=Role.VISITOR)
ZONE = "America/Chicago"
DAYS = "MO,TU,WE,TH,FR,SA,SU"
WINDOW_DAYS = 6
"""A day is a minute and a half of a run: what is urgent leaves first, and who attended must be asked before it closes."""
SIZES = ((4, 6), (8, 40))
"""Places in the room and online: small, so that lines form; and large, so that enough are there to be asked."""


class Staff:
    """One stream of staff acts over all chapters."""

    def __init__(self, scene: Scene, doer: Doer, chance: random.Random) -> None:
        self._scene = scene
        self._desk = Desk(scene, doer)
        self._chance = chance
        self._window_until = datetime.min.replace(tzinfo=scene.now().tzinfo)

    # -- before anything fails ----------------------------------------------------------------

    def found(self, chapters: int) -> None:
        """Region, chapters, groups, places, a series each, and a feedback window."""
        town = self._scene.town
        self._desk.ask(FoundRegion(name="Lakeshore Circle", slug="lakeshore"), OPERATOR, "region_id", self._region)
        for number in range(chapters):
            command = OpenChapter(
                region_id=town.region_id, name=f"Chapter {number}", slug=f"chapter-{number}", time_zone=ZONE
            )
            self._desk.ask(command, OPERATOR, "chapter_id", lambda told, n=number: self._chapter(told, n))
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
        self._desk.ask(group, chapter.host, "group_id", lambda told: chapter.group_ids.append(told["group_id"]))
        for place in ("Library", "Harbor House"):
            venue = AddVenue(**here, name=f"{place} {chapter.number}", address="214 Larch Street", city="Lakeshore")
            self._desk.ask(venue, chapter.host, "venue_id", lambda told: chapter.venue_ids.append(told["venue_id"]))
        link, passcode = f"https://meet.example.org/j/8391-2207-{50 + chapter.number}", f"heron-tern-{chapter.number}7"
        town.plant("secret", link)
        town.plant("secret", passcode)
        room = AddRoom(
            **here,
            name="Screen",
            link=self._scene.bridge.seal("meetings", link),
            passcode=self._scene.bridge.seal("meetings", passcode),
        )
        self._desk.ask(room, chapter.host, "room_id", lambda told: setattr(chapter, "room_id", told["room_id"]))

    # -- one thing at a time ------------------------------------------------------------------

    def step(self) -> None:
        """Look what there is, and do one thing that staff may do now."""
        self.look()
        draw = self._chance.random()
        if self._scene.now() > self._window_until:
            self._open_window()
        elif self._scene.town.calm:
            return
        elif draw < 0.05:
            self._change()
        elif draw > 0.997:
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
        self._desk.ask(command, chapter.host, "series_id")

    def _open_window(self) -> None:
        opens = datetime.combine(self._scene.now().date(), time(0), self._scene.now().tzinfo)
        opens = max(opens, self._window_until)
        closes = opens + timedelta(days=WINDOW_DAYS)
        command = OpenWindow(
            region_id=self._scene.town.region_id, name=f"From {opens:%d %B}", opens_at=opens, closes_at=closes,
            grace_hours=24,
        )  # fmt: skip

        def then(_told: Facts) -> None:
            self._window_until = closes

        self._desk.ask(command, REGIONAL, "window_id", then)

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
            self._desk.ask(MoveBack(**facts), host, facts=facts)
        elif draw < 0.45:
            self._desk.ask(MoveOnline(**facts), host, facts=facts)
        elif draw < 0.88:
            self._desk.ask(self._moved(meeting), host, facts=facts)
        else:
            self._desk.ask(CancelMeeting(**facts), host, facts=facts)

    def _moved(self, meeting: MeetingView) -> MoveMeeting:
        """Another venue, or half an hour more or less."""
        facts: dict[str, Any] = {"meeting_id": meeting.meeting_id, "revision": meeting.revision}
        venues = self._scene.town.chapter(meeting.chapter_id).venue_ids
        if self._chance.random() < 0.5 and meeting.place is not None:
            return MoveMeeting(**facts, venue_id=next(each for each in venues if each != meeting.place.venue_id))
        return MoveMeeting(**facts, minutes=self._chance.choice((45, 75, 105)))

"""What the acts share: the network, the clock, who is on the stage, and what has come of it so far."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.local.life.people import Person
from services.local.life.post import Post
from services.local.life.staff import Coordinator, Regional, Shown
from services.local.life.stage import CHAPTERS, MAIN, WALK_IN, Chapter, Role, cast, edition_of
from services.local.life.telling import Teller
from services.local.network import Network
from shared.contracts.base import Channel
from shared.runtime.clock import SharedClock

PLANTED = "planted.json"
SETTLING = 240.0
"""Seconds in which everybody must be done with what a leap of the clock brings."""


@dataclass
class Played:
    """What came of each act, for whoever checks it."""

    rows_imported: dict[str, int] = field(default_factory=dict)
    joined: int = 0
    in_room: int = 0
    in_line: int = 0
    online: int = 0
    unacked: int | None = None
    redelivered: int = 0
    news_after_kill: int = 0
    promoted: int = 0
    reminded: dict[str, int] = field(default_factory=dict)
    wrong_reminders: int = 0
    people_in_button: int = 0
    told: int = 0
    told_due: int = 0
    not_reached: list[tuple[str, str, str]] = field(default_factory=list)
    moved: int = 0
    calendars: int = 0
    calendars_risen: int = 0
    link_seen: bool = False
    attended: dict[str, int] = field(default_factory=dict)
    walk_ins: int = 0
    asked: int = 0
    slips: dict[str, int] = field(default_factory=dict)
    second_try: str = ""
    left: int = 0
    report: Shown | None = None
    regional_saw_a_person: bool = True
    books: bool = False
    seconds: float = 0.0


@dataclass
class Scene:
    """The stage while the story is played."""

    network: Network
    teller: Teller
    edition: int
    post: Post
    people: dict[str, list[Person]] = field(default_factory=dict)
    chapters: dict[str, str] = field(default_factory=dict)
    """Slug and id."""
    meetings: dict[str, str] = field(default_factory=dict)
    """The chapter's slug and the id of its evening."""
    coordinators: dict[str, Coordinator] = field(default_factory=dict)
    regional: Regional | None = None
    window: str = ""
    day: date = date.min
    """The day, in the first chapter's zone, on which the evenings are."""
    gone: set[str] = field(default_factory=set)
    """Aliases of those who gave up."""
    silent: set[str] = field(default_factory=set)
    """Aliases of those who texted STOP."""
    played: Played = field(default_factory=Played)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    @property
    def portal(self) -> str:
        """Where the portal answers."""
        return self.network.url("portal")

    @property
    def admin(self) -> str:
        """Where the admin app answers."""
        return self.network.url("admin")

    @property
    def evenings(self) -> list[Chapter]:
        """The chapters, as this edition plays them."""
        return [edition_of(chapter, self.edition) for chapter in CHAPTERS]

    @property
    def main(self) -> Chapter:
        """The first chapter."""
        return self.evenings[0]

    def everybody(self) -> Iterator[Person]:
        """The people of all chapters."""
        for people in self.people.values():
            yield from people

    # -- time ---------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Domain time in the first chapter's zone."""
        return SharedClock(self.network.around.clock_file).now().astimezone(ZoneInfo(MAIN.time_zone))

    def at(self, day: date, clock: time, zone: str = MAIN.time_zone) -> datetime:
        """A moment by a chapter's wall clock."""
        return datetime.combine(day, clock, ZoneInfo(zone))

    def go_to(self, moment: datetime) -> None:
        """Move the domain clock there, and wait until all four services have nothing left of the time before."""
        ahead = (moment - self.now()).total_seconds()
        if ahead > 0:
            self.network.advance(ahead, within=SETTLING)
        self.teller.say(f"The clock: {moment.astimezone(ZoneInfo(MAIN.time_zone)):%A %d %B, %H:%M}")

    def begin_at_ten(self) -> None:
        """The story begins in the morning: at night nobody's telephone should ring."""
        now = self.now()
        if not 9 <= now.hour < 16:
            days = 0 if now.hour < 9 else 1
            self.go_to(self.at(now.date() + timedelta(days=days), time(10)))
        self.day = self.now().date() + timedelta(days=2)

    # -- what is left in the folder -----------------------------------------------------------

    def plant(self, roles: dict[str, list[Role]]) -> None:
        """Write down all that was typed of a person, so that the books can look where it stands. For its owner alone."""
        everybody = [role for each in roles.values() for role in each]
        texts = [role for role in everybody if role.channel is Channel.SMS]
        mails = [role for role in everybody if role.channel is Channel.EMAIL]
        before = read_note(self.network.folder, PLANTED)
        planted = {
            "alias": [*(role.alias for role in everybody), WALK_IN],
            "address": [role.address for role in mails],
            "number": [role.address for role in texts],
            "typed": [role.contact for role in everybody],
            "secret": [each for chapter in CHAPTERS for each in (chapter.place.link, chapter.place.passcode)],
        }
        merged: dict[str, Any] = {
            **before,
            **{name: sorted({*new, *before.get(name, [])}) for name, new in planted.items()},
        }
        write_note(self.network.folder, PLANTED, merged)

    def count_slips(self) -> None:
        """Write down beside it how many slips somebody was thanked for, in all that was played here."""
        before = read_note(self.network.folder, PLANTED)
        thanked = sum(self.played.slips.values()) + before.get("slips_accepted", 0)
        write_note(self.network.folder, PLANTED, {**before, "slips_accepted": thanked})

    def enter(self) -> None:
        """Everybody comes on the stage, each with a browser."""
        roles = cast(self.edition)
        self.plant(roles)
        self.people = {slug: [Person(role, self.portal, self.post) for role in each] for slug, each in roles.items()}

    def leave(self) -> None:
        """Close every browser."""
        for person in self.everybody():
            person.close()
        for staff in (*self.coordinators.values(), *([self.regional] if self.regional else [])):
            staff.close()


def write_note(folder: Path, name: str, content: object) -> Path:
    """Write a file for its owner alone into the folder's ``run``; replaced whole."""
    file = folder / "run" / name
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump(content, out, indent=1)
    fresh.replace(file)
    return file


def read_note(folder: Path, name: str) -> dict[str, Any]:
    """What such a file holds; empty where there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / "run" / name).read_text())
    except (OSError, ValueError):
        return {}
    return found

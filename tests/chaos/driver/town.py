"""What all threads of the driver know: chapters, meetings, people. Rebuilt from answers, never read from a database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.local.life.stage import _BIRDS as BIRDS
from services.local.life.stage import _COLOURS as COLOURS
from shared.contracts.base import Actor, Channel, ChapterId, Mode, Role
from shared.contracts.meetings import MeetingView
from shared.runtime.ids import new_id

PLANTED = 60
"""So many people are looked for in every byte at the end; each costs the auditor a tenth of a second."""


@dataclass
class Chapter:
    """A chapter and what its coordinator may schedule with."""

    chapter_id: ChapterId
    number: int
    group_ids: list[str] = field(default_factory=list)
    venue_ids: list[str] = field(default_factory=list)
    room_id: str = ""

    @property
    def host(self) -> Actor:
        """Its coordinator."""
        return Actor(role=Role.COORDINATOR, id=f"coordinator-{self.number}", chapters=(self.chapter_id,))


@dataclass
class Person:
    """Somebody who joins: ``stage`` is how far they have come. ``seats`` holds the meetings where they hold one."""

    number: int
    alias: str
    channel: Channel
    contact: str
    address: str
    network: str
    member_id: str = field(default_factory=new_id)
    stage: str = "new"  # new, asked, verified, joined
    verification_id: str = ""
    codes_seen: int = 0
    asked_at: float = 0.0
    seats: dict[str, Mode] = field(default_factory=dict)
    silent: bool = False
    answered: set[str] = field(default_factory=set)

    @property
    def actor(self) -> Actor:
        """They themselves, signed in."""
        return Actor(role=Role.MEMBER, id=self.member_id)


@dataclass(frozen=True)
class Given:
    """Who handed in which answers: known to the driver alone, never to the network or the attacker."""

    member_id: str
    answers: dict[str, int]


class Town:
    """Chapters, meetings and people. Every method may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.region_id = ""
        self.chapters: list[Chapter] = []
        self.planted: dict[str, set[str]] = {"alias": set(), "typed": set(), "secret": set()}
        self._meetings: dict[str, MeetingView] = {}
        self._people = 0
        self.known: list[Person] = []
        """Of those who are looked for, whoever has proved an address."""
        self.given: list[Given] = []
        self.thanked = 0

    def newcomer(self) -> Person:
        """Somebody whom nobody knows yet; two of five are reached by text."""
        with self._lock:
            number, self._people = self._people, self._people + 1
        edition, at = divmod(number, len(COLOURS) * len(BIRDS))
        alias = f"{COLOURS[at % len(COLOURS)]} {BIRDS[at // len(COLOURS)]}"
        name, mark = alias.lower().replace(" ", "."), f"{edition}" if edition else ""
        by_text = number % 5 in (1, 3)
        area, line = 312 + number // 100, 100 + number % 100
        person = Person(
            number=number,
            alias=f"{alias} {mark}".strip(),
            channel=Channel.SMS if by_text else Channel.EMAIL,
            contact=f"({area}) 555-{line:04d}" if by_text else f"{name.title()}{mark}@example.org",
            address=f"+1{area}555{line:04d}" if by_text else f"{name}{mark}@example.org",
            network=f"198.18.{number % 250}.{number // 250 + 10}",
        )
        if number < PLANTED:
            self.plant("alias", person.alias)
            self.plant("typed", person.contact)
        return person

    def plant(self, kind: str, text: str) -> None:
        """Remember a text that may stand nowhere but sealed."""
        with self._lock:
            self.planted[kind].add(text)

    def prove(self, person: Person) -> None:
        """Their address is theirs: something has reached it."""
        if person.number < PLANTED:
            with self._lock:
                self.known.append(person)

    def hand_in(self, given: Given) -> None:
        """A slip was accepted."""
        with self._lock:
            self.given.append(given)
            self.thanked += 1

    def see(self, meetings: tuple[MeetingView, ...]) -> None:
        """These meetings, as they are now."""
        with self._lock:
            self._meetings.update({each.meeting_id: each for each in meetings})

    def coming(self, now: datetime, *, within: timedelta) -> list[MeetingView]:
        """Scheduled meetings that begin soon, by their start."""
        found = [each for each in self._all() if each.status == "scheduled" and now < each.starts_at < now + within]
        return sorted(found, key=lambda each: each.starts_at)

    def lately(self, now: datetime) -> list[MeetingView]:
        """Meetings of these days that have begun, and whose sheet can be kept."""
        return [
            each
            for each in self._all()
            if each.status != "cancelled" and now - timedelta(days=3) < each.starts_at < now - timedelta(minutes=5)
        ]

    def chapter(self, chapter_id: str) -> Chapter:
        """The chapter of this id."""
        return next(each for each in self.chapters if each.chapter_id == chapter_id)

    def _all(self) -> Iterator[MeetingView]:
        with self._lock:
            yield from list(self._meetings.values())

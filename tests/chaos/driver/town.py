"""What all threads of the driver know: chapters, meetings, people. Rebuilt from answers, never read from a database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.local.life.stage import cast
from shared.contracts.base import Actor, Channel, ChapterId, Mode, Role
from shared.contracts.meetings import MeetingView
from shared.runtime.ids import new_id

CAST, INHABITANTS = 72, 300
"""People of one edition of the cast, and in all: in five editions no telephone number comes twice."""
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
    stage: str = "new"  # new, asked, verified, joined, left
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
        self.joined: list[Person] = []
        """Who has joined by command, and may be asked to come in a rush."""
        self.given: list[Given] = []
        self.thanked = 0
        self._spent: set[str] = set()
        self.calm = False
        """Whether nobody asks for anything new, and nothing is changed: what is due leaves, and people answer."""

    @property
    def full(self) -> bool:
        """Whether nobody else comes: the cast has no more names, addresses and numbers."""
        return self._people >= INHABITANTS

    def newcomer(self) -> Person:
        """Somebody whom nobody knows yet, as the story that `make run` plays casts its people, edition after edition."""
        with self._lock:
            number, self._people = self._people, self._people + 1
        edition, at = divmod(number, CAST)
        role = [role for roles in cast(edition + 1).values() for role in roles][at]
        if number < PLANTED:
            self.plant("alias", role.alias)
            self.plant("typed", role.contact)
        return Person(number, role.alias, role.channel, role.contact, role.address, role.network)

    def plant(self, kind: str, text: str) -> None:
        """Remember a text that may stand nowhere but sealed."""
        with self._lock:
            self.planted[kind].add(text)

    def prove(self, person: Person) -> None:
        """Their address is theirs: something has reached it."""
        if person.number < PLANTED:
            with self._lock:
                self.known.append(person)

    def leave(self, person: Person) -> None:
        """They leave for good, and come to no rush any more."""
        with self._lock:
            self.joined.remove(person)

    def spend(self, code: str) -> bool:
        """Whether nobody has handed in a slip with this code before."""
        with self._lock:
            fresh = code not in self._spent
            self._spent.add(code)
            return fresh

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

"""What a region is made of: chapters, groups, venues and online rooms."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from services.meetings.recurrence.zones import UnknownZone, zone
from shared.contracts.base import ChapterId, GroupId, RegionId, RoomId, VenueId
from shared.contracts.errors import Invalid
from shared.contracts.meetings import (
    ChapterOpened,
    ChapterView,
    Format,
    GroupFounded,
    GroupView,
    Kind,
    MembershipPolicy,
    Place,
    RoomView,
)


@dataclass(frozen=True)
class Region:
    """One network of chapters."""

    region_id: RegionId
    name: str
    slug: str


@dataclass(frozen=True)
class Chapter:
    """A local branch, with its IANA zone and its languages (BCP 47, its own first)."""

    chapter_id: ChapterId
    region_id: RegionId
    name: str
    slug: str
    time_zone: str
    languages: tuple[str, ...]

    def opened(self) -> ChapterOpened:
        """The event that tells of it."""
        return ChapterOpened(
            chapter_id=self.chapter_id,
            region_id=self.region_id,
            name=self.name,
            slug=self.slug,
            time_zone=self.time_zone,
            languages=self.languages,
        )

    def view(self) -> ChapterView:
        """As pages show it."""
        return ChapterView(
            chapter_id=self.chapter_id,
            region_id=self.region_id,
            name=self.name,
            slug=self.slug,
            time_zone=self.time_zone,
            languages=self.languages,
        )


@dataclass(frozen=True)
class Group:
    """People who meet around a purpose. ``changed_at`` is when its description changed last."""

    group_id: GroupId
    chapter_id: ChapterId
    name: str
    purpose: str
    kind: Kind
    format: Format
    audience: str
    languages: tuple[str, ...]
    access: str
    policy: MembershipPolicy
    changed_at: datetime

    def founded(self) -> GroupFounded:
        """The event that tells of it."""
        return GroupFounded(
            group_id=self.group_id,
            chapter_id=self.chapter_id,
            name=self.name,
            kind=self.kind,
            format=self.format,
            policy=self.policy,
        )

    def view(self) -> GroupView:
        """As pages show it."""
        return GroupView(
            group_id=self.group_id,
            chapter_id=self.chapter_id,
            name=self.name,
            purpose=self.purpose,
            kind=self.kind,
            format=self.format,
            audience=self.audience,
            languages=self.languages,
            access=self.access,
            policy=self.policy,
        )


@dataclass(frozen=True)
class Venue:
    """A physical place. ``state`` is a province or state where a list gave one."""

    venue_id: VenueId
    chapter_id: ChapterId
    name: str
    address: str
    city: str
    state: str
    postal_code: str
    country: str
    access: str

    def place(self) -> Place:
        """As others are told of it."""
        return Place(
            venue_id=self.venue_id,
            name=self.name,
            address=self.address,
            city=f"{self.city}, {self.state}"[:200] if self.state else self.city,
            postal_code=self.postal_code,
            country=self.country,
            access=self.access,
        )


@dataclass(frozen=True)
class Room:
    """An online room, without its secrets: only whether there are any."""

    room_id: RoomId
    chapter_id: ChapterId
    name: str
    has_link: bool
    has_dial_in: bool

    def view(self) -> RoomView:
        """As pages show it."""
        return RoomView(room_id=self.room_id, name=self.name, has_link=self.has_link, has_dial_in=self.has_dial_in)


@dataclass(frozen=True)
class RoomSecrets:
    """What lets a person into an online room. In memory only for as long as it is sealed or handed on."""

    link: str | None
    dial_in: str | None
    passcode: str | None

    def __repr__(self) -> str:
        return "RoomSecrets(…)"


def known_zone(name: str) -> str:
    """The name, if IANA knows it. Raises Invalid."""
    try:
        zone(name)
    except UnknownZone as error:
        message = "no time zone has this name; it looks like Europe/London or America/New_York"
        raise Invalid(message, field="time_zone") from error
    return name


def clean_languages(languages: tuple[str, ...]) -> tuple[str, ...]:
    """BCP 47 tags, each once, in order. Raises Invalid where one is none, or there is none at all."""
    cleaned = tuple(dict.fromkeys(language.strip() for language in languages))
    if not cleaned or not all(_is_tag(language) for language in cleaned):
        raise Invalid("name at least one language by its tag: en, es, fr, pt-BR", field="languages")
    return cleaned


def _is_tag(language: str) -> bool:
    first, *rest = language.split("-")
    return (
        first.isascii()
        and first.isalpha()
        and 2 <= len(first) <= 3
        and all(part.isascii() and part.isalnum() and 1 <= len(part) <= 8 for part in rest)
    )


def line(text: str, field: str) -> str:
    """A line of text as typed. Raises Invalid where it holds control characters, which no database keeps alike."""
    if not all(letter.isprintable() or letter.isspace() or unicodedata.category(letter) == "Cf" for letter in text):
        raise Invalid("this holds a character that cannot be shown; type it again", field=field)
    return text


def short(text: str, field: str, most: int = 500) -> str:
    """Free text about a group or a place, trimmed. Raises Invalid where it is longer than ``most``."""
    cleaned = " ".join(line(text, field).split())
    if len(cleaned) > most:
        raise Invalid(f"say it in {most} characters", field=field)
    return cleaned
